"""Who is being asked: identifiers brought into one form, and identities that a product's backend signed."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

import jwt
import phonenumbers
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from privacy.suppression import suppression_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django_stubs_ext import StrOrPromise
    from jwt.types import Options

# What clients send when they know nobody; taken literally, everybody would share one record.
# https://github.com/Wootric/WootricSDK-iOS/issues/33
NOBODY: Final = frozenset({"", "unknown", "anonymous", "null", "none", "nil", "undefined", "nan"})
LONGEST_SIGNED_IDENTITY: Final = timedelta(minutes=10)
CLOCK_SKEW: Final = timedelta(seconds=60)
LONGEST_TOKEN: Final = 4096
LARGEST_TIME: Final = 10**12  # seconds; what lies beyond was meant as milliseconds or to break something
LONGEST_EMAIL: Final = 254  # case-folding and IDNA make some addresses longer than they were written
LONGEST_IDENTIFIERS: Final = {"id": 255, "email": LONGEST_EMAIL, "phone": 32}
# Claims are judged here, at a given time and without leeway for odd types; the library checks the signature.
SIGNATURE_ONLY: Final[Options] = {
    **{"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False},
    **{"verify_iss": False, "verify_sub": False, "verify_jti": False},
}
DOMAIN: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")  # Python's IDNA lets anything in ASCII pass
HMAC_TOKEN: Final = re.compile(r"hmac:([0-9]{1,12}):([0-9a-fA-F]{64})")


class IdentityError(Exception):
    """A signed identity proves nothing; ``status`` is the answer HTTP has for it."""

    code: ClassVar[str]
    status: ClassVar[int] = 403
    message: ClassVar[StrOrPromise]
    field: ClassVar[str] = "identity"

    def __init__(self) -> None:
        super().__init__(self.code)


class ForgedIdentity(IdentityError):
    code = "invalid_identity"
    message = _("This identity is malformed, or no secret of the product that is in force signed it.")


class ExpiredIdentity(IdentityError):
    code = "expired_identity"
    message = _("This identity is older than ten minutes, or was signed by a clock that runs ahead.")


@dataclass(frozen=True, kw_only=True)
class Person:
    """A respondent as the host product describes them, identifiers normalised; every part is optional.

    Args:
        is_nameless: came without any identifier and was given an anonymous id that nobody else knows.
    """

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
    is_nameless: bool = False

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
    def is_described(self) -> bool:
        """Whether anything is told beside an id: how to reach them, or what they are like."""
        known_by, told = (self.email, self.phone), (self.name, self.company, self.country, self.language)
        return any((*known_by, *told, self.properties, self.customer_since))

    @property
    def is_known_by_address(self) -> bool:
        """Whether an e-mail or a phone is all that is known; the product may have given them with an id before."""
        return bool(not self.external_id and (self.email or self.phone))

    @property
    def device_key(self) -> str:
        """The key under which an identified person's device was met while it was anonymous; else empty."""
        return f"anon:{self.anonymous_id}" if self.is_known and self.anonymous_id else ""

    @property
    def lasting_keys(self) -> tuple[str, ...]:
        """The identifiers that stay the same on every device, each with its kind."""
        kinds = (("id", self.external_id), ("mail", self.email), ("tel", self.phone))
        return tuple(f"{kind}:{identifier}" for kind, identifier in kinds if identifier)

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
    anonymous_id = _unless_nobody(anonymous_id)
    is_nameless = not (is_known or anonymous_id)
    return Person(
        anonymous_id=secrets.token_hex(16) if is_nameless else anonymous_id, is_nameless=is_nameless, **claims
    )


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
    is_one_line = mailbox.isprintable() and " " not in mailbox  # nothing of it may end a header or hide in a list
    if not (mailbox and at and is_one_line and DOMAIN.fullmatch(ascii_domain)) or len(normalised) > LONGEST_EMAIL:
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


