"""Follow-ups: the queue of people to contact, and the page on which a case is worked and closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.timesince import timesince
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from feedback import follow_up as work
from feedback.admin.filtering import OpenFilter, OwnerFilter
from feedback.admin.paging import CappedPaginator
from feedback.admin.response_page import BAND_COLOURS, label, score_label, wording_shown
from feedback.disclosure import disclosed_to
from feedback.models import FollowUp
from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin, staff
from privacy.masking import mask

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

STATUS_COLOURS: Final = {
    "new": "danger",
    "open": "warning",
    "in_progress": "info",
    "waiting": "info",
    "resolved": "success",
}


class AssignmentForm(forms.Form):
    owner = forms.ModelChoiceField(
        label=_("Assigned to"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("nobody"),
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, *args: Any, follow_up: FollowUp, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["owner"] = follow_up.owner_id
        self.fields["owner"].queryset = work.possible_owners(follow_up.product)  # type: ignore[attr-defined]


@admin.register(FollowUp)
class FollowUpAdmin(VisibleModelAdmin):
    empty_hint = _(
        "There is nobody to contact. A follow-up begins when a response is flagged, in the list of responses "
        "or on the page of one."
    )
    list_display = ("created_at", "status_label", "product", "band_label", "reason_shortened", "owner", "age")
    list_filter = (OwnerFilter, OpenFilter, ("status", ChoicesDropdownFilter), ("product", VisibleFilter))
    list_select_related = ("product", "response", "owner")
    list_per_page = 50
    list_fullwidth = True
    paginator = CappedPaginator

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("response__search")

    @display(description=_("status"), ordering="status", label=STATUS_COLOURS)
    def status_label(self, follow_up: FollowUp) -> tuple[str, str]:
        return follow_up.status, follow_up.get_status_display()

    @display(description=_("band"), ordering="response__band", label=BAND_COLOURS)
    def band_label(self, follow_up: FollowUp) -> tuple[str, str]:
        return follow_up.response.band, follow_up.response.get_band_display()

    @display(description=_("reason"))
    def reason_shortened(self, follow_up: FollowUp) -> str:
        return Truncator(follow_up.reason).chars(100)

    @display(description=_("age"), ordering="created_at")
    def age(self, follow_up: FollowUp) -> str:
        return timesince(follow_up.created_at, follow_up.closed_at, depth=1)

    # --- The page ---------------------------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: FollowUp | None = None) -> list[tuple[Any, Any]]:
        if obj is None:
            return []
        shown = disclosed_to(request.user, obj.response)
        comment = "comment_as_written" if shown.comment else "comment_masked"
        case = ["status_shown", "reason", "product", "owner_name", "flagged_by_name", "created_at"]
        case += ["closed_at", "closing_note"] if obj.closing_note else []
        fieldsets: list[tuple[Any, Any]] = [
            (_("Case"), {"fields": tuple(case)}),
            (_("Response"), {"fields": ("question", "score_shown", comment, "contact_permission", "answered_at")}),
        ]
        if shown.identity:
            fieldsets.insert(1, (_("Person"), {"fields": ("name", "email", "phone")}))
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: FollowUp | None = None) -> tuple[str, ...]:
        return tuple(name for _title, options in self.get_fieldsets(request, obj) for name in options["fields"])

    @display(description=_("question as shown"))
    def question(self, follow_up: FollowUp) -> str:
        return wording_shown(follow_up.response).question

    @display(description=_("score"))
    def score_shown(self, follow_up: FollowUp) -> str:
        return score_label(follow_up.response)

    @display(description=_("status"))
    def status_shown(self, follow_up: FollowUp) -> str:
        return label(follow_up.get_status_display(), STATUS_COLOURS.get(follow_up.status, ""))

    @display(description=_("comment"))
    def comment_as_written(self, follow_up: FollowUp) -> str:
        return follow_up.response.comment

    @display(description=_("comment"))
    def comment_masked(self, follow_up: FollowUp) -> str:
        return mask(follow_up.response.comment)

    @display(description=_("may be contacted about this"), boolean=True)
    def contact_permission(self, follow_up: FollowUp) -> bool:
        return follow_up.response.contact_permission

    @display(description=_("answered"))
    def answered_at(self, follow_up: FollowUp) -> str:
        return date_format(localtime(follow_up.response.answered_at), "DATETIME_FORMAT")

    # Names without links: those who work here may not open accounts.
    @display(description=_("assigned to"))
    def owner_name(self, follow_up: FollowUp) -> str:
        return str(follow_up.owner or "")

    @display(description=_("flagged by"))
    def flagged_by_name(self, follow_up: FollowUp) -> str:
        return str(follow_up.flagged_by or "")

    @display(description=_("name or id"))
    def name(self, follow_up: FollowUp) -> str:
        return follow_up.response.name or follow_up.respondent.name or follow_up.respondent.external_id

    @display(description=_("e-mail"))
    def email(self, follow_up: FollowUp) -> str:
        return follow_up.response.email or follow_up.respondent.email

    @display(description=_("phone"))
    def phone(self, follow_up: FollowUp) -> str:
        return follow_up.respondent.phone

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        follow_up = self.get_object(request, object_id)
        if follow_up is not None and self.may_work(request):
            steps = work.possible_steps(follow_up)
            extra_context = {
                **(extra_context or {}),
                "moves": [step for step in steps if not step.needs_note],
                "endings": [step for step in steps if step.needs_note],
                "longest_note": work.LONGEST_NOTE,
                "assignment": AssignmentForm(follow_up=follow_up) if follow_up.status not in work.WITH_A_NOTE else None,
            }
        page: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "follow_up": follow_up}
        )
        return page

    # --- What can be done --------------------------------------------------------------------------------------------

    def may_work(self, request: HttpRequest) -> bool:
        return request.user.has_perm(work.WORK)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: FollowUp | None = None) -> bool:
        return False  # its fields change through the buttons, which know the rules

    def has_delete_permission(self, request: HttpRequest, obj: FollowUp | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/status/", view(self.status_view), name="feedback_followup_status"),
            path("<int:pk>/assign/", view(self.assign_view), name="feedback_followup_assign"),
            *super().get_urls(),
        ]

    def status_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Move the case to the status of the button that was pressed."""

        def change(follow_up: FollowUp) -> str:
            before = follow_up.get_status_display()
            to, note = request.POST.get("to", ""), request.POST.get("note", "")
            after = work.change_status(follow_up=follow_up, to=to, by=staff(request), note=note).get_status_display()
            return gettext("Status changed from “%(before)s” to “%(after)s”.") % {"before": before, "after": after}

        return self._work(request, pk, change)

    def assign_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give the case to the chosen colleague, or to nobody."""

        def change(follow_up: FollowUp) -> str:
            form = AssignmentForm(request.POST, follow_up=follow_up)
            if not form.is_valid():
                raise ValidationError([error for errors in form.errors.values() for error in errors])
            owner = form.cleaned_data["owner"]
            work.assign(follow_up=follow_up, to=owner, by=staff(request))
            return gettext("Assigned to %(name)s.") % {"name": owner} if owner else gettext("Assigned to nobody.")

        return self._work(request, pk, change)

    def _work(self, request: HttpRequest, pk: int, change: Callable[[FollowUp], str]) -> HttpResponse:
        follow_up = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.may_work(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            message = change(follow_up)
        except ValidationError as error:
            for text in error.messages:
                messages.error(request, text)
        else:
            self.log_change(request, follow_up, message)
            messages.success(request, message)
        return HttpResponseRedirect(reverse("admin:feedback_followup_change", args=[pk]))
