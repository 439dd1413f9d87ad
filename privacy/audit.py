"""The audit trail of a request: appended under a lock, chained by hash, naming fields and never their values."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from privacy.models import RequestEvent, RightsRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.models import User

BEGINNING = bytes(32)  # what the first event follows


class Action(models.TextChoices):
    """What can be done with a request."""

    FILED = "filed", _("filed with the form")
    ENTERED = "entered", _("entered by staff")
    ADVANCED = "advanced", _("state changed")
    MAILBOX_CONFIRMED = "mailbox_confirmed", _("mailbox confirmed")
    MESSAGE_SENT = "message_sent", _("mail sent")
    MESSAGE_FAILED = "message_failed", _("mail given up")
    MESSAGE_WITHHELD = "message_withheld", _("mail withheld: too many to this mailbox today")
    CONTACT_STOPPED = "contact_stopped", _("contact stopped")
    IDENTITY_REVEALED = "identity_revealed", _("identity shown to staff")


@transaction.atomic
def record(
    *,
    request: RightsRequest,
    actor: RequestEvent.Actor,
    action: Action,
    user: User | None = None,
    from_state: str = "",
    to_state: str = "",
    fields: Iterable[str] = (),
) -> RequestEvent:
    """Append one event to the request's trail.

    Args:
        user: the member of staff, where the actor is staff.
        fields: names of the fields that were read or changed, never their values.
    """
    lock(request)
    last = RequestEvent.objects.filter(request=request).order_by("-number").first()
    event = RequestEvent(
        request=request,
        number=last.number + 1 if last else 1,
        at=timezone.now(),
        actor=actor,
        action=action,
        user=user,
        from_state=from_state,
        to_state=to_state,
        fields=list(fields),
        previous_hash=bytes(last.hash) if last else BEGINNING,
    )
    event.hash = _hash(event, reference=request.reference)
    event.save(force_insert=True)
    return event


def lock(request: RightsRequest) -> RightsRequest:
    """Hold the request's row until the transaction ends and return it as it is now.

    Rows that merely point at the request (items, messages, events) can still be inserted by others meanwhile.
    """
    return RightsRequest.objects.select_for_update(no_key=True).get(pk=request.pk)


def verify(request: RightsRequest) -> bool:
    """Tell whether the trail is whole: every hash fits, no number is missing, and it ends in the request's state.

    The last comparison notices what hashes cannot: events cut off at the end.
    """
    previous, state = BEGINNING, RightsRequest.State.RECEIVED.value
    for number, event in enumerate(RequestEvent.objects.filter(request=request).order_by("number"), start=1):
        fits = event.number == number and bytes(event.previous_hash) == previous
        if not fits or bytes(event.hash) != _hash(event, reference=request.reference):
            return False
        if event.to_state:
            if event.from_state != state:
                return False
            state = event.to_state
        previous = bytes(event.hash)
    return previous != BEGINNING and state == request.state


def _hash(event: RequestEvent, *, reference: str) -> bytes:
    """Return the SHA-256 of an event and of the hash before it; it needs no key, so that a third party can check it."""
    content = [
        reference,
        event.number,
        event.at.isoformat(),
        str(event.actor),
        event.user_id,
        str(event.action),
        event.from_state,
        event.to_state,
        list(event.fields),
        bytes(event.previous_hash).hex(),
    ]
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).digest()
