"""Tables as files that staff take out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.http import HttpResponse, StreamingHttpResponse

if TYPE_CHECKING:
    from collections.abc import Iterator


CSV: Final = "text/csv; charset=utf-8"


def csv_download(content: bytes, name: str) -> HttpResponse:
    """Return a table that the browser saves instead of showing it.

    Args:
        content: what ``exports.as_csv`` returned.
        name: of the file, without its ending; says nothing about people.
    """
    return HttpResponse(content, content_type=CSV, headers=_saved_as(name))


def csv_stream(parts: Iterator[bytes], name: str) -> StreamingHttpResponse:
    """Return the same of a table that is made while it is sent, however long it is.

    Args:
        parts: what ``exports.csv_parts`` returned.
    """
    return StreamingHttpResponse(parts, content_type=CSV, headers=_saved_as(name))


def _saved_as(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}.csv"'}
