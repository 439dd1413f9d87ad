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
    RECEIPT_PROVED = "receipt_proved", _("receipt code recognised")
    INVITATION_PROVED = "invitation_proved", _("invitation recognised")
    ACCOUNT_PROVED = "account_proved", _("account signed by the product")
    INFORMATION_ADDED = "information_added", _("information added by the person")
    MESSAGE_OWED = "message_owed", _("mail owed")
    MESSAGE_SENT = "message_sent", _("mail sent")
    MESSAGE_FAILED = "message_failed", _("mail given up")
    MESSAGE_WITHHELD = "message_withheld", _("mail withheld: too many to this mailbox today")
    CONTACT_STOPPED = "contact_stopped", _("contact stopped")
    IDENTITY_REVEALED = "identity_revealed", _("identity shown to staff")
    DOCUMENT_SEEN = "document_seen", _("document seen")
    INFORMATION_ASKED = "information_asked", _("information asked for")
    OUTCOME_DECIDED = "outcome_decided", _("outcome of a right decided")
    CORRECTION_ENTERED = "correction_entered", _("correction entered")
    APPROVAL_ASKED = "approval_asked", _("approval asked for")
    APPROVAL_DECIDED = "approval_decided", _("approval decided")
    PLAN_OUTDATED = "plan_outdated", _("approval outdated: the data changed")
    EXTENDED = "extended", _("period extended")
    TASK_DONE = "task_done", _("task done")
    TASK_FAILED = "task_failed", _("task given up")
    TASKS_RETRIED = "tasks_retried", _("tasks to be tried again")
    RECIPIENT_ACKNOWLEDGED = "recipient_acknowledged", _("recipient confirmed")
    RECIPIENT_EXEMPTED = "recipient_exempted", _("recipient exempted")
    MAIL_REPEATED = "mail_repeated", _("mail to be sent again")
    LETTER_POSTED = "letter_posted", _("letter posted")
    ANSWER_WRITTEN = "answer_written", _("answer written")
    ANSWER_DELIVERED = "answer_delivered", _("answer delivered")
    ANSWER_CAME_BACK = "answer_came_back", _("answer came back")
    NOTED = "noted", _("note written")
    RECORDS_REVEALED = "records_revealed", _("records shown to staff")
    DOSSIER_EXPORTED = "dossier_exported", _("dossier exported")
    PACKAGE_PREVIEWED = "package_previewed", _("copy shown to staff before its release")
    VALUE_REDACTED = "value_redacted", _("value about somebody else left out of the copy")
    REDACTION_UNDONE = "redaction_undone", _("value put back into the copy")
    PACKAGE_BUILT = "package_built", _("copy built")
    PACKAGE_UNLOCKED = "package_unlocked", _("copy opened with a code")
    PACKAGE_FETCHED = "package_fetched", _("copy fetched")
    PACKAGE_DESTROYED = "package_destroyed", _("key of the copy destroyed")
    MISDELIVERY_REPORTED = "misdelivery_reported", _("told on our page that it reached the wrong person")
    INCIDENT_OPENED = "incident_opened", _("incident opened: the copy reached the wrong person")
    INCIDENT_ASSESSED = "incident_assessed", _("incident assessed")


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
