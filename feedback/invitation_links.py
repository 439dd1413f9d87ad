"""The links of a personal invitation, as they stand in mails; none of them says whose they are."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.urls import reverse

# Names of the pages on which people say no; both take the invitation's token.
UNSUBSCRIBE: Final = "feedback:unsubscribe"
OBJECT: Final = "privacy:object"


def answer_link(token: str, *, score: int | None = None) -> str:
    """Return the address of the invited person's page, with a score chosen but not sent."""
    return _link("feedback:invitation", token) + ("" if score is None else f"?s={score}")


def unsubscribe_link(token: str) -> str:
    """Return the address at which the person stops e-mails: GET asks, POST does it, also in one click (RFC 8058)."""
    return _link(UNSUBSCRIBE, token)


def objection_link(token: str) -> str:
    """Return the address at which the person objects to being asked at all."""
    return _link(OBJECT, token)


def opened_link(token: str) -> str:
    """Return the address of the picture by which opened mails are counted, where the product counts them."""
    return _link("feedback:opened", token)


def notice_link(language: str) -> str:
    """Return the address of the privacy notice."""
    return f"{settings.PUBLIC_URL}{reverse('privacy:notice')}?lang={language}"


def _link(name: str, token: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name, kwargs={'token': token})}"
