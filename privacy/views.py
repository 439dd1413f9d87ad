"""The pages for data subjects: notice, form, answer, confirmation.

They set no cookie, so there is no session that another site could misuse: the form acts on what is written in it,
the confirmation on the secret in its address. Hence no CSRF token, which would only shut out people without cookies.
"""

from __future__ import annotations

import math
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from privacy.cookies import cookie_register
from privacy.forms import RequestForm
from privacy.identity import Standing, confirm_mailbox, look_up_confirmation
from privacy.intake import file_request, seconds_to_wait
from privacy.languages import in_chosen_language
from privacy.limits import address_prefix
from privacy.links import guest_of
from privacy.mailing import renew_confirmation
from privacy.models import Controller, Product, Right
from privacy.notice import purposes
from privacy.objection import look_up_invited, object_with_invitation
from privacy.recipients import named_recipients
from privacy.tasks import queue_mail, queue_work_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

REFERENCE: Final = re.compile(r"[0-9A-Z]{5}-[0-9A-Z]{5}")
STATUS: Final = {Standing.UNKNOWN: HTTPStatus.NOT_FOUND, Standing.EXPIRED: HTTPStatus.GONE}


@require_safe
@in_chosen_language
def notice(request: HttpRequest) -> HttpResponse:
    """Show who is responsible, what for, how long, and which rights there are."""
    controllers, language = list(Controller.objects.all()), get_language() or "en"
    return render(
        request,
        "privacy/notice.html",
        {
            "controllers": controllers,
            "purposes": purposes(language=language),
            "recipients": named_recipients(controllers, language=language),
            "rights": Right.choices,
            "objection": Right.OBJECTION.value,
        },
    )


@require_safe
@in_chosen_language
def cookies(request: HttpRequest) -> HttpResponse:
    """Show everything that is left in browsers, on the sites that ask and on our own pages."""
    return render(request, "privacy/cookies.html", {"register": cookie_register()})


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@in_chosen_language
def request_form(request: HttpRequest) -> HttpResponse:
    """Show the form, or file what was filled in; the answer is the same whether we know the person or not."""
    controllers = list(Controller.objects.prefetch_related("products"))
    if not controllers:
        return render(request, "privacy/not_set_up.html", status=HTTPStatus.SERVICE_UNAVAILABLE)
    form = _form(request, controllers)
    if request.method != "POST":
        return _show(request, form)
    if not form.is_valid():
        return _show(request, form, status=HTTPStatus.BAD_REQUEST)
    wait = seconds_to_wait(network=address_prefix(request))
    if wait is not None:
        answer = _show(request, form, status=HTTPStatus.TOO_MANY_REQUESTS, minutes=math.ceil(wait / 60))
        answer["Retry-After"] = str(wait)
        return answer
    filed = file_request(content=form.content())
    queue_work_of(filed)
    return HttpResponseRedirect(f"{reverse('privacy:received')}?lang={form.language()}&reference={filed.reference}")


@require_safe
@never_cache
@in_chosen_language
def received(request: HttpRequest) -> HttpResponse:
    """Say what happens next, without a word about who asked or whether anybody knows them."""
    reference = REFERENCE.fullmatch(request.GET.get("reference", ""))
    told = {"controllers": Controller.objects.all(), "reference": reference and reference[0]}
    return render(request, "privacy/received.html", told)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@in_chosen_language
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Show a button, which confirms: mail scanners open links, but a GET or HEAD changes nothing."""
    if request.method == "POST" and "renew" in request.POST:
        message = renew_confirmation(token=token)
        if message is not None:
            queue_mail(message.pk)
        return render(request, "privacy/renewed.html")
    confirmation = confirm_mailbox(token=token) if request.method == "POST" else look_up_confirmation(token=token)
    return render(
        request,
        "privacy/confirm.html",
        {
            "standing": confirmation.standing.value,
            "asked": confirmation.request,
            "items": confirmation.request.items.all() if confirmation.request else (),
        },
        status=STATUS.get(confirmation.standing, HTTPStatus.OK),
    )


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@in_chosen_language
def object_to_contact(request: HttpRequest, token: str) -> HttpResponse:
    """Show a button, which objects to contact in the name of whoever was invited; nobody has to log in.

    A GET changes nothing: mail scanners open links.
    """
    if request.method == "POST":
        invited = object_with_invitation(token=token, language=get_language() or "en")
    else:
        invited = look_up_invited(token=token)
    status = HTTPStatus.OK if invited else HTTPStatus.NOT_FOUND
    return render(request, "privacy/object.html", {"invited": invited}, status=status)


def _form(request: HttpRequest, controllers: list[Controller]) -> RequestForm:
    """Return the form, with what a link named already chosen: ``?right=objection&product=pk_…``.

    A product that knows who is logged in sends them here by ``?who=…``; the page of an invitation by ``?invitation=…``.
    """
    initial: dict[str, Any] = {"rights": [right for right in request.GET.getlist("right") if right in Right.values]}
    initial["invitation"] = request.GET.get("invitation", "")[:64]
    who = request.GET.get("who", "")
    guest = guest_of(who, products=Product.objects.all()) if who else None
    key = request.GET.get("product")
    for product in (product for controller in controllers for product in controller.products.all()):
        if product.public_key == key:
            initial["about"] = f"p{product.pk}"
    data = request.POST if request.method == "POST" else None
    return RequestForm(data, initial=initial, controllers=controllers, spoken=get_language() or "en", guest=guest)


def _show(request: HttpRequest, form: RequestForm, *, status: int = HTTPStatus.OK, **context: Any) -> HttpResponse:
    return render(
        request,
        "privacy/request.html",
        {
            "form": form,
            "controllers": form.controllers,
            "link_is_over": "who" in request.GET and form.guest is None,
            **context,
        },
        status=status,
    )
