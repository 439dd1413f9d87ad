"""The log of who among the staff read whose data, when and why: written before the data are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from privacy.models import AccessLogEntry

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import Model

    from privacy.models import Controller, Product


def record_access(
    *,
    user: User,
    purpose: AccessLogEntry.Purpose,
    record: Model | type[Model],
    controller: Controller,
    product: Product | None = None,
) -> AccessLogEntry:
    """Append one read of personal data.

    Args:
        user: the member of staff who reads.
        record: what is read; the model alone where nobody was found.
        controller: who is responsible for the data.
        product: whose user the person is, where the record belongs to one.
    """
    return AccessLogEntry.objects.create(
        at=timezone.now(),
        user=user,
        purpose=purpose,
        record_kind=record._meta.label,
        record_number=None if isinstance(record, type) else record.pk,
        controller=controller,
        product=product,
    )


def record_product_access(
    *, user: User, purpose: AccessLogEntry.Purpose, record: Model | type[Model], product: Product
) -> AccessLogEntry:
    """Append one read of personal data that a product's controller is responsible for; the arguments are the same."""
    return record_access(user=user, purpose=purpose, record=record, controller=product.controller, product=product)
