"""A filter by how long ago something was, for lists that may have millions of rows."""

from __future__ import annotations

from calendar import monthrange
from contextlib import suppress
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from dateutil.relativedelta import relativedelta
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django_stubs_ext import StrOrPromise
    from unfold.admin import ModelAdmin

FIRST_YEAR_OFFERED: Final = 2000
MOST_YEARS: Final = 8
A_DAY: Final = timedelta(days=1)
SPANS: Final = {"%Y": relativedelta(years=1), "%Y-%m": relativedelta(months=1), "%Y-%m-%d": relativedelta(days=1)}
CHOICES_IN_DAYS: Final = {
    "1": _("last 24 hours"),
    "7": _("last 7 days"),
    "30": _("last 30 days"),
    "90": _("last 90 days"),
}


def within(queryset: QuerySet[Any], column: str, choice: str, *, days: str = "") -> QuerySet[Any]:
    """Keep the rows of a choice of ``MomentFilter`` as an address has it; all rows where it is none.

    Args:
        choice: a number of days, "2026", "2026-03" or "2026-03-05".
        days: the column of the day on which it was where it happened; without it, years, months and days are those
            of the page's clock.
    """
    if choice in CHOICES_IN_DAYS:
        return queryset.filter(**{f"{column}__gte": timezone.now() - timedelta(days=int(choice))})
    span = _span(choice)
    if span is None:
        return queryset
    start, end = span
    if days:
        queryset = queryset.filter(**{f"{days}__gte": start.date(), f"{days}__lt": end.date()})
        # No two clocks are two days apart; the moments are what is indexed.
        start, end = start - 2 * A_DAY, end + 2 * A_DAY
    return queryset.filter(**{f"{column}__gte": start, f"{column}__lt": end})


def _span(choice: str) -> tuple[datetime, datetime] | None:
    """Return when a year, a month or a day begins and ends; nothing where the text is none of them."""
    for form, length in SPANS.items():
        with suppress(ValueError, OverflowError):
            start = datetime.strptime(choice, form).replace(tzinfo=timezone.get_current_timezone())
            return (start, start + length) if MINYEAR < start.year < MAXYEAR else None
    return None


def _within_the_chosen(choice: str) -> list[tuple[str, StrOrPromise]]:
    """Return the months of the chosen year, and the days of the chosen month."""
    span = _span(choice)
    if span is None:
        return []
    year, month = span[0].replace(month=1, day=1), span[0].replace(day=1)
    months = [year + relativedelta(months=number) for number in range(12)]
    days = [month + relativedelta(days=number) for number in range(monthrange(month.year, month.month)[1])]
    is_year = len(choice) == len("2026")
    return [
        *((f"{each:%Y-%m}", date_format(each, "YEAR_MONTH_FORMAT")) for each in months),
        *((f"{each:%Y-%m-%d}", date_format(each, "SHORT_DATE_FORMAT")) for each in days if not is_year),
    ]


class MomentFilter(DropdownFilter):
    """How long ago; unlike a hierarchy of dates it does not have to read every row to offer its choices."""

    column: str
    days: str = ""

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, StrOrPromise]]:
        years = [(str(year), str(year)) for year in range(timezone.now().year, FIRST_YEAR_OFFERED - 1, -1)]
        return [*CHOICES_IN_DAYS.items(), *years[:MOST_YEARS], *_within_the_chosen(self.value() or "")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return within(queryset, self.column, self.value() or "", days=self.days)
