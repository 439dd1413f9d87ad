"""Responses: the list that staff filter and search, and the page of one with its context. Neither edits an answer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.contrib.admin import ShowFacets, helpers
from django.core.exceptions import PermissionDenied
from django.db.models.expressions import RawSQL
from django.http import HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from feedback import triage
from feedback.admin.filtering import (
    AnsweredFilter,
    BandFilter,
    CommentFilter,
    CountedFilter,
    ImportFilter,
    LanguageFilter,
    TagFilter,
)
from feedback.admin.inbox import QUEUE, Inbox, QueueFilter, list_address, nothing_found, remember, undo_of_page
from feedback.admin.person_page import PersonPages, log_read
from feedback.admin.response_columns import comment_column, decision_column
from feedback.admin.response_page import BAND_COLOURS, ResponsePage, context_of
from feedback.admin.restricted import HidesRestricted
from feedback.admin.triaging import TASKS, TRIAGE, Done, TagForm, perform, subject_of, tasks_of
from feedback.disclosure import disclosed_to
from feedback.models import Response
from feedback.word_search import MOST_FOUND, find_words
from feedback.work_list import Queue
from privacy.admin.moments import within
from privacy.admin.paging import CappedPaginator
from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin, staff
from privacy.masking import find_personal_data, is_plain_words
from privacy.models import AccessLogEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.admin.views.main import ChangeList
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

AT_ONCE: Final = ("accept", "reject")  # one click and no question: each is taken back, but for what rules did meanwhile
TRIAGE_COLOURS: Final = {"unread": "info"}
MOST_AT_ONCE: Final = 1000


class ResponsePaginator(CappedPaginator):
    """Twenty pages: further back, filters and words lead faster, and counting stays cheap whatever is searched for."""

    limit = MOST_FOUND


class NewestFirst:
    """Is sorted by nothing but its sortable columns, also where an address asks for it."""

    def get_ordering_field(self, field_name: str) -> Any:
        return super().get_ordering_field(field_name) if field_name in self.sortable_by else None  # type: ignore[misc, attr-defined]  # a ChangeList's


@admin.register(Response)
class ResponseAdmin(Inbox, PersonPages, ResponsePage, HidesRestricted, VisibleModelAdmin):
    empty_hint = _(
        "Nobody has answered yet. Publish a survey, connect the product as its page says, or import answers "
        "from a file."
    )
    list_filter = (
        QueueFilter,
        ("product", VisibleFilter),
        ("metric", ChoicesDropdownFilter),
        BandFilter,
        AnsweredFilter,
        ("channel", ChoicesDropdownFilter),
        LanguageFilter,
        CommentFilter,
        TagFilter,
        ("triage", ChoicesDropdownFilter),
        CountedFilter,
        ImportFilter,
    )
    search_fields = ("comment",)
    search_help_text = _("Words in comments, whatever their endings")
    list_select_related = ("product",)
    list_per_page = 50
    list_max_show_all = 0
    list_disable_select_all = True
    list_fullwidth = True
    names_products = True
    sortable_by = ("answered",)  # by anything else the database would have to sort them all
    paginator = ResponsePaginator
    show_facets = ShowFacets.NEVER

    # --- What is in the list ---------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Response]:
        rows: QuerySet[Response] = super().get_queryset(request).defer("search")
        return rows

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return type("NewestFirst", (NewestFirst, super().get_changelist(request, **kwargs)), {})

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        decisions = ("suspected_why", decision_column(request)) if request.GET.get(QUEUE) == Queue.SUSPECT else ()
        return (
            *("answered", "product", "metric_name", "score", "band_label", comment_column(request)),
            *(*decisions, "language", "channel", "tag_names", "triage_label"),
        )

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        changelist.nothing_found = nothing_found(request)
        # Only the list shows tags of many responses at once.
        changelist.queryset = changelist.queryset.prefetch_related("tags")
        changelist.result_list = changelist.result_list.prefetch_related("tags")
        return changelist

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Response], search_term: str
    ) -> tuple[QuerySet[Response], bool]:
        """Search words in comments; never people, whose identifiers an address would leave in logs."""
        if not search_term.strip():
            return queryset, False
        reads_comments = request.user.has_perm("feedback.read_comment")
        if find_personal_data(search_term) or not (reads_comments or is_plain_words(search_term)):
            messages.warning(request, _("Only words in comments can be searched for here, not people."))
            return queryset.none(), False
        chosen = request.GET.get("answered", "")
        among = within(self.get_queryset(request), AnsweredFilter.column, chosen, days=AnsweredFilter.days)
        found = find_words(search_term, rows=queryset, among=among, beginnings=reads_comments)
        if found.read is not None:
            messages.info(request, _read_only(found.read))
        # One parameter, not a thousand: the database looks keys up sooner than it reads them.
        keys = RawSQL("SELECT unnest(%s::bigint[])", [list(found.keys)])
        return queryset.filter(pk__in=keys), False

    @display(description=_("answered"), ordering="answered_at")
    def answered(self, response: Response) -> str:
        moment = date_format(localtime(response.answered_at, response.product.zone), "SHORT_DATETIME_FORMAT")
        return format_html('<span class="whitespace-nowrap">{}</span>', moment)

    @display(description=_("metric"), ordering="metric")
    def metric_name(self, response: Response) -> str:
        return response.get_metric_display()

    @display(description=_("band"), ordering="band", label=BAND_COLOURS)
    def band_label(self, response: Response) -> tuple[str, str]:
        return response.band, response.get_band_display()

    @display(description=_("why it is suspect"), empty_value="")
    def suspected_why(self, response: Response) -> str:
        return response.get_suspicion_display()

    @display(description=_("tags"), label=True)
    def tag_names(self, response: Response) -> list[str]:
        return [tag.name for tag in response.tags.all()]

    @display(description=_("triage"), ordering="triage", label=TRIAGE_COLOURS)
    def triage_label(self, response: Response) -> tuple[str, str]:
        return response.triage, response.get_triage_display()

    # --- What can be done ------------------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Response | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Response | None = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        for name, task in tasks_of(request.user).items():
            actions[name] = (partial(_start, name=name), name, task.title)
        return actions

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/do/<slug:name>/", view(self.do_view), name="feedback_response_do"),
            path("<int:pk>/tags/", view(self.tags_view), name="feedback_response_tags"),
            *self.inbox_urls(),
            *self.person_urls(),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if hidden := self.stub(request, object_id):
            return hidden
        response = self.get_object(request, object_id)
        if response is not None and request.method == "GET" and self.has_view_permission(request):
            user = staff(request)
            if response.triage == Response.Triage.UNREAD and user.has_perm(TRIAGE):
                triage.mark_read(responses=[response], by=user)
            if disclosed_to(user, response).identity:
                log_read(request, AccessLogEntry.Purpose.IDENTITY, response)
            offered = [
                {"name": name, "title": task.title, "icon": task.icon, "link": _task_address(response, name)}
                for name, task in tasks_of(user).items()
                if task.fits(response) and not response.restricted_at
            ]
            tasks = [task for task in offered if task["name"] not in AT_ONCE]
            at_once = [task for task in offered if task["name"] in AT_ONCE]
            extra_context = {**(extra_context or {}), **context_of(response, user), "tasks": tasks, "at_once": at_once}
            extra_context |= {"may_reveal": self.may_reveal(request, response), "undo": undo_of_page(request, response)}
        page: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        return page

    def do_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """Ask for, then do, a task about one response; the list, where it was begun there, is what comes next."""
        response = get_object_or_404(self.get_queryset(request), pk=pk)
        back = list_address(request) if "from" in request.GET else _page_address(response)
        return self.ask(request, name=name, responses=[response], back=back)

    def tags_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Add the tag that was typed, or take off the one whose button was pressed."""
        response = get_object_or_404(self.get_queryset(request), pk=pk)
        if not request.user.has_perm("feedback.triage_response"):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if "remove" in request.POST:
            triage.remove_tag(responses=[response], name=request.POST["remove"], by=staff(request))
        else:
            form = TagForm(request.POST, responses=[response])
            done = perform(TASKS["tag"], form, staff(request)) if form.is_valid() else Done(errors=_errors_of(form))
            tell(request, done)
        return HttpResponseRedirect(reverse("admin:feedback_response_change", args=[pk]))

    def ask(self, request: HttpRequest, *, name: str, responses: Sequence[Response], back: str) -> HttpResponse:
        """Show a task's questions, or do it when they are answered, and go back."""
        task = tasks_of(request.user).get(name)
        if task is None:
            raise PermissionDenied
        if len(responses) > MOST_AT_ONCE:
            messages.error(request, _("At most %(most)s responses at once.") % {"most": MOST_AT_ONCE})
            return HttpResponseRedirect(back)
        form = task.form(request.POST if "answered" in request.POST else None, responses=responses)
        if form.is_valid():
            remember(request, name=name, responses=responses)
            tell(request, perform(task, form, staff(request)))
            return HttpResponseRedirect(back)
        return TemplateResponse(
            request,
            "admin/feedback/response/ask.html",
            {
                **self.admin_site.each_context(request),
                **{"title": task.title, "subtitle": subject_of(responses), "opts": self.opts, "media": self.media},
                **{"task": task, "name": name, "form": form, "responses": responses, "back": back},
                "question": task.question % {"count": len(responses)},
                "checkbox": helpers.ACTION_CHECKBOX_NAME,
            },
        )


def _start(admin: ResponseAdmin, request: HttpRequest, queryset: QuerySet[Response], *, name: str) -> HttpResponse:
    """Start a task from the list; its page posts back to the list with the same rows."""
    rows = list(queryset.prefetch_related(None)[: MOST_AT_ONCE + 1])
    return admin.ask(request, name=name, responses=rows, back=request.get_full_path())


def _read_only(newest: int) -> str:
    words = _(
        "Many comments have these words, so only the newest %(count)s comments were searched. Choose when they were "
        "answered to look further back."
    )
    return words % {"count": number_format(newest, force_grouping=True)}


def _page_address(response: Response) -> str:
    return reverse("admin:feedback_response_change", args=[response.pk])


def _task_address(response: Response, name: str) -> str:
    return reverse("admin:feedback_response_do", args=[response.pk, name])


def tell(request: HttpRequest, done: Done) -> None:
    """Show how a task went."""
    if done.success:
        messages.success(request, done.success)
    for error in done.errors:
        messages.error(request, error)


def _errors_of(form: TagForm) -> tuple[str, ...]:
    return tuple(str(error) for errors in form.errors.values() for error in errors)
