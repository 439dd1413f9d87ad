"""Whose follow-ups, how far and how late: what the list and the board of follow-ups are narrowed by."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from django.contrib.auth.models import User
from django.db.models import Case, F, Q, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from feedback import follow_up as work
from feedback.follow_up.assigning import BACKEND
from feedback.models import FollowUp, Team
from privacy.admin.visibility import staff
from privacy.models import Product

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
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


def owners_for(user: User) -> QuerySet[User]:
    """Return by name whose follow-ups the user may ask for: who may work on their products, or left work behind."""
    products = Product.objects.visible_to(user)
    of_controller = Q(memberships__product=None, memberships__controller__in=products.values("controller"))
    sees_one = Q(is_superuser=True) | Q(memberships__product__in=products) | of_controller
    workers = User.objects.with_perm(work.WORK, backend=BACKEND).filter(sees_one, is_staff=True, is_active=True)
    owners = FollowUp.objects.open().filter(product__in=products, owner__isnull=False).order_by().values("owner")
    return User.objects.filter(Q(pk__in=workers.values("pk")) | Q(pk__in=owners)).order_by("username")


def teams_for(user: User) -> list[tuple[int, str]]:
    """Return the numbers and names of the teams whose follow-ups the user may ask for.

    A name that teams of several products have says which product it is.
    """
    products = Product.objects.visible_to(user)
    rows = Team.objects.filter(product__in=products).order_by("name", "pk").values_list("pk", "name", "product__name")
    shared = Counter(name for _pk, name, _product in rows)
    return [(pk, f"{name} ({product})" if shared[name] > 1 else name) for pk, name, product in rows]


def of_owner(rows: QuerySet[FollowUp], owner: str | None, user: User) -> QuerySet[FollowUp]:
    """Keep the follow-ups of a chosen owner whom the user sees; what is no number of a row chooses nothing."""
    return rows.filter(owner__in=owners_for(user).order_by().filter(pk=owner).values("pk")) if is_key(owner) else rows


def of_team(rows: QuerySet[FollowUp], team: str | None, user: User) -> QuerySet[FollowUp]:
    """Keep the follow-ups of a chosen team that the user sees, whoever of it works on them."""
    return rows.filter(team=int(team), team__product__in=Product.objects.visible_to(user)) if is_key(team) else rows


def is_key(value: str | None) -> TypeGuard[str]:
    """Tell whether part of an address can be the number of a row."""
    return value is not None and value.isdecimal() and len(value) < 16


class WhoseFilter(DropdownFilter):
    title = _("assigned to")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, StrOrPromise]]:
        return list(WHOSE)

    def queryset(self, request: HttpRequest, queryset: QuerySet[FollowUp]) -> QuerySet[FollowUp]:
        return of_whom(queryset, self.value(), request.user)


class OwnerFilter(DropdownFilter):
    """Who works on it, by name: those who may, as far as the user sees them."""

    title = _("colleague")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, StrOrPromise]]:
        return [(str(owner.pk), owner.get_username()) for owner in owners_for(staff(request))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FollowUp]) -> QuerySet[FollowUp]:
        return of_owner(queryset, self.value(), staff(request))


class TeamFilter(DropdownFilter):
    title = _("team")
    parameter_name = "team"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, StrOrPromise]]:
        return [(str(pk), name) for pk, name in teams_for(staff(request))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FollowUp]) -> QuerySet[FollowUp]:
        return of_team(queryset, self.value(), staff(request))


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
