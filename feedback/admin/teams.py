"""Who works on follow-ups, when, and what they name as causes: edited by administrators and, in part, reviewers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from feedback import follow_up as work
from feedback.follow_up.assigning import BACKEND
from feedback.follow_up.clocks import HOW_IT_COUNTS
from feedback.models import RootCause, Team, WorkingHours
from feedback.models.working import Weekday
from privacy import staffing
from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin, staff

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


class TeamForm(forms.ModelForm):  # type: ignore[type-arg]  # cannot be subscripted at run time
    """A team has only members who see its product and may work on its follow-ups."""

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        product = self.instance.product if self.instance.pk else found.get("product")
        members = found.get("members")
        if product is None or members is None:
            return found
        able = set(work.possible_owners(product).values_list("pk", flat=True))
        unable = [user.get_username() for user in members if user.pk not in able]
        if unable:
            message = _now("These do not see the product or may not work on follow-ups: %(names)s.")
            self.add_error("members", ValidationError(message % {"names": ", ".join(unable)}, code="may_not_work"))
        return found


class OfOneProduct(VisibleModelAdmin):
    """Rows that stay with their product: what points at them does too."""

    list_filter = (("product", VisibleFilter),)
    list_select_related = ("product",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("product",) if obj else ()


@admin.register(Team)
class TeamAdmin(OfOneProduct):
    empty_hint = _("No team yet. Add one to share follow-ups among colleagues and to answer people from one address.")
    form = TeamForm
    list_display = ("name", "product", "size", "reply_address")
    ordering = ("name",)  # counting members groups the rows, and a model's own order does not hold for groups
    fields = ("product", "name", "members", "reply_address")
    search_fields = ("name",)
    search_help_text = _("Names of teams")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        counted: QuerySet[Any] = super().get_queryset(request).annotate(member_count=Count("members"))
        return counted

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "members":
            workers = User.objects.with_perm(work.WORK, backend=BACKEND).filter(is_staff=True, is_active=True)
            visible = staffing.visible_staff(staff(request)).values("pk")
            kwargs["queryset"] = workers.filter(pk__in=visible).order_by("username")
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
            kwargs["help_text"] = _("They are reminded of follow-ups of the team that nobody owns.")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @display(description=_("members"), ordering="member_count")
    def size(self, team: Any) -> int:
        return int(team.member_count)


@admin.register(RootCause)
class RootCauseAdmin(OfOneProduct):
    empty_hint = _("No root cause yet. Add the reasons why people complain, or name one when a follow-up is closed.")
    list_display = ("name", "product")
    fields = ("product", "name")
    search_fields = ("name",)
    search_help_text = _("Names of root causes")


class WorkingHoursForm(forms.ModelForm):  # type: ignore[type-arg]  # cannot be subscripted at run time
    days = forms.TypedMultipleChoiceField(
        label=_("Days"), choices=Weekday, coerce=int, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        opens, closes = found.get("opens"), found.get("closes")
        if opens and closes and closes <= opens:
            self.add_error("closes", ValidationError(_now("Later than the beginning."), code="closes_too_early"))
        return found


@admin.register(WorkingHours)
class WorkingHoursAdmin(OfOneProduct):
    """Without a row people work Monday to Friday from 9 to 17."""

    empty_hint = _(
        "No product has working hours of its own, so all work Monday to Friday from 9 to 17. Add them where "
        "that differs."
    )
    form = WorkingHoursForm
    list_display = ("product", "day_names", "opens", "closes")
    fieldsets = ((None, {"fields": ("product", "days", "opens", "closes"), "description": HOW_IT_COUNTS}),)

    @display(description=_("days"))
    def day_names(self, hours: WorkingHours) -> str:
        return ", ".join(str(Weekday(day).label) for day in sorted(hours.days))
