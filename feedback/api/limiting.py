"""How often one network, one product and one person may call the asking endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from rest_framework.exceptions import Throttled
from rest_framework.throttling import BaseThrottle

from privacy.limits import Limit, address_prefix, hit

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView

    from feedback.facts import ProductFacts
    from feedback.identity import Person

MINUTE: Final = 60


class AskingThrottle(BaseThrottle):
    """Limit calls per network and per product or invitation; the answer says when to come back.

    A network is a whole /24 or /48, behind which a company may sit, so its limit is generous.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        per_address = Limit("asking-address", settings.RATE_LIMIT_PER_ADDRESS, MINUTE)
        waits = [hit(per_address, address_prefix(request._request))]
        if public_key := view.kwargs.get("public_key"):
            waits.append(hit(Limit("asking-product", settings.RATE_LIMIT_PER_PRODUCT, MINUTE), public_key))
        if token := view.kwargs.get("token"):
            waits.append(hit(Limit("asking-invitation", settings.RATE_LIMIT_PER_PERSON, MINUTE), token))
        self.seconds = max((wait for wait in waits if wait is not None), default=None)
        return self.seconds is None

    def wait(self) -> float | None:
        return self.seconds


def limit_person(product: ProductFacts, person: Person) -> None:
    """Count a question about a person.

    Raises:
        Throttled: too many in this minute; says how many seconds to wait.
    """
    per_person = Limit("asking-person", settings.RATE_LIMIT_PER_PERSON, MINUTE)
    wait = hit(per_person, f"{product.id}:{person.subject_key}")
    if wait is not None:
        raise Throttled(wait)
