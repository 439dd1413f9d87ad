"""What the mail of a campaign looks like: written once for each language, then filled in for each person."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from email.utils import formataddr, parseaddr
from typing import TYPE_CHECKING, Any, Final

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import escape

from feedback.invitation_links import answer_link, notice_link, objection_link, opened_link, unsubscribe_link
from feedback.placeholders import fill
from privacy.delivery import AUTOMATIC
from privacy.encryption import keyed_hash
from surveys.scales import scale_of
from surveys.wording import choose_language

if TYPE_CHECKING:
    from collections.abc import Mapping

    from feedback.models import Campaign, CampaignMail, Respondent
    from surveys.models import SurveyVersion

# Programs that know style sheets need the rules for the dark and the narrow; the others get everything inline.
INLINER: Final = css_inline.CSSInliner(keep_style_tags=True, keep_at_rules=True, load_remote_stylesheets=False)
# Stands in the links of a letter until it is somebody's; no token looks like it.
NOBODY: Final = "token-of-the-recipient"
MESSAGE_ID: Final = re.compile(r"<?campaign-mail-([0-9]{1,18})[-@][^<>\s]+>?")
_WHITE, _BLACK = "#ffffff", "#14162b"


@dataclass(frozen=True)
class Letter:
    """The mail of a campaign in one language, for nobody yet."""

    language: str
    subject: str
    text: str
    html: str


def invitation_token(*, campaign_id: int, respondent_id: int) -> str:
    """Return the token of a person's invitation to a campaign, 256 bits that only the SECRET_KEY leads to.

    It is made rather than drawn, because only its digest is stored and every attempt and the reminder have to carry
    the same link. Where the key has been changed in between, the digest tells.
    """
    digest = keyed_hash("invitation of a campaign", f"{campaign_id}:{respondent_id}")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def message_id(mail: CampaignMail) -> str:
    """Return the ``Message-ID`` of a mail, the same at every attempt, by which reports about it are recognised.

    Installations that share a provider and a domain number their mails alike: the key tells them apart.
    """
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return f"<campaign-mail-{mail.pk}-{keyed_hash('mail of a campaign', str(mail.pk)).hex()[:12]}@{domain}>"


def bare(message_id: str) -> str:
    """Return what names a mail without the angle brackets that some providers leave out."""
    return message_id.strip().strip("<>")[:255]


def language_for(version: SurveyVersion, campaign: Campaign, respondent: Respondent) -> str:
    """Return the language in which a person is asked: theirs where the survey has it, else the product's."""
    preferred = (respondent.language, campaign.product.default_language)
    return choose_language(version.content, version.default_language, *preferred)


def write_letter(
    *, campaign: Campaign, version: SurveyVersion, language: str, subject: str, intro: str, may_count: bool = True
) -> Letter:
    """Write the mail in one language; placeholders and links are filled in later.

    Args:
        may_count: whether the picture that tells of opening is in it, where the product counts that.
    """
    ours = dict(settings.LANGUAGES)
    furniture = language if language in ours else settings.LANGUAGE_CODE
    words, scale = version.content[language], scale_of(version.metric, version.band_profile)
    context: dict[str, Any] = {
        "product": campaign.product,
        "controller": campaign.product.controller,
        "language": language,
        "subject": subject,
        "intro": intro,
        "question": words["question"],
        "low": words["low_label"],
        "high": words["high_label"],
        "scores": [(score, answer_link(NOBODY, score=score)) for score in range(scale.minimum, scale.maximum + 1)],
        "minimum": scale.minimum,
        "maximum": scale.maximum,
        "colour": campaign.product.colour,
        "on_colour": readable_on(campaign.product.colour),
        "answer_link": answer_link(NOBODY),
        "unsubscribe_link": unsubscribe_link(NOBODY),
        "objection_link": objection_link(NOBODY),
        "notice_link": notice_link(furniture),
        "pixel": opened_link(NOBODY) if campaign.product.tracks_opens and may_count else "",
    }
    with translation.override(furniture):
        text = render_to_string("feedback/campaigns/mail.txt", context)
        html = render_to_string("feedback/campaigns/mail.html", context)
    return Letter(language=language, subject=subject, text=text, html=INLINER.inline(html))


def compose(
    *, letter: Letter, campaign: Campaign, mail: CampaignMail, respondent: Respondent, token: str
) -> EmailMultiAlternatives:
    """Return the mail to one person. Their address is in ``To`` and nowhere else."""
    product, values = campaign.product, values_of(campaign, respondent)
    stop = unsubscribe_link(token)
    message = EmailMultiAlternatives(
        subject=" ".join(fill(letter.subject, values).split()),
        body=_for(letter.text, token, values),
        from_email=formataddr(
            (" ".join((campaign.sender_name or product.name).split()), parseaddr(settings.DEFAULT_FROM_EMAIL)[1])
        ),
        to=[respondent.email],
        reply_to=[campaign.reply_to or product.controller.contact_email],
        headers={
            **AUTOMATIC,
            "Message-ID": message_id(mail),
            # The mail program's own button: one POST, no page, no login (RFC 8058).
            "List-Unsubscribe": f"<{stop}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )
    html = _for(letter.html, token, {name: escape(value) for name, value in values.items()})
    message.attach_alternative(html, "text/html")
    return message


def values_of(campaign: Campaign, respondent: Respondent) -> dict[str, str]:
    """Return what the placeholders stand for."""
    return {"name": respondent.name, "company": respondent.company, "product": campaign.product.name}


def readable_on(colour: str) -> str:
    """Return the colour of text on a colour, whichever of dark and white contrasts more (WCAG 2.2, 1.4.3)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return _WHITE if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.0625 else _BLACK


def _for(text: str, token: str, values: Mapping[str, str]) -> str:
    # The token first: what a person's name says is looked at by nothing any more.
    return fill(text.replace(NOBODY, token), values)


def for_example(letter: Letter, campaign: Campaign) -> Letter:
    """Return the letter as somebody made up would get it; its links lead nowhere."""
    values = {"name": "Anna Nowak", "company": "ACME", "product": campaign.product.name}
    return Letter(
        language=letter.language,
        subject=" ".join(fill(letter.subject, values).split()),
        text=fill(letter.text, values),
        html=fill(letter.html, {name: escape(value) for name, value in values.items()}),
    )
