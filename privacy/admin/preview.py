"""What an officer looks at before a copy goes out: its datasets, their records, and what is about somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _

from privacy.access import RECORD, Treatment, in_words, title_of_table
from privacy.admin.visibility import staff
from privacy.inventory import inventory
from privacy.models import RequestItem
from privacy.packages.previewing import overview, preview, redact, undo_redaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.contrib.admin import AdminSite
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

    from privacy.packages.previewing import Preview

CHANGES = {"redact": redact, "undo": undo_redaction}


def preview_urls(site: AdminSite) -> list[URLPattern]:
    """Return the addresses below the list of requests."""

    def view(page: Any) -> Any:
        return site.admin_view(lambda request, **kwargs: page(site, request, **kwargs))

    return [
        path("items/<int:item>/copy/", view(_overview), name="privacy_requestitem_preview"),
        path("items/<int:item>/copy/<str:table>/", view(_records), name="privacy_requestitem_records"),
    ]


def _overview(site: AdminSite, request: HttpRequest, *, item: int) -> HttpResponse:
    """Show which datasets the copy has, and how many records; no value is on this page."""
    of = get_object_or_404(RequestItem.objects.select_related("request__controller"), pk=item)
    parts = overview(item=of, user=staff(request))
    rows = [
        {
            "title": part.dataset.title,
            "count": part.count,
            "link": reverse("admin:privacy_requestitem_records", args=[of.pk, part.dataset.name]),
        }
        for part in parts
    ]
    return _page(site, request, of, "preview", {"title": _("Copy before its release"), "parts": rows})


def _records(site: AdminSite, request: HttpRequest, *, item: int, table: str) -> HttpResponse:
    """Show a page of records, which is logged; POST leaves a value out or puts it back."""
    of = get_object_or_404(RequestItem.objects.select_related("request__controller", "request__product"), pk=item)
    number = request.GET.get("page", "1")
    page = int(number) if number.isdecimal() and len(number) < 10 else 1
    if request.method == "POST":
        return _change(request, of, table, page)
    try:
        shown = preview(item=of, table=table, page=page, user=staff(request))
    except ValidationError as error:
        raise Http404 from error
    context = {
        "title": shown.dataset.title,
        "preview": shown,
        "records": [list(_facts(shown, record, of)) for record in shown.records],
        "overview": reverse("admin:privacy_requestitem_preview", args=[of.pk]),
    }
    return _page(site, request, of, "preview_records", context)


def _change(request: HttpRequest, item: RequestItem, table: str, page: int) -> HttpResponse:
    change, number = CHANGES.get(request.POST.get("do", "")), request.POST.get("record", "")
    if change is None or not number.isdecimal():
        raise Http404
    column = request.POST.get("column", "")
    try:
        change(item=item, dataset=table, record_number=int(number), column=column, user=staff(request))
    except ValidationError as error:
        messages.error(request, error.messages[0])
    return HttpResponseRedirect(f"{reverse('admin:privacy_requestitem_records', args=[item.pk, table])}?page={page}")


def _facts(shown: Preview, record: dict[str, Any], item: RequestItem) -> Iterator[dict[str, Any]]:
    zone = ZoneInfo(item.request.controller.time_zone)
    for column in shown.dataset.columns:
        value = record[column.name]
        text = in_words(column.field, value, zone=zone)
        if column.name in ("record_kind", "dataset") and value in inventory.tables:
            text = title_of_table(inventory.tables[value])
        if text:
            yield {
                "name": column.name,
                "title": column.title,
                "text": text,
                "number": record[RECORD],
                "is_derived": column.treatment is Treatment.DERIVED,
                "is_context": column.treatment is Treatment.CONTEXT,
                "is_left_out": (record[RECORD], column.name) in shown.left_out,
            }


def _page(site: AdminSite, request: HttpRequest, item: RequestItem, name: str, context: dict[str, Any]) -> HttpResponse:
    everywhere = {
        **site.each_context(request),
        "opts": item.request._meta,
        "subtitle": f"{item.request} – {item.get_right_display()}",
        "back": reverse("admin:privacy_rightsrequest_change", args=[item.request_id]),
    }
    return TemplateResponse(request, f"admin/privacy/rightsrequest/{name}.html", {**everywhere, **context})
