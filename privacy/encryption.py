"""Identifiers that must be kept readable for a while are encrypted at rest; what only has to match is hashed."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.expressions import Expression


@lru_cache(maxsize=1)
def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS])


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is encrypted in the database with FIELD_ENCRYPTION_KEYS; it cannot be searched, only read back."""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return encrypt(value) if value else value

    def from_db_value(self, value: str | None, expression: Expression, connection: BaseDatabaseWrapper) -> str | None:
        return decrypt(value) if value else value


def encrypt(text: str) -> str:
    """Return the text as an ``EncryptedTextField`` would store it."""
    return _fernet().encrypt(text.encode()).decode()


def decrypt(text: str) -> str:
    """Return the text that ``encrypt`` or an ``EncryptedTextField`` stored."""
    return _fernet().decrypt(text.encode()).decode()


def keyed_hash(purpose: str, value: str) -> bytes:
    """Return an HMAC-SHA256 (32 bytes) of the value that equals another one's only for the same purpose and value."""
    return hmac.digest(settings.SECRET_KEY.encode(), f"{purpose}\x00{value}".encode(), "sha256")


def new_token() -> str:
    """Return a fresh URL-safe token made of 32 random bytes."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> bytes:
    """Return what is stored of a token: its SHA-256 (32 bytes); a random token needs no key or salt."""
    return hashlib.sha256(token.encode()).digest()
