"""Statements of staff pages are planned for the values they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from privacy.middleware import STAFF_PAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse


class StaffPlansMiddleware:
    """Keeps no plans while a staff page is made.

    A kept plan serves any value: what finds the responses of a large product fast reads all of them to find those of
    a small one. The few statements of customers' traffic, for which plans are kept, are all by unique keys.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(STAFF_PAGES):
            return self.get_response(request)
        connection.ensure_connection()
        server = connection.connection
        kept_after, server.prepare_threshold = server.prepare_threshold, None
        try:
            return self.get_response(request)
        finally:
            server.prepare_threshold = kept_after
