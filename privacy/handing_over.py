"""How a person gets at a package: a fresh code opens it for thirty minutes, in which it may be fetched repeatedly.

The code goes to the mailbox that was proved. Where none was, there is nowhere to send one: then the letter that says
the copy is ready carries a code, and a receipt code that was proved, which only its holder knows and of which we keep
the hash alone, is as good.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from privacy.audit import Action, lock, record
from privacy.codes import is_code_of_letter, use_code
from privacy.encryption import new_token, token_digest
from privacy.identity import mailbox_hash, normalised_mailbox, receipt_code_hash
from privacy.limits import Limit, hit
from privacy.models import (
    IdentityProof,
    Package,
    RequestEvent,
    RequestMessage,
    RequestToken,
    RightsRequest,
    Unlock,
)

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

OPEN_FOR: Final = timedelta(minutes=30)
MOST_UNLOCKS: Final = 5
# Nobody fills somebody's mailbox, with however many requests, or tries out codes for long.
CODES: Final = Limit("package-codes", times=5, seconds=60 * 60)
CODES_A_DAY: Final = Limit("package-codes-a-day", times=10, seconds=24 * 60 * 60)
RECEIPTS: Final = Limit("package-receipts", times=5, seconds=60 * 60)
PERSON: Final = RequestEvent.Actor.PERSON


@dataclass(frozen=True)
class Opened:
    """A package that was opened; the token in its address is returned here and never again.

    Args:
        left: how many times it can be opened after this.
    """

    package: Package
    token: str
    until: datetime
    left: int


def packages_of(request: RightsRequest) -> QuerySet[Package]:
    """Return a request's packages that can be opened now, with the number of times they still can be."""
    packages = Package.objects.filter(
        item__request=request, destroyed_at__isnull=True, expires_at__gt=timezone.now()
    ).select_related("item")
    return packages.annotate(openings_left=MOST_UNLOCKS - Count("unlocks")).filter(openings_left__gt=0).order_by("pk")


def has_proved_mailbox(request: RightsRequest) -> bool:
    """Tell whether the request's mailbox is known to be the person's own."""
    if not request.email:
        return False
    mailbox = normalised_mailbox(request.email)
    return any(
        proof.kind == IdentityProof.Kind.MAILBOX or proof.identifier == mailbox for proof in request.proofs.all()
    )


def is_over(request: RightsRequest) -> bool:
    """Tell whether a request has ended for good, or been forgotten: nothing of it can be opened any more."""
    return request.closed_at is not None or (request.email_hash is not None and not request.email)


def had_packages(request: RightsRequest) -> bool:
    """Tell whether a package of a request was ever built, however long that is ago."""
    return Package.objects.filter(item__request=request).exists()


class Key(StrEnum):
    """What opens the packages of a request."""

    MAIL = "mail"  # a code that is sent to the proved mailbox
    LETTER = "letter"  # the code in the letter that says they are ready
    RECEIPT = "receipt"
    NONE = "none"  # nothing, before the mailbox is proved


def key_of(request: RightsRequest) -> Key:
    """Return what opens the packages of a request; with a letter's code a proved receipt code does as well."""
    if has_proved_mailbox(request):
        return Key.MAIL
    if request.reply_channel == RightsRequest.ReplyChannel.POST:
        return Key.LETTER
    has_receipt = request.proofs.filter(kind=IdentityProof.Kind.RECEIPT).exists()
    return Key.RECEIPT if has_receipt else Key.NONE


@transaction.atomic
def owe_code(*, request: RightsRequest) -> RequestMessage | None:
    """Owe the proved mailbox a fresh code, whether or not there is anything to open: that is told after the code.

    Raises:
        ValidationError: ``too_many_codes`` to this mailbox, within the hour or the day.
    """
    if not has_proved_mailbox(request):
        return None
    mailbox = mailbox_hash(request.email).hex()
    if hit(CODES, mailbox) is not None:
        raise ValidationError(_("Too many codes were sent within an hour. Please wait a little."), "too_many_codes")
    if hit(CODES_A_DAY, mailbox) is not None:
        raise ValidationError(_("Too many codes were sent today. Please try again tomorrow."), "too_many_codes")
    return RequestMessage.objects.create(request=request, kind=RequestMessage.Kind.UNLOCK_CODE)


def unlock(*, request: RightsRequest, code: str) -> list[Opened]:
    """Open every package of a request that can be opened; return none where it is too late, or too early.

    Raises:
        ValidationError: ``wrong_code``, also one that is over or was tried too often; nothing else says which.
    """
    if not _is_fresh_proof(request, code):
        if has_proved_mailbox(request):
            wrong = _("This code is wrong or no longer valid. Please have a new one sent.")
        else:  # of a letter, or of an answer: nobody sends another
            wrong = _("This code is wrong or no longer valid. Check it, or make a new request.")
        raise ValidationError(wrong, code="wrong_code")
    with transaction.atomic():
        lock(request)
        return [_open(package) for package in packages_of(request)]


def opened_by(token: str) -> Unlock | None:
    """Return what the address with this token opens now, or ``None``."""
    now = timezone.now()
    unlocks = Unlock.objects.select_related("package__item__request__controller")
    found = unlocks.filter(digest=token_digest(token), until__gt=now).first()
    return found if found is not None and found.package.is_available(now) else None


@transaction.atomic
def was_fetched(*, opened: Unlock) -> None:
    """Store that a package was fetched to its end."""
    now = timezone.now()
    first = Unlock.objects.filter(pk=opened.pk, fetched_at__isnull=True).update(fetched_at=now)
    Package.objects.filter(pk=opened.package_id, fetched_at__isnull=True).update(fetched_at=now)
    if first:
        item = opened.package.item
        record(request=item.request, actor=PERSON, action=Action.PACKAGE_FETCHED, fields=[item.right])


def _is_fresh_proof(request: RightsRequest, code: str) -> bool:
    if has_proved_mailbox(request):
        return use_code(request=request, purpose=RequestToken.Purpose.UNLOCK_CODE, code=code)
    if hit(RECEIPTS, str(request.pk)) is not None:
        return False
    given = receipt_code_hash(code).hex()
    receipts = request.proofs.filter(kind=IdentityProof.Kind.RECEIPT)
    return is_code_of_letter(request=request, code=code) or any(
        hmac.compare_digest(proof.identifier, given) for proof in receipts
    )


def _open(package: Package) -> Opened:
    now, token = timezone.now(), new_token()
    until = min(now + OPEN_FOR, package.expires_at)
    Unlock.objects.create(package=package, at=now, until=until, digest=token_digest(token))
    right = package.item.right
    record(request=package.item.request, actor=PERSON, action=Action.PACKAGE_UNLOCKED, fields=[right])
    left: int = package.openings_left - 1  # type: ignore[attr-defined]  # counted by packages_of
    return Opened(package, token, until, left)
