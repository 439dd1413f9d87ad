"""Rights requests: the queue by due date, and the page that tells all about one except who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import label_for_field
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Case, DateField, DateTimeField, F, Func, Value, When
from django.db.models.functions import Cast
from django.http import HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import action, display

from privacy.admin.entering import EntryForm
from privacy.admin.preview import preview_urls
from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin, staff
from privacy.audit import Action, verify
from privacy.deadlines import Alarms, alarms
from privacy.identity import reveal
from privacy.intake import enter_request
from privacy.models import RequestEvent, Right, RightsRequest
from privacy.tasks import queue_mail_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern
    from django_stubs_ext import StrOrPromise

State = RightsRequest.State

CURRENT_DUE: Final = Case(When(extended_at__isnull=False, then=F("due_extended_on")), default=F("due_on"))
ANSWERED_LAST: Final = Case(When(state__in=RightsRequest.OPEN_STATES, then=Value(0)), default=Value(1))
STATE_COLOURS: Final = {
    State.RECEIVED: "info",
    State.AWAITING_CONFIRMATION: "info",
    State.VERIFIED: "warning",
    State.TRIAGE: "warning",
    State.NEEDS_INFORMATION: "info",
    State.PARTIALLY_FAILED: "danger",
    State.FULFILLED: "success",
}
URGENCY_COLOURS: Final = {"overdue": "danger", "soon": "danger", "behind": "warning", "on_time": "success"}
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
                return waiting.alias(current_due=CURRENT_DUE, today=_today()).filter(current_due__lt=F("today"))
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
        (_("Request"), {"fields": ("state", "rights", "controller", "product", "source", "entered_by")}),
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
        return _time_left(asked)

    # --- One request --------------------------------------------------------------------------------------------------

    @display(description=_("language of the answer"))
    def spoken(self, asked: RightsRequest) -> str:
        return dict(settings.LANGUAGES).get(asked.language, asked.language)

    @display(description=_("due"))
    def due_in_words(self, asked: RightsRequest) -> str:
        day, left = date_format(asked.current_due_on), _time_left(asked)
        return f"{day} ({left[1]})" if left else day

    @display(description=_("days to watch"))
    def days_to_watch(self, asked: RightsRequest) -> str:
        warned = _alarms(asked)
        days = {warned.half_on, warned.four_fifths_on, warned.target_on, warned.two_working_days_on}
        return ", ".join(date_format(day) for day in sorted(days))

    @display(description=_("whole"), boolean=True)
    def trail(self, asked: RightsRequest) -> bool:
        return verify(asked)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        asked = self.get_object(request, object_id)
        told = _tables(asked) if asked and self.has_view_permission(request, asked) else {}
        page: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **told})
        return page

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/reveal/", view(self.reveal_view), name="privacy_rightsrequest_reveal"),
            *preview_urls(self.admin_site),
            *super().get_urls(),
        ]

    def reveal_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show who asks, this one time; the trail has it before the page does."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        asked = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, asked):
            raise PermissionDenied
        shown = reveal(request=asked, user=staff(request))
        context = {
            "title": _("Who asks"),
            "subtitle": str(asked),
            "shown": [(label_for_field(name, RightsRequest), value) for name, value in shown.items()],
            "back": reverse("admin:privacy_rightsrequest_change", args=[pk]),
        }
        return self._page(request, "revealed", context)

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
                queue_mail_of(entered)
                done = _("Entered as %(reference)s, due on %(day)s.")
                day = date_format(entered.current_due_on)
                messages.success(request, done % {"reference": entered.reference, "day": day})
                return HttpResponseRedirect(reverse("admin:privacy_rightsrequest_change", args=[entered.pk]))
        back = reverse("admin:privacy_rightsrequest_changelist")
        return self._page(request, "enter", {"title": _("Enter a request"), "form": form, "back": back})

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        everywhere = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, f"admin/privacy/rightsrequest/{name}.html", {**everywhere, **context})


def _today() -> Cast:
    """Return the day it is now where each request's controller is."""
    now = Value(timezone.now(), DateTimeField())
    return Cast(Func(F("controller__time_zone"), now, function="timezone", output_field=DateTimeField()), DateField())


def _time_left(asked: RightsRequest) -> tuple[str, str] | None:
    """Return how urgent a waiting request is, and how long there is, in words."""
    if asked.state not in RightsRequest.OPEN_STATES:
        return None
    today = timezone.now().astimezone(ZoneInfo(asked.controller.time_zone)).date()
    days = (asked.current_due_on - today).days
    if days < 0:
        return "overdue", ngettext("%(days)d day overdue", "%(days)d days overdue", -days) % {"days": -days}
    warned = _alarms(asked)
    urgency = "soon" if today >= warned.two_working_days_on else "behind" if today >= warned.target_on else "on_time"
    if days == 0:
        return urgency, gettext("due today")
    return urgency, ngettext("%(days)d day left", "%(days)d days left", days) % {"days": days}


def _alarms(asked: RightsRequest) -> Alarms:
    return alarms(
        received_on=asked.received_on,
        target_on=asked.target_on,
        due_on=asked.current_due_on,
        country=asked.controller.country,
    )


def _tables(asked: RightsRequest) -> dict[str, Any]:
    """Return what belongs to a request as tables of its page; none of it says who asks."""
    items = [(item.get_right_display(), item.get_outcome_display() or "–") for item in asked.items.all()]
    proofs = [
        (proof.get_kind_display(), proof.level, _moment(proof.proved_at), proof.checked_by or "–")
        for proof in asked.proofs.select_related("checked_by")
    ]
    mails = [
        (
            mail.get_kind_display(),
            _moment(mail.created_at),
            mail.attempts,
            _moment(mail.sent_at),
            _moment(mail.failed_at),
        )
        for mail in asked.messages.all()
    ]
    events = asked.events.select_related("user")
    return {
        "asked": asked,
        "items": _table((_("right"), _("outcome")), items),
        "proofs": _table((_("proof"), _("level"), _("proved"), _("checked by")), proofs),
        "mails": _table((_("mail"), _("owed since"), _("attempts"), _("sent"), _("given up")), mails),
        "timeline": _table(
            (_("number"), _("time"), _("who"), _("what"), _("state"), _("fields")), [_event(event) for event in events]
        ),
        "duplicates": asked.duplicates.all(),
    }


def _event(event: RequestEvent) -> tuple[Any, ...]:
    moved = f"{event.get_from_state_display()} → {event.get_to_state_display()}" if event.to_state else "–"
    what = Action(event.action).label if event.action in Action.values else event.action
    who = event.user or event.get_actor_display()
    return event.number, _moment(event.at), who, what, moved, ", ".join(event.fields) or "–"


def _table(headers: Iterable[StrOrPromise], rows: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
    return {"headers": list(headers), "rows": [list(row) for row in rows]}


def _moment(at: datetime | None) -> str:
    return date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT") if at else "–"
