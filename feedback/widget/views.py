"""The addresses of the widget's scripts: open to every site and cached wherever they pass."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from django.http import Http404, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from feedback.widget import assets

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

# A new release reaches every page within minutes; what is named after its content never changes.
SHORT: Final = "public, max-age=300, s-maxage=300, stale-while-revalidate=86400"
FOREVER: Final = "public, max-age=31536000, immutable"


@require_safe
def loader(request: HttpRequest) -> HttpResponseBase:
    """Serve the script that host pages name."""
    return _script(request, assets.loader(), caching=SHORT)


@require_safe
def survey(request: HttpRequest, digest: str, language: str) -> HttpResponseBase:
    """Serve the survey; a loader cached before a release still gets one, which browsers then do not keep."""
    try:
        asset = assets.survey(language)
    except KeyError as error:
        raise Http404 from error
    return _script(request, asset, caching=FOREVER if digest == assets.survey_digest() else SHORT)


def _script(request: HttpRequest, asset: assets.Asset, *, caching: str) -> HttpResponseBase:
    accepted = set(re.findall(r"[a-z]+", request.headers.get("Accept-Encoding", "")))
    encoding = next((encoding for encoding in asset.compressed if encoding in accepted), None)
    response = HttpResponse(
        asset.compressed[encoding] if encoding else asset.body, content_type="text/javascript; charset=utf-8"
    )
    if encoding:
        response["Content-Encoding"] = encoding
    response["ETag"] = f'W/"{asset.digest}"'
    response["Cache-Control"] = caching
    patch_vary_headers(response, ["Accept-Encoding"])
    answer = get_conditional_response(request, etag=response["ETag"], response=response)
    assert answer is not None  # noqa: S101  it is the response given, or one that says it has not changed
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer
