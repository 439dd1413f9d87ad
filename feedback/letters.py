"""How a mail to staff looks: HTML that mail programs understand, the same in plain text, and a way to stop it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language

from feedback.mail_preferences import unsubscribe_token
from feedback.models import Notice
from privacy.delivery import AUTOMATIC

if TYPE_CHECKING:
    from feedback.models import StaffMail

# Mail programs ignore style sheets, but those that know dark mode read its rules: these stay in the head.
INLINER: Final = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


@dataclass(frozen=True)
class Letter:
    """What a mail says, in the language that is active.

    Args:
        subject: names nobody; it is read on locked screens.
        template: the name of a pair of templates of ``feedback/mail``.
    """

    subject: str
    template: str
    context: dict[str, Any]


def link_to(name: str, *arguments: Any, query: str = "") -> str:
    """Return the full address of one of our pages."""
    return f"{settings.PUBLIC_URL}{reverse(name, args=arguments)}{query}"


def address(letter: Letter, mail: StaffMail) -> EmailMultiAlternatives:
    """Return a letter ready to be sent to whom the mail is owed.

    The message id is the same at every attempt: where an attempt was accepted and nobody heard of it, mail servers
    can tell the second one for what it is.
    """
    token = unsubscribe_token(user=mail.user, notice=Notice(mail.notice), product_id=mail.product_id)
    stop = link_to("feedback:stop_mail", token)
    context = {
        **letter.context,
        "subject": letter.subject,
        "language": get_language(),
        "stop_link": stop,
        "my_mail_link": link_to("feedback_my_mail"),
    }
    message = EmailMultiAlternatives(
        subject=" ".join(letter.subject.split()),
        body=render_to_string(f"feedback/mail/{letter.template}.txt", context),
        to=[mail.user.email],
        headers={
            **AUTOMATIC,
            "Message-ID": f"<staff-mail-{mail.pk}@{settings.DEFAULT_FROM_EMAIL.rpartition('@')[2].strip('> ')}>",
            "List-Unsubscribe": f"<{stop}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058
        },
    )
    html = render_to_string(f"feedback/mail/{letter.template}.html", context)
    message.attach_alternative(INLINER.inline(html), "text/html")
    return message
