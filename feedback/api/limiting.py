"""How often one network, one product and one person may call the asking endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.exceptions import Throttled

from feedback.limiting import MINUTE, seconds_to_wait
from privacy.limits import Limit, address_prefix, hit

if TYPE_CHECKING:
    from django.http import HttpRequest

    from feedback.identity import Person
    from feedback.products import ProductFacts
    from privacy.models import Product, ServerKey


def count_call(request: HttpRequest, *, public_key: str = "", token: str = "") -> None:
    """Count a call of a network, and of the product or invitation it names.

    Raises:
        Throttled: too many in this minute; says how many seconds to wait.
    """
    wait = seconds_to_wait(network=address_prefix(request), product=public_key, invitation=token)
    if wait is not None:
        raise Throttled(wait)


def count_person(product: ProductFacts, person: Person) -> None:
    """Count a question about a person.

    Raises:
        Throttled: too many in this minute; says how many seconds to wait.
    """
    per_person = Limit("asking-person", settings.RATE_LIMIT_PER_PERSON, MINUTE)
    wait = hit(per_person, f"{product.id}:{person.subject_key}")
    if wait is not None:
        raise Throttled(wait)


def counted_product(key: ServerKey, limit: Limit) -> Product:
    """Count a call of a product's server and return the product whose key it carries.

    Raises:
        Throttled: too many calls.
    """
    wait = hit(limit, str(key.product_id))
    if wait is not None:
        raise Throttled(wait)
    return key.product
