"""Who asks: mailboxes as they are compared, one-time tokens, and the proofs of what is somebody's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.encoding import punycode

from privacy.access_log import record_access
from privacy.audit import Action, lock, record
from privacy.encryption import keyed_hash, new_token, token_digest
from privacy.lifecycle import State, advance
from privacy.models import AccessLogEntry, IdentityProof, RequestEvent, RequestToken, RightsRequest

if TYPE_CHECKING:
    from django.contrib.auth.models import User

IDENTIFYING: Final = ("email", "details", "postal_address", "mandate")
PROVED: Final = {
    IdentityProof.Kind.MAILBOX: Action.MAILBOX_CONFIRMED,
    IdentityProof.Kind.RECEIPT: Action.RECEIPT_PROVED,
    IdentityProof.Kind.INVITATION: Action.INVITATION_PROVED,
    IdentityProof.Kind.SIGNED: Action.ACCOUNT_PROVED,
    IdentityProof.Kind.STAFF: Action.DOCUMENT_SEEN,
}
TOKEN_LIFE: Final = {RequestToken.Purpose.CONFIRM_MAILBOX: timedelta(days=7)}


class Standing(Enum):
    """What a confirmation link is worth now."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    ALREADY_CONFIRMED = "already_confirmed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Confirmation:
    """A confirmation link: what it is worth, and its request unless nobody knows the link."""

    standing: Standing
    request: RightsRequest | None = None


def normalised_mailbox(email: str) -> str:
    """Return an address as it is compared: trimmed, without case, its domain as in the DNS."""
    local, at, domain = email.strip().casefold().rpartition("@")
    try:
        return f"{local}{at}{punycode(domain)}"
    except UnicodeError:  # no name the DNS could hold; then the text itself is compared
        return f"{local}{at}{domain}"


def mailbox_hash(email: str) -> bytes:
    """Return what two requests from one mailbox have in common (32 bytes)."""
    return keyed_hash("mailbox", normalised_mailbox(email))


def receipt_code_hash(code: str) -> bytes:
    """Return what is stored of a receipt code (32 bytes), the digest its response has too, however it was typed.

    Codes are shown as XXXX-XXXX-XXXX-XXXX; people leave out the dashes, or copy blanks along.
    """
    letters = "".join(letter for letter in code.upper() if letter.isalnum())
    return token_digest("-".join(letters[start : start + 4] for start in range(0, len(letters), 4)))


@transaction.atomic
def reveal(*, request: RightsRequest, user: User) -> dict[str, str]:
    """Return who asks and in which words, after writing into trail and access log that the member of staff reads it.

    Returns:
        name of the field → value, for the fields that were filled in.

    Raises:
        PermissionDenied: the user may not see who makes requests, or not those to this controller.
    """
    visible = RightsRequest.objects.visible_to(user).filter(pk=request.pk).exists()
    if not visible or not user.has_perm("privacy.reveal_rightsrequest"):
        raise PermissionDenied
    found = {name: getattr(request, name) for name in IDENTIFYING if getattr(request, name)}
    record(
        request=request,
        actor=RequestEvent.Actor.STAFF,
        action=Action.IDENTITY_REVEALED,
        user=user,
        fields=found,
    )
    record_access(
        user=user,
        purpose=AccessLogEntry.Purpose.RIGHTS_REQUEST,
        record=request,
        controller=request.controller,
        product=request.product,
    )
    return found


def mint_token(*, request: RightsRequest, purpose: RequestToken.Purpose) -> str:
    """Make a one-time secret for one request and one purpose; only its digest is stored."""
    token = new_token()
    RequestToken.objects.create(
        request=request,
        purpose=purpose,
        digest=token_digest(token),
        expires_at=timezone.now() + TOKEN_LIFE[purpose],
    )
    return token


def look_up_confirmation(*, token: str) -> Confirmation:
    """Tell what a confirmation link is worth, and change nothing."""
    found = (
        RequestToken.objects.select_related("request__controller")
        .filter(digest=token_digest(token), purpose=RequestToken.Purpose.CONFIRM_MAILBOX)
        .first()
    )
    if found is None:
        return Confirmation(Standing.UNKNOWN)
    if found.used_at or _mailbox_is_proved(found.request):
        return Confirmation(Standing.ALREADY_CONFIRMED, found.request)
    if found.expires_at <= timezone.now():
        return Confirmation(Standing.EXPIRED, found.request)
    return Confirmation(Standing.OPEN, found.request)


@transaction.atomic
def confirm_mailbox(*, token: str) -> Confirmation:
    """Use a confirmation link up: prove the mailbox of its request, and of no other.

    Returns:
        The link's standing: ``CONFIRMED`` the first time, ``ALREADY_CONFIRMED`` afterwards; an expired or unknown
        one changes nothing.
    """
    known = look_up_confirmation(token=token)
    if known.request is None:
        return known
    lock(known.request)
    seen = look_up_confirmation(token=token)  # again, now that nobody else can use it up
    request = seen.request
    if seen.standing is not Standing.OPEN or request is None:
        return seen
    RequestToken.objects.filter(digest=token_digest(token)).update(used_at=timezone.now())
    prove_mailbox(request=request)
    return Confirmation(Standing.CONFIRMED, request)


def prove_mailbox(*, request: RightsRequest) -> bool:
    """Store that the request's mailbox is the person's own; return whether that was news."""
    if not request.email or _mailbox_is_proved(request):
        return False
    mailbox = normalised_mailbox(request.email)
    prove(request=request, kind=IdentityProof.Kind.MAILBOX, identifier=mailbox, identifier_hash=mailbox_hash(mailbox))
    return True


@transaction.atomic
def prove(
    *,
    request: RightsRequest,
    kind: IdentityProof.Kind,
    identifier: str,
    identifier_hash: bytes | None = None,
    document: str = "",
    user: User | None = None,
) -> IdentityProof:
    """Store a proof, and move a request that waited for one; one that staff already work on only gains the proof.

    Args:
        identifier: what was proved, normalised, by which records are found; kept encrypted.
        identifier_hash: what stays of it when the request is closed (32 bytes).
        document: the kind of document that the member of staff saw.
    """
    state = State(lock(request).state)
    proof = IdentityProof.objects.create(
        request=request,
        kind=kind,
        identifier=identifier,
        identifier_hash=identifier_hash or keyed_hash(kind, identifier),
        document=document,
        checked_by=user,
    )
    actor = RequestEvent.Actor.STAFF if user else RequestEvent.Actor.PERSON
    record(request=request, actor=actor, action=PROVED[kind], user=user, fields=[str(kind)])
    if state == State.LAPSED:
        advance(request=request, to=State.RECEIVED, actor=actor, user=user)
    if state in (State.LAPSED, State.RECEIVED, State.AWAITING_CONFIRMATION):
        advance(request=request, to=State.VERIFIED, actor=actor, user=user)
    return proof


def _mailbox_is_proved(request: RightsRequest) -> bool:
    return IdentityProof.objects.filter(request=request, kind=IdentityProof.Kind.MAILBOX).exists()
