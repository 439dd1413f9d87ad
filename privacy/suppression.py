"""The list of people who are never to be asked: it recognises them without knowing them."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from privacy.models import Suppression

if TYPE_CHECKING:
    from collections.abc import Iterable

    from privacy.models import Product


def suppression_digest(subject_key: str) -> bytes:
    """Return what the list keeps of an identifier: its HMAC-SHA256 (32 bytes) with a key that never changes.

    Args:
        subject_key: a normalised identifier with its kind: ``id:…``, ``mail:…`` or ``tel:…``.
    """
    return hmac.digest(settings.SUPPRESSION_KEY.encode(), subject_key.encode(), hashlib.sha256)


def suppress(*, product: Product, subject_keys: Iterable[str], reason: Suppression.Reason) -> None:
    """See to it that the product never again asks the person with these identifiers; twice is as good as once."""
    at = timezone.now()
    Suppression.objects.bulk_create(
        [
            Suppression(product=product, digest=suppression_digest(key), reason=reason, created_at=at)
            for key in subject_keys
        ],
        ignore_conflicts=True,
    )
