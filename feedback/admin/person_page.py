"""Reading about one person: a comment as written, and all that they answered. Each read is logged first."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext

from feedback.disclosure import disclosed_to, reason_shown, seen_by
from feedback.models import Respondent, Response
from feedback.people import MOST_ROWS, history_of
from privacy.access_log import record_access
from privacy.admin.visibility import staff
from privacy.masking import find_personal_data, mask
from privacy.models import AccessLogEntry

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

REVEALED: Final = "comments_revealed"
REVEALED_SECONDS: Final = 600


class PersonPages:
    """The addresses behind "reveal" and "history of this person" on the page of a response."""

    def person_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view  # type: ignore[attr-defined]  # a ModelAdmin's
        return [
            path("<int:pk>/reveal/", view(self.reveal_view), name="feedback_response_reveal"),
            path("<int:pk>/person/", view(self.person_view), name="feedback_response_person"),
        ]

    def reveal_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Log who wants to read a comment as written, then show it so to them for ten minutes."""
        self.check_may_view(request)  # type: ignore[attr-defined]  # a ModelAdmin's
        response = get_object_or_404(_visible(request), pk=pk)
        if not disclosed_to(request.user, response).comment:
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        log_read(request, AccessLogEntry.Purpose.COMMENT, response)
        now = time.time()
        revealed = {key: at for key, at in request.session.get(REVEALED, {}).items() if now - at < REVEALED_SECONDS}
        request.session[REVEALED] = {**revealed, str(pk): now}
        return HttpResponseRedirect(reverse("admin:feedback_response_change", args=[pk]))

    def person_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the history of whoever gave a response, to those who may see who it was."""
        self.check_may_view(request)  # type: ignore[attr-defined]  # a ModelAdmin's
        response = get_object_or_404(_visible(request).select_related("respondent"), pk=pk)
        if not disclosed_to(request.user, response).identity:
            raise PermissionDenied
        history = history_of(respondent=response.respondent, user=staff(request))
        log_read(request, AccessLogEntry.Purpose.HISTORY, response, record=history.person)
        context = {
            "title": gettext("History of answers"),
            "subtitle": gettext("Response %(number)s") % {"number": response.pk},
            "opts": Response._meta,
            "history": history,
            "zone": response.product.zone,
            "answers": [(one, mask(one.comment)) for one in history.responses],
            "follow_ups": [(one, reason_shown(one, staff(request))) for one in history.follow_ups],
            "may_flag": request.user.has_perm("feedback.flag_response") and not response.restricted_at,
            "may_see_follow_ups": request.user.has_perm("feedback.view_followup"),
            "most": MOST_ROWS,
            "back": reverse("admin:feedback_response_change", args=[pk]),
        }
        site = self.admin_site.each_context(request)  # type: ignore[attr-defined]  # a ModelAdmin's
        return TemplateResponse(request, "admin/feedback/response/person.html", {**site, **context})


def log_read(
    request: HttpRequest,
    purpose: AccessLogEntry.Purpose,
    response: Response,
    *,
    record: Respondent | Response | None = None,
) -> None:
    """Log a read of what a response gives away about a person."""
    record_access(
        user=staff(request),
        purpose=purpose,
        record=record or response,
        controller=response.product.controller,
        product=response.product,
    )


def is_revealed(request: HttpRequest, response: Response) -> bool:
    """Tell whether this session asked for a comment as written within the last ten minutes."""
    at = request.session.get(REVEALED, {}).get(str(response.pk), 0)
    return bool(time.time() - at < REVEALED_SECONDS)


def is_masked(comment: str) -> bool:
    """Tell whether a comment has anything that is masked until it is revealed."""
    return bool(find_personal_data(comment))


def _visible(request: HttpRequest) -> Any:
    return seen_by(staff(request), Response).select_related("product__controller")
