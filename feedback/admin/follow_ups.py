"""Follow-ups: the list by due date, the board by status, and the page on which a case is worked and closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

from django.contrib import admin, messages
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.http import HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from feedback import follow_up as work
from feedback.admin import correspondence, follow_up_board, follow_up_page
from feedback.admin.follow_up_filters import (
    BY_DUE_DATE,
    RUNNING_DUE,
    DueFilter,
    OwnerFilter,
    TeamFilter,
    WhoseFilter,
    WorkFilter,
)
from feedback.admin.follow_up_forms import AssignmentForm, CaseForm, ContactForm, EndingForm, NoteForm, PriorityForm
from feedback.admin.response_page import BAND_COLOURS
from feedback.admin.restricted import HidesRestricted
from feedback.disclosure import reason_shown
from feedback.models import FollowUp, Priority
from privacy.access_log import record_product_access
from privacy.admin.histories import in_words, said
from privacy.admin.paging import CappedPaginator
from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin, staff
from privacy.middleware import SHOWN
from privacy.models import AccessLogEntry

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

    from privacy.admin.histories import Kept

STATUS_COLOURS: Final = {
    "new": "danger",
    "open": "warning",
    "in_progress": "info",
    "waiting": "info",
    "resolved": "success",
}
PRIORITY_COLOURS: Final = {"high": "danger"}
URGENCY_COLOURS: Final = {"overdue": "danger", "soon": "warning", "later": "info"}


class FollowUpPaginator(CappedPaginator):
    """Counts no further than the board's reader scrolls: each row counted is looked up with its response."""

    limit = 2000


