"""The public page of what was improved, and the way out of the mail about it.

Neither knows a session or a cookie. Whoever can object for a person has their mail in front of them; the address of
the page is the proof, so there is nothing for a CSRF token to protect.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

from django.core.paginator import InvalidPage, Paginator
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from feedback.improvements import UnknownLink, find_mail, object_to_contact
from feedback.models import Improvement
from privacy.languages import in_chosen_language

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

PER_PAGE: Final = 10


@require_safe
@in_chosen_language
def improvements(request: HttpRequest, public_key: str) -> HttpResponse:
    """Show what a product improved because of feedback, the newest first; without any, there is no such page."""
    public = Improvement.objects.public().filter(product__public_key=public_key)
    try:
        page = Paginator(public.select_related("product__controller"), PER_PAGE).page(request.GET.get("page", 1))
    except InvalidPage:
        page = None
    if not page:
        title, text = _("There is nothing here"), _("Please check the address: perhaps a part of it was lost.")
        return render(request, "feedback/dead_end.html", {"title": title, "text": text}, status=HTTPStatus.NOT_FOUND)
    first = cast("Improvement", page[0])
    return render(request, "feedback/improvements/page.html", {"page": page, "product": first.product})


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@in_chosen_language
def object_to_contact_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show a button, which objects; the button of a mail program sends the same POST (RFC 8058)."""
    is_done = request.method == "POST"
    try:
        owed = object_to_contact(token=token) if is_done else find_mail(token=token)
    except UnknownLink:
        return render(request, "feedback/improvements/object.html", {"is_known": False}, status=HTTPStatus.NOT_FOUND)
    product = owed.improvement.product if owed else None
    is_done = is_done or owed is None or owed.respondent.do_not_contact
    return render(
        request, "feedback/improvements/object.html", {"is_known": True, "is_done": is_done, "product": product}
    )