def verify_identity(token: str, *, external_id: str, secrets: Iterable[str], at: datetime) -> dict[str, Any]:
    """Return what the product's backend signed about a person: at least one of ``id``, ``email`` and ``phone``.

    A token names one person and can prove nothing else. Within its ten minutes it may be used as often as that person
    opens pages, so it needs no ``jti``; afterwards it is worthless to whoever kept it.

    Args:
        token: a JSON Web Token signed with HS256, whose ``exp`` lies at most ten minutes after ``iat``; or
            ``hmac:<unix seconds>:<hex>`` where hex is the HMAC-SHA256 of ``<unix seconds>.<id>``.
        external_id: the id that was sent beside the token, as it came; only the HMAC needs it.
        secrets: the secrets in force; two while one replaces the other.
        at: now.

    Raises:
        ForgedIdentity: no secret in force signed it, or it is malformed, or names nobody.
        ExpiredIdentity: it is too old, or from the future by more than clocks differ.
    """
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise ForgedIdentity
    if token.startswith("hmac:"):
        return _verify_hmac(token, external_id, secrets, at)
    return _verify_jwt(token, secrets, at)


def _verify_hmac(token: str, external_id: str, secrets: Iterable[str], at: datetime) -> dict[str, Any]:
    parts = HMAC_TOKEN.fullmatch(token)
    if parts is None:
        raise ForgedIdentity
    claims = {"id": _as_identifier("id", external_id)}
    signed, signature = f"{parts[1]}.{external_id}".encode(), bytes.fromhex(parts[2])
    if not any(
        hmac.compare_digest(hmac.digest(secret.encode(), signed, hashlib.sha256), signature) for secret in secrets
    ):
        raise ForgedIdentity
    issued = int(parts[1])
    expires = issued + LONGEST_SIGNED_IDENTITY.total_seconds()
    _check_window(issued=issued, begins=issued, expires=expires, at=at)
    return claims


def _verify_jwt(token: str, secrets: Iterable[str], at: datetime) -> dict[str, Any]:
    claims = _signed_claims(token, secrets)
    issued, expires = _as_time(claims.get("iat")), _as_time(claims.get("exp"))
    named = {
        name: _as_identifier(name, claims[name]) for name in LONGEST_IDENTIFIERS if claims.get(name) not in (None, "")
    }
    if not named:
        raise ForgedIdentity
    begins = max(issued, _as_time(claims.get("nbf", issued)))
    _check_window(issued=issued, begins=begins, expires=expires, at=at)
    return named


def _signed_claims(token: str, secrets: Iterable[str]) -> dict[str, Any]:
    for secret in secrets:
        try:
            claims: dict[str, Any] = jwt.decode(token, secret, algorithms=["HS256"], options=SIGNATURE_ONLY)
        except (jwt.PyJWTError, RecursionError):
            continue
        return claims
    raise ForgedIdentity


def _as_time(value: Any) -> float:
    """Return a NumericDate of RFC 7519, in seconds since 1970."""
    if type(value) not in {int, float} or not abs(value) < LARGEST_TIME:  # not: NaN is no smaller than anything
        raise ForgedIdentity
    seconds: float = value
    return seconds


def _as_identifier(name: str, value: Any) -> str:
    """Return a signed identifier; one that storing would change is refused, for it might turn into somebody else's."""
    if name == "id" and type(value) is int:
        value = str(value)
    if not isinstance(value, str) or len(value) > LONGEST_IDENTIFIERS[name] or not _unless_nobody(value):
        raise ForgedIdentity
    if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ForgedIdentity
    if name == "id" and value != value.strip():
        raise ForgedIdentity
    return value


def _check_window(*, issued: float, begins: float, expires: float, at: datetime) -> None:
    if not 0 <= expires - issued <= LONGEST_SIGNED_IDENTITY.total_seconds():
        raise ForgedIdentity
    skew = CLOCK_SKEW.total_seconds()
    if not begins - skew <= at.timestamp() <= expires + skew:
        raise ExpiredIdentity
