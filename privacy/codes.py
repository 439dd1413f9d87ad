"""Codes that are typed in: from a mailbox, valid for ten minutes, five tries, once; from a letter, for a week."""

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

    from privacy.models import RequestMessage, RightsRequest

LIFE: Final = timedelta(minutes=10)
TRIES: Final = 5
LENGTH: Final = 8  # of an alphabet of 30: 39 bits
OF_LETTER: Final = "letter"


@transaction.atomic
def mint_code(*, request: RightsRequest, purpose: RequestToken.Purpose) -> str:
    """Make a code for one request and one purpose, as XXXX-XXXX; only its digest is stored, and older ones end."""
    code = "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(LENGTH))
    now = timezone.now()
    end_codes(request=request, purpose=purpose)
    RequestToken.objects.create(
        request=request, purpose=purpose, digest=_digest(request, purpose, code), expires_at=now + LIFE
    )
    return _in_halves(code)


@transaction.atomic
def use_code(*, request: RightsRequest, purpose: RequestToken.Purpose, code: str) -> bool:
    """Use a code up, and tell whether it was the right one; a wrong one costs a try."""
    lock(request)
    token = _live(request, purpose).first()
    if token is None:
        return False
    is_right = hmac.compare_digest(bytes(token.digest), _digest(request, purpose, _bare(code)))
    if is_right:
        token.used_at = timezone.now()
    else:
        token.tries = F("tries") + 1
    token.save(update_fields=["used_at", "tries"])
    return is_right


def code_of_letter(message: RequestMessage) -> str:
    """Return the code that a letter carries, the same however often it is printed, which nobody reads off a table."""
    rest = int.from_bytes(keyed_hash("code of a letter", f"{message.request.reference}:{message.pk}"))
    code = ""
    for _place in range(LENGTH):
        rest, position = divmod(rest, len(REFERENCE_ALPHABET))
        code += REFERENCE_ALPHABET[position]
    return _in_halves(code)


def keep_code_of_letter(message: RequestMessage, *, life: timedelta) -> None:
    """Let the code of a letter open packages from now on, as often as they can be opened; it costs nobody a try."""
    request, purpose = message.request, RequestToken.Purpose.UNLOCK_CODE
    digest = _digest(request, OF_LETTER, _bare(code_of_letter(message)))
    RequestToken.objects.create(request=request, purpose=purpose, digest=digest, expires_at=timezone.now() + life)


def is_code_of_letter(*, request: RightsRequest, code: str) -> bool:
    """Tell whether a code is from a letter that was posted, and did not end since."""
    digest = _digest(request, OF_LETTER, _bare(code))
    live = _live(request, RequestToken.Purpose.UNLOCK_CODE)
    return any(hmac.compare_digest(bytes(token.digest), digest) for token in live)


def end_codes(*, request: RightsRequest, purpose: RequestToken.Purpose) -> None:
    """Let nothing that was sent or posted so far open anything."""
    _live(request, purpose).update(expires_at=timezone.now())


def _in_halves(code: str) -> str:
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


def _bare(code: str) -> str:
    return "".join(letter for letter in code.upper() if letter.isalnum())


def _live(request: RightsRequest, purpose: RequestToken.Purpose) -> QuerySet[RequestToken]:
    return RequestToken.objects.filter(
        request=request, purpose=purpose, used_at__isnull=True, expires_at__gt=timezone.now(), tries__lt=TRIES
    )


def _digest(request: RightsRequest, purpose: str, code: str) -> bytes:
    """Return the keyed hash of a code, which is too short for a plain one: whoever reads the table could try all."""
    return keyed_hash(f"code:{purpose}", f"{request.pk}:{code}")
