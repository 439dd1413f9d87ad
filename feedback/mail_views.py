"""The page behind the link at the end of mail to staff; the signed link says who they are, so nobody has to log in.

It knows no session and no cookie, so Django's CSRF token has nothing to be bound to; what it would prevent, the
signature prevents. Mail programs post here by themselves when somebody presses their button (RFC 8058).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from feedback.mail_preferences import preference_of, read_unsubscribe_token, unsubscribe
from privacy.languages import speak

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stop_mail_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show what a link would stop and a button that stops it: mail scanners open links, but a GET changes nothing."""
    what = read_unsubscribe_token(token)
    if what is None:
        return render(request, "feedback/stop_mail.html", {"state": "unknown"}, status=HTTPStatus.NOT_FOUND)
    speak(request, preference_of(what.user).language)
    if request.method == "POST":
        unsubscribe(what=what)
    state = "done" if request.method == "POST" else "asked"
    return render(request, "feedback/stop_mail.html", {"state": state, "what": what})
