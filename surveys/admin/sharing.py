"""The share link on a survey's page: its full address, and the same as a QR code to print or to show."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import segno
from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from surveys.models import Survey


def address_of(survey: Survey) -> str:
    return f"{settings.PUBLIC_URL}/s/{survey.slug}/"


def address_field(survey: Survey) -> str:
    """Return the address in a field from which it can be copied."""
    return format_html(
        '<span class="survey-address"><input type="text" readonly value="{}" aria-label="{}">'
        '<button type="button" data-copied="{}">{}</button></span>',
        address_of(survey),
        _("full address"),
        _("Copied"),
        _("Copy"),
    )


def code_field(survey: Survey) -> str:
    """Return the QR code, and a link that downloads it."""
    source = reverse("admin:surveys_survey_qr", args=[survey.pk])
    return format_html(
        '<span class="survey-code"><img src="{}" alt="{}" width="160" height="160">'
        '<a href="{}?download=1" download>{}</a></span>',
        source,
        _("QR code of the share link"),
        source,
        _("Download as SVG"),
    )


def qr_code(survey: Survey, *, is_download: bool) -> HttpResponse:
    """Return the QR code of the share link as SVG, dark on white whatever is around it, with its quiet zone.

    Its error correction restores 15 %, which is what stickers and posters suffer.
    """
    drawing = io.BytesIO()
    code = segno.make(address_of(survey), error="m", micro=False)
    code.save(drawing, kind="svg", scale=8, border=4, light="white", title=survey.slug, svgclass=None, lineclass=None)
    response = HttpResponse(drawing.getvalue(), content_type="image/svg+xml")
    disposition = "attachment" if is_download else "inline"
    response["Content-Disposition"] = f'{disposition}; filename="{survey.slug}.svg"'
    return response
