"""How often one network, product, survey page and invitation may be used, counted for the API and the pages alike."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from privacy.limits import Limit, hit

MINUTE: Final = 60


def seconds_to_wait(*, network: str, product: str = "", survey: str = "", invitation: str = "") -> int | None:
    """Count one more call and return how long to wait where that was one too many, else ``None``.

    A network is a whole /24 or /48, behind which a company may sit, so its limit is generous. Once it is passed
    nothing else is counted: it cannot use up what belongs to others, nor fill memory with what it makes up.

    Args:
        network: what ``privacy.limits.address_prefix`` returns.
        product: public key; empty where the call names none.
        survey: slug of a survey's page.
        invitation: token.
    """
    wait = hit(Limit("asking-address", settings.RATE_LIMIT_PER_ADDRESS, MINUTE), network)
    if wait is not None:
        return wait
    limits = (
        (Limit("asking-product", settings.RATE_LIMIT_PER_PRODUCT, MINUTE), product),
        (Limit("asking-survey", settings.RATE_LIMIT_PER_PRODUCT, MINUTE), survey),
        (Limit("asking-invitation", settings.RATE_LIMIT_PER_PERSON, MINUTE), invitation),
    )
    waits = [hit(limit, value) for limit, value in limits if value]
    return max((wait for wait in waits if wait is not None), default=None)
