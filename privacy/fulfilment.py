"""Carrying out the plan of a request: one task after the other, each tried again until it ends or is given up.

The rows say what is due; a lost message, or a worker that dies, loses nothing.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from privacy import erasure, objection, packages, recipients, rectification, restriction, watching
from privacy.audit import Action, lock, record
from privacy.conditions import NEEDS_PROOF, has_failed, is_proved, is_settled, tasks_of
from privacy.delivery import BATCH, RETRIES
from privacy.handing_over import Key, key_of
from privacy.lifecycle import ANSWERED, State, advance
from privacy.models import (
    Approval,
    Package,
    RequestEvent,
    RequestItem,
    RequestMessage,
    RequestTask,
    Right,
    RightsRequest,
)
from privacy.officers import authorise
from privacy.planning import again, plan_hash

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User

    from privacy.performing import Result

logger = logging.getLogger(__name__)

Kind = RequestTask.Kind
PLANNED, FAILED, SENT = RequestTask.State.PLANNED, RequestTask.State.FAILED, RequestTask.State.SENT
Outcome = RequestItem.Outcome
SYSTEM, STAFF = RequestEvent.Actor.SYSTEM, RequestEvent.Actor.STAFF

PERFORMERS: Final[dict[Kind, Callable[[RequestTask], Result]]] = {
    Kind.PACKAGE: packages.build,
    Kind.ERASE: erasure.erase,
    Kind.SUPPRESS: erasure.suppress_subject,
    Kind.RECTIFY: rectification.rectify,
    Kind.RESTRICT: restriction.restrict,
    Kind.LIFT: restriction.lift,
    Kind.OBJECT: objection.object_to_contact,
    Kind.TELL_RECIPIENT: recipients.tell,
}
# For so long a worker has a task to itself; one that died in the middle is followed by another.
LEASE: Final = timedelta(hours=1)
# What cannot be undone is checked against what was approved, right before it begins.
CANNOT_BE_UNDONE: Final = (Kind.SUPPRESS, Kind.ERASE)
# Of a right that consists of these alone nothing was found.
INCIDENTAL: Final = (Kind.SUPPRESS, Kind.TELL_RECIPIENT)
# Beside what is in progress: objections, liftings of what is long done, and copies that are built again.
AT_ONCE: Final = Q(item__right=Right.OBJECTION, item__request__state__in=RightsRequest.OPEN_STATES)
LIFTED: Final = Q(kind=Kind.LIFT, item__request__state__in=ANSWERED)
COPIED: Final = Q(kind=Kind.PACKAGE, item__request__state__in=(State.RESPONDING, *ANSWERED))
MAY_RUN: Final = Q(item__request__state=State.IN_PROGRESS) | AT_ONCE | LIFTED | COPIED


def due_task_ids(request: RightsRequest | None = None) -> list[int]:
    """Return the ids of tasks that may run now, at most one of each request.

    Args:
        request: of which the tasks are looked for, else all.
    """
    planned = RequestTask.objects.filter(MAY_RUN, state=PLANNED)
    planned = planned.filter(item__request=request) if request else planned
    first = planned.order_by("item__request_id", "position", "pk").distinct("item__request_id")
    due = [task for task in first.select_related("item__request") if task.next_attempt_at <= timezone.now()]
    return [task.pk for task in due if _may_run(task)][:BATCH]


def run_task(*, task_id: int) -> bool:
    """Run a task that is due, and settle what follows from it; whoever else tries at the same time does nothing.

    A task that raises is tried again with growing waits, and in the end given up: then its request has partially
    failed and the officers are told. Running a task again ends the same way.

    Returns:
        Whether this call ran it.
    """
    task = _claim(task_id)
    if task is None:
        return False
    try:
        result = PERFORMERS[Kind(task.kind)](task)
    except Exception as error:  # noqa: BLE001  whatever went wrong, it is tried again and in the end somebody is told
        # Only the kind of error: its text may quote values.
        logger.warning("task %s was not done: %s", task.pk, type(error).__name__)
        _put_off(task, type(error).__name__)
    else:
        _settle(task, result)
    return True


@transaction.atomic
def go_on(request: RightsRequest) -> None:
    """Give every right the outcome that its tasks had, and see to the answer, once all of them are settled."""
    current = lock(request)
    if current.state != State.IN_PROGRESS or not is_settled(current):
        return
    conclude(current)
    advance(request=current, to=State.RESPONDING, actor=SYSTEM)


def conclude(request: RightsRequest) -> None:
    """Write the outcomes of the rights that nobody decided otherwise: done, or no data where there were none.

    That is so where nobody was found to plan anything for, or a copy held nothing. Other tasks count what they change:
    a second run of one that was interrupted, or a mark that was there, changes nothing of somebody whose data we have.
    """
    empty = Q(kind=Kind.PACKAGE, state=RequestTask.State.NOTHING_FOUND)
    for item in request.items.filter(outcome=""):
        found = item.right not in NEEDS_PROOF or item.tasks.exclude(kind__in=INCIDENTAL).exclude(empty).exists()
        item.outcome = Outcome.DONE if found else Outcome.NO_DATA
        item.decided_at = timezone.now()
        item.save(update_fields=["outcome", "decided_at"])


@transaction.atomic
def retry(*, request: RightsRequest, user: User) -> None:
    """Plan the tasks that were given up again.

    Raises:
        PermissionDenied: the user does not work on this request.
        ValidationError: no task has failed (``nothing_failed``).
    """
    authorise(user=user, request=request)
    current = lock(request)
    if not tasks_of(current).filter(state=FAILED).update(**again()):
        raise ValidationError(_("No task has failed."), "nothing_failed")
    record(request=current, actor=STAFF, action=Action.TASKS_RETRIED, user=user)
    if current.state == State.PARTIALLY_FAILED:
        advance(request=request, to=State.IN_PROGRESS, actor=STAFF, user=user)


@transaction.atomic
def acknowledge(*, task: RequestTask, user: User) -> None:
    """Note that a recipient confirmed to have done what it was told, GDPR Art. 19.

    Raises:
        PermissionDenied: the user does not work on this request.
        ValidationError: the recipient has not been told (``not_sent``).
    """
    _end_telling(task, user, Action.RECIPIENT_ACKNOWLEDGED, before=(SENT,), after=RequestTask.State.DONE)


@transaction.atomic
def exempt(*, task: RequestTask, reason: str, user: User) -> None:
    """Give the confirmation of a recipient up, with a reason: it proves impossible or takes a disproportionate effort.

    One that was told and stays silent is given up in time for the answer: Art. 19 has it told, not heard.

    Raises:
        PermissionDenied: the user does not work on this request.
        ValidationError: there is no reason (``required``), or nothing is waited for (``not_sent``).
    """
    if not reason.strip():
        raise ValidationError({"reason": ValidationError(_("Give a reason."), "required")})
    before = (SENT, FAILED, PLANNED)
    _end_telling(task, user, Action.RECIPIENT_EXEMPTED, before=before, after=RequestTask.State.EXEMPT, reason=reason)


def _end_telling(
    task: RequestTask,
    user: User,
    action: Action,
    *,
    before: tuple[RequestTask.State, ...],
    after: RequestTask.State,
    reason: str = "",
) -> None:
    authorise(user=user, request=task.item.request)
    request = lock(task.item.request)
    current = RequestTask.objects.get(pk=task.pk)
    if current.kind != Kind.TELL_RECIPIENT or current.state not in before:
        raise ValidationError(_("This recipient is not waited for."), "not_sent")
    current.state, current.reason, current.settled_at = after, reason, timezone.now()
    current.save(update_fields=["state", "reason", "settled_at"])
    record(request=request, actor=STAFF, action=action, user=user, fields=[f"task {task.pk}"])
    if request.state == State.PARTIALLY_FAILED and not has_failed(request):
        advance(request=request, to=State.IN_PROGRESS, actor=STAFF, user=user)
    go_on(request)


def _may_run(task: RequestTask) -> bool:
    """Tell whether everything is true that must be before a task begins: who asks, its turn, and delivered copies."""
    request = task.item.request
    if task.state != PLANNED or task.next_attempt_at > timezone.now():
        return False
    if task.kind != Kind.OBJECT and not is_proved(request):
        return False
    if not RequestTask.objects.filter(MAY_RUN, pk=task.pk).exists():
        return False
    before = tasks_of(request).filter(Q(position__lt=task.position) | Q(position=task.position, pk__lt=task.pk))
    if before.filter(state__in=(PLANNED, FAILED)).exists():
        return False
    return task.kind not in CANNOT_BE_UNDONE or copies_are_delivered(request)


def copies_are_delivered(request: RightsRequest) -> bool:
    """Tell whether each copy that was built was fetched, or waits for somebody who was told of it and can open it.

    Told means: the mail was accepted and did not return, or the letter was posted. Only then are the data deleted from
    which it would be built again.
    """
    built = tasks_of(request).filter(kind=Kind.PACKAGE, state=RequestTask.State.DONE).values("item")
    packages = Package.objects.filter(item__in=built)
    arrived = RequestMessage.objects.filter(
        request=request, kind=RequestMessage.Kind.PACKAGE_READY, sent_at__isnull=False, bounced_at__isnull=True
    )
    can_open = key_of(request) is not Key.NONE
    return len(packages) == len(built) and all(
        package.fetched_at
        or (can_open and package.is_available() and arrived.filter(created_at__gte=package.built_at).exists())
        for package in packages
    )


@transaction.atomic
def _claim(task_id: int) -> RequestTask | None:
    """Return a task that may run now, and keep it from everybody else for a while."""
    found = RequestTask.objects.select_related("item__request").filter(pk=task_id).first()
    if found is None:
        return None
    lock(found.item.request)
    task = RequestTask.objects.select_related("item__request").get(pk=task_id)
    if not _may_run(task):
        return None
    if task.kind in CANNOT_BE_UNDONE and not _is_as_approved(task.item.request):
        outdate(task.item.request)
        return None
    task.attempts += 1
    task.next_attempt_at = timezone.now() + LEASE
    task.save(update_fields=["attempts", "next_attempt_at"])
    return task


def _is_as_approved(request: RightsRequest) -> bool:
    """Tell whether what is about to be erased is what was approved; once it has begun it is not asked again."""
    if tasks_of(request).filter(kind=Kind.ERASE, attempts__gt=0).exists():
        return True
    approval = request.approvals.filter(subject=Approval.Subject.ERASURE).first()
    if approval is None or approval.decision != Approval.Decision.APPROVED:
        return False
    return bytes(approval.plan_hash) == plan_hash(request)


def outdate(request: RightsRequest) -> None:
    """Take back what was approved of data that are no longer the same; the request is triaged again."""
    request.approvals.filter(subject=Approval.Subject.ERASURE, decision=Approval.Decision.APPROVED).update(
        decision=Approval.Decision.OUTDATED
    )
    record(request=request, actor=SYSTEM, action=Action.PLAN_OUTDATED)
    if request.state == State.IN_PROGRESS:
        advance(request=request, to=State.AWAITING_APPROVAL, actor=SYSTEM)
    advance(request=request, to=State.TRIAGE, actor=SYSTEM)


@transaction.atomic
def _settle(task: RequestTask, result: Result) -> None:
    request = lock(task.item.request)
    task.state, task.affected, task.reason = result.state, result.affected, result.reason
    task.settled_at = timezone.now() if result.state in RequestTask.SETTLED else None
    task.save(update_fields=["state", "affected", "reason", "settled_at"])
    record(request=request, actor=SYSTEM, action=Action.TASK_DONE, fields=_names(task))
    if task.kind == Kind.PACKAGE and result.state == RequestTask.State.DONE:
        RequestMessage.objects.create(request=request, kind=RequestMessage.Kind.PACKAGE_READY)
    go_on(request)


@transaction.atomic
def _put_off(task: RequestTask, error: str) -> None:
    request = lock(task.item.request)
    if task.attempts <= len(RETRIES):
        task.next_attempt_at = timezone.now() + RETRIES[task.attempts - 1]
        task.save(update_fields=["next_attempt_at"])
        return
    task.state, task.reason = FAILED, error
    task.save(update_fields=["state", "reason"])
    record(request=request, actor=SYSTEM, action=Action.TASK_FAILED, fields=_names(task))
    if request.state == State.IN_PROGRESS:
        advance(request=request, to=State.PARTIALLY_FAILED, actor=SYSTEM)
    watching.raise_failure(request=request, key=f"{task.pk}@{timezone.localdate()}")


def _names(task: RequestTask) -> list[str]:
    return [name for name in (task.kind, task.dataset) if name]
