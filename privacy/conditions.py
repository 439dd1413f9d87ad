"""What is true of a request: whether it is proved who asks, its tasks are settled, and its answer has arrived.

The states of a request depend on these, and nothing here changes anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from django.utils import timezone

from privacy.audit import Action
from privacy.deadlines import alarms
from privacy.models import (
    Answer,
    Approval,
    IdentityProof,
    RequestItem,
    RequestMessage,
    RequestTask,
    Right,
    RightsRequest,
)
from privacy.subjects import proved_identifiers, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from django.db.models import QuerySet

    from privacy.deadlines import Alarms

State = RightsRequest.State
Outcome = RequestItem.Outcome
ObjectsTo = RequestItem.ObjectsTo
Subject = Approval.Subject
# Who does not say to what they object means both.
TO_CONTACT: Final = (ObjectsTo.CONTACT, ObjectsTo.BOTH, "")
TO_ANALYSIS: Final = (ObjectsTo.ANALYSIS, ObjectsTo.BOTH, "")

# Rights whose tasks touch somebody's data: nothing is done for them before it is proved who asks.
NEEDS_PROOF: Final = (Right.ACCESS, Right.RECTIFICATION, Right.ERASURE, Right.RESTRICTION, Right.PORTABILITY)
# Outcomes by which the person does not get what they asked for; each needs a text and a second person.
NEGATIVE: Final = (*RequestItem.REFUSALS, Outcome.NOT_APPLICABLE, Outcome.UNIDENTIFIABLE)

Mail: Final = RequestMessage.Kind
# Mails without which a request does not go on. Whoever is answered by post gets them as letters.
LETTERS: Final = (Mail.INFORMATION_NEEDED, Mail.EXTENSION, Mail.PACKAGE_READY, Mail.LIFTING)


def is_proved(request: RightsRequest) -> bool:
    return request.proofs.exists()


def unproved_items(request: RightsRequest) -> list[RequestItem]:
    """Return the rights without an outcome that cannot be fulfilled: it is not proved whose data they are about.

    The mailbox of somebody who acts for another says nothing about whom they act for.
    """
    if proved_identifiers(request):
        return []
    return [item for item in request.items.filter(outcome="") if _waits_for_proof(item, request)]


def _waits_for_proof(item: RequestItem, request: RightsRequest) -> bool:
    """Tell whether a right cannot be concluded without a proof.

    An objection to being contacted at one's own mailbox can, Art. 21(2). One that is also, or only, to analysis
    cannot: without a proof nobody knows whose answers to leave out.
    """
    if item.right != Right.OBJECTION:
        return item.right in NEEDS_PROOF
    names_own_mailbox = bool(request.email) and not request.acts_for_another
    return item.objects_to != ObjectsTo.CONTACT or not names_own_mailbox


def has_stopped_contact(item: RequestItem, request: RightsRequest) -> bool:
    """Tell whether the mailbox that an objection to being contacted named is left alone, also where nothing proved it.

    Its hash says so also after the mailbox itself is forgotten.
    """
    objects = item.right == Right.OBJECTION and item.objects_to in TO_CONTACT
    named = bool(request.email_hash) and not request.acts_for_another
    return objects and named and request.events.filter(action=Action.CONTACT_STOPPED).exists()


def is_identified(request: RightsRequest) -> bool:
    """Tell whether it is proved who asks, or nothing that is planned needs to know."""
    return is_proved(request) or not tasks_of(request).filter(item__right__in=NEEDS_PROOF).exists()


def tasks_of(request: RightsRequest) -> QuerySet[RequestTask]:
    return RequestTask.objects.filter(item__request=request)


def is_settled(request: RightsRequest) -> bool:
    """Tell whether every task was done, found nothing or is exempt."""
    return not tasks_of(request).exclude(state__in=RequestTask.SETTLED).exists()


def silent_recipients(request: RightsRequest) -> list[str]:
    """Return the names of recipients that were told what to do, Art. 19, and have not confirmed: the answer waits."""
    told = tasks_of(request).filter(kind=RequestTask.Kind.TELL_RECIPIENT, state=RequestTask.State.SENT)
    return sorted({task.recipient.name for task in told.select_related("recipient") if task.recipient})


def alarms_of(request: RightsRequest) -> Alarms:
    """Return the days on which the officers are warned, in the period that runs."""
    return alarms(
        received_on=request.received_on,
        target_on=request.target_on,
        due_on=request.current_due_on,
        country=request.controller.country,
    )


def last_call(request: RightsRequest) -> date:
    """Return the day on which what the answer waits for is to be given up, so that it is in time."""
    return alarms_of(request).two_working_days_on


def is_last_call(request: RightsRequest) -> bool:
    """Tell whether that day has come, where the controller is."""
    today = timezone.now().astimezone(ZoneInfo(request.controller.time_zone)).date()
    return last_call(request) <= today


def has_failed(request: RightsRequest) -> bool:
    return tasks_of(request).filter(state=RequestTask.State.FAILED).exists()


def is_without_failure(request: RightsRequest) -> bool:
    return not has_failed(request)


def is_decided(request: RightsRequest) -> bool:
    """Tell whether every right has an outcome, and a text where the person does not get what they asked for."""
    items = list(request.items.all())
    return all(item.outcome and (item.outcome not in NEGATIVE or item.explanation) for item in items)


def subjects_to_approve(request: RightsRequest) -> list[Subject]:
    """Return what a second person must agree to before anything of it happens."""
    negative = request.items.filter(outcome__in=NEGATIVE).exists()
    erases = tasks_of(request).filter(kind=RequestTask.Kind.ERASE).exists()
    return [*([Subject.ERASURE] if erases else []), *([Subject.REFUSAL] if negative else [])]


def is_approved(request: RightsRequest) -> bool:
    """Tell whether the latest decision about each subject that needs one is to approve it."""
    return all(_latest(request, subject) == Approval.Decision.APPROVED for subject in subjects_to_approve(request))


def needs_decision(request: RightsRequest) -> bool:
    """Tell whether somebody is asked to approve something, or what was approved is no longer what it was."""
    latest = {_latest(request, subject) for subject in subjects_to_approve(request)}
    return bool(latest & {"", Approval.Decision.OUTDATED})


def is_delivered(request: RightsRequest) -> bool:
    """Tell whether the answer was accepted by the mail server or posted and did not come back, or was fetched.

    Fetched means: all that was asked for were copies, and each of them was fetched.
    """
    arrived = Answer.objects.filter(request=request, accepted_at__isnull=False, bounced_at__isnull=True)
    if arrived.exists():
        return True
    items = request.items.all()
    return items.exists() and not items.exclude(package__fetched_at__isnull=False).exists()


def came_back(request: RightsRequest) -> bool:
    return Answer.objects.filter(request=request, bounced_at__isnull=False).exists()


def lost_messages(request: RightsRequest) -> list[RequestMessage]:
    """Return the last mail of each kind that the request does not go on without, where it did not arrive."""
    last = {message.kind: message for message in request.messages.filter(kind__in=LETTERS).order_by("pk")}
    return [message for message in last.values() if message.failed_at or message.bounced_at]


def has_lost_mail(request: RightsRequest) -> bool:
    """Tell whether the answer, or another mail that is needed, was given up or came back and nothing replaced it."""
    answer = request.messages.filter(kind=Mail.ANSWER).order_by("pk").last()
    given_up = answer is not None and answer.failed_at is not None and not is_delivered(request)
    return given_up or came_back(request) or bool(lost_messages(request))


def restricting_tasks(request: RightsRequest) -> list[RequestTask]:
    """Return the tasks that restricted the use of somebody's data which have not been lifted since.

    Where there is nobody, because they were erased or never known, nothing is restricted.
    """
    if subject_of(request).is_nobody:
        return []
    done = tasks_of(request).filter(state__in=RequestTask.SETTLED).select_related("item")
    lifted = {task.item_id for task in tasks_of(request).filter(kind=RequestTask.Kind.LIFT)}
    return [
        task
        for task in done.order_by("position", "pk")
        if task.item_id not in lifted
        and (
            task.kind == RequestTask.Kind.RESTRICT
            or (task.kind == RequestTask.Kind.OBJECT and task.item.objects_to in TO_ANALYSIS)
        )
    ]


def restricting_elsewhere(request: RightsRequest) -> list[RequestTask]:
    """Return the tasks by which other requests restrict the use of the same person's data as well."""
    proofs = IdentityProof.objects.filter(identifier_hash__in=request.proofs.values("identifier_hash"))
    others = RightsRequest.objects.filter(controller=request.controller_id, pk__in=proofs.values("request"))
    return [task for other in others.exclude(pk=request.pk) for task in restricting_tasks(other)]


def end_of(outcomes: Iterable[str]) -> State:
    """Return the state in which a request with these outcomes of its rights ends."""
    counted = [outcome for outcome in outcomes if outcome != Outcome.WITHDRAWN]
    negative = [outcome for outcome in counted if outcome in NEGATIVE]
    if negative:
        return State.REFUSED if len(negative) == len(counted) else State.PARTLY_REFUSED
    if counted and all(outcome == Outcome.NO_DATA for outcome in counted):
        return State.NO_DATA
    return State.FULFILLED


def ends_as(end: State, request: RightsRequest) -> bool:
    return end_of(request.items.values_list("outcome", flat=True)) == end


def _latest(request: RightsRequest, subject: Subject) -> str | None:
    found = request.approvals.filter(subject=subject).first()  # the latest comes first
    return found.decision if found else None
