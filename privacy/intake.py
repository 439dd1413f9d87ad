"""How a request comes in: from the form, or entered by staff who received it some other way.

Nothing here looks anybody up, so that neither the answer nor the time it takes can tell whether we know a person.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from privacy.audit import Action, record
from privacy.deadlines import deadlines
from privacy.encryption import token_digest
from privacy.identity import mailbox_hash, prove, receipt_code_hash
from privacy.lifecycle import State, advance
from privacy.limits import Limit, hit
from privacy.mailing import inform_at_once, owe_confirmation
from privacy.models import IdentityProof, RequestEvent, RequestItem, RequestMessage, Right, RightsRequest

if TYPE_CHECKING:
    from datetime import date

    from django.contrib.auth.models import User

    from privacy.models import Controller, IdentityProof, Product

PER_NETWORK: Final = Limit("rights-request-network", times=20, seconds=60 * 60)
IN_TOTAL: Final = Limit("rights-request-total", times=1000, seconds=60 * 60)
LONGEST_AGO: Final = timedelta(days=3 * 365)

Source = RightsRequest.Source
ReplyChannel = RightsRequest.ReplyChannel
ObjectsTo = RequestItem.ObjectsTo


@dataclass(frozen=True, kw_only=True)
class Content:
    """What somebody asks, of whom, and how they are reached.

    Args:
        rights: values of ``Right``.
        language: the language of the answer, a code of ``LANGUAGES``.
        invitation_token: of an invitation they were sent.
        account: their id in the product, where its backend vouches for it.
        objects_to: a value of ``RequestItem.ObjectsTo``, for an objection.
        is_left_alone: after an erasure, whether they are not to be asked again.
        details: their own words.
        mandate: for whom they act and by what authority, where they act for somebody else.
    """

    controller: Controller
    rights: tuple[str, ...]
    language: str
    product: Product | None = None
    email: str = ""
    receipt_code: str = ""
    invitation_token: str = ""
    account: str = ""
    objects_to: str = ObjectsTo.BOTH
    is_left_alone: bool = True
    details: str = ""
    reply_channel: str = ReplyChannel.EMAIL
    postal_address: str = ""
    acts_for_another: bool = False
    mandate: str = ""


def seconds_to_wait(*, network: str) -> int | None:
    """Count one more request from a network, and return how long it must wait where there were too many of them."""
    return hit(PER_NETWORK, network) or hit(IN_TOTAL, "")


def check_content(content: Content, *, source: str) -> None:
    """Refuse what cannot be answered.

    Raises:
        ValidationError: by field, with the codes ``required``, ``unknown_right`` and ``foreign_product``.
    """
    problems: dict[str, ValidationError] = {}
    if not content.rights:
        problems["rights"] = ValidationError(_("Choose at least one right."), "required")
    elif not set(content.rights) <= set(Right.values):
        problems["rights"] = ValidationError(_("Choose among the rights listed."), "unknown_right")
    if content.product is not None and content.product.controller_id != content.controller.pk:
        problems["product"] = ValidationError(_("This product belongs to another controller."), "foreign_product")
    if content.reply_channel == ReplyChannel.POST and not content.postal_address:
        problems["postal_address"] = ValidationError(_("A reply by post needs a postal address."), "required")
    if content.reply_channel == ReplyChannel.EMAIL and not content.email:
        problems["email"] = ValidationError(_("A reply by e-mail needs an e-mail address."), "required")
    elif source == Source.FORM and not (
        content.email or content.receipt_code or content.invitation_token or content.account
    ):
        problems["email"] = ValidationError(_("Give an e-mail address or a receipt code."), "required")
    if content.acts_for_another and not content.mandate:
        problems["mandate"] = ValidationError(_("Say for whom you act and by what authority."), "required")
    if problems:
        raise ValidationError(problems)


@transaction.atomic
def file_request(*, content: Content) -> RightsRequest:
    """Take a request from the form: its clock runs from now, and its mailbox is asked to confirm.

    Nothing is looked up here: codes and tokens that came along are checked in the background. Somebody for whom the
    product's backend vouches is proved by that.

    Raises:
        ValidationError: as in ``check_content``; nothing is stored.
    """
    source = Source.PRODUCT if content.account else Source.FORM
    check_content(content, source=source)
    request = _store(content, source=source, received_at=timezone.now(), user=None)
    if content.account:
        prove(request=request, kind=IdentityProof.Kind.SIGNED, identifier=content.account)
    if not inform_at_once(request=request) and request.email:
        owe_confirmation(request=request)
    return request


@transaction.atomic
def file_proved_objection(
    *, product: Product, language: str, kind: IdentityProof.Kind, identifier: str
) -> RightsRequest:
    """Take an objection to being contacted from somebody who brought a proof along and needs no further answer.

    Args:
        identifier: what the proof proves, normalised.
    """
    content = Content(
        controller=product.controller,
        product=product,
        rights=(Right.OBJECTION.value,),
        language=language,
        objects_to=ObjectsTo.CONTACT,
    )
    request = _store(content, source=Source.FORM, received_at=timezone.now(), user=None)
    prove(request=request, kind=kind, identifier=identifier)
    return request


@transaction.atomic
def enter_request(*, content: Content, source: str, arrived_on: date, user: User) -> RightsRequest:
    """Take a request that staff received: its clock runs from its day of arrival, and it goes to triage.

    Args:
        source: a value of ``RightsRequest.Source``.
        arrived_on: the day it arrived where the controller is.

    Raises:
        ValidationError: as in ``check_content``, or the day is ahead of us (``arrival_in_future``) or more than
            three years ago (``arrival_too_long_ago``); nothing is stored.
    """
    check_content(content, source=source)
    received_at = _moment_of_arrival(arrived_on, zone=ZoneInfo(content.controller.time_zone))
    request = _store(content, source=source, received_at=received_at, user=user)
    advance(request=request, to=State.TRIAGE, actor=RequestEvent.Actor.STAFF, user=user)
    if inform_at_once(request=request):
        return request
    if request.email and request.reply_channel == ReplyChannel.EMAIL:
        RequestMessage.objects.create(request=request, kind=RequestMessage.Kind.ACKNOWLEDGEMENT)
    return request


def _moment_of_arrival(day: date, *, zone: ZoneInfo) -> datetime:
    """Return noon of the day, which every zone and season has, or now where that is still ahead of us."""
    now = timezone.now()
    today = now.astimezone(zone).date()
    if day > today:
        raise ValidationError({"arrived_on": ValidationError(_("This day is still to come."), "arrival_in_future")})
    if day < today - LONGEST_AGO:
        raise ValidationError(
            {"arrived_on": ValidationError(_("This day is more than three years ago."), "arrival_too_long_ago")}
        )
    return min(now, datetime.combine(day, time(12), zone))


def _store(content: Content, *, source: str, received_at: datetime, user: User | None) -> RightsRequest:
    zone = ZoneInfo(content.controller.time_zone)
    email_hash = mailbox_hash(content.email) if content.email else None
    request = RightsRequest.objects.create(
        controller=content.controller,
        product=content.product,
        source=source,
        language=content.language,
        email=content.email,
        email_hash=email_hash,
        receipt_hash=receipt_code_hash(content.receipt_code) if content.receipt_code else None,
        invitation_hash=token_digest(content.invitation_token) if content.invitation_token else None,
        claims_checked_at=None if content.receipt_code or content.invitation_token else timezone.now(),
        details=content.details,
        reply_channel=content.reply_channel,
        postal_address=content.postal_address,
        acts_for_another=content.acts_for_another,
        mandate=content.mandate,
        received_at=received_at,
        duplicate_of=_earlier_request(content.controller, email_hash),
        entered_by=user,
        **asdict(deadlines(received_at, zone=zone, country=content.controller.country)),
    )
    _store_rights(request, content)
    record(
        request=request,
        actor=RequestEvent.Actor.STAFF if user else RequestEvent.Actor.PERSON,
        action=Action.ENTERED if user else Action.FILED,
        user=user,
        fields=[name for name, value in vars(content).items() if value],
    )
    return request


def _store_rights(request: RightsRequest, content: Content) -> None:
    chosen = set(content.rights)
    RequestItem.objects.bulk_create(
        RequestItem(
            request=request,
            right=right,
            objects_to=content.objects_to if right == Right.OBJECTION else "",
            leaves_suppression=content.is_left_alone,
        )
        for right in Right
        if right in chosen
    )


def _earlier_request(controller: Controller, email_hash: bytes | None) -> RightsRequest | None:
    """Return the open request that the same mailbox made first: a link for staff, which changes neither of them."""
    if email_hash is None:
        return None
    return (
        RightsRequest.objects.open()
        .filter(controller=controller, email_hash=email_hash, duplicate_of__isnull=True)
        .order_by("received_at", "pk")
        .first()
    )
