"""Measured values in words and digits, as people read them in their language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext, pgettext_lazy

from feedback.metrics import SMALL_SAMPLE, Estimate, rounded, share
from feedback.periods import Bucket
from surveys.scales import Band, Metric

if TYPE_CHECKING:
    from decimal import Decimal
    from fractions import Fraction

    from feedback.metrics import Difference
    from feedback.periods import Period
    from feedback.reports import Figures

DASH: Final = "–"
# How many digits follow the decimal mark: of the value itself, and of its interval and its changes.
PLACES: Final = {Metric.NPS: (0, 1), Metric.CSAT: (1, 1), Metric.CES: (2, 2)}
# Translators: how a date is written, in the letters of Django's filter "date"
DAY_FORMAT: Final = pgettext_lazy("format of a date", "j M")
MONTH_FORMAT: Final = pgettext_lazy("format of a date", "M Y")
BUCKET_FORMATS: Final = {
    Bucket.DAY: DAY_FORMAT,
    Bucket.WEEK: DAY_FORMAT,
    Bucket.MONTH: MONTH_FORMAT,
    Bucket.QUARTER: MONTH_FORMAT,
    Bucket.YEAR: "Y",
}


def number(value: Fraction | float, places: int = 0) -> str:
    """Return the value rounded half away from zero, with the marks of the active language."""
    return _localised(rounded(value, places), places)


def percent(estimate: Estimate | None) -> str:
    """Return a share with one digit, or a dash where there is nothing to take a share of."""
    return f"{number(estimate.value, 1)}\N{NO-BREAK SPACE}%" if estimate else DASH


def value(estimate: Estimate | None, metric: Metric) -> str:
    """Return the headline of a metric: NPS in whole points, CSAT in per cent, CES as a mean with two digits."""
    if metric == Metric.CSAT or estimate is None:
        return percent(estimate)
    return number(estimate.value, PLACES[metric][0])


def interval(estimate: Estimate | None, places: int) -> str:
    """Return the 95 % interval in words: "95 %: 38.6 … 66.5"; empty where there is none."""
    ends = bounds(estimate, places)
    return _("95 %%: %(interval)s") % {"interval": ends} if ends else ""


def bounds(estimate: Estimate | None, places: int) -> str:
    """Return the ends of the interval: "38.6 … 66.5"; empty where there is none."""
    if estimate is None or estimate.interval is None:
        return ""
    return f"{number(estimate.interval.low, places)} … {number(estimate.interval.high, places)}"


def answers(n: int) -> str:
    return ngettext("%(n)s answer", "%(n)s answers", n) % {"n": number(n)}


def left_out(products: int) -> str:
    """Return that products are not in the figures of all together because few people answered; empty for none."""
    if not products:
        return ""
    text = ngettext(
        "%(n)s product with fewer than five answers is not in these figures.",
        "%(n)s products with fewer than five answers are not in these figures.",
        products,
    )
    return text % {"n": number(products)}


def small_sample(estimate: Estimate | None) -> str:
    """Return the warning that belongs to few answers, else nothing."""
    if estimate is None or not estimate.is_small:
        return ""
    return _("Fewer than %(n)s answers: read with care.") % {"n": SMALL_SAMPLE}


def change(difference: Difference, metric: Metric) -> str:
    """Return how far a value moved, with its sign and unit."""
    moved = number(difference.change, PLACES[metric][1])
    signed = f"+{moved}" if difference.change > 0 else moved
    if metric == Metric.NPS:
        return _("%(change)s points") % {"change": signed}
    if metric == Metric.CSAT:
        return _("%(change)s percentage points") % {"change": signed}
    return signed


def comparison(figures: Figures) -> str:
    """Return in a sentence whether a value differs from the one before; empty where nothing is compared."""
    if figures.before is None or figures.value is None:
        return ""
    difference = figures.difference
    if difference is None:
        return _("There were no answers before to compare with.")
    words = {"change": change(difference, figures.metric), "p": probability(difference.p)}
    if difference.p is None:
        return _("Too little spread to compare: %(change)s.") % words
    if not difference.is_significant:
        return _("No significant difference: %(change)s (%(p)s).") % words
    if difference.change > 0:
        return _("Significantly higher: %(change)s (%(p)s).") % words
    return _("Significantly lower: %(change)s (%(p)s).") % words


def probability(p: float | None) -> str:
    if p is None:
        return ""
    sign, shown = ("<", 0.001) if p < 0.001 else ("=", p)
    return "\N{NO-BREAK SPACE}".join(("p", sign, number(shown, 3)))


def before(figures: Figures, period: Period | None) -> str:
    """Return the value that is compared with, its number of answers and its days."""
    if period is not None and figures.hides_before:
        return _("Before, %(days)s: too few answers to tell.") % {"days": days(period)}
    if period is None or figures.value_before is None:
        return ""
    return _("Before, %(days)s: %(value)s from %(answers)s.") % {
        "days": days(period),
        "value": value(figures.value_before, figures.metric),
        "answers": answers(figures.value_before.n),
    }


def days(period: Period) -> str:
    """Return the first and the last day of a period, or its only day."""
    first, last = date_format(period.start), date_format(period.last)
    return first if period.days == 1 else f"{first} {DASH} {last}"


def bucket_label(period: Period, bucket: Bucket) -> str:
    return date_format(period.start, str(BUCKET_FORMATS[bucket]))


def part_of(part: int, whole: int) -> str:
    """Return how many that are, and their share: "46 (61.3 %)"."""
    return f"{number(part)} ({percent(share(part, whole))})" if whole else number(part)


def band_names(band: str, metric: str) -> str:
    """Return what the answers in a band are called: NPS has names of its own."""
    if metric == Metric.NPS:
        return {
            Band.DETRACTOR.value: _("detractors"),
            Band.PASSIVE.value: _("passives"),
            Band.PROMOTER.value: _("promoters"),
        }[band]
    return {
        Band.DETRACTOR.value: pgettext("several answers", "negative"),
        Band.PASSIVE.value: pgettext("several answers", "neutral"),
        Band.PROMOTER.value: pgettext("several answers", "positive"),
    }[band]


def band_name(band: str, metric: str) -> str:
    """Return what one answer in a band is called."""
    if metric == Metric.NPS:
        return str(Band(band).label)
    return {
        Band.DETRACTOR.value: pgettext("one answer", "negative"),
        Band.PASSIVE.value: pgettext("one answer", "neutral"),
        Band.PROMOTER.value: pgettext("one answer", "positive"),
    }[band]


def _localised(shown: Decimal, places: int) -> str:
    return number_format(shown, decimal_pos=places, use_l10n=True, force_grouping=True)
