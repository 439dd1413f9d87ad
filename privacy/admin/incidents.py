"""Incidents: what reached the wrong person, how long there is to tell the authority, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.timesince import timeuntil
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSplitDateTimeWidget, UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from privacy.admin.visibility import VisibleModelAdmin
from privacy.incidents import assess
from privacy.models import Incident

if TYPE_CHECKING:
    from django.http import HttpRequest


class AssessmentForm(forms.ModelForm):  # type: ignore[type-arg]
    """What happened and whether the authority was told; storing it is the domain's work, its refusals are errors."""

    closes = forms.BooleanField(
        label=_("close the incident"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("Nothing remains to be done. What is written here then stays as it is."),
    )

    class Meta:
        model = Incident
        fields = ("assessment", "notified_at")
        widgets = {"assessment": UnfoldAdminTextareaWidget}
        help_texts = {"notified_at": _("When the report was sent; until then the 72 hours keep running.")}
        field_classes = {"notified_at": forms.SplitDateTimeField}

    by: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "notified_at" in self.fields:
            self.fields["notified_at"].widget = UnfoldAdminSplitDateTimeWidget()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and "assessment" in cleaned:
            try:
                self.instance = assess(
                    incident=self.instance,
                    user=self.by,
                    assessment=cleaned["assessment"],
                    notified_at=cleaned["notified_at"],
                    closes=cleaned["closes"],
                )
            except ValidationError as error:
                self.add_error(None, error)
        return cleaned

    def _post_clean(self) -> None:
        """The domain has checked and stored the values."""


@admin.register(Incident)
class IncidentAdmin(VisibleModelAdmin):
    empty_hint = _(
        "No data reached the wrong person so far. Whoever gets a message by mistake says so on the page of the "
        "copy, and staff say so on the page of the request."
    )
    form = AssessmentForm
    list_display = ("request", "standing", "opened_at", "notify_by", "notified_at", "closed_at")
    list_select_related = ("request",)
    list_per_page = 50
    known = ("request", "standing", "opened_at", "opened_by", "notify_by")
    decided = ("assessment", "notified_at")

    def get_fieldsets(self, request: HttpRequest, obj: Incident | None = None) -> Any:
        written = (*self.decided, "closes" if self._is_open(request, obj) else "closed_at")
        return ((_("Incident"), {"fields": self.known}), (_("Assessment"), {"fields": written}))

    def get_readonly_fields(self, request: HttpRequest, obj: Incident | None = None) -> tuple[str, ...]:
        return self.known if self._is_open(request, obj) else (*self.known, *self.decided, "closed_at")

    def get_form(self, request: HttpRequest, obj: Incident | None = None, change: bool = False, **kwargs: Any) -> Any:
        if self._is_open(request, obj):
            kwargs["form"] = type("AssessmentOfUser", (AssessmentForm,), {"by": request.user})
        else:
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Incident, form: Any, change: bool) -> None:
        """The form has stored it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Incident | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.closed_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: Incident | None = None) -> bool:
        return False

    @display(
        description=_("state"),
        label={"closed": "success", "told": "info", "open": "warning", "overdue": "danger"},
    )
    def standing(self, incident: Incident) -> tuple[str, Any]:
        if incident.closed_at:
            return "closed", _("closed")
        if incident.notified_at:
            return "told", _("authority told")
        now = timezone.now()
        if incident.notify_by <= now:
            return "overdue", _("72 hours are over")
        return "open", _("%(time)s left to tell the authority") % {"time": timeuntil(incident.notify_by, now)}

    def _is_open(self, request: HttpRequest, obj: Incident | None) -> bool:
        return obj is not None and self.has_change_permission(request, obj)
