"""Emergency access to open, end and look back on; and what was changed about staff accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from privacy.admin.visibility import VisibleModelAdmin, staff
from privacy.break_glass import OPEN, end_access, open_access
from privacy.models import AccessLogEntry, BreakGlass, StaffChange
from privacy.tasks import queue_alerts_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern


class OpeningForm(forms.ModelForm):  # type: ignore[type-arg]
    """A reason; opening the access is the domain's work, and what it refuses is the form's error."""

    class Meta:
        model = BreakGlass
        fields = ("reason",)
        widgets = {"reason": UnfoldAdminTextareaWidget}

    by: Any
    opened: BreakGlass | None = None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "reason" in cleaned:
            try:
                self.opened = open_access(user=self.by, reason=cleaned["reason"])
            except ValidationError as error:
                self.add_error("reason", error)
        return cleaned

    def save(self, commit: bool = True) -> BreakGlass:
        assert self.opened is not None  # noqa: S101  the form is valid
        return self.opened

    def save_m2m(self) -> None:
        """The domain has set the controllers."""


@admin.register(BreakGlass)
class BreakGlassAdmin(VisibleModelAdmin):
    empty_hint = _(
        "Nobody has opened personal data in an emergency. Administrators do that here, and it is told to "
        "every data protection officer."
    )
    form = OpeningForm
    list_display = ("opened_at", "user", "standing", "controller_names", "reason")
    list_select_related = ("user",)
    list_per_page = 50
    fieldsets = (
        (
            None,
            {
                "fields": ("reason",),
                "description": _(
                    "For one hour you see responses, comments, identities and rights requests of your products. Every "
                    "data protection officer of their controllers is told at once, with your name and reason, and "
                    "every page that you open is logged. It cannot be extended, only opened anew."
                ),
            },
        ),
    )
    shown = ("user", "reason", "opened_at", "expires_at", "ended_at", "controller_names", "reads", "alerts")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("controllers")

    def get_fieldsets(self, request: HttpRequest, obj: BreakGlass | None = None) -> Any:
        return ((None, {"fields": self.shown}),) if obj else self.fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: BreakGlass | None = None) -> tuple[str, ...]:
        return self.shown if obj else ()

    def get_form(self, request: HttpRequest, obj: BreakGlass | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = type("OpeningFormOfUser", (OpeningForm,), {"by": request.user})
        return super().get_form(request, obj, change, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(OPEN) and not request.user.is_superuser  # who sees everything opens nothing

    def has_change_permission(self, request: HttpRequest, obj: BreakGlass | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: BreakGlass | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: BreakGlass, form: Any, change: bool) -> None:
        queue_alerts_of(obj)  # the form has opened it

    def response_add(self, request: HttpRequest, obj: BreakGlass, post_url_continue: str | None = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:index"))

    def get_urls(self) -> list[URLPattern]:
        end = path("end/", self.admin_site.admin_view(self.end_view), name="privacy_breakglass_end")
        return [end, *super().get_urls()]

    def end_view(self, request: HttpRequest) -> HttpResponse:
        """End the user's own access now."""
        if not request.user.has_perm(OPEN):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if end_access(user=staff(request)):
            messages.success(request, _("The emergency access has ended."))
        return HttpResponseRedirect(reverse("admin:index"))

    @display(description=_("state"), label={"open": "danger"})
    def standing(self, access: BreakGlass) -> tuple[str, Any]:
        if access.is_lasting:
            return "open", _("open")
        return "ended", _("ended early") if access.ended_at and access.ended_at < access.expires_at else _("ran out")

    @display(description=_("controllers concerned"))
    def controller_names(self, access: BreakGlass) -> str:
        return ", ".join(controller.name for controller in access.controllers.all())

    @display(description=_("reads that were logged"))
    def reads(self, access: BreakGlass) -> int:
        until = access.ended_at or access.expires_at
        return AccessLogEntry.objects.filter(
            user=access.user_id,
            purpose=AccessLogEntry.Purpose.EMERGENCY,
            at__range=(access.opened_at, until),
        ).count()

    @display(description=_("alerts"))
    def alerts(self, access: BreakGlass) -> str:
        lines = []
        for alert in access.alerts.select_related("recipient", "controller"):
            who = alert.recipient or _("privacy mailbox of %(controller)s") % {"controller": alert.controller}
            when = date_format(localtime(alert.sent_at), "SHORT_DATETIME_FORMAT") if alert.sent_at else _("not sent")
            lines.append(f"{who}: {when}")
        return "; ".join(lines)


@admin.register(StaffChange)
class StaffChangeAdmin(VisibleModelAdmin):
    empty_hint = _(
        "Nobody has changed a staff account yet. Each change of a role, a product or a password is written "
        "down here by itself."
    )
    list_display = ("at", "by", "account", "kind", "given_names", "taken_names")
    list_filter = (("kind", ChoicesDropdownFilter),)
    list_select_related = ("by", "account")
    list_per_page = 50
    fields = readonly_fields = ("at", "by", "account", "kind", "given_names", "taken_names", "controller_names")

    @display(description=_("given"))
    def given_names(self, change: StaffChange) -> str:
        return ", ".join(change.given)

    @display(description=_("taken"))
    def taken_names(self, change: StaffChange) -> str:
        return ", ".join(change.taken)

    @display(description=_("controllers concerned"))
    def controller_names(self, change: StaffChange) -> str:
        return ", ".join(controller.name for controller in change.controllers.all())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: StaffChange | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: StaffChange | None = None) -> bool:
        return False
