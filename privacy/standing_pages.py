"""The page about a request; nothing of it is shown, and nothing done, before a code was typed in."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from privacy import standing
from privacy.handing_over import packages_of
from privacy.languages import in_chosen_language
from privacy.models import Controller, RequestMessage, RightsRequest
from privacy.tasks import queue_mail

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@in_chosen_language
def status(request: HttpRequest, reference: str) -> HttpResponse:
    """Ask for a code, then show how the request stands and do what its maker wants."""
    if request.method != "POST":
        return _ask(request, reference)
    if "send" in request.POST:
        message = standing.owe_status_code(reference=reference)
        if message is not None:
            queue_mail(message.pk)
        return _ask(request, reference, was_sent=True)
    pass_ = request.POST.get("pass", "")
    try:
        if not pass_:
            pass_ = standing.open_status(reference=reference, code=request.POST.get("code", ""))
    except ValidationError as error:
        return _ask(request, reference, problem=error.messages[0], status=HTTPStatus.BAD_REQUEST)
    asked = standing.request_of_pass(pass_, reference=reference)
    return _ask(request, reference, is_over=True) if asked is None else _act(request, asked, pass_)


def _act(request: HttpRequest, asked: RightsRequest, pass_: str) -> HttpResponse:
    """Do what was asked for, if anything, and show the request as it stands then."""
    done, problem = "", ""
    try:
        done = _change(request, asked)
    except ValidationError as error:
        problem = error.messages[0]
    told = {
        **_standing_of(RightsRequest.objects.get(pk=asked.pk)),
        "pass": pass_,
        "done": done,
        "problem": problem,
        "more": request.POST.get("more", "") if problem else "",
    }
    return render(request, "privacy/status.html", told, status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK)


def _change(request: HttpRequest, asked: RightsRequest) -> str:
    """Do what a form of the page asks for and return what that was, if anything."""
    if "withdraw" in request.POST:
        standing.withdraw(request=asked)
        return "withdrawn"
    if "more" in request.POST:
        standing.add_information(request=asked, text=request.POST["more"])
        return "added"
    return ""


def _standing_of(asked: RightsRequest) -> dict[str, Any]:
    return {
        "asked": asked,
        "items": asked.items.all(),
        "questions": asked.messages.filter(kind=RequestMessage.Kind.INFORMATION_NEEDED).exclude(text=""),
        "has_package": packages_of(asked).exists(),
        "can_withdraw": asked.state in standing.WITHDRAWABLE,
        "is_open": asked.state in asked.OPEN_STATES,
        "longest": standing.LONGEST_ADDITION,
    }


def _ask(
    request: HttpRequest,
    reference: str,
    *,
    problem: str = "",
    was_sent: bool = False,
    is_over: bool = False,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    told = {"reference": reference, "problem": problem, "was_sent": was_sent, "is_over": is_over}
    told["controllers"] = Controller.objects.all()
    return render(request, "privacy/status_code.html", told, status=status)
