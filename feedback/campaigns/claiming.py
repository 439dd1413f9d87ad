"""Which mails a worker may send now: claimed in one short transaction, within the pace of all workers together."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from feedback.models import Campaign, CampaignMail, Invitation
from surveys.models import Survey

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet
    from django_stubs_ext import StrOrPromise

State = CampaignMail.State
BATCH: Final = 50
MINUTE: Final = timedelta(minutes=1)
# The schedule comes round once a minute, now a little early and now a little late. If that which was claimed a moment
# less than a minute ago counted, every second minute would send nothing.
JITTER: Final = timedelta(seconds=10)
STEADY: Final = 5  # minutes over which the pace holds even if the schedule were always early
# Longer than the longest life of a task: whoever claimed a mail so long ago is not at work on it any more.
LEASE: Final = timedelta(minutes=20)


@transaction.atomic
def claim(*, campaign_id: int, most: int = BATCH) -> list[CampaignMail]:
    """Claim mails that are due, no more than the pace leaves in this minute, whoever else claims at the same time.

    The campaign's row is the turnstile: while one worker counts what was claimed lately and claims its own, the others
    wait; it is held for a few milliseconds.
    """
    now = timezone.now()
    campaign = at_work(now=now).select_for_update(of=("self",)).filter(pk=campaign_id).first()
    if campaign is None:
        return []
    mails = CampaignMail.objects.filter(campaign=campaign)
    room = min(most, _room(campaign, minutes=1, now=now), _room(campaign, minutes=STEADY, now=now))
    if room <= 0:
        return []
    due = mails.filter(state=State.QUEUED, next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
    ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:room])
    mails.filter(pk__in=ids).update(state=State.SENDING, claimed_at=now, attempts=F("attempts") + 1)
    return list(CampaignMail.objects.filter(pk__in=ids).order_by("next_attempt_at", "pk"))


def _room(campaign: Campaign, *, minutes: int, now: datetime) -> int:
    since = now - minutes * MINUTE + JITTER
    return campaign.pace * minutes - CampaignMail.objects.filter(campaign=campaign, claimed_at__gt=since).count()


def at_work(*, now: datetime) -> QuerySet[Campaign]:
    """Return the running campaigns that nothing holds; what the others owe waits until nothing does."""
    held = Q(*(condition for _why, condition in _holds(now)), _connector=Q.OR)
    return Campaign.objects.filter(state=Campaign.State.RUNNING).exclude(held)


def what_holds(campaign: Campaign, *, now: datetime) -> StrOrPromise | None:
    """Say why a running campaign sends nothing for now, ``None`` where nothing holds it."""
    row = Campaign.objects.filter(pk=campaign.pk)
    return next((why for why, condition in _holds(now) if row.filter(condition).exists()), None)


def _holds(now: datetime) -> tuple[tuple[StrOrPromise, Q], ...]:
    """Return what keeps a running campaign from sending, each in words and as a condition."""
    return (
        (
            _("Its product is switched off: nothing is sent until the product is switched on again."),
            Q(product__is_live=False),
        ),
        (_("Its survey has not begun: nothing is sent until it does."), Q(survey__starts_at__gt=now)),
        (
            _("Its survey is paused: nothing is sent until the survey goes on."),
            Q(survey__state=Survey.State.PAUSED),
        ),
    )


def due_campaigns(*, now: datetime) -> dict[int, int]:
    """Return the running campaigns that have mails due, with how many may go out in the next minute."""
    found = {}
    for campaign in at_work(now=now):
        due = CampaignMail.objects.filter(campaign=campaign, state=State.QUEUED, next_attempt_at__lte=now)
        if count := due[: campaign.pace].count():
            found[campaign.pk] = count
    return found


@transaction.atomic
def recover(*, now: datetime) -> tuple[int, int]:
    """Take care of the mails whose worker was killed; return how many wait again, and of how many nobody knows.

    What was never handed over waits again. What was may have been accepted by the mail server or not, which no
    database can tell: it is not sent again by itself, it counts as mailed for every rest, and staff see it.
    """
    lost = CampaignMail.objects.select_for_update(skip_locked=True).filter(
        state=State.SENDING, claimed_at__lte=now - LEASE
    )
    untouched: list[int] = []
    handed_over: list[int] = []
    for pk, at in lost.values_list("pk", "handed_over_at"):
        (untouched if at is None else handed_over).append(pk)
    CampaignMail.objects.filter(pk__in=untouched).update(state=State.QUEUED, claimed_at=None, next_attempt_at=now)
    unknown = CampaignMail.objects.filter(pk__in=handed_over)
    unknown.update(state=State.UNKNOWN, code="unknown_outcome", next_attempt_at=None)
    for invitation, at in unknown.values_list("invitation", "handed_over_at"):
        note_mailed(invitation_id=invitation, at=at)
    return len(untouched), len(handed_over)


def note_mailed(*, invitation_id: int | None, at: datetime | None) -> None:
    """Let an invitation say when its person was mailed last: a reminder starts every rest anew."""
    earlier = Q(sent_at__isnull=True) | Q(sent_at__lt=at)
    if invitation_id is not None:
        Invitation.including_restricted.filter(earlier, pk=invitation_id).update(sent_at=at)
