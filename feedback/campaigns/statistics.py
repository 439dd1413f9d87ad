"""What became of a campaign, in numbers whose definitions stand beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Count, F, Q
from django.utils.translation import gettext_lazy as _

from feedback.campaigns.judging import WHY
from feedback.models import CampaignAudience, CampaignMail, Response

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from feedback.models import Campaign

State = CampaignMail.State
Kind = CampaignMail.Kind
# What is counted, in the order in which it is shown: name, label, what it is a share of, definition.
FIGURES: Final[tuple[tuple[str, StrOrPromise, str, StrOrPromise], ...]] = (
    ("sent", _("Sent"), "", _("People whose mail the mail server accepted; reminders are not counted again.")),
    ("bounced", _("Came back"), "sent", _("Reported as undeliverable and not as delivered later, as a share of sent.")),
    ("delivered", _("Delivered"), "sent", _("Sent without those that came back, as a share of sent.")),
    (
        *("opened", _("Opened"), "delivered"),
        _(
            "Loaded the picture in the mail, as a share of delivered. Only an indication, where the product "
            "counts it: many programs block pictures, others load them by themselves."
        ),
    ),
    ("responded", _("Responded"), "delivered", _("Gave a score that counts, as a share of delivered.")),
    ("declined", _("Declined"), "delivered", _("Closed the question without a score, as a share of delivered.")),
    ("unsubscribed", _("Unsubscribed"), "delivered", _("Stopped e-mails through this mail, as a share of delivered.")),
    (
        *("objected", _("Objected"), "delivered"),
        _("Objected to being asked at all since this mail, whichever way, as a share of delivered."),
    ),
    (
        *("complained", _("Reported as spam"), "delivered"),
        _("Pressed the button of their mail program, as a share of delivered. They are never asked again."),
    ),
    (
        *("suspect", _("Suspect"), "delivered"),
        _("Answers that a mail scanner may have given; kept, but not counted until staff accept them."),
    ),
)


@dataclass(frozen=True)
class Figure:
    """A number of people.

    Args:
        value: ``None`` where it is not counted.
        of: what it is a share of; ``None`` where it is no share.
        definition: what is counted.
    """

    name: str
    label: StrOrPromise
    value: int | None
    of: int | None
    definition: StrOrPromise

    @property
    def percent(self) -> float | None:
        """The share in per cent; ``None`` of nothing."""
        return None if self.value is None or not self.of else 100 * self.value / self.of


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a campaign is: people, and mails by state."""

    people: int
    settled: int
    waiting: int
    sent: int
    failed: int
    unknown: int
    reminders: int
    reminders_waiting: int
    not_sent: tuple[tuple[str, StrOrPromise, int], ...]
    taking_over: int

    @property
    def percent(self) -> int:
        return 100 * self.settled // self.people if self.people else 0


def progress(*, campaign: Campaign) -> Progress:
    """Return how far a campaign is and how many people get no mail, by the code that says why."""
    mails = CampaignMail.objects.filter(campaign=campaign)
    rows = list(mails.values_list("kind", "state", "code").annotate(count=Count("pk")).order_by("-count", "code"))
    first = [(state, code, count) for kind, state, code, count in rows if kind == Kind.FIRST]

    def total(*states: str) -> int:
        return sum(count for state, _code, count in first if state in states)

    open_ones = campaign.audiences.filter(state__in=[CampaignAudience.State.WAITING, CampaignAudience.State.RUNNING])
    reminders = {state: count for kind, state, _code, count in rows if kind == Kind.REMINDER}
    people, waiting = total(*State), total(State.QUEUED, State.SENDING)
    return Progress(
        people=people,
        settled=people - waiting,
        waiting=waiting,
        sent=total(State.SENT),
        failed=total(State.FAILED),
        unknown=total(State.UNKNOWN),
        reminders=reminders.get(State.SENT, 0),
        reminders_waiting=reminders.get(State.QUEUED, 0),
        not_sent=tuple((code, WHY.get(code, code), count) for state, code, count in first if state == State.SKIPPED),
        taking_over=open_ones.count(),
    )


def statistics(*, campaign: Campaign) -> tuple[Figure, ...]:
    """Return the rates of a campaign; who was erased or restricted since is in none of them."""
    found = _counted(campaign)
    found["delivered"] = found["sent"] - found["bounced"]
    values: dict[str, int | None] = {**found}
    if not campaign.product.tracks_opens:
        values["opened"] = None
    return tuple(
        Figure(name, label, values[name], found[whole] if whole else None, definition)
        for name, label, whole, definition in FIGURES
    )


def _counted(campaign: Campaign) -> dict[str, int]:
    """Count people in one statement: what happens to a reminder happened to the person once."""
    sent = CampaignMail.objects.filter(
        campaign=campaign, state=State.SENT, respondent__restricted_at__isnull=True
    ).order_by()

    def through_any(column: str) -> Count:
        return Count("respondent", distinct=True, filter=Q(**{f"{column}__isnull": False}))

    def through_first(**condition: Any) -> Count:
        return Count("pk", filter=Q(kind=Kind.FIRST, **condition))

    return sent.aggregate(
        sent=through_first(),
        bounced=through_any("bounced_at"),
        opened=through_any("opened_at"),
        responded=through_first(invitation__response__in=Response.objects.counted()),
        suspect=through_first(invitation__response__in=Response.objects.filter(is_suspect=True)),
        declined=through_first(invitation__declined_at__isnull=False, invitation__responded_at__isnull=True),
        unsubscribed=through_any("unsubscribed_at"),
        objected=through_first(respondent__objected_at__gte=F("sent_at")),
        complained=through_any("complained_at"),
    )
