"""How well the loop is closed: contacts in time, how long cases stay where, and people who came round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import Aggregate, Count, DurationField, ExpressionWrapper, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from feedback.metrics import share
from feedback.models import FollowUp, Respondent, Response, StatusChange
from feedback.small_groups import is_small
from surveys.scales import Band

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime, timedelta

    from django.contrib.auth.models import AnonymousUser, User
    from django.db.models import QuerySet

    from feedback.metrics import Estimate
    from feedback.periods import Period
    from privacy.models import Product

SEE_FIGURES: Final = "feedback.view_tally"
SEE_IDENTITY: Final = "feedback.view_identity"
STAYS: Final = (*FollowUp.OPEN_STATUSES, FollowUp.Status.RESOLVED)


@dataclass(frozen=True)
class Part:
    """Of how many cases something is true; ``is_hidden`` where so few could give one person away to the reader."""

    part: int
    whole: int
    is_hidden: bool = False

    @property
    def estimate(self) -> Estimate | None:
        return None if self.is_hidden else share(self.part, self.whole)


@dataclass(frozen=True)
class Stay:
    """How long follow-ups stayed in a status before they left it.

    Args:
        median: time by the clock, nights and weekends included; ``None`` where nothing left it or too few did.
    """

    status: FollowUp.Status
    n: int
    median: timedelta | None
    is_hidden: bool = False


@dataclass(frozen=True)
class LoopReport:
    """What became of the follow-ups that were opened in a period.

    Args:
        opened: how many were.
        in_time: detractors contacted before the first contact was due, of those contacted or overdue. Dismissed ones
            without a contact do not count: nobody owed them one.
        recovered: people whose next answer was at least one band higher, of those with a settled case who answered
            the same metric again.
    """

    opened: int
    in_time: Part
    recovered: Part
    stays: Sequence[Stay]


class Median(Aggregate):
    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


def report_loop(
    *, user: User | AnonymousUser, products: Collection[Product], period: Period, now: datetime | None = None
) -> LoopReport | None:
    """Return what became of the follow-ups opened in a period; ``None`` when the user may not see figures.

    Groups under five follow-ups are hidden from who may not see identities. The number of queries depends neither on
    how many products there are nor on how many rows.
    """
    if not user.has_perm(SEE_FIGURES):
        return None
    rows = _opened(user, products, period)
    sees_small = user.has_perm(SEE_IDENTITY)
    opened, in_time = _in_time(rows, now or timezone.now())
    return LoopReport(
        opened=opened,
        in_time=_part(in_time, sees_small=sees_small),
        recovered=_part(_recovered(rows), sees_small=sees_small),
        stays=_stays(rows, sees_small=sees_small),
    )


def _opened(user: User | AnonymousUser, products: Collection[Product], period: Period) -> QuerySet[FollowUp]:
    opened = Q(pk__in=())
    for zone in {product.zone for product in products}:
        start, end = period.instants(zone)
        there = [product.pk for product in products if product.zone == zone]
        opened |= Q(product__in=there, created_at__gte=start, created_at__lt=end)
    rows: QuerySet[FollowUp] = FollowUp.objects.visible_to(user).filter(opened).order_by()
    return rows


def _in_time(rows: QuerySet[FollowUp], now: datetime) -> tuple[int, tuple[int, int]]:
    """Return how many there are, and of those with a date how many were contacted before it."""
    was_contacted = Q(contacted_at__isnull=False)
    owed = Q(response__band=Band.DETRACTOR, due_at__isnull=False) & (
        was_contacted | ~Q(status=FollowUp.Status.DISMISSED)
    )
    found = rows.aggregate(
        opened=Count("pk"),
        whole=Count("pk", filter=owed & (was_contacted | Q(due_at__lt=now))),
        part=Count("pk", filter=owed & Q(contacted_at__lte=F("due_at"))),
    )
    return found["opened"], (found["part"], found["whole"])


def _recovered(rows: QuerySet[FollowUp]) -> tuple[int, int]:
    # Who answered on a device and logged in since is one person.
    person = Coalesce(OuterRef(OuterRef("respondent__person")), OuterRef(OuterRef("respondent")))
    records = Respondent.including_restricted.filter(Q(pk=person) | Q(person=person))
    again = Response.objects.counted().filter(
        respondent__in=records.values("pk"),
        metric=OuterRef("response__metric"),
        answered_at__gt=OuterRef("created_at"),
    )
    settled = rows.filter(status__in=(FollowUp.Status.RESOLVED, FollowUp.Status.CLOSED)).exclude(
        response__band=Band.PROMOTER
    )
    was_detractor = Q(response__band=Band.DETRACTOR, next_band__in=(Band.PASSIVE, Band.PROMOTER))
    was_passive = Q(response__band=Band.PASSIVE, next_band=Band.PROMOTER)
    found = (
        settled.annotate(next_band=Subquery(again.order_by("answered_at", "pk").values("band")[:1]))
        .filter(next_band__isnull=False)
        .aggregate(whole=Count("pk"), part=Count("pk", filter=was_detractor | was_passive))
    )
    return found["part"], found["whole"]


def _stays(rows: QuerySet[FollowUp], *, sees_small: bool) -> list[Stay]:
    # Changes are made under a lock on their follow-up, so their numbers are in the order of time.
    left = StatusChange.objects.filter(follow_up=OuterRef("follow_up"), pk__gt=OuterRef("pk")).order_by("pk")
    lasted = ExpressionWrapper(Subquery(left.values("at")[:1]) - F("at"), output_field=DurationField())
    found = (
        StatusChange.objects.filter(follow_up__in=rows.values("pk"), to_status__in=STAYS)
        .annotate(lasted=lasted)
        .filter(lasted__isnull=False)
        .order_by()
        .values_list("to_status")
        .annotate(n=Count("pk"), median=Median("lasted"))
    )
    known = {status: (n, median) for status, n, median in found}
    stays = []
    for status in STAYS:
        n, median = known.get(status, (0, None))
        is_hidden = _is_too_small(n, sees_small=sees_small)
        stays.append(Stay(status, n, None if is_hidden else median, is_hidden))
    return stays


def _part(found: tuple[int, int], *, sees_small: bool) -> Part:
    part, whole = found
    is_hidden = _is_too_small(whole, sees_small=sees_small)
    return Part(0 if is_hidden else part, whole, is_hidden)


def _is_too_small(n: int, *, sees_small: bool) -> bool:
    return is_small(n) and not sees_small
