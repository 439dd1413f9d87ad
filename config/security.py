"""What keeps pages and logs safe: a Content-Security-Policy per area, and logs without the tokens in addresses."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

# The admin theme is built on Alpine.js, which evaluates expressions in attributes.
STAFF_PREFIXES = ("/admin/", "/api/docs/")
STAFF_POLICY = {
    "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
    "frame-src": [SELF],
    "frame-ancestors": [SELF],
}


# Addresses of personal pages carry a token that lets its holder act.
TOKEN_IN_PATH = re.compile(r"/(invitations|i|confirm|object|unsubscribe|packages)/[^/\s?\"']+")


class TokenFilter(logging.Filter):
    """Take the tokens out of the addresses in log lines."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if TOKEN_IN_PATH.search(message):
            record.msg, record.args = TOKEN_IN_PATH.sub(r"/\1/…", message), ()
        return True


class AdminPolicyMiddleware:
    """Give staff pages their own headers; everything else keeps the strict ones.

    Under the public pages' ``no-referrer`` a browser sends its forms with ``Origin: null``, which Django's protection
    against cross-site requests refuses: nobody could log in. Addresses of staff pages carry no tokens.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(STAFF_PREFIXES):
            response["Referrer-Policy"] = "same-origin"
            response._csp_replace = STAFF_POLICY  # type: ignore[attr-defined]  # the hook of django-csp's decorators
        return response
