"""How often one network, one product and one person may call the asking endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.exceptions import Throttled
from rest_framework.throttling import BaseThrottle

from feedback.limiting import MINUTE, seconds_to_wait
from privacy.limits import Limit, address_prefix, hit

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView

    from feedback.identity import Person
    from feedback.products import ProductFacts


class AskingThrottle(BaseThrottle):
    """Limit calls per network and per product or invitation; the answer says when to come back."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        self.seconds = seconds_to_wait(
            network=address_prefix(request._request),
            product=view.kwargs.get("public_key", ""),
            invitation=view.kwargs.get("token", ""),
        )
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
