"""The page about a request: what its maker sees of it, once they prove that it is theirs, and what they can do.

There is no account and no cookie. A code from the mailbox, or where there is none the receipt code that the request
was made with, gives a pass, which the page's own forms carry on for half an hour. Whoever only knows a reference learns
nothing, not even whether there is such a request.
"""

from __future__ import annotations

import hmac
from typing import Final

from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from privacy.audit import Action, lock, record
from privacy.codes import use_code
from privacy.identity import mailbox_hash, prove_mailbox, receipt_code_hash
from privacy.lifecycle import State, advance
from privacy.limits import Limit, hit
from privacy.models import RequestEvent, RequestItem, RequestMessage, RequestToken, RightsRequest

PASS_SALT: Final = "privacy.standing.pass"  # noqa: S105  a salt is no secret
PASS_SECONDS: Final = 30 * 60
# Nobody fills somebody's mailbox, with however many requests, or tries out codes for long.
CODES: Final = Limit("standing-codes", times=5, seconds=60 * 60)
CODES_A_DAY: Final = Limit("standing-codes-a-day", times=10, seconds=24 * 60 * 60)
RECEIPTS: Final = Limit("standing-receipts", times=5, seconds=60 * 60)
LONGEST_ADDITION: Final = 2000
LONGEST_DETAILS: Final = 20_000
PERSON: Final = RequestEvent.Actor.PERSON
WITHDRAWABLE: Final = (State.AWAITING_CONFIRMATION, State.NEEDS_INFORMATION)


def owe_status_code(*, reference: str) -> RequestMessage | None:
    """Owe the mailbox of a request a fresh code; nothing where there is no such request, mailbox, or were too many."""
    request = RightsRequest.objects.filter(reference=reference).first()
    if request is None or not request.email:
        return None
    mailbox = mailbox_hash(request.email).hex()
    if hit(CODES, mailbox) is not None or hit(CODES_A_DAY, mailbox) is not None:
        return None
    return RequestMessage.objects.create(request=request, kind=RequestMessage.Kind.STATUS_CODE)


def open_status(*, reference: str, code: str) -> str:
    """Return a pass for the page about a request.

    A code from the mailbox also confirms the mailbox, as the link in the first mail does.

    Raises:
        ValidationError: ``wrong_code``, whatever is wrong: the code, its age, too many tries, the reference.
    """
    request = RightsRequest.objects.filter(reference=reference).first()
    if request is not None:
        if use_code(request=request, purpose=RequestToken.Purpose.STATUS_CODE, code=code):
            prove_mailbox(request=request)
            return _pass_for(request)
        if _is_its_receipt(request, code):
            return _pass_for(request)
    raise ValidationError(_("This code is wrong or no longer valid. Please have a new one sent."), code="wrong_code")


def request_of_pass(pass_: str, *, reference: str) -> RightsRequest | None:
    """Return the request that a pass is for, as long as it is good."""
    try:
        number = signing.loads(pass_, salt=PASS_SALT, max_age=PASS_SECONDS)
    except signing.BadSignature:
        return None
    return RightsRequest.objects.select_related("controller").filter(pk=number, reference=reference).first()


@transaction.atomic
def withdraw(*, request: RightsRequest) -> None:
    """End a request that its maker takes back, before anything was done about it.

    Raises:
        ValidationError: ``illegal_transition``, because it is being worked on.
    """
    advance(request=request, to=State.WITHDRAWN, actor=PERSON)
    RequestItem.objects.filter(request=request, outcome="").update(
        outcome=RequestItem.Outcome.WITHDRAWN, decided_at=timezone.now()
    )


@transaction.atomic
def add_information(*, request: RightsRequest, text: str) -> None:
    """Add to a request what its maker writes; one that waited for it goes on.

    Raises:
        ValidationError: ``required``, ``max_length``, or ``lapsed`` or ``closed`` where nobody would read it.
    """
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    current = lock(request)
    if not text:
        raise ValidationError(_("Write what you would like to add."), code="required")
    if len(text) > LONGEST_ADDITION or len(current.details) + len(text) > LONGEST_DETAILS:
        raise ValidationError(_("This is too long."), code="max_length")
    if current.state == State.LAPSED:
        raise ValidationError(
            _("This request has lapsed because we did not hear from you. Please make a new one."), code="lapsed"
        )
    if current.state not in RightsRequest.OPEN_STATES:
        raise ValidationError(_("This request has been answered. Please make a new one."), code="closed")
    current.details = f"{current.details}\n\n[{timezone.now():%Y-%m-%d}] {text}".strip()
    current.save(update_fields=["details"])
    record(request=current, actor=PERSON, action=Action.INFORMATION_ADDED, fields=["details"])
    if current.state == State.NEEDS_INFORMATION:
        advance(request=current, to=State.TRIAGE, actor=PERSON)


def _pass_for(request: RightsRequest) -> str:
    return signing.dumps(request.pk, salt=PASS_SALT)


def _is_its_receipt(request: RightsRequest, code: str) -> bool:
    """Tell whether this is the code that a request without a mailbox was made with.

    Whoever made it up for somebody else's mailbox would read what becomes of it once that is confirmed.
    """
    if request.receipt_hash is None or request.email_hash is not None:
        return False
    if hit(RECEIPTS, str(request.pk)) is not None:
        return False
    return hmac.compare_digest(bytes(request.receipt_hash), receipt_code_hash(code))
