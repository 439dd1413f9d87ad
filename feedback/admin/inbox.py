"""The list of responses as a work list: its queues with counts, saved views, and taking the last step back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from feedback import saved_views, triage
from feedback.admin.triaging import TRIAGE, is_undecided
from feedback.models import Response, SavedView
from feedback.work_list import MOST_COUNTED, Queue, count_waiting, suppressed_in_need, unread_by_product, waiting
from privacy.admin.visibility import staff
from privacy.models import Product

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.models import User
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern
    from django_stubs_ext import StrOrPromise
    from unfold.admin import ModelAdmin

QUEUE: Final = "queue"
UNDO: Final = "responses_to_put_back"
UNDO_SECONDS: Final = 600
ACCEPTED: Final = "accepted"  # stands beside the states of triage in what is kept for the undo
LIST: Final = "admin:feedback_response_changelist"


class QueueFilter(DropdownFilter):
    title = _("work list")
    parameter_name = QUEUE

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, StrOrPromise]]:
        return [(queue.value, queue.label) for queue in Queue]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Response]) -> QuerySet[Response]:
        if (value := self.value()) not in Queue.values:
            return queryset
        suppressed = _suppressed(request) if value == Queue.NEEDS_FOLLOW_UP else ()
        return waiting(queryset, queue=Queue(value), user=staff(request), suppressed=suppressed)


class ViewForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=saved_views.LONGEST_NAME,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Under this name the filters stand above the list. It names no person."),
    )
    is_shared = forms.BooleanField(
        label=_("Share with colleagues"),
        required=False,
        widget=UnfoldBooleanWidget,
        help_text=_("They see its name and the filters, and of the responses only those of their products."),
    )


@dataclass(frozen=True)
class Tab:
    """A link above the list: what it is called, how many it shows, and whether it is the one that is open."""

    title: StrOrPromise
    link: str
    count: str = ""
    is_active: bool = False


class Inbox:
    """What the list of responses has above it, and the addresses behind that."""

    list_before_template = "admin/feedback/response/before.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        extra_context = {**(extra_context or {}), "inbox": self.work_list(request)}
        page: HttpResponse = super().changelist_view(request, extra_context)  # type: ignore[misc]  # a ModelAdmin's
        return page

    def work_list(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the template shows above the list."""
        user = staff(request)
        filters = self.filters_of(request.GET)
        views = SavedView.objects.visible_to(user).select_related("owner")
        return {
            "tabs": _tabs(request, filters),
            "products": _product_tabs(user, filters),
            "views": [
                {"view": view, "link": _address(view.filters), "is_active": view.filters == filters} for view in views
            ],
            "user_id": user.pk,
            "filters": urlencode(filters),
            "undo": _undo_of(request),
            "form": ViewForm(),
        }

    def filters_of(self, query: QueryDict) -> dict[str, str]:
        """Return the filters of an address, without words that were searched for, order and page."""
        allowed = self.lookup_allowed  # type: ignore[attr-defined]  # a ModelAdmin's
        given = {name: str(query[name]) for name in query if query[name]}
        request = None  # the filters of this list are the same for everybody
        return {name: value for name, value in given.items() if allowed(name, value, request)}

    def check_may_view(self, request: HttpRequest, permission: str = "feedback.view_response") -> None:
        """Refuse who may not see responses, or lacks what else is needed."""
        if not (request.user.has_perm("feedback.view_response") and request.user.has_perm(permission)):
            raise PermissionDenied

    def inbox_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view  # type: ignore[attr-defined]  # a ModelAdmin's
        return [
            path("views/save/", view(self.save_view_view), name="feedback_response_save_view"),
            path("views/<int:pk>/", view(self.saved_view_view), name="feedback_response_saved_view"),
            path("views/<int:pk>/delete/", view(self.delete_view_view), name="feedback_response_delete_view"),
            path("undo/", view(self.undo_view), name="feedback_response_undo"),
        ]

    def save_view_view(self, request: HttpRequest) -> HttpResponse:
        """Keep the filters that are chosen under the name that was typed."""
        self.check_may_view(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        filters = self.filters_of(QueryDict(request.POST.get("filters", "")))
        form = ViewForm(request.POST)
        if form.is_valid():
            try:
                view = saved_views.save_view(owner=staff(request), filters=filters, **form.cleaned_data)
            except ValidationError as error:
                messages.error(request, error.messages[0])
            else:
                messages.success(request, gettext("The view “%(name)s” is saved.") % {"name": view.name})
        else:
            messages.error(request, gettext("Name the view."))
        return HttpResponseRedirect(_address(filters))

    def saved_view_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Rename or share one of the user's own views."""
        self.check_may_view(request)
        view = get_object_or_404(SavedView, pk=pk, owner=staff(request))
        initial = {"name": view.name, "is_shared": view.is_shared}
        form = ViewForm(request.POST if request.method == "POST" else None, initial=initial)
        if form.is_valid():
            try:
                saved_views.rename_view(view=view, **form.cleaned_data)
            except ValidationError as error:
                form.add_error("name", error)
            else:
                return HttpResponseRedirect(_address(view.filters))
        context = {"title": gettext("Saved view"), "form": form, "view": view, "back": _address(view.filters)}
        return self._show_view(request, "saved_view", context)

    def delete_view_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask, then delete one of the user's own views."""
        self.check_may_view(request)
        view = get_object_or_404(SavedView, pk=pk, owner=staff(request))
        if request.method == "POST":
            saved_views.delete_view(view=view)
            messages.success(request, gettext("The view is deleted. Its responses stay."))
            return HttpResponseRedirect(reverse(LIST))
        back = reverse("admin:feedback_response_saved_view", args=[pk])
        return self._show_view(
            request, "delete_view", {"title": gettext("Delete this view?"), "view": view, "back": back}
        )

    def _show_view(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        everywhere = {**self.admin_site.each_context(request), "opts": Response._meta}  # type: ignore[attr-defined]  # a ModelAdmin's
        return TemplateResponse(request, f"admin/feedback/response/{name}.html", {**everywhere, **context})

    def undo_view(self, request: HttpRequest) -> HttpResponse:
        """Put back what the last archiving, marking as read or accepting changed."""
        self.check_may_view(request, TRIAGE)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        undo = _undo_of(request)
        request.session.pop(UNDO, None)
        if undo:
            count = _put_back(undo, staff(request))
            message = ngettext("%(count)d response put back.", "%(count)d responses put back.", count)
            messages.success(request, message % {"count": count})
        page = request.GET.get("page", "")
        back = reverse("admin:feedback_response_change", args=[page]) if page.isdecimal() else list_address(request)
        return HttpResponseRedirect(back)


def remember(request: HttpRequest, *, name: str, responses: Sequence[Response]) -> None:
    """Keep for ten minutes what archiving, marking as read or accepting is about to change, to be taken back.

    What rules do meanwhile with a suspect that counts, such as a tag, an alert or a follow-up, is not taken back.
    """
    now = {"archive": Response.Triage.ARCHIVED, "mark-read": Response.Triage.READ, "accept": ACCEPTED}.get(name)
    if now == ACCEPTED:
        before = {str(each.pk): triage.last_message_of(each) for each in responses if is_undecided(each)}
    else:
        before = {str(response.pk): response.triage for response in responses if response.triage != now}
    if now:
        request.session[UNDO] = {"before": before, "now": now, "at": time.time()}


def list_address(request: HttpRequest) -> str:
    """Return the list with the filters it had, as ``from`` in the address of a task names them."""
    came_from = QueryDict(request.GET.get("from", "")).urlencode()
    return f"{reverse(LIST)}?{came_from}" if came_from else reverse(LIST)


def nothing_found(request: HttpRequest) -> StrOrPromise:
    """Return what to do where words, a tab or filters leave the list empty."""
    if request.GET.get("q"):
        return _("No comment has all of these words. Try fewer words, or only the beginning of one.")
    if QUEUE in request.GET:
        return _("Nothing waits here. Look at another tab, or at all responses.")
    return _("No response has all of these properties. Take a filter away.")


def undo_of_page(request: HttpRequest, response: Response) -> dict[str, Any] | None:
    """Return the step that can be taken back on the page of a response; nothing where it concerns others alone."""
    undo = _undo_of(request)
    return undo if undo and str(response.pk) in undo["before"] and request.user.has_perm(TRIAGE) else None


def _put_back(undo: dict[str, Any], by: User) -> int:
    before = {int(pk): was for pk, was in undo["before"].items()}
    responses = Response.objects.visible_to(by).filter(pk__in=before)
    if undo["now"] == ACCEPTED:
        return triage.doubt_again(responses=responses, before=before, by=by)
    return triage.put_back(responses=responses, before=before, now=undo["now"], by=by)


def _undo_of(request: HttpRequest) -> dict[str, Any] | None:
    undo: dict[str, Any] | None = request.session.get(UNDO)
    if not undo or not undo["before"] or time.time() - undo["at"] > UNDO_SECONDS:
        return None
    count = len(undo["before"])
    label = ngettext("Undo: put %(count)d response back", "Undo: put %(count)d responses back", count)
    return {**undo, "label": label % {"count": count}}


def _visible(user: User) -> QuerySet[Response]:
    rows: QuerySet[Response] = Response.objects.filter(product__in=Product.objects.visible_to(user).keys())
    return rows


def _suppressed(request: HttpRequest) -> set[int]:
    """Return who must be left alone of the people in need of a follow-up; asked once for a page."""
    known: set[int] | None = getattr(request, "suppressed_in_need", None)
    if known is None:
        known = suppressed_in_need(_visible(staff(request)))
        request.suppressed_in_need = known  # type: ignore[attr-defined]  # kept for the tabs and the filter
    return known


def _tabs(request: HttpRequest, filters: dict[str, str]) -> list[Tab]:
    user = staff(request)
    counts = count_waiting(_visible(user), user=user, suppressed=_suppressed(request))
    tabs = [Tab(_("All"), reverse(LIST), is_active=not filters)]
    return tabs + [
        Tab(queue.label, _address({QUEUE: queue.value}), _capped(counts[queue]), filters == {QUEUE: queue.value})
        for queue in Queue
    ]


def _product_tabs(user: User, filters: dict[str, str]) -> list[Tab]:
    products = unread_by_product(user=user)
    if len(products) < 2:
        return []
    tabs = []
    for product, unread in products:
        chosen = {QUEUE: Queue.UNREAD.value, "product__id__exact": str(product.pk)}
        tabs.append(Tab(product.name, _address(chosen), _capped(unread), filters == chosen))
    return tabs


def _capped(count: int) -> str:
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else number_format(count)


def _address(filters: dict[str, str]) -> str:
    return f"{reverse(LIST)}?{urlencode(filters)}" if filters else reverse(LIST)
