"""What staff read on the dashboard: scores, trends, rates, comments and open work, each as far as they may see it.

The number of queries depends neither on how many products there are nor on how many rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.db.models import Case, F, When
from django.utils.text import Truncator

from feedback.metrics import Counts, Difference, Estimate, compare, headline, pooled, satisfied_share
from feedback.models import FollowUp, Response
from feedback.rates import IN_APP, Rates, rates_by_product
from feedback.small_groups import is_small, kept_back
from feedback.tallies import scores_by_product, scores_by_product_and_bucket
from privacy.masking import mask
from privacy.models import Product, RightsRequest
from surveys.scales import Metric

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from django.contrib.auth.models import AnonymousUser, User

    from feedback.periods import Bucket, Period, Span
    from surveys.models import Channel

SEE_FIGURES: Final = "feedback.view_tally"
SEE_IDENTITY: Final = "feedback.view_identity"
SEE_RESPONSES: Final = "feedback.view_response"
SEE_FOLLOW_UPS: Final = "feedback.view_followup"
SEE_RIGHTS_REQUESTS: Final = "privacy.view_rightsrequest"

LATEST: Final = 5
LONGEST_EXCERPT: Final = 400


# --- Scores -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """One metric of one product, or of several products whose answers are pooled.

    ``before`` are the answers of the period to compare with; ``None`` when there is none, as for all time.
    ``is_hidden`` and ``hides_before`` say that the reader may not know them, as ``small_groups`` says; there are no
    numbers then.
    """

    counts: Counts
    before: Counts | None
    rates: Mapping[Channel, Rates] = field(default_factory=dict)
    is_hidden: bool = False
    hides_before: bool = False

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
    """One step of a trend; ``is_hidden`` where there are answers and the reader may know none of them."""

    period: Period
    counts: Counts
    is_hidden: bool = False

    @property
    def value(self) -> Estimate | None:
        return headline(self.counts)


@dataclass(frozen=True)
class MetricReport:
    """One metric: all chosen products together, and each of those that have figures.

    Args:
        trend: the steps of all products together.
        trends: those of each product, by its primary key.
    """

    together: Figures
    trend: Sequence[TrendPoint]
    bucket: Bucket
    products: Sequence[tuple[Product, Figures]]
    trends: Mapping[int, Sequence[TrendPoint]] = field(default_factory=dict)

    @property
    def metric(self) -> Metric:
        return self.together.metric

    @property
    def left_out(self) -> int:
        """How many of the products have too few answers to be in the figures of all together."""
        return sum(figures.is_hidden for _product, figures in self.products)

    @property
    def hides_steps(self) -> bool:
        """Whether answers are in the figures that are in no step of the trend."""
        return self.together.counts.n > sum(point.counts.n for point in self.trend)


def visible_products(user: User | AnonymousUser) -> list[Product]:
    """Return the products the user may see, by name."""
    return list(Product.objects.visible_to(user).order_by("name", "pk"))


def latest_today(products: Iterable[Product], *, now: datetime) -> date:
    """Return the day it is now where the products are; of several days the latest, so that no answer is left out."""
    zones = {product.zone for product in products} or {ZoneInfo("UTC")}
    return max(now.astimezone(zone).date() for zone in zones)


def report_scores(
    *, user: User | AnonymousUser, products: Sequence[Product], span: Span, bucket: Bucket | None = None
) -> list[MetricReport]:
    """Return a report of each metric that has answers or invitations in the span or before, as ``Metric`` orders them.

    What the user may not know of few people is not in it, see ``small_groups``.

    Args:
        products: one or several of ``visible_products``.
        bucket: the steps of the trends; those in which the period is readable where none are asked for.

    Raises:
        PermissionDenied: the user may not see figures, or not those of one of the products.
    """
    if not user.has_perm(SEE_FIGURES):
        raise PermissionDenied
    visible = Product.objects.visible_to(user).filter(pk__in=[product.pk for product in products])
    if set(visible.values_list("pk", flat=True)) != {product.pk for product in products}:
        raise PermissionDenied
    sees_small = user.has_perm(SEE_IDENTITY)
    bucket = bucket or span.period.bucket
    figures = _figures_by_product(user, products, span)
    trends = _trends(products, span.period, bucket)
    reports = []
    for metric in Metric:
        rows = [(product, figures[product.pk, metric]) for product in products if (product.pk, metric) in figures]
        steps = {product.pk: trends[product.pk, metric] for product, _figures in rows}
        if not sees_small:
            rows = [(product, _told(each)) for product, each in rows]
            steps = {product.pk: _told_steps(steps[product.pk], each) for product, each in rows}
        if rows:
            together = _together(metric, [each for _product, each in rows])
            reports.append(MetricReport(together, _pooled_steps(metric, steps), bucket, rows, steps))
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


def _trends(
    products: Sequence[Product], period: Period, bucket: Bucket
) -> dict[tuple[int, Metric], Sequence[TrendPoint]]:
    """Return the steps of every product and metric, those without answers as well."""
    pks, pieces = [product.pk for product in products], period.split(bucket)
    found = scores_by_product_and_bucket(products=pks, period=period, bucket=bucket)
    return {
        (pk, metric): [
            TrendPoint(piece, found.get((pk, bucket.start(piece.start), metric), Counts(metric, {})))
            for piece in pieces
        ]
        for pk in pks
        for metric in Metric
    }


def _told(figures: Figures) -> Figures:
    """Return what may be told of a product's figures."""
    if is_small(figures.counts.n):
        return Figures(Counts(figures.metric, {}), None, is_hidden=True)
    if figures.before is not None and is_small(figures.before.n):
        return replace(figures, before=None, hides_before=True)
    return figures


def _told_steps(steps: Sequence[TrendPoint], figures: Figures) -> Sequence[TrendPoint]:
    """Return what may be told of a product's trend; nothing where its figures may not be."""
    sizes = {index: step.counts.n for index, step in enumerate(steps)}
    hidden = {index for index, n in sizes.items() if n} if figures.is_hidden else kept_back(sizes)
    return [
        replace(step, counts=Counts(figures.metric, {}), is_hidden=True) if index in hidden else step
        for index, step in enumerate(steps)
    ]


def _together(metric: Metric, rows: Sequence[Figures]) -> Figures:
    """Pool the answers of several products: every answer weighs the same, a big product more than a small one.

    Products that may not be told are in neither of the periods.
    """
    if len(rows) == 1:
        return rows[0]
    told = [row for row in rows if not row.is_hidden]
    if not told:
        return Figures(Counts(metric, {}), None, is_hidden=True)
    hides_before = any(row.hides_before for row in told)
    before = [] if hides_before else [row.before for row in told if row.before is not None]
    rates: dict[Channel, Rates] = {}
    for row in told:
        for channel, ended in row.rates.items():
            rates[channel] = rates.get(channel, Rates()) + ended
    return Figures(
        pooled(metric, (row.counts for row in told)),
        pooled(metric, before) if before else None,
        rates,
        hides_before=hides_before,
    )


def _pooled_steps(metric: Metric, steps: Mapping[int, Sequence[TrendPoint]]) -> list[TrendPoint]:
    """Return the steps of several products together, of what is told of each."""
    pooled_steps = []
    for points in zip(*steps.values(), strict=True):
        counts = pooled(metric, (point.counts for point in points))
        hidden = not counts.n and any(point.is_hidden for point in points)
        pooled_steps.append(TrendPoint(points[0].period, counts, hidden))
    return pooled_steps


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
