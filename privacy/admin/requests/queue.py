"""Rights requests: the queue by due date, and the page that tells all about one except who asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import label_for_field
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from privacy.admin.entering import EntryForm
from privacy.admin.preview import preview_urls
from privacy.admin.requests.clock import (
    ANSWERED_LAST,
    CURRENT_DUE,
    STATE_COLOURS,
    URGENCY_COLOURS,
    time_left,
    watched_days,
)
from privacy.admin.requests.filters import SHORT, RightFilter, WaitingFilter
from privacy.admin.requests.page import context_of, facts_of
from privacy.admin.requests.steps import STEPS, take
from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin, staff
from privacy.audit import verify
from privacy.dossier import export_dossier
from privacy.identity import reveal
from privacy.intake import enter_request
from privacy.models import RightsRequest
from privacy.revealing import reveal_records
from privacy.tasks import queue_tasks_of, queue_work_of

if TYPE_CHECKING:
    from datetime import date

    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.urls import URLPattern


@admin.register(RightsRequest)
class RightsRequestAdmin(VisibleModelAdmin):
    empty_hint = _(
        "Nobody has asked for anything. Requests come in through the public form; those by post or phone are "
        "entered with the button above."
    )
    list_display = (
        *("reference", "state_label", "rights", "controller", "product"),
        *("source", "received_on", "due", "days_left"),
    )
    list_filter = (
        WaitingFilter,
        ("state", ChoicesDropdownFilter),
        RightFilter,
        ("source", ChoicesDropdownFilter),
        ("controller", VisibleFilter),
        ("product", VisibleFilter),
    )
    list_select_related = ("controller", "product")
    list_fullwidth = True
    list_per_page = 50
    search_fields = ("reference",)
    search_help_text = _("References of requests; people are never searched for in an address.")
    actions_list = ("enter",)
    fieldsets = (
        (_("Request"), {"fields": ("rights", "controller", "product", "source", "entered_by")}),
        (_("Answer"), {"fields": ("spoken", "reply_channel", "acts_for_another", "duplicate_of")}),
        (_("Deadlines"), {"fields": ("received_on", "due_in_words", "target_on", "due_extended_on", "days_to_watch")}),
        (_("Audit trail"), {"fields": ("trail",)}),
    )
    readonly_fields = tuple(name for _title, options in fieldsets for name in options["fields"])

    # --- What nobody may do by hand -----------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a request comes in through the form, or is entered with its day of arrival

    def has_change_permission(self, request: HttpRequest, obj: RightsRequest | None = None) -> bool:
        return False  # states change by the table of transitions only

    def has_delete_permission(self, request: HttpRequest, obj: RightsRequest | None = None) -> bool:
        return False

    def has_enter_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("privacy.add_rightsrequest")

    # --- The queue ----------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("items")

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        return ANSWERED_LAST, CURRENT_DUE, "pk"

    @display(description=_("state"), ordering="state", label=STATE_COLOURS)
    def state_label(self, asked: RightsRequest) -> tuple[str, str]:
        return asked.state, asked.get_state_display()

    @display(description=_("rights"))
    def rights(self, asked: RightsRequest) -> str:
        return ", ".join(str(SHORT[item.right]) for item in asked.items.all())

    @display(description=_("due"), ordering=CURRENT_DUE)
    def due(self, asked: RightsRequest) -> date:
        return asked.current_due_on

    @display(description=_("days left"), ordering=CURRENT_DUE, label=URGENCY_COLOURS)
    def days_left(self, asked: RightsRequest) -> tuple[str, str] | None:
        return time_left(asked)

    # --- One request --------------------------------------------------------------------------------------------------

    @display(description=_("language of the answer"))
    def spoken(self, asked: RightsRequest) -> str:
        return dict(settings.LANGUAGES).get(asked.language, asked.language)

    @display(description=_("due"))
    def due_in_words(self, asked: RightsRequest) -> str:
        day, left = date_format(asked.current_due_on), time_left(asked)
        return f"{day} ({left[1]})" if left else day

    @display(description=_("days to watch"))
    def days_to_watch(self, asked: RightsRequest) -> str:
        warned = watched_days(asked)
        days = {warned.half_on, warned.four_fifths_on, warned.target_on, warned.two_working_days_on}
        return ", ".join(date_format(day) for day in sorted(days))

    @display(description=_("whole"), boolean=True)
    def trail(self, asked: RightsRequest) -> bool:
        return verify(asked)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        asked = self.get_object(request, object_id)
        told = context_of(asked, staff(request)) if asked and self.has_view_permission(request, asked) else {}
        page: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **told})
        return page

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "privacy_rightsrequest"
        return [
            path("<int:pk>/reveal/", view(self.reveal_view), name=f"{name}_reveal"),
            path("<int:pk>/records/", view(self.records_view), name=f"{name}_records"),
            path("<int:pk>/dossier/", view(self.dossier_view), name=f"{name}_dossier"),
            path("<int:pk>/step/<slug:step>/", view(self.step_view), name=f"{name}_step"),
            *preview_urls(self.admin_site),
            *super().get_urls(),
        ]

    def reveal_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show who asks, this one time; the trail has it before the page does."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        asked = self._asked(request, pk)
        shown = reveal(request=asked, user=staff(request))
        labelled = [(label_for_field(name, RightsRequest), value) for name, value in shown.items()]
        return self._page(request, "revealed", {"title": _("Who asks"), "shown": labelled, **_around(asked)})

    def records_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show records that the request is about, this one time; each read is logged before."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        asked = self._asked(request, pk)
        try:
            found = reveal_records(request=asked, dataset=request.POST.get("dataset", ""), user=staff(request))
        except ValidationError as error:
            raise Http404 from error
        shown = {"title": found.dataset.title, "found": found, "records": facts_of(found, asked)}
        return self._page(request, "records", {**shown, **_around(asked)})

    def dossier_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Hand over the proof of what was done, which says nothing about the person."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        asked = self._asked(request, pk)
        dossier = json.dumps(export_dossier(request=asked, user=staff(request)), ensure_ascii=False, indent=2)
        headers = {"Content-Disposition": f'attachment; filename="dossier-{asked.reference}.json"'}
        return HttpResponse(dossier, content_type="application/json", headers=headers)

    def step_view(self, request: HttpRequest, pk: int, step: str) -> HttpResponse:
        """Ask for what a step needs, and take it."""
        asked, user, chosen = self._asked(request, pk), staff(request), STEPS.get(step)
        if chosen is None:
            raise Http404
        if not user.has_perm(chosen.permission):
            raise PermissionDenied
        if not chosen.possible(asked, user):
            messages.error(request, _("This is not possible now."))
            return HttpResponseRedirect(_page_of(asked))
        form = chosen.form(request.POST if request.method == "POST" else None, asked=asked)
        if form.is_valid() and (told := take(chosen, asked, user, form)):
            queue_work_of(asked)
            queue_tasks_of(asked)
            messages.success(request, told)
            return HttpResponseRedirect(_page_of(asked))
        context = {"title": chosen.label, "step": chosen, "form": form, "text": chosen.text_of(asked)}
        return self._page(request, "step", {**context, **_around(asked)})

    def _asked(self, request: HttpRequest, pk: int) -> RightsRequest:
        asked: RightsRequest = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, asked):
            raise PermissionDenied
        return asked

    # --- Entering -----------------------------------------------------------------------------------------------------

    @action(
        description=_("Enter a request that came by post or phone"), url_path="enter", permissions=["enter"], icon="add"
    )
    def enter(self, request: HttpRequest) -> HttpResponse:
        form = EntryForm(request.POST if request.method == "POST" else None, user=staff(request))
        if form.is_valid():
            try:
                entered = enter_request(
                    content=form.content(),
                    source=form.cleaned_data["source"],
                    arrived_on=form.cleaned_data["arrived_on"],
                    user=staff(request),
                )
            except ValidationError as error:
                form.add_error(None, error)
            else:
                queue_work_of(entered)
                done = _("Entered as %(reference)s, due on %(day)s.")
                day = date_format(entered.current_due_on)
                messages.success(request, done % {"reference": entered.reference, "day": day})
                return HttpResponseRedirect(reverse("admin:privacy_rightsrequest_change", args=[entered.pk]))
        back = reverse("admin:privacy_rightsrequest_changelist")
        return self._page(request, "enter", {"title": _("Enter a request"), "form": form, "back": back})

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        everywhere = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, f"admin/privacy/rightsrequest/{name}.html", {**everywhere, **context})


def _page_of(asked: RightsRequest) -> str:
    return reverse("admin:privacy_rightsrequest_change", args=[asked.pk])


def _around(asked: RightsRequest) -> dict[str, Any]:
    return {"subtitle": str(asked), "back": _page_of(asked)}
