"""The pages on which a package is handed over: a fresh code in, a file out, and a way to say that it is not mine.

Like all pages for data subjects they set no cookie and need no script: a code and the random address that it leads to
are all there is. GET changes nothing but that the person fetched the file. Before the code nobody learns whether there
is a copy: that would tell whoever filed a request in somebody's name whether we know them. What reached the wrong
person is taken back without a code, because they may have none.
"""

from __future__ import annotations

import hashlib
import logging
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from privacy.handing_over import had_packages, is_over, key_of, opened_by, owe_code, unlock, was_fetched
from privacy.incidents import report_misdelivery
from privacy.languages import in_chosen_language
from privacy.models import RightsRequest
from privacy.packages import open_package
from privacy.sealing import TamperedError
from privacy.tasks import queue_mail, queue_report_about

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from privacy.models import Package, Unlock
    from privacy.sealing import SealedFile

logger = logging.getLogger(__name__)
RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@in_chosen_language
def package(request: HttpRequest, reference: str) -> HttpResponse:
    """Ask for a code, send one, open with one, or take back what reached the wrong person."""
    asked = RightsRequest.objects.select_related("controller").filter(reference=reference).first()
    if asked is None:
        return _show(request, "unknown", status=HTTPStatus.NOT_FOUND)
    if "not_mine" in request.POST:
        report_misdelivery(request=asked)
        queue_report_about(asked)
        return _show(request, "taken_back", asked=asked)
    if is_over(asked):
        return _show(request, "over", asked=asked, status=HTTPStatus.GONE)
    if request.method != "POST":
        return _show(request, "waiting", asked=asked)
    try:
        return _send(request, asked) if "send" in request.POST else _unlock(request, asked)
    except ValidationError as error:
        return _show(request, "waiting", asked=asked, problem=error.messages[0], status=HTTPStatus.BAD_REQUEST)


@require_safe
@never_cache
@in_chosen_language
def fetch(request: HttpRequest, token: str) -> HttpResponseBase:
    """Hand over a package that was opened, whole or the range that is asked for; only its chunks are decrypted."""
    opened = opened_by(token)
    if opened is None:
        return _show(request, "closed", status=HTTPStatus.GONE)
    try:
        file = open_package(opened.package)
    except (OSError, TamperedError) as error:
        logger.error("package %s cannot be read: %s", opened.package_id, type(error).__name__)
        return _show(request, "closed", status=HTTPStatus.GONE)
    return _hand_over(request, opened, file)


def _hand_over(request: HttpRequest, opened: Unlock, file: SealedFile) -> HttpResponseBase:
    part = _part(request, size=file.size, etag=_etag(opened.package))
    if part is None:
        beyond = HttpResponse(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        beyond["Content-Range"] = f"bytes */{file.size}"
        return beyond
    start, stop = part
    is_whole = (start, stop) == (0, file.size)
    answer = StreamingHttpResponse(
        _stream(file, opened, start, stop) if request.method == "GET" else (),
        status=HTTPStatus.OK if is_whole else HTTPStatus.PARTIAL_CONTENT,
        content_type="application/zip",
    )
    answer["ETag"] = _etag(opened.package)
    answer["Accept-Ranges"] = "bytes"
    answer["Content-Disposition"] = f'attachment; filename="{opened.package.item.request.reference}.zip"'
    answer["Content-Length"] = str(stop - start)
    if not is_whole:
        answer["Content-Range"] = f"bytes {start}-{stop - 1}/{file.size}"
    return answer


def _send(request: HttpRequest, asked: RightsRequest) -> HttpResponse:
    message = owe_code(request=asked)
    if message is not None:
        queue_mail(message.pk)
    address = reverse("privacy:package", kwargs={"reference": asked.reference})
    return HttpResponseRedirect(f"{address}?lang={get_language()}&sent=1#code")


def _unlock(request: HttpRequest, asked: RightsRequest) -> HttpResponse:
    opened = unlock(request=asked, code=request.POST.get("code", ""))
    if opened:
        return _show(request, "opened", asked=asked, opened=opened)
    if had_packages(asked):
        return _show(request, "gone", asked=asked, status=HTTPStatus.GONE)
    return _show(request, "none_yet", asked=asked)


def _stream(file: SealedFile, opened: Unlock, start: int, stop: int) -> Iterator[bytes]:
    yield from file.read(start, stop)
    if (start, stop) == (0, file.size):  # of parts nobody knows here whether the person has them all
        was_fetched(opened=opened)


def _part(request: HttpRequest, *, size: int, etag: str) -> tuple[int, int] | None:
    """Return the bytes that are asked for, from and up to; ``None`` where there are none, RFC 9110, 14.

    Several ranges at once, and a header that is not understood, are answered with the whole, as is a range of another
    version of the file.
    """
    match = RANGE.match(request.headers.get("Range", ""))
    if match is None or match.groups() == ("", "") or request.headers.get("If-Range", etag) != etag:
        return 0, size
    first, last = match.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:  # not a range at all
            return 0, size
    return (start, stop) if start < stop else None


def _etag(package: Package) -> str:
    """Return what names one version of the file: every build has a name of its own."""
    return f'"{hashlib.sha256(package.file_name.encode()).hexdigest()[:32]}"'


def _show(
    request: HttpRequest, state: str, *, asked: RightsRequest | None = None, status: int = HTTPStatus.OK, **context: Any
) -> HttpResponse:
    told = {
        "state": state,
        "asked": asked,
        "key": key_of(asked) if asked and state == "waiting" else "",
        "was_sent": "sent" in request.GET,
    }
    return render(request, "privacy/package.html", {**told, **context}, status=status)
