"""The dossier of a request: proof of what was done and when, without anything about the person who asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from privacy.audit import Action, record, verify
from privacy.conditions import tasks_of
from privacy.models import Package, RequestEvent
from privacy.officers import authorise

if TYPE_CHECKING:
    from datetime import date, datetime

    from django.contrib.auth.models import User
    from django.db.models import QuerySet

    from privacy.models import RightsRequest

HOW_TO_CHECK: Final = (
    "Each hash is the SHA-256 of the JSON text, without blanks, of [reference, number, at, actor, user, action, "
    "from_state, to_state, fields, previous_hash]; the first follows 64 zeros, each other one the hash before it."
)
FACTS: Final = (
    *("reference", "state", "source", "language", "reply_channel", "acts_for_another", "received_at", "received_on"),
    *("target_on", "due_on", "due_extended_on", "extended_at", "closed_at"),
)
EVENT: Final = (
    *("number", "at", "actor", "user", "action", "from_state", "to_state", "fields", "previous_hash", "hash"),
)


@transaction.atomic
def export_dossier(*, request: RightsRequest, user: User) -> dict[str, Any]:
    """Return all that proves how a request was handled, ready for JSON; the trail says that it was exported.

    No text of the person or about them, no address and no identifier is in it; staff appear by their user name.

    Raises:
        PermissionDenied: the user does not work on this request.
    """
    authorise(user=user, request=request)
    record(request=request, actor=RequestEvent.Actor.STAFF, action=Action.DOSSIER_EXPORTED, user=user)
    return {
        "exported_at": timezone.now().isoformat(),
        "controller": request.controller.name,
        "product": request.product.name if request.product else None,
        "request": {name: _plain(getattr(request, name)) for name in FACTS},
        "rights": _rows(request.items.all(), "right", "objects_to", "leaves_suppression", "outcome", "decided_at"),
        "proofs": _rows(request.proofs.all(), "kind", "document", "proved_at", "checked_by__username"),
        **_work_on(request),
        "trail": _trail_of(request),
    }


def _work_on(request: RightsRequest) -> dict[str, Any]:
    """Return what was done: by tasks and approvals, and in mails, copies, alarms and incidents."""
    return {
        "tasks": _rows(
            tasks_of(request).order_by("position", "pk"),
            *("item__right", "position", "kind", "dataset", "recipient__name", "state", "reason", "affected"),
            *("attempts", "settled_at"),
        ),
        "approvals": _rows(
            request.approvals.order_by("pk"),
            *("subject", "plan_hash", "asked_by__username", "asked_at", "decision", "decided_by__username"),
            "decided_at",
        ),
        "messages": _rows(
            request.messages.all(), "kind", "created_at", "attempts", "sent_at", "failed_at", "bounced_at"
        ),
        "copies": _rows(
            Package.objects.filter(item__request=request),
            *("item__right", "size", "built_at", "expires_at", "fetched_at", "destroyed_at"),
        ),
        "alarms": _rows(request.alarms.order_by("pk"), "kind", "raised_at"),
        "incidents": _rows(request.incidents.order_by("pk"), "opened_at", "notify_by", "notified_at", "closed_at"),
    }


def _trail_of(request: RightsRequest) -> dict[str, Any]:
    events = request.events.select_related("user").order_by("number")
    return {
        "is_whole": verify(request),
        "how_to_check": HOW_TO_CHECK,
        "staff": {event.user.pk: event.user.get_username() for event in events if event.user},
        "events": _rows(request.events.order_by("number"), *EVENT),
    }


def _rows(rows: QuerySet[Any], *names: str) -> list[dict[str, Any]]:
    return [{name: _plain(value) for name, value in row.items()} for row in rows.values(*names)]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    moment: datetime | date | Any = value
    return moment.isoformat() if hasattr(moment, "isoformat") else value
