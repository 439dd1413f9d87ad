"""Spans of calendar days that reports cover, the spans they compare with, and the buckets they fall into.

Days are those of the product and spans are half-open: ``end`` is the first day that no longer belongs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from dateutil.relativedelta import relativedelta
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

EARLIEST: Final = date(2000, 1, 1)
DAY: Final = timedelta(days=1)


class Bucket(models.TextChoices):
    """The steps of a trend."""

    DAY = "day", _("day")
    WEEK = "week", _("week")  # ISO: begins on Monday
    MONTH = "month", _("month")
    QUARTER = "quarter", _("quarter")
    YEAR = "year", _("year")

    def start(self, day: date) -> date:
        """Return the first day of the bucket that a day falls into."""
        match self:
            case Bucket.DAY:
                return day
            case Bucket.WEEK:
                return day - timedelta(days=day.weekday())
            case Bucket.MONTH:
                return day.replace(day=1)
            case Bucket.QUARTER:
                return date(day.year, day.month - (day.month - 1) % 3, 1)
        return date(day.year, 1, 1)

    def following(self, start: date) -> date:
        """Return the first day of the next bucket."""
        return start + STEPS[self]


STEPS: Final = {
    Bucket.DAY: relativedelta(days=1),
    Bucket.WEEK: relativedelta(weeks=1),
    Bucket.MONTH: relativedelta(months=1),
    Bucket.QUARTER: relativedelta(months=3),
    Bucket.YEAR: relativedelta(years=1),
}


class Choice(models.TextChoices):
    """The periods that can be chosen; the value stands in addresses."""

    WEEK = "7d", _("last 7 days")
    DAYS_30 = "30d", _("last 30 days")
    DAYS_90 = "90d", _("last 90 days")
    YEAR = "12m", _("last 12 months")
    THIS_MONTH = "this_month", _("this month")
    LAST_MONTH = "last_month", _("last month")
    ALL = "all", _("all time")
    CUSTOM = "custom", _("from … to …")


@dataclass(frozen=True)
class Period:
    """The days from ``start`` up to, and without, ``end``."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def last(self) -> date:
        return self.end - DAY

    @property
    def bucket(self) -> Bucket:
        """The step in which a trend over this period is readable: at most some dozens of points."""
        limits = ((31, Bucket.DAY), (190, Bucket.WEEK), (3 * 366, Bucket.MONTH), (12 * 366, Bucket.QUARTER))
        return next((bucket for most, bucket in limits if self.days <= most), Bucket.YEAR)

    def split(self, bucket: Bucket) -> list[Period]:
        """Return the buckets that the period touches, each cut to the days inside it."""
        pieces, start = [], bucket.start(self.start)
        while start < self.end:
            following = bucket.following(start)
            pieces.append(Period(max(start, self.start), min(following, self.end)))
            start = following
        return pieces

    def instants(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return the first instant of the period and the first after it, where the clock is in ``zone``."""
        return tuple(datetime.combine(day, time.min, zone) for day in (self.start, self.end))  # type: ignore[return-value]


@dataclass(frozen=True)
class Span:
    """What was chosen, the period that it means today, and the one to compare it with, if there is one."""

    choice: Choice
    period: Period
    previous: Period | None


def choose_span(choice: str, *, today: date, first: str = "", last: str = "", known: Period | None = None) -> Span:
    """Return the span that a choice means.

    Args:
        choice: a value of ``Choice``.
        today: the day it is now for the products looked at; a period never reaches beyond it.
        first: the first day of a custom period, as 2026-03-31.
        last: the last day of a custom period, likewise; it is included.
        known: the days that have answers, for all time.

    Raises:
        ValidationError: there is no such choice (``unknown_period``), or the custom days are missing, malformed,
            in the wrong order, before 2000 or in the future (``invalid_days``).
    """
    if choice not in Choice.values:
        raise ValidationError(_("There is no such period."), "unknown_period")
    chosen = Choice(choice)
    if chosen == Choice.CUSTOM:
        return _preceded(chosen, _custom_period(first, last, today=today))
    if chosen == Choice.ALL:
        known = known or Period(today, today + DAY)
        return Span(chosen, Period(min(known.start, today), max(known.end, today + DAY)), None)
    if chosen in DAYS:
        return _preceded(chosen, Period(today - timedelta(days=DAYS[chosen] - 1), today + DAY))
    return _months(chosen, today)


DAYS: Final = {Choice.WEEK: 7, Choice.DAYS_30: 30, Choice.DAYS_90: 90}


def _preceded(choice: Choice, period: Period) -> Span:
    return Span(choice, period, Period(period.start - timedelta(days=period.days), period.start))


def _months(choice: Choice, today: date) -> Span:
    """Compare months with months: the part of this month that is over with the same part of the month before."""
    this_month, tomorrow = today.replace(day=1), today + DAY
    month, year = relativedelta(months=1), relativedelta(years=1)
    if choice == Choice.LAST_MONTH:
        before = this_month - month
        return Span(choice, Period(before, this_month), Period(before - month, before))
    if choice == Choice.THIS_MONTH:
        before = this_month - month
        part = min(before + (tomorrow - this_month), this_month)
        return Span(choice, Period(this_month, tomorrow), Period(before, part))
    start = tomorrow - year
    return Span(choice, Period(start, tomorrow), Period(start - year, start))


def _custom_period(first: str, last: str, *, today: date) -> Period:
    start, end = _day(first), _day(last)
    if start is None or end is None:
        raise ValidationError(_("Give both days, as in 2026-03-31."), "invalid_days")
    if not EARLIEST <= start <= end or start > today:
        raise ValidationError(
            _("The first day must not come after the last, before the year 2000 or in the future."), "invalid_days"
        )
    return Period(start, min(end, today) + DAY)


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:  # well formed, but there is no such day
        return None
