"""What officers decide about a request, from its triage to the second person who agrees to what cannot be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from privacy.audit import Action, lock, record
from privacy.conditions import NEGATIVE, is_settled, subjects_to_approve, unproved_items
from privacy.fulfilment import conclude
from privacy.identity import mailbox_hash, normalised_mailbox, prove
from privacy.lifecycle import State, advance
from privacy.models import (
    Approval,
    IdentityProof,
    RequestEvent,
    RequestItem,
    RequestMessage,
    RequestNote,
    Right,
    RightsRequest,
)
from privacy.officers import DECIDE, authorise
from privacy.planning import found_records, make_plan, plan_hash, refusal_hash
from privacy.rectification import propose_correction
from privacy.subjects import proved_identifiers, subject_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User

STAFF: Final = RequestEvent.Actor.STAFF
Decision = Approval.Decision
Outcome = RequestItem.Outcome
Subject = Approval.Subject

# Exceptions of the regulation that belong to one right only.
ONLY_FOR: Final = {
    Outcome.EXCEPTION_17_3_B: Right.ERASURE,
    Outcome.EXCEPTION_17_3_E: Right.ERASURE,
    Outcome.COMPELLING_GROUNDS: Right.OBJECTION,
}
DECIDED_BY_HAND: Final = (*NEGATIVE, Outcome.NO_DATA, Outcome.WITHDRAWN)
# Whoever did any of these has worked on the case, and is not the second person for it.
WORKED: Final = (
    *(Action.ENTERED, Action.DOCUMENT_SEEN, Action.OUTCOME_DECIDED, Action.CORRECTION_ENTERED),
    Action.APPROVAL_ASKED,
)


@transaction.atomic
def start(*, request: RightsRequest, user: User) -> None:
    """Take a request into triage, also back from a question that was answered some other way.

    Raises:
        PermissionDenied: the user does not work on this request.
        ValidationError: it is past its triage (``illegal_transition``).
    """
    authorise(user=user, request=request)
    advance(request=request, to=State.TRIAGE, actor=STAFF, user=user)


@transaction.atomic
def see_document(*, request: RightsRequest, document: str, email: str, user: User) -> IdentityProof:
    """Note that a member of staff saw a document that proves whose mailbox this is; no copy and no number is kept.

    A request that waited for proof, or has lapsed, goes on with its reference and its dates.

    Args:
        document: its kind.
        email: the address by which the person's records are found.

    Raises:
        PermissionDenied: the user does not work on this request.
        ValidationError: it is not open any more (``not_open``).
    """
    authorise(user=user, request=request)
    current = lock(request)
    if current.state not in (*RightsRequest.OPEN_STATES, State.LAPSED):
        raise ValidationError(_("This request is not open any more."), "not_open")
    return prove(
        request=request,
        kind=IdentityProof.Kind.STAFF,
        identifier=normalised_mailbox(email),
        identifier_hash=mailbox_hash(email),
        document=document,
        user=user,
    )


@transaction.atomic
def ask_for_information(*, request: RightsRequest, text: str, user: User) -> RequestMessage:
    """Ask the person something without which the request cannot be handled; it lapses where no answer comes.

    Raises:
        PermissionDenied: the user does not work on this request.
        ValidationError: the text is empty (``required``), or it is not in triage (``illegal_transition``).
    """
    authorise(user=user, request=request)
    _require(text, "text")
    advance(request=request, to=State.NEEDS_INFORMATION, actor=STAFF, user=user)
    record(request=request, actor=STAFF, action=Action.INFORMATION_ASKED, user=user)
    return RequestMessage.objects.create(request=request, kind=RequestMessage.Kind.INFORMATION_NEEDED, text=text)


@transaction.atomic
def set_outcome(*, item: RequestItem, outcome: str, explanation: str, user: User) -> None:
    """Decide how a right ends without being fulfilled; without an outcome, take such a decision back.

    Raises:
        PermissionDenied: the user does not work on this request.
        ValidationError: the request is not in triage (``not_in_triage``), the outcome is none for staff to choose
            (``unknown_outcome``) or belongs to another right (``not_for_this_right``), whether there are data is
            not known (``not_verified``) or there are some (``data_found``), or the text is missing (``required``).
    """
    request = item.request
    authorise(user=user, request=request)
    current = lock(request)
    if current.state != State.TRIAGE:
        raise ValidationError(_("Outcomes are decided in triage."), "not_in_triage")
    if outcome:
        _check_outcome(item, outcome)
    if outcome in NEGATIVE:
        _require(explanation, "explanation")
    item.outcome, item.explanation = outcome, explanation if outcome in NEGATIVE else ""
    item.decided_at = timezone.now() if outcome else None
    item.save(update_fields=["outcome", "explanation", "decided_at"])
    record(request=current, actor=STAFF, action=Action.OUTCOME_DECIDED, user=user, fields=[item.right])


@transaction.atomic
def correct(*, request: RightsRequest, what: str, record_number: int, value: str, user: User) -> None:
    """Enter a value that is to be put right, as the person wrote it; it is applied when the plan is carried out.

    Args:
        what: label of the table and name of its column, joined by a colon.

    Raises:
        PermissionDenied: the user does not work on this request.
        ValidationError: the request is not in triage (``not_in_triage``), or as ``propose_correction``.
    """
    authorise(user=user, request=request)
    current = lock(request)
    if current.state != State.TRIAGE:
        raise ValidationError(_("Corrections are entered in triage."), "not_in_triage")
    item = current.items.get(right=Right.RECTIFICATION)
    dataset, _colon, column = what.partition(":")
    propose_correction(item=item, dataset=dataset, record_number=record_number, column=column, value=value)
    name = f"{dataset}.{column}"
    record(request=current, actor=STAFF, action=Action.CORRECTION_ENTERED, user=user, fields=[name])


@transaction.atomic
def refuse(*, request: RightsRequest, outcome: str, explanation: str, user: User) -> None:
    """Refuse every right that nobody decided yet, for one reason, and ask a second person to agree.

    Raises:
        PermissionDenied, ValidationError: as ``set_outcome`` and ``propose``; nothing has changed.
    """
    for item in request.items.filter(outcome=""):
        set_outcome(item=item, outcome=outcome, explanation=explanation, user=user)
    propose(request=request, user=user)


@transaction.atomic
def propose(*, request: RightsRequest, user: User) -> list[Approval]:
    """Make the plan; what a second person must agree to waits for them, everything else begins.

    Raises:
        PermissionDenied: the user does not work on this request.
        ValidationError: the request is not in triage (``not_in_triage``), it is not proved whose data it is about
            (``not_verified``), or nobody entered what is to be put right (``no_corrections``).
    """
    authorise(user=user, request=request)
    current = lock(request)
    if current.state != State.TRIAGE:
        raise ValidationError(_("Plans are made in triage."), "not_in_triage")
    _check_undecided(current)
    make_plan(current)
    approvals = [_ask(current, subject, user) for subject in subjects_to_approve(current)]
    if approvals:
        advance(request=request, to=State.AWAITING_APPROVAL, actor=STAFF, user=user)
    else:
        _begin(request, user)
    return approvals


@transaction.atomic
def decide_approval(*, approval: Approval, decision: str, user: User, note: str = "") -> Approval:
    """Agree to what was proposed, or send it back; what changed since it was proposed is outdated instead.

    Raises:
        PermissionDenied: the user decides nothing about this request.
        ValidationError: somebody decided already (``already_decided``), it is the user's own case (``own_case``), or
            it is sent back without a word (``required``).
    """
    request, asked = check_decision(approval=approval, decision=decision, user=user, note=note)
    fresh = bytes(asked.plan_hash) == _hash_of(request, Subject(asked.subject))
    settle_decision(request, asked, decision if fresh else Decision.OUTDATED, user, note)
    _follow(request, asked, user)
    return asked


def check_decision(*, approval: Approval, decision: str, user: User, note: str) -> tuple[RightsRequest, Approval]:
    """Return the request, held until the transaction ends, and what is being decided about it, if the user may.

    Raises:
        PermissionDenied, ValidationError: as ``decide_approval``, or the decision is none (``unknown_decision``).
    """
    authorise(user=user, request=approval.request, permission=DECIDE)
    request = lock(approval.request)
    asked = Approval.objects.get(pk=approval.pk)
    if asked.decision:
        raise ValidationError(_("This was decided already."), "already_decided")
    if is_own_case(request, user):
        raise ValidationError(_("Somebody else has to decide: you have worked on this case."), "own_case")
    if decision == Decision.SENT_BACK:
        _require(note, "note")
    elif decision != Decision.APPROVED:
        raise ValidationError({"decision": ValidationError(_("Approve it or send it back."), "unknown_decision")})
    return request, asked


def settle_decision(request: RightsRequest, asked: Approval, decision: str, user: User, note: str) -> None:
    """Write a decision down that was checked."""
    _decide(asked, decision, user, note)
    record(request=request, actor=STAFF, action=Action.APPROVAL_DECIDED, user=user, fields=[asked.subject, decision])


@transaction.atomic
def extend(*, request: RightsRequest, reason: str, user: User) -> None:
    """Extend the period once, before its end, and owe the person the notice with the reason, GDPR Art. 12(3).

    Raises:
        PermissionDenied: the user decides nothing about this request.
        ValidationError: there is no reason (``required``), it was extended before (``already_extended``), the first
            period is over (``too_late``), or the request is not open (``not_open``); nothing has changed.
    """
    authorise(user=user, request=request, permission=DECIDE)
    _require(reason, "reason")
    current = lock(request)
    now = timezone.now()
    obstacle = extension_obstacle(current)
    if obstacle is not None:
        raise obstacle
    request.extended_at, request.extension_reason = now, reason
    request.save(update_fields=["extended_at", "extension_reason"])
    record(request=current, actor=STAFF, action=Action.EXTENDED, user=user, fields=["extension_reason"])
    RequestMessage.objects.create(request=current, kind=RequestMessage.Kind.EXTENSION)


def extension_obstacle(request: RightsRequest) -> ValidationError | None:
    """Return why a request cannot be extended now; ``None`` where it can."""
    if request.extended_at:
        return ValidationError(_("This period was extended already."), "already_extended")
    if request.state not in RightsRequest.OPEN_STATES:
        return ValidationError(_("This request is not open any more."), "not_open")
    if timezone.now().astimezone(ZoneInfo(request.controller.time_zone)).date() > request.due_on:
        return ValidationError(_("A period is extended before it ends, and this one has ended."), "too_late")
    return None


@transaction.atomic
def note(*, request: RightsRequest, text: str, user: User) -> RequestNote:
    """Write something down about a request, for colleagues.

    Raises:
        PermissionDenied: the user does not work on this request.
        ValidationError: the text is empty (``required``).
    """
    authorise(user=user, request=request)
    _require(text, "text")
    record(request=request, actor=STAFF, action=Action.NOTED, user=user)
    return RequestNote.objects.create(request=request, text=text, written_by=user)


def is_own_case(request: RightsRequest, user: User) -> bool:
    """Tell whether the user worked on a request or made it, so that somebody else must decide about it."""
    made = bool(user.email and request.email_hash) and mailbox_hash(user.email) == bytes(request.email_hash or b"")
    answered = hasattr(request, "answer") and request.answer.written_by_id == user.pk
    return made or answered or request.events.filter(user=user, action__in=WORKED).exists()


def _check_undecided(request: RightsRequest) -> None:
    if unproved_items(request):
        raise ValidationError(
            _("Nothing is done with anybody's data before it is proved who asks."), code="not_verified"
        )
    empty = request.items.filter(right=Right.RECTIFICATION, outcome="", corrections__isnull=True)
    if empty.exists() and not subject_of(request).is_nobody:
        raise ValidationError(_("Enter first what is to be corrected."), code="no_corrections")


def _check_outcome(item: RequestItem, outcome: str) -> None:
    if outcome not in DECIDED_BY_HAND:
        raise ValidationError({"outcome": ValidationError(_("Choose among the outcomes listed."), "unknown_outcome")})
    only_for = ONLY_FOR.get(Outcome(outcome), item.right)
    contact = item.objects_to != RequestItem.ObjectsTo.ANALYSIS
    if item.right != only_for or (outcome == Outcome.COMPELLING_GROUNDS and contact):
        # An objection to being contacted is absolute, Art. 21(2) and (3).
        raise ValidationError(
            {"outcome": ValidationError(_("This reason does not exist for this right."), "not_for_this_right")}
        )
    if outcome == Outcome.NO_DATA:
        if not proved_identifiers(item.request):
            raise ValidationError(_("Whether there are data is told only after it is proved who asks."), "not_verified")
        if any(count for _table, count in found_records(item.request)):
            raise ValidationError({"outcome": ValidationError(_("There are data of this person."), "data_found")})


def _ask(request: RightsRequest, subject: Subject, user: User) -> Approval:
    record(request=request, actor=STAFF, action=Action.APPROVAL_ASKED, user=user, fields=[subject])
    return Approval.objects.create(
        request=request,
        subject=subject,
        plan_hash=_hash_of(request, subject),
        asked_by=user,
        asked_at=timezone.now(),
    )


def _hash_of(request: RightsRequest, subject: Subject) -> bytes:
    return refusal_hash(request) if subject == Subject.REFUSAL else plan_hash(request)


def _decide(approval: Approval, decision: str, user: User | None, note: str = "") -> None:
    approval.decision, approval.decided_by, approval.note = decision, user, note
    approval.decided_at = timezone.now()
    approval.save(update_fields=["decision", "decided_by", "decided_at", "note"])


def _follow(request: RightsRequest, decided: Approval, user: User) -> None:
    """Move the request as the decision says: on once everything is approved, else back to its triage."""
    others = request.approvals.filter(decision="").exclude(subject=Subject.LIFTING)
    if decided.decision != Decision.APPROVED:
        for other in others:  # the proposal comes back as a whole
            _decide(other, Decision.OUTDATED, None)
        advance(request=request, to=State.TRIAGE, actor=STAFF, user=user)
    elif not others.exists():
        _begin(request, user)


def _begin(request: RightsRequest, user: User) -> None:
    """Begin with the tasks, or with the answer where there is nothing to do."""
    if not is_settled(request):
        advance(request=request, to=State.IN_PROGRESS, actor=STAFF, user=user)
        return
    conclude(request)
    advance(request=request, to=State.RESPONDING, actor=STAFF, user=user)


def _require(text: str, field: str) -> None:
    if not text.strip():
        raise ValidationError({field: ValidationError(_("This field is required."), "required")})
