"""A list of people whom the product's own server wants to be asked: judged at once, sent like any campaign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from feedback.campaigns.judging import ELIGIBLE, OWED, Judge
from feedback.campaigns.lifecycle import start, write_campaign
from feedback.campaigns.taking_over import check_permission, owe_mails, planned_at
from feedback.models import Campaign, CampaignAudience, InvitationCall
from privacy.encryption import token_digest
from surveys.models import Survey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from feedback.campaigns.entries import Entry
    from privacy.models import Product

MOST_PEOPLE: Final = 1_000
REMEMBERED: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the server wants.

    Args:
        wording: language → subject and introduction, in place of the shipped ones.
        settings: other fields of the campaign.
        entries: at most ``MOST_PEOPLE``.
    """

    survey_id: int
    name: str
    wording: Mapping[str, tuple[str, str]]
    settings: Mapping[str, Any]
    entries: Sequence[Entry]


class KeyReused(Exception):
    """The same idempotency key came with another order."""


@transaction.atomic
def invite(*, product: Product, order: Order, key: str = "", body: bytes = b"") -> tuple[dict[str, Any], bool]:
    """Make a campaign of a list and start it; return the answer, and whether it is that of an earlier call.

    Args:
        key: names the call; the same key and body again answer the same and do nothing.
        body: what was sent.

    Raises:
        KeyReused: the key named another order before.
        ValidationError: ``unknown_survey``, or what keeps the campaign from being written or started.
    """
    call = None
    if key:
        call, is_new = InvitationCall.objects.get_or_create(
            product=product, key_digest=token_digest(key), defaults={"body_digest": token_digest(body.hex())}
        )
        if bytes(call.body_digest) != token_digest(body.hex()):
            raise KeyReused
        if not is_new:
            return call.answer, True
    answer = _carry_out(product, order)
    if call is not None:
        call.answer = answer
        call.save(update_fields=["answer"])
    return answer, False


@transaction.atomic
def try_out(*, product: Product, order: Order) -> dict[str, Any]:
    """Return what ``invite`` would answer, and store nothing.

    Raises:
        ValidationError: as ``invite``.
    """
    answer = _carry_out(product, order)
    transaction.set_rollback(True)
    return {**answer, "campaign": None}


def _carry_out(product: Product, order: Order) -> dict[str, Any]:
    survey = Survey.objects.select_related("current_version").filter(product=product, pk=order.survey_id).first()
    if survey is None:
        raise ValidationError({"survey": ValidationError(_("This product has no such survey."), "unknown_survey")})
    campaign = Campaign(product=product, survey=survey, name=order.name, **order.settings)
    for permission in {entry.permission for entry in order.entries}:
        check_permission(campaign, permission)
    write_campaign(campaign=campaign, by=None, wording=order.wording)
    CampaignAudience.objects.create(
        campaign=campaign, kind=CampaignAudience.Kind.LIST, state=CampaignAudience.State.DONE
    )
    judged = Judge(campaign, planned_at(campaign)).judge(order.entries)
    owe_mails(campaign=campaign, judged=judged)
    start(campaign=campaign)
    codes = [each.code for each in judged]
    return {
        "campaign": campaign.pk,
        "queued": sum(code in OWED for code in codes),
        "people": [
            {"index": index, "eligible": code == ELIGIBLE, "queued": code in OWED, "code": code}
            for index, code in enumerate(codes)
        ],
    }


def forget_calls(*, now: datetime) -> int:
    """Forget the calls that are older than a day; their keys may be used again."""
    deleted, _models = InvitationCall.objects.filter(created_at__lt=now - REMEMBERED).delete()
    return deleted
