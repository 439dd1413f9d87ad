"""The mails of the demonstration, which are written to files instead of being sent; part of the demonstration only.

Anybody who reaches these pages reads them all, so they exist nowhere else.
"""

from __future__ import annotations

import email
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from config.variables import ENVIRONMENT
from privacy.languages import in_chosen_language

if TYPE_CHECKING:
    from email.message import EmailMessage

    from django.http import HttpRequest

if ENVIRONMENT not in {"demo", "test"}:
    raise ImproperlyConfigured("the outbox exists in the demonstration only")

END_OF_MAIL: Final = b"\n" + b"-" * 79 + b"\n"  # as Django's file backend writes it
MOST_FILES: Final = 100
# What a mail's HTML may do in its frame: look as it was written, and open its links in a window of their own.
POLICY_OF_MAIL: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)


@dataclass(frozen=True)
class Mail:
    """One mail, by the name of its file and its place there."""

    key: str
    written_at: datetime
    message: EmailMessage

    def part(self, kind: str) -> str:
        """Return the text of a part, "plain" or "html"; empty where there is none."""
        found = self.message.get_body(preferencelist=(kind,))
        return str(found.get_content()) if found is not None else ""

    @property
    def text(self) -> str:
        return self.part("plain")

    @property
    def html(self) -> str:
        return self.part("html")


def mails() -> list[Mail]:
    """Return the mails of the newest files, the newest first."""
    folder = Path(settings.EMAIL_FILE_PATH) if settings.EMAIL_FILE_PATH else None
    files = sorted(folder.glob("*.log"), key=lambda file: file.stat().st_mtime) if folder and folder.is_dir() else []
    found = []
    for file in files[-MOST_FILES:]:
        written_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        for number, content in enumerate(file.read_bytes().split(END_OF_MAIL)):
            if content.strip():
                message = email.message_from_bytes(content, policy=policy.default)
                found.append(Mail(f"{file.stem}-{number}", written_at, message))
    return found[::-1]


def find_mail(key: str) -> Mail:
    """Return the mail with this key; only what is listed is ever opened.

    Raises:
        Http404: there is none.
    """
    for mail in mails():
        if mail.key == key:
            return mail
    raise Http404


@require_safe
@never_cache
@in_chosen_language
def outbox(request: HttpRequest) -> HttpResponse:
    """List the mails that would have been sent."""
    context = {"mails": mails(), "is_kept": bool(settings.EMAIL_FILE_PATH)}
    return render(request, "outbox/list.html", context)


@require_safe
@never_cache
@in_chosen_language
def mail_page(request: HttpRequest, key: str) -> HttpResponse:
    """Show a mail: its headers, how it looks, and its plain text."""
    mail = find_mail(key)
    response = render(request, "outbox/mail.html", {"mail": mail, "headers": mail.message.items()})
    response._csp_update = {"frame-src": ["'self'"]}  # type: ignore[attr-defined]  # the hook of django-csp's decorators
    return response


@require_safe
@never_cache
@xframe_options_sameorigin
def html_part(request: HttpRequest, key: str) -> HttpResponse:
    """Return the HTML of a mail for its frame, where it can run nothing and its links open beside it."""
    html = find_mail(key).html
    if not html:
        raise Http404
    page = HttpResponse(html.replace("<head>", '<head><base target="_blank">', 1))
    page["Content-Security-Policy"] = POLICY_OF_MAIL
    return page
