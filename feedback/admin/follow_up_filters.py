"""Whose follow-ups, how far and how late: what the list and the board of follow-ups are narrowed by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db.models import Case, F, Q, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from feedback.models import FollowUp, Team

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django_stubs_ext import StrOrPromise
    from unfold.admin import ModelAdmin

WHOSE: Final = (
    ("mine", _("mine")),
    ("team", _("my teams’")),
    ("nobody", _("nobody’s")),
    ("others", _("others’")),
)
# A clock runs only until the first contact; what has none comes after all that have one.
RUNNING_DUE: Final = Case(When(contacted_at__isnull=True, then=F("due_at")))
BY_DUE_DATE: Final = (RUNNING_DUE.asc(nulls_last=True), "created_at", "pk")


def of_whom(rows: QuerySet[FollowUp], whose: str | None, user: User | AnonymousUser) -> QuerySet[FollowUp]:
    """Keep the follow-ups of one of ``WHOSE``; of my teams' those that a colleague owns are theirs."""
    teams = Team.objects.filter(members=user.pk)
    match whose:
        case "mine":
            return rows.filter(owner=user.pk)
        case "team":
            return rows.filter(Q(owner=None) | Q(owner=user.pk), team__in=teams)
        case "nobody":
            return rows.filter(owner=None, team=None)
        case "others":
            of_colleagues = Q(owner__isnull=False) & ~Q(owner=user.pk)
            of_other_teams = Q(owner=None, team__isnull=False) & ~Q(team__in=teams)
            return rows.filter(of_colleagues | of_other_teams)
    return rows


def overdue(rows: QuerySet[FollowUp]) -> QuerySet[FollowUp]:
    return rows.filter(
        status__in=FollowUp.OPEN_STATUSES, contacted_at__isnull=True, closed_at__isnull=True, due_at__lt=timezone.now()
    )


class WhoseFilter(DropdownFilter):
    title = _("assigned to")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, StrOrPromise]]:
        return list(WHOSE)

    def queryset(self, request: HttpRequest, queryset: QuerySet[FollowUp]) -> QuerySet[FollowUp]:
        return of_whom(queryset, self.value(), request.user)


class WorkFilter(DropdownFilter):
    """What still needs work, unless asked otherwise: a list by due date begins with what is due."""

    title = _("state of the work")
    parameter_name = "open"
    all_option = ["", _("still open")]

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, StrOrPromise]]:
        return [("no", _("done")), ("all", _("open and done"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FollowUp]) -> QuerySet[FollowUp]:
        if self.value() == "all" or any(name.startswith("status__") for name in request.GET):
            return queryset
        if self.value() == "no":
            return queryset.exclude(status__in=FollowUp.OPEN_STATUSES)
        return queryset.filter(status__in=FollowUp.OPEN_STATUSES)


class DueFilter(DropdownFilter):
    title = _("first contact")
    parameter_name = "due"
    conditions: Final[dict[str, dict[str, Any]]] = {
        "none": {"contacted_at__isnull": True},
        "done": {"contacted_at__isnull": False},
    }

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, StrOrPromise]]:
        return [("overdue", _("overdue")), ("none", _("not yet")), ("done", _("made"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FollowUp]) -> QuerySet[FollowUp]:
        if self.value() == "overdue":
            return overdue(queryset)
        return queryset.filter(**self.conditions.get(self.value() or "", {}))
