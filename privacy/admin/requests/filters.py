"""By what the queue of rights requests can be narrowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db.models import F
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from privacy.admin.requests.clock import CURRENT_DUE, today_there
from privacy.models import Right, RightsRequest

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django_stubs_ext import StrOrPromise

SHORT: Final[dict[str, StrOrPromise]] = {
    Right.ACCESS: _("access"),
    Right.RECTIFICATION: _("rectification"),
    Right.ERASURE: _("erasure"),
    Right.RESTRICTION: _("restriction"),
    Right.OBJECTION: _("objection"),
    Right.PORTABILITY: _("portability"),
    Right.COMPLAINT_INFORMATION: _("complaint information"),
}


class WaitingFilter(DropdownFilter):
    title = _("state of the work")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, StrOrPromise]]:
        return [("yes", _("still open")), ("late", _("overdue")), ("no", _("done"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[RightsRequest]) -> QuerySet[RightsRequest]:
        match self.value():
            case "yes":
                return queryset.filter(state__in=RightsRequest.OPEN_STATES)
            case "late":
                waiting = queryset.filter(state__in=RightsRequest.OPEN_STATES)
                return waiting.alias(current_due=CURRENT_DUE, today=today_there()).filter(current_due__lt=F("today"))
            case "no":
                return queryset.exclude(state__in=RightsRequest.OPEN_STATES)
        return queryset


class RightFilter(DropdownFilter):
    title = _("right")
    parameter_name = "right"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, StrOrPromise]]:
        return list(SHORT.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[RightsRequest]) -> QuerySet[RightsRequest]:
        return queryset.filter(items__right=self.value()) if self.value() in Right.values else queryset
