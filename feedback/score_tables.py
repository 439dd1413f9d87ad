"""The figures of the dashboard as a table for analysts: a row per metric, product and period, and one per month."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils.translation import gettext as _

from feedback.exports import as_csv
from feedback.metrics import headline, rounded
from feedback.models import Tally
from feedback.periods import Bucket
from feedback.reports import report_scores
from privacy.access_log import record_exports
from surveys.scales import Band

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.contrib.auth.models import User

    from feedback.exports import Cell
    from feedback.metrics import Counts, Estimate
    from feedback.periods import Period, Span
    from feedback.reports import Figures, MetricReport, TrendPoint
    from privacy.models import Product

PLACES: Final = 4
NOTHING: Final = ""


@transaction.atomic
def export_scores(*, user: User, products: Sequence[Product], span: Span) -> bytes:
    """Return the figures of products as CSV in the active language, as far as the user may know them.

    Numbers are as a computer reads them: with a point, unrounded to what the dashboard shows. Where few people
    answered, ``small_groups`` decides: "too few" stands instead of every number. That the file was taken out is
    recorded for each product before it is made.

    Args:
        products: one or several of ``reports.visible_products``.

    Raises:
        PermissionDenied: the user may not see figures, or not those of one of the products.
    """
    reports = report_scores(user=user, products=products, span=span, bucket=Bucket.MONTH)
    record_exports(user=user, record=Tally, products=products)
    return as_csv(_headers(), (row for report in reports for row in _rows(report, span.period)))


def _headers() -> list[str]:
    return [
        *(_("metric"), _("product"), _("row"), _("first day"), _("last day"), _("answers"), _("value")),
        *(_("95 % from"), _("95 % to"), _("promoters"), _("passives"), _("detractors")),
        *(_("answers before"), _("value before"), _("shown in apps"), _("answered in apps"), _("declined in apps")),
    ]


def _rows(report: MetricReport, period: Period) -> Iterator[list[Cell]]:
    """Yield the rows of one metric: of each product, then of all of them together, each followed by its months."""
    parts = [(product.name, figures, report.trends[product.pk]) for product, figures in report.products]
    if len(parts) > 1:
        parts.append((_("products together"), report.together, report.trend))
    for name, figures, months in parts:
        first: list[Cell] = [report.metric.label, name]
        yield [*first, _("period"), *_days(period), *_of_the_period(figures)]
        for month in months:
            yield [*first, _("month"), *_days(month.period), *_of_a_month(month), *[NOTHING] * 5]


def _days(period: Period) -> list[Cell]:
    return [period.start.isoformat(), period.last.isoformat()]


def _of_the_period(figures: Figures) -> list[Cell]:
    if figures.is_hidden:
        return [_("too few"), *[NOTHING] * 11]
    before: list[Cell] = [NOTHING, NOTHING]
    if figures.hides_before:
        before = [_("too few"), NOTHING]
    elif figures.before is not None:
        before = [figures.before.n, _value(figures.value_before)]
    rates = figures.in_app
    return [*_of_answers(figures.counts), *before, rates.shown, rates.responded, rates.declined]


def _of_a_month(month: TrendPoint) -> list[Cell]:
    return [_("too few"), *[NOTHING] * 6] if month.is_hidden else _of_answers(month.counts)


def _of_answers(counts: Counts) -> list[Cell]:
    estimate, bands = headline(counts), counts.by_band()
    ends: list[Cell] = [NOTHING, NOTHING]
    if estimate is not None and estimate.interval is not None:
        ends = [rounded(end, PLACES) for end in (estimate.interval.low, estimate.interval.high)]
    by_band = [bands[band] for band in (Band.PROMOTER, Band.PASSIVE, Band.DETRACTOR)]
    return [counts.n, _value(estimate), *ends, *by_band]


def _value(estimate: Estimate | None) -> Cell:
    return NOTHING if estimate is None else rounded(estimate.value, PLACES)
