"""Links by which a product sends somebody who is logged in there to the form: its backend vouches for who they are.

The address holds nothing readable: what the backend said is encrypted in it, and good for an hour.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.urls import reverse

from privacy.encryption import decrypt, encrypt
from privacy.models import Product

if TYPE_CHECKING:
    from django.db.models import QuerySet

LIFE: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Guest:
    """Somebody whom a product sent here.

    Args:
        account: their id in the product.
        email: where the product reaches them; it may be empty, and proves no mailbox.
    """

    product: Product
    account: str
    email: str = ""


def make_link(guest: Guest) -> str:
    """Return the address of the form for somebody whom the product's backend vouches for; good for an hour."""
    said = json.dumps({"product": guest.product.pk, "account": guest.account, "email": guest.email})
    return f"{settings.PUBLIC_URL}{reverse('privacy:request')}?who={encrypt(said)}"


def guest_of(token: str, *, products: QuerySet[Product]) -> Guest | None:
    """Return whom a link is for, as long as it is good."""
    try:
        said = json.loads(decrypt(token, max_age=LIFE))
    except (InvalidToken, ValueError):
        return None
    product = products.filter(pk=said["product"]).select_related("controller").first()
    return None if product is None else Guest(product=product, account=said["account"], email=said["email"])
