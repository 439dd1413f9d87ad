"""What the mail about an improvement says, in plain text and in HTML; nothing in it was written by a respondent."""

from __future__ import annotations

from email.utils import formataddr, parseaddr
from typing import TYPE_CHECKING, Any, Final

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from feedback.improvements.objecting import objection_token
from privacy.delivery import AUTOMATIC
from privacy.models import Right

if TYPE_CHECKING:
    from feedback.models import Improvement, ImprovementMail

# Programs that know style sheets need the rules for the dark and the narrow; the others get everything inline.
INLINER: Final = css_inline.CSSInliner(keep_style_tags=True, keep_at_rules=True, load_remote_stylesheets=False)


def compose(owed: ImprovementMail, *, to: str) -> EmailMultiAlternatives:
    """Return the mail to one address, in the language of the improvement."""
    improvement: Improvement = owed.improvement
    product = improvement.product
    with translation.override(improvement.language):
        context = {"improvement": improvement, "product": product, "controller": product.controller, **_links(owed)}
        message = EmailMultiAlternatives(
            subject=_("You said, we did: %(title)s") % {"title": " ".join(improvement.title.split())},
            body=render_to_string("feedback/improvements/mail.txt", context),
            from_email=formataddr((" ".join(product.name.split()), parseaddr(settings.DEFAULT_FROM_EMAIL)[1])),
            to=[to],
            reply_to=[product.controller.contact_email],
            headers={
                **AUTOMATIC,
                # The mail program's own button: one POST, no page, no login (RFC 8058).
                "List-Unsubscribe": f"<{context['stop_link']}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
        )
        html = render_to_string("feedback/improvements/mail.html", context)
    message.attach_alternative(INLINER.inline(html), "text/html")
    return message


def _links(owed: ImprovementMail) -> dict[str, Any]:
    improvement: Improvement = owed.improvement
    language = f"lang={improvement.language}"
    key = improvement.product.public_key
    token = objection_token(owed)
    addresses = {
        "page_link": f"{reverse('improvements:page', args=[key])}?{language}#improvement-{improvement.pk}",
        "stop_link": f"{reverse('improvements:object', args=[token])}?{language}",
        "notice_link": f"{reverse('privacy:notice')}?{language}",
        "objection_link": f"{reverse('privacy:request')}?right={Right.OBJECTION}&product={key}&{language}",
    }
    return {name: f"{settings.PUBLIC_URL}{address}" for name, address in addresses.items()}
