"""Secrets with which a product's backend signs identities: made here, shown once, replaced without an interruption.

When a secret was last needed is not kept: that would cost a write at every page view of somebody who is signed for.
"""

from __future__ import annotations

from typing import Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from privacy.models import Product, SigningSecret

MOST_VALID: Final = 2


@transaction.atomic
def issue(*, product: Product) -> SigningSecret:
    """Make a secret for a product; the one before stays valid until it is retired.

    Raises:
        ValidationError: ``too_many`` when two are valid already.
    """
    _lock(product)
    if product.signing_secrets.count() >= MOST_VALID:
        raise ValidationError(_("Two secrets are valid already; retire the old one first."), code="too_many")
    return SigningSecret.objects.create(product=product)


@transaction.atomic
def retire(*, product: Product, pk: int) -> SigningSecret:
    """Take a secret out of force: within seconds what it signed is refused, also what it signed a moment ago.

    Returns:
        The secret that is no more.

    Raises:
        ValidationError: ``already_retired``, by somebody else or by an earlier click.
    """
    _lock(product)
    secret = product.signing_secrets.filter(pk=pk).first()
    if secret is None:
        raise ValidationError(_("This secret has been retired already."), code="already_retired")
    secret.delete()
    return secret


def mask(secret: SigningSecret) -> str:
    """Return what staff may see of a secret after they made it: enough to tell two of them apart."""
    return f"••••••••{secret.secret[-4:]}"


def _lock(product: Product) -> None:
    Product.objects.select_for_update(no_key=True).get(pk=product.pk)
