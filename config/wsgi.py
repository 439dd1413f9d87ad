"""The WSGI application that granian serves."""

from __future__ import annotations

import gc
import io
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest
from django.utils import translation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.http import HttpResponse

LONGEST_PREFERENCE: Final = 600  # of a header: Django reads no more than 500 characters
ASKING_PATHS: Final = ("/api/v1/products/", "/api/v1/invitations/")


@lru_cache(maxsize=1000)
def _preferred_language(accepted: str) -> str:
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = accepted
    return translation.get_language_from_request(request)


class AskingMiddleware:
    """Refuses hosts that are not ours, answers in the language the request prefers, and says how long the answer is.

    Django's own also look for a language in the path and in a cookie, and for addresses that need a slash or a "www.";
    the asking endpoints never have any of these.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.get_host()  # raises where it is not ours
        language = _preferred_language(request.META.get("HTTP_ACCEPT_LANGUAGE", "")[:LONGEST_PREFERENCE])
        translation.activate(language)
        answer = self.get_response(request)
        answer.headers["Vary"] = "Accept-Language"  # and what those around this one add
        answer.headers["Content-Language"] = language
        answer.headers["Content-Length"] = str(len(answer.content))
        return answer


class AskingHandler(WSGIHandler):
    """Serves the asking endpoints through ASKING_MIDDLEWARE.

    They run at page views of the host's products and have neither sessions nor forms: what the pages' middleware
    does for those would cost a quarter of their throughput.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        pages = settings.MIDDLEWARE
        settings.MIDDLEWARE = settings.ASKING_MIDDLEWARE
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = pages


serve_page = get_wsgi_application()
serve_asking = AskingHandler()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer a request: one of the asking endpoints, or any other page."""
    if "CONTENT_LENGTH" not in environ and environ.get("HTTP_TRANSFER_ENCODING"):
        _measure_body(environ)
    serve = serve_asking if environ["PATH_INFO"].startswith(ASKING_PATHS) else serve_page
    return serve(environ, start_response)


def _measure_body(environ: dict[str, Any]) -> None:
    """Give a body that came in chunks the length without which Django takes it for empty.

    One byte more than any endpoint without an upload reads is enough to refuse what is longer.
    """
    body = environ["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))


# What is loaded by now stays as long as the process: looking through it again and again for what could be freed would
# take a part of every request.
gc.collect()
gc.freeze()
