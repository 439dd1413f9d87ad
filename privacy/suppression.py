"""The list of people who are never to be asked: it recognises them without knowing them."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from privacy.models import Suppression

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from privacy.models import Product


def suppression_digest(subject_key: str) -> bytes:
    """Return what the list keeps of an identifier: its HMAC-SHA256 (32 bytes) with a key that never changes.

    Args:
        subject_key: a normalised identifier with its kind: ``id:…``, ``mail:…`` or ``tel:…``.
    """
    return hmac.digest(settings.SUPPRESSION_KEY.encode(), subject_key.encode(), "sha256")


def suppress(*, product: Product, subject_keys: Iterable[str], reason: Suppression.Reason) -> None:
    """See to it that the product never again asks the person with these identifiers; twice is as good as once.

    What the person wanted outweighs what staff entered, never the other way round: staff may lift only the latter.
    """
    at = timezone.now()
    rows = [
        Suppression(product=product, digest=suppression_digest(key), reason=reason, created_at=at)
        for key in subject_keys
    ]
    if reason == Suppression.Reason.BY_STAFF:
        Suppression.objects.bulk_create(rows, ignore_conflicts=True)
    else:
        Suppression.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["product", "digest"], update_fields=["reason"]
        )


def suppressions_of(*, product: Product, subject_keys: Iterable[str]) -> QuerySet[Suppression]:
    """Return the entries of the list by which a person with these identifiers is recognised."""
    digests = [suppression_digest(key) for key in subject_keys]
    return Suppression.objects.filter(product=product, digest__in=digests)


def lift(*, suppression: Suppression) -> None:
    """Take an entry that staff made off the list.

    Raises:
        ValidationError: ``not_liftable``, because the person's erasure or objection put it there.
    """
    deleted, _rows = Suppression.objects.filter(pk=suppression.pk, reason=Suppression.Reason.BY_STAFF).delete()
    if not deleted:
        message = _("Only what staff entered can be lifted; this is what the person wanted.")
        raise ValidationError(message, "not_liftable")
