"""Lifting a restriction: a second person agrees, the person is told, and a week later the data are used again.

GDPR Art. 18(3). The request that brought the restriction about stays as it ended while the restriction lasts.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from privacy.audit import Action, lock, record
from privacy.conditions import restricting_elsewhere, restricting_tasks
from privacy.deciding import check_decision, settle_decision
from privacy.lifecycle import ANSWERED
from privacy.models import Approval, RequestEvent, RequestItem, RequestMessage, RequestTask, RightsRequest
from privacy.officers import authorise
from privacy.restriction import may_be_lifted

if TYPE_CHECKING:
    from django.contrib.auth.models import User

STAFF: Final = RequestEvent.Actor.STAFF
Decision = Approval.Decision


@transaction.atomic
def propose_lifting(*, request: RightsRequest, user: User) -> Approval:
    """Ask a second person to agree that the restriction a request brought about is lifted.

    Raises:
        PermissionDenied: the user does not work on this request.
        ValidationError: nothing is restricted (``not_restricted``), it was proposed before (``already_asked``), or an
            objection to analysis that was not refused restricts the same data (``restricted_elsewhere``).
    """
    authorise(user=user, request=request)
    current = lock(request)
    if current.state not in ANSWERED or not restricting_tasks(current):
        raise ValidationError(_("This request restricts nothing."), "not_restricted")
    if lifting_of(current) is not None:
        raise ValidationError(_("Lifting it was proposed already."), "already_asked")
    if any(task.kind == RequestTask.Kind.OBJECT and _stands(task.item) for task in restricting_elsewhere(current)):
        raise ValidationError(
            _("Another request of the person restricts these data as well."), code="restricted_elsewhere"
        )
    record(request=current, actor=STAFF, action=Action.APPROVAL_ASKED, user=user, fields=[Approval.Subject.LIFTING])
    return Approval.objects.create(
        request=current,
        subject=Approval.Subject.LIFTING,
        plan_hash=_what_is_lifted(current),
        asked_by=user,
        asked_at=timezone.now(),
    )


@transaction.atomic
def decide_lifting(*, approval: Approval, decision: str, user: User, note: str = "") -> Approval:
    """Agree that a restriction is lifted, which owes the person the notice, or refuse that with a note.

    Raises:
        PermissionDenied, ValidationError: as ``deciding.decide_approval``.
    """
    request, asked = check_decision(approval=approval, decision=decision, user=user, note=note)
    fresh = bytes(asked.plan_hash) == _what_is_lifted(request)
    settle_decision(request, asked, decision if fresh else Decision.OUTDATED, user, note)
    if asked.decision == Decision.APPROVED:
        RequestMessage.objects.create(request=request, kind=RequestMessage.Kind.LIFTING)
    return asked


def lifting_of(request: RightsRequest) -> Approval | None:
    """Return the proposal to lift that is open or was agreed to; one that was sent back can be made again."""
    found = request.approvals.filter(subject=Approval.Subject.LIFTING, decision__in=("", Decision.APPROVED))
    return found.first()


@transaction.atomic
def plan_lifting(request: RightsRequest) -> list[RequestTask]:
    """Plan to lift what was agreed to, once the person has known for a week."""
    current = lock(request)
    approval = lifting_of(current)
    if approval is None or approval.decision != Decision.APPROVED or not may_be_lifted(current):
        return []
    return [
        RequestTask.objects.create(item=task.item, kind=RequestTask.Kind.LIFT, position=task.position)
        for task in restricting_tasks(current)
    ]


def plan_due_liftings() -> list[RequestTask]:
    """Plan all liftings whose notice is old enough."""
    agreed = Approval.objects.filter(subject=Approval.Subject.LIFTING, decision=Decision.APPROVED)
    requests = RightsRequest.objects.filter(state__in=ANSWERED, pk__in=agreed.values("request"))
    return [task for request in requests for task in plan_lifting(request)]


def _stands(item: RequestItem) -> bool:
    """Tell whether an objection is upheld, or still being weighed."""
    return item.outcome in ("", RequestItem.Outcome.DONE)


def _what_is_lifted(request: RightsRequest) -> bytes:
    tasks = ",".join(str(task.pk) for task in restricting_tasks(request))
    return hashlib.sha256(f"lift {request.reference}: {tasks}".encode()).digest()
