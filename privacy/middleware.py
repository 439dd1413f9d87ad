"""What stands before every staff page: the clock its times go by, and emergency access, whose reads are logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from privacy.access_log import record_emergency_reads
from privacy.break_glass import open_access_of
from privacy.models import Controller, Membership

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.contrib.auth.models import User
    from django.db.models import Model
    from django.http import HttpRequest, HttpResponse
    from django.template.response import TemplateResponse

    from privacy.models import BreakGlass


STAFF_PAGES: Final = "/admin/"
SHOWN: Final = "records_shown"  # what a page puts into its context that is no list and shows rows of several people


class StaffZoneMiddleware:
    """Lets the times of staff pages go by the clock of the controller they work for, unless a page knows a better one.

    Whoever works for several sees that of the first.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(STAFF_PAGES) or not request.user.is_authenticated:
            return self.get_response(request)
        with timezone.override(_zone_of(request.user)):
            return self.get_response(request)


def _zone_of(user: User) -> str:
    own = Membership.objects.filter(user=user).order_by("pk").values_list("controller__time_zone", flat=True)
    return own.first() or Controller.objects.values_list("time_zone", flat=True).first() or "UTC"


class BreakGlassMiddleware:
    """Stands before every staff page, so that no page can forget the banner or the log.

    ``request.emergency_access`` is the access in force, for the banner of the page's frame.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]) -> None:
        if not request.path.startswith(STAFF_PAGES) or not request.user.is_authenticated:
            return
        access = open_access_of(request.user)
        request.emergency_access = access  # type: ignore[attr-defined]
        if access is not None:
            _log(access, request, kwargs)

    def process_template_response(self, request: HttpRequest, response: TemplateResponse) -> TemplateResponse:
        """Log the rows of a list, or those a page says it shows: known only now, and nothing is written yet."""
        access: BreakGlass | None = getattr(request, "emergency_access", None)
        context = response.context_data or {}
        rows: Sequence[Model | type[Model]] = [
            *(getattr(context.get("cl"), "result_list", None) or ()),
            *context.get(SHOWN, ()),
        ]
        if access is not None and rows:
            with transaction.atomic():
                record_emergency_reads(access=access, records=rows)
        return response


def _log(access: BreakGlass, request: HttpRequest, kwargs: dict[str, Any]) -> None:
    """Log that a page is opened: its kind of record, and the number where it is about one."""
    match = request.resolver_match
    name = (match.url_name if match else None) or ""
    number = kwargs.get("object_id", kwargs.get("pk"))
    with transaction.atomic():
        record_emergency_reads(access=access, page=name, number=str(number) if number is not None else "")