@admin.register(FollowUp)
class FollowUpAdmin(HidesRestricted, VisibleModelAdmin):
    empty_hint = _(
        "There is nobody to contact. A follow-up begins when a response is flagged, in the list of responses, "
        "on the page of one, or by a rule."
    )
    empty_next = ("admin:feedback_response_changelist", _("Read responses"))
    list_display = (
        *("number", "due_label", "status_label", "reason_shortened", "worker", "priority_label"),
        *("band_label", "product"),
    )
    list_filter = (
        WhoseFilter,
        OwnerFilter,
        TeamFilter,
        DueFilter,
        WorkFilter,
        ("status", ChoicesDropdownFilter),
        ("priority", ChoicesDropdownFilter),
        ("product", VisibleFilter),
    )
    list_select_related = ("product", "response", "owner", "team")
    list_per_page = 50
    list_max_show_all = 0
    list_fullwidth = True
    names_products = True
    paginator = FollowUpPaginator
    actions_list = ("show_board",)

    class Media:
        css = {"all": ["feedback/staff.css", "feedback/follow_up.css"]}

    # --- The list ---------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("response__search")

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        """Order open work by due date; among all that was ever done the newest is looked for."""
        return ("-created_at", "-pk") if request.GET.get("open") in {"no", "all"} else BY_DUE_DATE

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        rows, now = list(changelist.result_list), timezone.now()
        schedules = work.schedules_of([row.product_id for row in rows])
        for row in rows:
            row.clock = work.clock_of(row, schedule=schedules[row.product_id], now=now)
            row.reason_shown = reason_shown(row, staff(request))
        changelist.result_list = rows
        return changelist

    @display(description=_("number"), ordering="pk")
    def number(self, follow_up: FollowUp) -> str:
        return f"#{follow_up.pk}"

    @display(description=_("first contact"), ordering=RUNNING_DUE, label=URGENCY_COLOURS)
    def due_label(self, follow_up: Any) -> tuple[str, str] | None:
        if follow_up.clock is not None:
            return follow_up.clock.urgency, follow_up.clock.words
        return ("later", gettext("made")) if follow_up.contacted_at else None

    @display(description=_("status"), ordering="status", label=STATUS_COLOURS)
    def status_label(self, follow_up: FollowUp) -> tuple[str, str]:
        return follow_up.status, follow_up.get_status_display()

    @display(description=_("priority"), ordering="priority", label=PRIORITY_COLOURS)
    def priority_label(self, follow_up: FollowUp) -> tuple[str, str]:
        return follow_up.priority, follow_up.get_priority_display()

    @display(description=_("band"), ordering="response__band", label=BAND_COLOURS)
    def band_label(self, follow_up: FollowUp) -> tuple[str, str]:
        return follow_up.response.band, follow_up.response.get_band_display()

    @display(description=_("reason"))
    def reason_shortened(self, follow_up: Any) -> str:
        reason = Truncator(follow_up.reason_shown).chars(100)
        return format_html('<span class="odzew-breakable odzew-comment">{}</span>', reason)

    # A name without a link: those who work here may not open accounts or teams.
    @display(description=_("assigned to"), ordering="owner__username")
    def worker(self, follow_up: FollowUp) -> str:
        return str(follow_up.owner or follow_up.team or "")

    @action(description=_("Board"), url_path="to-board", icon="view_kanban", permissions=["view"])
    def show_board(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:feedback_followup_board"))

    # --- What nobody does by hand -----------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: FollowUp | None = None) -> bool:
        return False  # its fields change through the buttons, which know the rules

    def has_delete_permission(self, request: HttpRequest, obj: FollowUp | None = None) -> bool:
        return False

    # --- Board and page ---------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        names = ("status", "assign", "priority", "contact", "note")
        works = [
            path(f"<int:pk>/{name}/", view(getattr(self, f"{name}_view")), name=f"feedback_followup_{name}")
            for name in names
        ]
        board = path("board/", view(self.board_view), name="feedback_followup_board")
        return [board, *works, *correspondence.urls(self), *super().get_urls()]

    def board_view(self, request: HttpRequest) -> HttpResponse:
        """Show what is open by status."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        user, chosen = staff(request), follow_up_board.chosen_in(request.GET)
        board = follow_up_board.context_of(
            rows=self.get_queryset(request), chosen=chosen, user=user, may_work=follow_up_page.may_work(user)
        )
        cases = [card.follow_up for column in board["columns"] for card in column.cards]
        title = _("Follow-ups by status")
        context = {"title": title, "media": self.media, "opts": self.opts, SHOWN: cases, **board}
        return TemplateResponse(
            request, "admin/feedback/followup/board.html", {**self.admin_site.each_context(request), **context}
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if hidden := self.stub(request, object_id):
            return hidden
        follow_up = self.get_object(request, object_id)
        if follow_up is None:
            missing: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return missing
        if request.method != "GET" or not self.has_view_permission(request, follow_up):
            raise PermissionDenied
        return self._page(request, follow_up)

    def _page(self, request: HttpRequest, follow_up: FollowUp, *, bound: CaseForm | None = None) -> HttpResponse:
        page = follow_up_page.context_of(follow_up, staff(request), bound=bound)
        colours = {"status_colour": STATUS_COLOURS.get(follow_up.status, "")}
        if page["person"] is not None:
            purpose = AccessLogEntry.Purpose.FOLLOW_UP
            record_product_access(user=staff(request), purpose=purpose, record=follow_up, product=follow_up.product)
        page["correspondence"] = correspondence.panel(staff(request), follow_up)
        title = gettext("Follow-up %(number)d") % {"number": follow_up.pk}
        context = {"title": title, "media": self.media, "opts": self.opts, "original": follow_up, **colours, **page}
        return TemplateResponse(
            request, "admin/feedback/followup/page.html", {**self.admin_site.each_context(request), **context}
        )

    # --- What can be done -------------------------------------------------------------------------------------------

    def status_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Move the case to the status of the button that was pressed."""

        def change(form: Any) -> Kept:
            before, ending = FollowUp.Status(form.follow_up.status), form.cleaned_data
            moved = work.change_status(
                follow_up=form.follow_up,
                to=request.POST.get("to", ""),
                by=staff(request),
                note=ending["note"],
                root_cause=form.chosen_root_cause,
            )
            sentence = _("Status changed from “%(before)s” to “%(after)s”.")
            return said(sentence, before=before.label, after=FollowUp.Status(moved.status).label)

        return self._work(request, pk, EndingForm, change)

    def assign_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give the case to the chosen colleague and team, or to nobody."""

        def change(form: CaseForm) -> Kept:
            owner, team = form.cleaned_data["owner"], form.cleaned_data["team"]
            seen = form.cleaned_data["seen_owner"], form.cleaned_data["seen_team"]
            work.assign(follow_up=form.follow_up, to=owner, team=team, by=staff(request), seen=seen)
            names = ", ".join(str(one) for one in (owner, team) if one)
            return said(_("Assigned to %(name)s."), name=names) if names else said(_("Assigned to nobody."))

        return self._work(request, pk, AssignmentForm, change)

    def priority_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say how urgent it is."""

        def change(form: CaseForm) -> Kept:
            changed = work.set_priority(
                follow_up=form.follow_up, priority=form.cleaned_data["priority"], by=staff(request)
            )
            return said(_("Priority is now “%(priority)s”."), priority=Priority(changed.priority).label)

        return self._work(request, pk, PriorityForm, change)

    def contact_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Log a call, or another contact, with the person."""

        def change(form: CaseForm) -> Kept:
            work.log_contact(follow_up=form.follow_up, by=staff(request), **form.cleaned_data)
            return said(_("Contact logged."))

        return self._work(request, pk, ContactForm, change)

    def note_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Write a note among colleagues."""

        def change(form: CaseForm) -> Kept:
            text = form.cleaned_data["text"]
            _note, mentions = work.write_note(follow_up=form.follow_up, text=text, by=staff(request))
            if mentions.unknown:
                names = ", ".join(mentions.unknown)
                messages.warning(request, gettext("Nobody who sees this is called %(names)s.") % {"names": names})
            return said(_("Note added."))

        return self._work(request, pk, NoteForm, change, allowed=follow_up_page.may_note)

    def _work(
        self,
        request: HttpRequest,
        pk: int,
        form_class: type[CaseForm],
        change: Callable[[CaseForm], Kept],
        *,
        allowed: Callable[[User], bool] = follow_up_page.may_work,
    ) -> HttpResponse:
        """Do what a form asks for and go back; what was refused is shown again with what was typed."""
        follow_up = get_object_or_404(self.get_queryset(request).select_related("product", "respondent"), pk=pk)
        if not allowed(staff(request)):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        with timezone.override(follow_up.product.zone):  # times are typed as those of the product
            form = form_class(request.POST, follow_up=follow_up)
            try:
                kept = change(form) if form.is_valid() else []
            except ValidationError as error:
                form.add_error(None, error)
        if not form.is_valid():
            return self._refuse(request, form)
        self.log_change(request, follow_up, kept)
        messages.success(request, in_words(kept))
        return HttpResponseRedirect(_back(request, follow_up))

    def _refuse(self, request: HttpRequest, form: CaseForm) -> HttpResponse:
        """Show what was refused again; on the board, and where somebody else was faster, what there is now instead."""
        if "board" in request.POST or form.has_error(NON_FIELD_ERRORS, "changed_meanwhile"):
            for error in form.non_field_errors():
                messages.error(request, str(error))
            return HttpResponseRedirect(_back(request, form.follow_up))
        return self._page(request, self.get_queryset(request).get(pk=form.follow_up.pk), bound=form)


def _back(request: HttpRequest, follow_up: FollowUp) -> str:
    """Return where somebody came from: the card on the board, or the page."""
    if "board" not in request.POST:
        return reverse("admin:feedback_followup_change", args=[follow_up.pk])
    chosen = follow_up_board.chosen_in(dict(parse_qsl(request.POST["board"])))
    return f"{reverse('admin:feedback_followup_board')}?{urlencode(chosen)}#follow-up-{follow_up.pk}"
