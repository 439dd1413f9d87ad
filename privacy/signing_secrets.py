"""Secrets with which a product's backend signs identities: made here, shown once, replaced without an interruption."""

from __future__ import annotations

from typing import Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from privacy.models import Product, SigningSecret

MOST_VALID: Final = 2


@transaction.atomic
def issue(*, product: Product) -> SigningSecret:
    """Make a secret for a product; the one before stays valid until it is deleted.

    Raises:
        ValidationError: ``too_many`` when two are valid already.
    """
    Product.objects.select_for_update(no_key=True).get(pk=product.pk)
    if product.signing_secrets.count() >= MOST_VALID:
        raise ValidationError(_("Two secrets are valid already; delete the old one first."), code="too_many")
    return SigningSecret.objects.create(product=product)
