"""Who works on follow-ups, when, and what they name as causes: edited by administrators and, in part, reviewers."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.template.defaultfilters import floatformat
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from feedback import follow_up as work
from feedback.follow_up.assigning import BACKEND
from feedback.follow_up.clocks import HOW_IT_COUNTS
from feedback.models import RootCause, Team, WorkingHours
from feedback.models.working import Weekday, monday_to_friday
from feedback.reports import SEE_FOLLOW_UPS
from feedback.working_time import Schedule, working_part
from privacy import staffing
from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin, staff

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django_stubs_ext import StrOrPromise

    from privacy.models import Product


class OfOneProductForm(forms.ModelForm):  # type: ignore[type-arg]  # cannot be subscripted at run time
    """What has a name of its own within a product, also while that product cannot be changed."""

    def _get_validation_exclusions(self) -> set[str]:
        """Leave the product in, without which the framework would not look whether a name is taken."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # not in the stubs
        return excluded - {"product"} if self.instance.pk else excluded


class StaffOfProductForm(OfOneProductForm):
    """What names staff of its product: only those who see it and hold the permission that is needed."""

    staff_field = ""
    permission = ""
    refusal: StrOrPromise = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.not_offered: list[User] = []
        if self.instance.pk and self.staff_field in self.fields:
            self._set_aside(self.fields[self.staff_field])

    def _set_aside(self, field: Any) -> None:
        """Remember those who are named already but not offered, so that saving does not take them off unseen."""
        named: list[User] = list(self.initial.get(self.staff_field, ()))
        offered = set(field.queryset.filter(pk__in=[user.pk for user in named]).values_list("pk", flat=True))
        self.not_offered = [user for user in named if user.pk not in offered]
        self.initial[self.staff_field] = [user for user in named if user.pk in offered]
        if count := len(self.not_offered):
            stays = ngettext(
                "%(count)d colleague who is not offered here is named too, and stays.",
                "%(count)d colleagues who are not offered here are named too, and stay.",
                count,
            )
            field.help_text = f"{field.help_text} {stays % {'count': count}}"

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        product = self.instance.product if self.instance.pk else found.get("product")
        named = found.get(self.staff_field)
        if product is not None and named:
            self._check_able(named, product)
        return found

    def _save_m2m(self) -> None:
        if self.staff_field in self.cleaned_data:
            self.cleaned_data[self.staff_field] = [*self.cleaned_data[self.staff_field], *self.not_offered]
        super()._save_m2m()  # type: ignore[misc]  # Django's own way to store them

    def _check_able(self, named: Iterable[User], product: Product) -> None:
        able = set(work.staff_who_see(product, self.permission).values_list("pk", flat=True))
        unable = [user.get_username() for user in named if user.pk not in able]
        if unable:
            refusal = ValidationError(self.refusal, code="may_not_work", params={"names": ", ".join(unable)})
            self.add_error(self.staff_field, refusal)


class TeamForm(StaffOfProductForm):
    """A team has only members who see its product and may work on its follow-ups."""

    staff_field = "members"
    permission = work.WORK
    refusal = _("These do not see the product or may not work on follow-ups: %(names)s.")


class OfOneProduct(VisibleModelAdmin):
    """Rows that stay with their product: what points at them does too."""

    form = OfOneProductForm
    list_filter = (("product", VisibleFilter),)
    list_select_related = ("product",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("product",) if obj else ()


def _choice_of_staff(request: HttpRequest, permission: str) -> dict[str, Any]:
    """Return what lets a field offer the staff whom the user sees and who hold a permission."""
    holders = User.objects.with_perm(permission, backend=BACKEND).filter(is_staff=True, is_active=True)
    visible = staffing.visible_staff(staff(request)).values("pk")
    return {
        "queryset": holders.filter(pk__in=visible).order_by("username"),
        "widget": UnfoldAdminCheckboxSelectMultipleWidget(),
    }


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
            kwargs |= _choice_of_staff(request, work.WORK)
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


class WorkingHoursForm(StaffOfProductForm):
    """Hours that leave time for a reminder, and only staff who see what they are told of."""

    staff_field = "escalate_to"
    permission = SEE_FOLLOW_UPS
    refusal = _("These do not see the product or its follow-ups: %(names)s.")
    days = forms.TypedMultipleChoiceField(
        label=_("Days"),
        choices=Weekday,
        initial=monday_to_friday,
        coerce=int,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Clocks run on these days only, and not on public holidays."),
    )

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        opens, closes = found.get("opens"), found.get("closes")
        if opens and closes and closes <= opens:
            self.add_error("closes", ValidationError(gettext("Later than the beginning."), code="closes_too_early"))
        elif opens and closes:
            self._check_reminder(Schedule(zone=UTC, country="", opens=opens, closes=closes))
        return found

    def _check_reminder(self, schedule: Schedule) -> None:
        reminder = timedelta(hours=self.cleaned_data.get("remind_hours") or 0)
        until_due = working_part(timedelta(hours=self.cleaned_data.get("first_contact_hours") or 0), schedule)
        if until_due and reminder and reminder >= until_due:
            message = gettext(
                "The reminder has to come after the clock starts: there are only %(hours)s h of work until the first "
                "contact is due. With 0 nobody is reminded."
            )
            hours = floatformat(until_due / timedelta(hours=1), -1)
            self.add_error("remind_hours", ValidationError(message, code="too_early", params={"hours": hours}))


@admin.register(WorkingHours)
class WorkingHoursAdmin(OfOneProduct):
    """Without a row people work Monday to Friday from 9 to 17."""

    empty_hint = _(
        "No product has working hours of its own, so all work Monday to Friday from 9 to 17. Add them where "
        "that differs."
    )
    form = WorkingHoursForm
    list_display = ("product", "day_names", "opens", "closes", "first_contact_hours", "remind_hours")
    fieldsets = (
        (None, {"fields": ("product", "days", "opens", "closes"), "description": HOW_IT_COUNTS}),
        (_("First contact"), {"fields": ("first_contact_hours", "remind_hours", "escalate_to")}),
    )

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "escalate_to":
            kwargs |= _choice_of_staff(request, SEE_FOLLOW_UPS)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @display(description=_("days"))
    def day_names(self, hours: WorkingHours) -> str:
        return ", ".join(str(Weekday(day).label) for day in sorted(hours.days))
