"""Tables as files that staff take out."""

from __future__ import annotations

from django.http import HttpResponse


def csv_download(content: bytes, name: str) -> HttpResponse:
    """Return a table that the browser saves instead of showing it.

    Args:
        content: what ``exports.as_csv`` returned.
        name: of the file, without its ending; says nothing about people.
    """
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)
