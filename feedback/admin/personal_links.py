"""Personal links in bulk: upload a list, and download it with a link for everybody who may be asked."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminFileFieldWidget

from feedback.admin.downloads import csv_download
from feedback.exports import as_csv
from feedback.imports import LARGEST_FILE
from feedback.personal_links import HEADERS, MOST_PEOPLE, PersonalLink, as_rows, make_personal_links
from privacy.admin.visibility import staff
from surveys.models import Survey

if TYPE_CHECKING:
    from django.http import HttpRequest

PERMISSION: Final = "feedback.make_personal_links"


class ListForm(forms.Form):
    """The list of people."""

    file = forms.FileField(
        label=_("File"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
        help_text=_("CSV or XLSX with a line of headers: a column “id” or “email” or both, and perhaps “language”."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def personal_links(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the list; answer it with the file of links, which is made once and kept nowhere."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    survey = get_object_or_404(Survey.objects.visible_to(request.user).select_related("product__controller"), pk=pk)
    form = ListForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        try:
            content = form.cleaned_data["file"].read(LARGEST_FILE + 1)
            links = make_personal_links(survey=survey, content=content, by=staff(request))
        except ValidationError as error:
            form.add_error("file", error)
        else:
            _say_who_was_left_out(request, links)
            return csv_download(as_csv(HEADERS, as_rows(links)), f"{survey.slug}-links")
    context: dict[str, Any] = {"survey": survey, "form": form, "most": MOST_PEOPLE, "title": _("Personal links")}
    page = {**admin.site.each_context(request), "opts": Survey._meta, **context}
    return TemplateResponse(request, "admin/feedback/personal_links.html", page)


def _say_who_was_left_out(request: HttpRequest, links: list[PersonalLink]) -> None:
    """Say, on the next page, how many links there are and how many people got none for which reason."""
    made = sum(bool(each.link) for each in links)
    text = ngettext("%(count)d link was made.", "%(count)d links were made.", made)
    messages.success(request, text % {"count": made})
    for (why, code), count in Counter((each.why, each.code) for each in links if not each.link).most_common():
        text = ngettext(
            "%(count)d person without a link: %(why)s (%(code)s)",
            "%(count)d people without a link: %(why)s (%(code)s)",
            count,
        )
        messages.info(request, text % {"count": count, "why": why, "code": code})
