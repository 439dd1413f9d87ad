"""Who is being asked: identifiers brought into one form, and identities that a product's backend signed."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import jwt
import phonenumbers
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from privacy.suppression import suppression_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What clients send when they know nobody; taken literally, everybody would share one record.
# https://github.com/Wootric/WootricSDK-iOS/issues/33
NOBODY: Final = frozenset({"", "unknown", "anonymous", "null", "none", "nil", "undefined", "nan"})
LONGEST_SIGNED_IDENTITY: Final = timedelta(minutes=10)
LONGEST_EMAIL: Final = 254  # case-folding and IDNA make some addresses longer than they were written
CLOCK_SKEW: Final = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True)
class Person:
    """A respondent as the host product describes them, identifiers normalised; every part is optional."""

    external_id: str = ""
    email: str = ""
    phone: str = ""
    anonymous_id: str = ""
    name: str = ""
    company: str = ""
    country: str = ""
    language: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    customer_since: datetime | None = None
    is_signed: bool = False

    @property
    def subject_key(self) -> str:
        """The first identifier known, prefixed with its kind."""
        if self.external_id:
            return f"id:{self.external_id}"
        if self.email:
            return f"mail:{self.email}"
        if self.phone:
            return f"tel:{self.phone}"
        return f"anon:{self.anonymous_id}"

    @property
    def is_known(self) -> bool:
        return bool(self.external_id or self.email or self.phone)

    @property
    def device_key(self) -> str:
        """The key under which an identified person's device was met while it was anonymous; else empty."""
        return f"anon:{self.anonymous_id}" if self.is_known and self.anonymous_id else ""

    @property
    def suppression_digests(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """What the list of suppressed people would have of the id, the e-mail and the phone."""
        return (
            suppression_digest(f"id:{self.external_id}") if self.external_id else None,
            suppression_digest(f"mail:{self.email}") if self.email else None,
            suppression_digest(f"tel:{self.phone}") if self.phone else None,
        )


def identify(*, anonymous_id: str = "", **claims: Any) -> Person:
    """Return the person whom the claims describe; somebody without any identifier gets a fresh anonymous one.

    Args:
        anonymous_id: first-party id of the browser or device.
        claims: fields of ``Person`` as they came; e-mail and phone in any writing.

    Raises:
        ValidationError: ``invalid_email`` or ``invalid_phone``.
    """
    for name in ("external_id", "email", "phone"):
        claims[name] = _unless_nobody(claims.get(name) or "")
    claims["email"] = normalise_email(claims["email"])
    claims["phone"] = normalise_phone(claims["phone"])
    is_known = claims["external_id"] or claims["email"] or claims["phone"]
    anonymous_id = _unless_nobody(anonymous_id) or ("" if is_known else secrets.token_hex(16))
    return Person(anonymous_id=anonymous_id, **claims)


def _unless_nobody(identifier: str) -> str:
    identifier = identifier.strip()
    return "" if identifier.casefold() in NOBODY else identifier


def normalise_email(address: str) -> str:
    """Return the address trimmed, case-folded and with its domain in ASCII; empty stays empty.

    Raises:
        ValidationError: ``invalid_email``.
    """
    if not address:
        return ""
    mailbox, at, domain = address.strip().casefold().rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode()
    except UnicodeError:
        ascii_domain = ""
    normalised = f"{mailbox}@{ascii_domain}"
    if not (mailbox and at and ascii_domain) or len(normalised) > LONGEST_EMAIL:
        raise ValidationError(_("This is not an e-mail address."), code="invalid_email")
    return normalised


def normalise_phone(number: str) -> str:
    """Return the number in E.164; empty stays empty.

    Raises:
        ValidationError: ``invalid_phone``.
    """
    if not number:
        return ""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        raise ValidationError(_("This is not a phone number with its country code."), code="invalid_phone")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def verify_identity(token: str, *, secrets: Iterable[str], at: datetime) -> dict[str, Any] | None:
    """Return the claims of an identity that one of the product's secrets signed, or ``None``.

    Args:
        token: a JSON Web Token signed with HS256; ``exp`` lies at most ten minutes after ``iat``.
        secrets: the secrets in force; two while one replaces the other.
        at: now.
    """
    for secret in secrets:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                secret,
                algorithms=["HS256"],
                options={"require": ["exp", "iat"], "verify_exp": False, "verify_iat": False, "verify_aud": False},
            )
        except jwt.InvalidTokenError:
            continue
        return claims if _is_fresh(claims, at) else None
    return None


def _is_fresh(claims: dict[str, Any], at: datetime) -> bool:
    try:
        issued, expires = (datetime.fromtimestamp(claims[name], UTC) for name in ("iat", "exp"))
    except (TypeError, ValueError, OverflowError, OSError):
        return False
    return issued - CLOCK_SKEW <= at <= expires + CLOCK_SKEW and expires - issued <= LONGEST_SIGNED_IDENTITY
