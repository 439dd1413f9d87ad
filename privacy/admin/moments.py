"""A filter by how long ago something was, for lists that may have millions of rows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django_stubs_ext import StrOrPromise
    from unfold.admin import ModelAdmin

FIRST_YEAR_OFFERED: Final = 2000
MOST_YEARS: Final = 8
CHOICES_IN_DAYS: Final = {
    "1": _("last 24 hours"),
    "7": _("last 7 days"),
    "30": _("last 30 days"),
    "90": _("last 90 days"),
}


def within(queryset: QuerySet[Any], column: str, choice: str) -> QuerySet[Any]:
    """Keep the rows of a number of days or of a year, as ``MomentFilter`` has them in an address; all of no choice."""
    if choice in CHOICES_IN_DAYS:
        return queryset.filter(**{f"{column}__gte": timezone.now() - timedelta(days=int(choice))})
    is_year = choice.isdecimal() and len(choice) == 4
    return queryset.filter(**{f"{column}__year": int(choice)}) if is_year else queryset


class MomentFilter(DropdownFilter):
    """How long ago; unlike a hierarchy of dates it does not have to read every row to offer its choices."""

    column: str

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, StrOrPromise]]:
        years = [(str(year), str(year)) for year in range(timezone.now().year, FIRST_YEAR_OFFERED - 1, -1)]
        return [*CHOICES_IN_DAYS.items(), *years[:MOST_YEARS]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return within(queryset, self.column, self.value() or "")
