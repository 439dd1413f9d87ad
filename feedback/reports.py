"""What staff read on the dashboard: scores, trends, rates, comments and open work, each as far as they may see it.

The number of queries depends neither on how many products there are nor on how many rows.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.db.models import Case, Count, F, Q, Value, When
from django.utils.text import Truncator

from feedback.metrics import Counts, Difference, Estimate, compare, headline, pooled, satisfied_share, share
from feedback.models import CampaignMail, FollowUp, Invitation, Respondent, Response
from feedback.tallies import scores_by_bucket, scores_by_product
from privacy.masking import mask
from privacy.models import Product, RightsRequest
from surveys.models import Channel
from surveys.scales import Metric

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from django.contrib.auth.models import AnonymousUser, User
    from django.db.models import QuerySet

    from feedback.periods import Bucket, Period, Span

SEE_FIGURES: Final = "feedback.view_tally"
SEE_IDENTITY: Final = "feedback.view_identity"
SMALLEST_GROUP: Final = 5
SEE_RESPONSES: Final = "feedback.view_response"
SEE_FOLLOW_UPS: Final = "feedback.view_followup"
SEE_RIGHTS_REQUESTS: Final = "privacy.view_rightsrequest"

IN_APP: Final = (Channel.WEB, Channel.MOBILE)
LATEST: Final = 5
LONGEST_EXCERPT: Final = 400


# --- Rates ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rates:
    """How invitations of one channel ended: all that were shown, and of these the answered and the declined."""

    shown: int = 0
    responded: int = 0
    declined: int = 0

    def __add__(self, other: Rates) -> Rates:
        return Rates(self.shown + other.shown, self.responded + other.responded, self.declined + other.declined)

    @property
    def ignored(self) -> int:
        """Neither answered nor declined; “later” is among them."""
        return self.shown - self.responded - self.declined

    @property
    def response_rate(self) -> Estimate | None:
        return share(self.responded, self.shown)

    @property
    def decline_rate(self) -> Estimate | None:
        return share(self.declined, self.shown)


def rates_by_product(
    *, user: User | AnonymousUser, products: Collection[Product], period: Period
) -> dict[tuple[int, Metric], dict[Channel, Rates]]:
    """Return how invitations ended, for each product and metric, by channel.

    In apps and on web sites an invitation counts on the day it was shown. A personal link counts on the day it was
    first opened; a visitor of a share link is only known once they answer, so there is no rate of those. A mail that
    was delivered counts on the day it was sent.
    """
    shown, opened, sent = Q(pk__in=()), Q(pk__in=()), Q(pk__in=())
    for zone in {product.zone for product in products}:
        start, end = period.instants(zone)
        there_too = [product.pk for product in products if product.zone == zone]
        there = Q(product__in=there_too)
        shown |= there & Q(shown_at__gte=start, shown_at__lt=end)
        opened |= there & Q(opened_at__gte=start, opened_at__lt=end)
        sent |= Q(campaign__product__in=there_too) & Q(sent_at__gte=start, sent_at__lt=end)
    before_answering = Q(responded_at__isnull=True) | Q(opened_at__lte=F("responded_at"))
    visible = Product.objects.visible_to(user).filter(pk__in=[product.pk for product in products]).keys()
    in_app = _ended(visible, shown & Q(channel__in=IN_APP))
    by_link = _ended(visible, opened & Q(channel=Channel.LINK) & before_answering)
    found: defaultdict[tuple[int, Metric], dict[Channel, Rates]] = defaultdict(dict)
    # One after the other: each is by an index of its own, and a statement with both of them would read everything.
    for product, metric, channel, *numbers in [*in_app, *by_link, *_mailed(visible, sent)]:
        found[product, Metric(metric)][Channel(channel)] = Rates(*numbers)
    return dict(found)


def _ended(products: Collection[int], asked: Q) -> QuerySet[Invitation, tuple[Any, ...]]:
    """Return product, metric, channel, and how many were shown, answered and declined of the invitations asked for."""
    answered = Q(responded_at__isnull=False)
    # Restricted people are few; to look everybody up who was asked takes longer than all the rest.
    restricted = Respondent.including_restricted.filter(restricted_at__isnull=False).values("pk")
    return (
        Invitation.including_restricted.filter(asked, product__in=products, is_test=False)
        .exclude(respondent__in=restricted)
        .values_list("product_id", "version__metric", "channel")
        .annotate(
            shown=Count("pk"),
            responded=Count("pk", filter=answered),
            declined=Count("pk", filter=~answered & Q(declined_at__isnull=False)),
        )
        .order_by()
    )


def _mailed(products: Collection[int], sent: Q) -> QuerySet[CampaignMail, tuple[Any, ...]]:
    """Return the same of the mails of campaigns: delivered, answered and declined.

    What a scanner may have sent is no answer; a reminder is not counted again.
    """
    restricted = Respondent.including_restricted.filter(restricted_at__isnull=False).values("pk")
    mails = CampaignMail.objects.filter(sent, kind=CampaignMail.Kind.FIRST, state=CampaignMail.State.SENT)
    declined = Q(invitation__declined_at__isnull=False, invitation__response__isnull=True)
    return (
        mails.filter(campaign__product__in=products, bounced_at__isnull=True)
        .exclude(respondent__in=restricted)
        .values_list("campaign__product_id", "campaign__version__metric", Value(str(Channel.EMAIL)))
        .annotate(
            shown=Count("pk"),
            responded=Count("pk", filter=Q(invitation__response__is_suspect=False)),
            declined=Count("pk", filter=declined),
        )
        .order_by()
    )


# --- Scores -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """One metric of one product, or of several products whose answers are pooled.

    ``before`` are the answers of the period to compare with; ``None`` when there is none, as for all time.
    """

    counts: Counts
    before: Counts | None
    rates: Mapping[Channel, Rates] = field(default_factory=dict)

    @property
    def metric(self) -> Metric:
        return self.counts.metric

    @property
    def value(self) -> Estimate | None:
        return headline(self.counts)

    @property
    def satisfied(self) -> Estimate | None:
        """The share of 5–7 beside the mean of CES; the other metrics have one number only."""
        return satisfied_share(self.counts) if self.metric == Metric.CES else None

    @property
    def value_before(self) -> Estimate | None:
        return headline(self.before) if self.before else None

    @property
    def difference(self) -> Difference | None:
        return compare(self.counts, self.before) if self.before else None

    @property
    def in_app(self) -> Rates:
        return sum((self.rates.get(channel, Rates()) for channel in IN_APP), Rates())


@dataclass(frozen=True)
class TrendPoint:
    period: Period
    value: Estimate | None


@dataclass(frozen=True)
class MetricReport:
    """One metric: all chosen products together, and each of those that have figures."""

    together: Figures
    trend: Sequence[TrendPoint]
    bucket: Bucket
    products: Sequence[tuple[Product, Figures]]

    @property
    def metric(self) -> Metric:
        return self.together.metric


def is_too_small(figures: Figures, user: User | AnonymousUser) -> bool:
    """Tell whether so few people answered that the figures could give one away to a user without identity rights."""
    return 0 < figures.counts.n < SMALLEST_GROUP and not user.has_perm(SEE_IDENTITY)


def visible_products(user: User | AnonymousUser) -> list[Product]:
    """Return the products the user may see, by name."""
    return list(Product.objects.visible_to(user).order_by("name", "pk"))


def latest_today(products: Iterable[Product], *, now: datetime) -> date:
    """Return the day it is now where the products are; of several days the latest, so that no answer is left out."""
    zones = {product.zone for product in products} or {ZoneInfo("UTC")}
    return max(now.astimezone(zone).date() for zone in zones)


def report_scores(*, user: User | AnonymousUser, products: Sequence[Product], span: Span) -> list[MetricReport]:
    """Return a report of each metric that has answers or invitations in the span or before, as ``Metric`` orders them.

    Args:
        products: one or several of ``visible_products``.

    Raises:
        PermissionDenied: the user may not see figures, or not those of one of the products.
    """
    if not user.has_perm(SEE_FIGURES):
        raise PermissionDenied
    visible = Product.objects.visible_to(user).filter(pk__in=[product.pk for product in products])
    if set(visible.values_list("pk", flat=True)) != {product.pk for product in products}:
        raise PermissionDenied
    figures = _figures_by_product(user, products, span)
    period, bucket = span.period, span.period.bucket
    trends = scores_by_bucket(products=[product.pk for product in products], period=period, bucket=bucket)
    reports = []
    for metric in Metric:
        rows = [(product, figures[product.pk, metric]) for product in products if (product.pk, metric) in figures]
        if not rows:
            continue
        trend = []
        for piece in period.split(bucket):
            counts = trends.get((bucket.start(piece.start), metric))
            trend.append(TrendPoint(piece, headline(counts) if counts else None))
        reports.append(MetricReport(_together(metric, [row for _product, row in rows]), trend, bucket, rows))
    return reports


def _figures_by_product(
    user: User | AnonymousUser, products: Sequence[Product], span: Span
) -> dict[tuple[int, Metric], Figures]:
    pks = [product.pk for product in products]
    now = scores_by_product(products=pks, period=span.period)
    before = scores_by_product(products=pks, period=span.previous) if span.previous else None
    rates = rates_by_product(user=user, products=products, period=span.period)
    figures = {}
    for key in {*now, *(before or {}), *rates}:
        nobody = Counts(key[1], {})
        then = before.get(key, nobody) if before is not None else None
        figures[key] = Figures(now.get(key, nobody), then, rates.get(key, {}))
    return figures


def _together(metric: Metric, rows: Sequence[Figures]) -> Figures:
    """Pool the answers of several products: every answer weighs the same, a big product more than a small one."""
    if len(rows) == 1:
        return rows[0]
    before = [row.before for row in rows if row.before is not None]
    rates: dict[Channel, Rates] = {}
    for row in rows:
        for channel, ended in row.rates.items():
            rates[channel] = rates.get(channel, Rates()) + ended
    return Figures(pooled(metric, (row.counts for row in rows)), pooled(metric, before) if before else None, rates)


# --- What was said, and what is open ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Excerpt:
    """The beginning of a comment, without the personal data that were found in it."""

    response: Response
    text: str


def latest_comments(
    *, user: User | AnonymousUser, products: Collection[Product], period: Period
) -> list[Excerpt] | None:
    """Return the latest comments on counted answers of the period; ``None`` when the user may not see responses.

    Personal data that are found in them are replaced for everybody: nobody asked to see just these, and no entry in
    the access log would say that they were read. Who may read comments as written does so at the response.
    """
    if not user.has_perm(SEE_RESPONSES):
        return None
    commented = (
        Response.objects.visible_to(user)
        .counted()
        .commented()
        .filter(product__in=products, answered_on__gte=period.start, answered_on__lt=period.end)
        .select_related("product")
        .order_by("-answered_at", "-pk")
    )
    # Masked before they are cut: half an e-mail address at the end would no longer be found.
    return [
        Excerpt(response, Truncator(mask(response.comment).strip()).chars(LONGEST_EXCERPT))
        for response in commented[:LATEST]
    ]


@dataclass(frozen=True)
class FollowUpQueue:
    """How many follow-ups are open, and the longest open ones."""

    count: int
    oldest: Sequence[FollowUp]


def open_follow_ups(*, user: User | AnonymousUser, products: Collection[Product]) -> FollowUpQueue | None:
    """Return the open follow-ups of the products, whenever opened; ``None`` when the user may not see them."""
    if not user.has_perm(SEE_FOLLOW_UPS):
        return None
    queue = FollowUp.objects.visible_to(user).open().filter(product__in=products)
    oldest = queue.select_related("product", "response", "owner").order_by("created_at", "pk")
    return FollowUpQueue(queue.count(), list(oldest[:LATEST]))


@dataclass(frozen=True)
class RightsQueue:
    """How many rights requests are open, which is due next, and on which day."""

    count: int
    next_due: RightsRequest | None
    is_overdue: bool


def open_rights_requests(*, user: User | AnonymousUser, now: datetime) -> RightsQueue | None:
    """Return the open rights requests to the user's controllers; ``None`` when the user may not see them.

    They are those of all products: a deadline must not hide behind what happens to be chosen.
    """
    if not user.has_perm(SEE_RIGHTS_REQUESTS):
        return None
    queue = RightsRequest.objects.visible_to(user).open()
    by_due = Case(When(extended_at__isnull=False, then=F("due_extended_on")), default=F("due_on"))
    next_due = queue.select_related("controller").order_by(by_due, "pk").first()
    if next_due is None:
        return RightsQueue(0, None, is_overdue=False)
    today = now.astimezone(ZoneInfo(next_due.controller.time_zone)).date()
    return RightsQueue(queue.count(), next_due, is_overdue=next_due.current_due_on < today)
