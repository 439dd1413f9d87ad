"""Codes that go to a proved mailbox and are typed in: valid for ten minutes, five tries, once."""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from privacy.audit import lock
from privacy.encryption import keyed_hash
from privacy.models import RequestToken
from privacy.models.requests import REFERENCE_ALPHABET

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from privacy.models import RightsRequest

LIFE: Final = timedelta(minutes=10)
TRIES: Final = 5
LENGTH: Final = 8  # of an alphabet of 30: 39 bits


@transaction.atomic
def mint_code(*, request: RightsRequest, purpose: RequestToken.Purpose) -> str:
    """Make a code for one request and one purpose, as XXXX-XXXX; only its digest is stored, and older ones end."""
    code = "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(LENGTH))
    now = timezone.now()
    _live(request, purpose).update(expires_at=now)
    RequestToken.objects.create(
        request=request, purpose=purpose, digest=_digest(request, purpose, code), expires_at=now + LIFE
    )
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


@transaction.atomic
def use_code(*, request: RightsRequest, purpose: RequestToken.Purpose, code: str) -> bool:
    """Use a code up, and tell whether it was the right one; a wrong one costs a try."""
    lock(request)
    token = _live(request, purpose).first()
    if token is None:
        return False
    letters = "".join(letter for letter in code.upper() if letter.isalnum())
    is_right = hmac.compare_digest(bytes(token.digest), _digest(request, purpose, letters))
    if is_right:
        token.used_at = timezone.now()
    else:
        token.tries = F("tries") + 1
    token.save(update_fields=["used_at", "tries"])
    return is_right


def _live(request: RightsRequest, purpose: RequestToken.Purpose) -> QuerySet[RequestToken]:
    return RequestToken.objects.filter(
        request=request, purpose=purpose, used_at__isnull=True, expires_at__gt=timezone.now(), tries__lt=TRIES
    )


def _digest(request: RightsRequest, purpose: RequestToken.Purpose, code: str) -> bytes:
    """Return the keyed hash of a code, which is too short for a plain one: whoever reads the table could try all."""
    return keyed_hash(f"code:{purpose}", f"{request.pk}:{code}")
