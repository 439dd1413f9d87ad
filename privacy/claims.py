"""Receipt codes and invitations that came with a request: whether they are real is found out in the background.

The answer to whoever files a request must not tell, nor may the time it takes. GDPR Art. 11(2), 12(6).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from privacy.delivery import BATCH
from privacy.identity import prove
from privacy.inventory import Identifier
from privacy.models import IdentityProof, RightsRequest
from privacy.subjects import find, products_of

# The request that brought the claim has been stored by then, and its own task has had its chance.
SETTLED_AFTER: Final = timedelta(minutes=1)


def unchecked_request_ids() -> list[int]:
    """Return requests whose claims nobody has looked at, because the message about them was lost."""
    unchecked = RightsRequest.objects.filter(
        claims_checked_at__isnull=True, received_at__lt=timezone.now() - SETTLED_AFTER
    )
    return list(unchecked.order_by("received_at").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def check_claims(*, request_id: int) -> None:
    """Turn what a request claims into proofs, where there are records that bear it out; twice is as good as once."""
    request = RightsRequest.objects.select_for_update(no_key=True).get(pk=request_id)
    if request.claims_checked_at is not None:
        return
    claims = (
        (request.receipt_hash, Identifier.RECEIPT, IdentityProof.Kind.RECEIPT),
        (request.invitation_hash, Identifier.INVITATION, IdentityProof.Kind.INVITATION),
    )
    for digest, identifier, kind in claims:
        if digest is None:
            continue
        value = bytes(digest).hex()
        if not find(proved=[(identifier, value)], products=products_of(request)).is_nobody:
            prove(request=request, kind=kind, identifier=value)
    RightsRequest.objects.filter(pk=request.pk).update(claims_checked_at=timezone.now())
