"""The plan by which a request is fulfilled: its tasks in order, and a hash that tells whether it is still the same."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from privacy.audit import lock
from privacy.conditions import is_proved, tasks_of
from privacy.erasure import erasure_order
from privacy.models import Package, Recipient, RequestItem, RequestTask, Right, RightsRequest
from privacy.recipients import current_recipients
from privacy.subjects import rows_of, subject_of, tables_about_people

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from privacy.inventory import Table

Kind = RequestTask.Kind
# What protects the person comes first, and copies before anything is corrected or deleted.
ORDER: Final = (
    *(Right.OBJECTION, Right.RESTRICTION, Right.ACCESS, Right.PORTABILITY, Right.RECTIFICATION, Right.ERASURE),
    Right.COMPLAINT_INFORMATION,
)
ROWS_AT_A_TIME: Final = 2000

Step = tuple[Kind, str, Recipient | None]  # what is done, with which table, who is told


@transaction.atomic
def make_plan(request: RightsRequest) -> list[RequestTask]:
    """Write the tasks of a request down, in the order in which they will be done.

    Only rights that have no outcome get tasks. What was done already stays as it is, but for copies: they are built
    again, with what came since. What is still planned is planned anew, so that making the plan twice makes it once.
    """
    lock(request)
    _plan_objection_again(request)
    items = [item for item in request.items.all() if not item.outcome]
    items.sort(key=lambda item: ORDER.index(Right(item.right)))
    tasks_of(request).filter(~Q(item__outcome="") | Q(attempts=0), state=RequestTask.State.PLANNED).delete()
    tasks_of(request).filter(item__outcome="", kind=Kind.PACKAGE, state__in=RequestTask.SETTLED).update(**again())
    nobody = is_proved(request) and subject_of(request).is_nobody
    planned = [(item, step) for item in items for step in _steps(item, request, nobody=nobody)]
    for position, (item, (kind, dataset, recipient)) in enumerate(planned, start=1):
        RequestTask.objects.update_or_create(
            item=item, kind=kind, dataset=dataset, recipient=recipient, defaults={"position": position}
        )
    return list(tasks_of(request).order_by("position", "pk"))


def lost_copies(request: RightsRequest) -> QuerySet[RequestTask]:
    """Return the tasks whose copies ended before anybody fetched them, while they can be built again."""
    over = Q(destroyed_at__isnull=False) | Q(expires_at__lte=timezone.now())
    gone = Package.objects.filter(over, item__request=request, fetched_at__isnull=True)
    built = tasks_of(request).filter(kind=Kind.PACKAGE, state=RequestTask.State.DONE, item__in=gone.values("item"))
    has_begun = tasks_of(request).filter(kind=Kind.ERASE, attempts__gt=0).exists()
    return built.none() if has_begun or request.state == RightsRequest.State.CLOSED else built


def again() -> dict[str, Any]:
    """Return what makes a task one that was not begun."""
    fresh = {"state": RequestTask.State.PLANNED, "reason": "", "attempts": 0}
    return {**fresh, "settled_at": None, "next_attempt_at": timezone.now()}


@transaction.atomic
def plan_at_once(request: RightsRequest) -> list[RequestTask]:
    """Plan what waits for nobody's decision: an objection takes effect as soon as it is proved who objects.

    GDPR Art. 21(2) and (3), and Art. 18(1)(d) while an objection to analysis is being weighed. It is carried out again
    with a proof that came later: that may lead to somebody else, or to more of the same person.
    """
    lock(request)
    items = request.items.filter(right=Right.OBJECTION, outcome="", tasks__isnull=True)
    made = [RequestTask.objects.create(item=item, kind=Kind.OBJECT, position=0) for item in items]
    return made + _plan_objection_again(request)


def plan_due_objections() -> list[RequestTask]:
    """Plan the objections of open requests with a proof that nobody has planned yet, or not since that proof."""
    unplanned = Q(tasks__isnull=True, request__proofs__isnull=False)
    earlier = Q(tasks__settled_at__lt=F("request__proofs__proved_at"))
    due = RequestItem.objects.filter(unplanned | earlier, right=Right.OBJECTION, outcome="")
    waiting = RightsRequest.objects.open().filter(pk__in=due.values("request"))
    return [task for request in waiting for task in plan_at_once(request)]


def plan_hash(request: RightsRequest) -> bytes:
    """Return the SHA-256 of what a plan would do to which records, by which version of the inventory (32 bytes).

    It changes when a record of the person comes or goes, when the declarations or the tasks change, and never by a
    change of values. Keys are read in a stream: a person may have very many.
    """
    digest = hashlib.sha256(inventory_version())
    tasks = tasks_of(request).order_by("position", "pk").values_list("item", "kind", "dataset", "recipient")
    digest.update(json.dumps(list(tasks)).encode())
    subject = subject_of(request)
    for table in tables_about_people():
        digest.update(f"\n{table.model}:".encode())
        keys = rows_of(table, subject).values_list("pk", flat=True)
        for key in keys.iterator(chunk_size=ROWS_AT_A_TIME):
            digest.update(f"{key},".encode())
    return digest.digest()


def refusal_hash(request: RightsRequest) -> bytes:
    """Return the SHA-256 of what the person will be refused, and in which words (32 bytes)."""
    decided = request.items.order_by("pk").values_list("right", "outcome", "explanation")
    return hashlib.sha256(json.dumps(list(decided)).encode()).digest()


def inventory_version() -> bytes:
    """Return the SHA-256 of how people are found in the declared tables, and of what an erasure does to them."""
    declared = [
        (table.model, table.person, table.devices, sorted(table.identifiers.items()), _treatment(table))
        for table in tables_about_people()
    ]
    return hashlib.sha256(json.dumps(declared).encode()).digest()


def _treatment(table: Table) -> list[tuple[str, str]]:
    return sorted((name, column.erasure) for name, column in table.columns.items())


def found_records(request: RightsRequest) -> list[tuple[Table, int]]:
    """Return how many records of each table are about whom the proofs lead to."""
    subject = subject_of(request)
    return [(table, 0 if subject.is_nobody else rows_of(table, subject).count()) for table in tables_about_people()]


def _steps(item: RequestItem, request: RightsRequest, *, nobody: bool) -> Iterator[Step]:
    if item.right == Right.OBJECTION:
        yield Kind.OBJECT, "", None
    if nobody:
        return
    match item.right:
        case Right.ACCESS | Right.PORTABILITY:
            yield Kind.PACKAGE, "", None
        case Right.RECTIFICATION:
            yield Kind.RECTIFY, "", None
            yield from _tell(request, set(item.corrections.values_list("dataset", flat=True)))
        case Right.RESTRICTION:
            yield Kind.RESTRICT, "", None
            yield from _tell(request, {table.model for table in tables_about_people()})
        case Right.ERASURE:
            if item.leaves_suppression:  # before the identifiers go that it is made from
                yield Kind.SUPPRESS, "", None
            for dataset in erasure_order():
                yield Kind.ERASE, dataset, None
            yield from _tell(request, {table.model for table in tables_about_people()})


def _tell(request: RightsRequest, datasets: set[str]) -> Iterator[Step]:
    told = current_recipients(controller=request.controller, datasets=datasets, on=timezone.localdate())
    for recipient in told.order_by("pk"):
        yield Kind.TELL_RECIPIENT, "", recipient


def _plan_objection_again(request: RightsRequest) -> list[RequestTask]:
    """Plan an undecided objection anew that was carried out before the latest proof of its request."""
    latest = request.proofs.order_by("proved_at").last()
    done = tasks_of(request).filter(kind=Kind.OBJECT, state__in=RequestTask.SETTLED, item__outcome="")
    again = list(done.filter(settled_at__lt=latest.proved_at)) if latest else []
    for task in again:
        task.state, task.settled_at, task.attempts = RequestTask.State.PLANNED, None, 0
        task.next_attempt_at = timezone.now()
        task.save(update_fields=["state", "settled_at", "attempts", "next_attempt_at"])
    return again
