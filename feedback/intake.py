"""Capturing an answer: the score at once, the comment later, each exactly once."""

from __future__ import annotations

import base64
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from feedback.answer_rows import CREATE_RESPONSE, LOCK_INVITATION, LockedInvitation
from feedback.invitations import ExpiredInvitation, InvitationError, OriginBlocked, UnknownInvitation
from feedback.models import Invitation, Response, ScoreChange
from feedback.models.capturing import LONGEST_COMMENT
from feedback.prepared import run_prepared
from feedback.scanners import put_in_place_of, traces_of
from privacy.encryption import keyed_hash, token_digest
from privacy.models import origin_is_accepted
from surveys.scales import scale_of

if TYPE_CHECKING:
    from uuid import UUID

    from feedback.scanners import Sender

SCORE_EDITABLE: Final = timedelta(hours=24)
COMMENT_EDITABLE: Final = timedelta(days=14)
STEP_TWO_LASTS: Final = timedelta(minutes=30)
LATEST_ARRIVAL: Final = timedelta(days=30)
# After rotating the screen a client may send the text under a new id.
# https://github.com/Wootric/WootricSDK-Android/issues/117
ATTACHABLE: Final = timedelta(minutes=10)
MOST_REASONS: Final = 20


class SubmissionIdTaken(InvitationError):
    code, status, message = "submission_id_taken", 409, _("This submission belongs to another invitation.")


class InvalidScore(InvitationError):
    field = "score"
    code, status, message = "invalid_score", 400, _("The score must be a whole number on the survey's scale.")


class InvalidComment(InvitationError):
    field = "comment"
    code, status, message = "invalid_comment", 400, _("A comment has at most 10,000 characters.")


class AnsweredTooLongAgo(InvitationError):
    field = "answered_at"
    code, status, message = "answered_too_long_ago", 400, _("An answer may arrive at most 30 days late.")


class NoScoreYet(InvitationError):
    code, status, message = "no_score_yet", 409, _("Send the score first.")


class UsedInvitation(InvitationError):
    code, status, message = "invitation_used", 410, _("This invitation has been answered already.")


class Locked(InvitationError):
    code, status, message = "locked", 409, _("This answer can no longer be changed.")


class Protected(InvitationError):
    code, status, message = "protected", 409, _("This answer can only be changed where it was given.")


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One message about an answer; what is ``None`` was not said.

    Args:
        submission_id: made by the client, the same for all messages about one answer.
        seq: rises with each message; one that is not above the last is a repetition.
        comment: empty where the person skipped saying why.
        answered_at: when the score was picked, where it is sent late.
        sender: the browser that sent it, on our own pages; elsewhere nothing is told apart.
    """

    submission_id: UUID
    seq: int = 0
    score: int | None = None
    comment: str | None = None
    reasons: tuple[str, ...] | None = None
    contact_permission: bool | None = None
    answered_at: datetime | None = None
    sender: Sender | None = None

    @property
    def may_be_first(self) -> bool:
        """Whether this is a score on its own; our pages count on from the answer that is there, also a suspect one."""
        is_later = self.sender is not None and self.seq > 0
        return self.score is not None and self.comment is None and not is_later

    @property
    def says_only_score(self) -> bool:
        return self.comment is None and self.reasons is None and self.contact_permission is None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a submission; the receipt code is told only when the response was created."""

    state: str
    seq: int
    created: bool = False
    receipt: str | None = None


def submit(*, token: str, submission: Submission, origin: str = "") -> Outcome:
    """Create the response of an invitation, or merge a later message into it.

    The invitation's row lock puts parallel messages in order, so repetitions and retries make one response.

    Args:
        origin: the web site the message comes from; empty outside of browsers and on our own pages.

    Raises:
        InvitationError: ``unknown_token``, ``expired``, ``invitation_used``, ``origin_blocked``, ``invalid_score``,
            ``invalid_comment``, ``answered_too_long_ago``, ``no_score_yet``, ``submission_id_taken``, ``locked`` or,
            on our own pages, ``protected``; nothing is changed.
    """
    try:
        # Nearly every message is a score on its own, and nothing stands against it: one statement does. Everything
        # else, also what was refused there, is looked at under the invitation's lock.
        if submission.may_be_first and not _is_too_late(submission, timezone.now()):
            outcome = _create_unless_overtaken(token, submission, origin)
            if outcome is not None:
                return outcome
        with transaction.atomic():
            return _submit(token, submission, origin)
    except IntegrityError as error:
        if is_violation_of("feedback_response_submission_id_key", error):
            raise SubmissionIdTaken from error
        raise


def is_violation_of(constraint: str, error: IntegrityError) -> bool:
    """Tell whether PostgreSQL refused a row because of this constraint."""
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) == constraint


def _submit(token: str, submission: Submission, origin: str) -> Outcome:
    at = timezone.now()
    invitation = _locked_invitation(token)
    if not origin_is_accepted(origin, invitation.allowed_origins):
        raise OriginBlocked
    _check_values(invitation, submission)
    if invitation.responded_at is None and invitation.expires_at <= at:
        raise ExpiredInvitation
    # Read after the lock was won: a response joined to the locking statement could be as old as its snapshot.
    # The row is locked too, because a text under a new id may be joining it through another invitation.
    rows = Response.including_restricted.select_for_update(no_key=True).defer("search")
    response = rows.filter(invitation=invitation.id).first()
    if response is None:
        if invitation.responded_at is not None:
            raise UsedInvitation
        return _answer_first(token, invitation, submission, origin, at)
    if response.submission_id == submission.submission_id:
        return _merge(response, submission, at)
    if _is_twin(response, submission, at):
        return _attach(response, invitation, submission, at)
    raise UsedInvitation


def _answer_first(
    token: str, invitation: LockedInvitation, submission: Submission, origin: str, at: datetime
) -> Outcome:
    if submission.score is None:
        raise InvalidScore if submission.says_only_score else NoScoreYet
    twin = _recent_twin(invitation, submission, at)
    if twin is not None:
        return _attach(twin, invitation, submission, at)
    outcome = _create(token, submission, origin)
    if outcome is None:
        raise ExpiredInvitation  # at this very moment: everything else was checked under the lock
    return outcome


def _locked_invitation(token: str) -> LockedInvitation:
    rows = run_prepared(LOCK_INVITATION, {"token_digest": token_digest(token)}).fetchall()
    if not rows:
        raise UnknownInvitation
    return LockedInvitation(*rows[0])


def _check_values(invitation: LockedInvitation, submission: Submission) -> None:
    if submission.score is not None and submission.score not in scale_of(invitation.metric, invitation.band_profile):
        raise InvalidScore
    if len(submission.comment or "") > LONGEST_COMMENT:
        raise InvalidComment


def _create_unless_overtaken(token: str, submission: Submission, origin: str) -> Outcome | None:
    """Do as ``_create``; ``None`` also where there is a suspect answer already."""
    # The product's own calls are the many, and meet no suspect answers: a statement alone is quicker.
    try:
        with nullcontext() if submission.sender is None else transaction.atomic():
            return _create(token, submission, origin)
    except IntegrityError as error:
        if submission.sender is None and is_violation_of("feedback_response_submission_id_key", error):
            raise  # only the forms of one of our pages share an id
        return None


def _create(token: str, submission: Submission, origin: str) -> Outcome | None:
    """Write a first answer and return what became of it, or ``None`` where something stands against it."""
    at = timezone.now()
    answered_at = _answered_at(submission, at)
    receipt = receipt_code(submission.submission_id)
    is_complete = submission.comment is not None
    state = Response.State.COMPLETE if is_complete else Response.State.PARTIAL
    values: dict[str, Any] = {
        "token_digest": token_digest(token),
        "origin": origin,
        "submission_id": submission.submission_id,
        "seq": submission.seq,
        "state": state.value,
        "score": submission.score,
        "comment": submission.comment or "",
        "reasons": list(submission.reasons or ()),
        "contact_permission": bool(submission.contact_permission),
        "receipt_hash": token_digest(receipt),
        "answered_at": answered_at,
        "received_at": at,
        "completed_at": at if is_complete else None,
        **traces_of(submission.sender),
    }
    is_created = bool(run_prepared(CREATE_RESPONSE, values).rowcount)
    return Outcome(state=state, seq=submission.seq, created=True, receipt=receipt) if is_created else None


def _answered_at(submission: Submission, at: datetime) -> datetime:
    if submission.answered_at is None or submission.answered_at > at:
        return at  # a clock that runs ahead says nothing about when the person answered
    if _is_too_late(submission, at):
        raise AnsweredTooLongAgo
    return submission.answered_at


def _is_too_late(submission: Submission, at: datetime) -> bool:
    return submission.answered_at is not None and submission.answered_at < at - LATEST_ARRIVAL


def _merge(response: Response, submission: Submission, at: datetime) -> Outcome:
    if submission.seq <= response.seq:
        return Outcome(state=response.state, seq=response.seq)
    if (sender := submission.sender) is not None:
        if submission.score is not None and sender.takes_the_place_of(response):
            ScoreChange.objects.create(response=response, score=response.score, changed_at=at)
            if not sender.suspicion:
                _note_answered(response.invitation_id, at)
            return _save(response, put_in_place_of(response, submission, at=at))
        if not sender.may_merge(submission, response):
            raise Protected
    changed: dict[str, Any] = {"seq": submission.seq}
    if submission.score is not None and submission.score != response.score:
        if at >= response.received_at + SCORE_EDITABLE:
            raise Locked
        ScoreChange.objects.create(response=response, score=response.score, changed_at=at)
        changed["score"] = submission.score
    reasons = None if submission.reasons is None else list(submission.reasons)
    parts = {"comment": submission.comment, "contact_permission": submission.contact_permission, "reasons": reasons}
    said = {name: value for name, value in parts.items() if value is not None}
    if said and at >= response.received_at + COMMENT_EDITABLE:
        raise Locked
    changed |= said
    if submission.comment is not None and response.completed_at is None:
        changed |= {"state": Response.State.COMPLETE, "completed_at": at}
    return _save(response, changed)


def _save(response: Response, changed: dict[str, Any], receipt: str | None = None) -> Outcome:
    if changed.keys() - {"seq"}:
        changed["rules_applied_at"] = None  # rules look at what is new in it
    for name, value in changed.items():
        setattr(response, name, value)
    response.save(update_fields=list(changed))
    return Outcome(state=response.state, seq=response.seq, receipt=receipt)


def _recent_twin(invitation: LockedInvitation, submission: Submission, at: datetime) -> Response | None:
    """Return an answer of the same person, survey and score that lacks the text this submission brings."""
    if not submission.comment or (submission.sender and submission.sender.suspicion):
        return None
    candidates = Response.including_restricted.select_for_update().filter(
        respondent=invitation.respondent_id,
        survey=invitation.survey_id,
        answered_at__gt=at - ATTACHABLE,
        is_test=invitation.is_test,
        excluded_at__isnull=True,
        is_suspect=False,
    )
    return next((response for response in candidates if _is_twin(response, submission, at)), None)


def _is_twin(response: Response, submission: Submission, at: datetime) -> bool:
    return bool(
        submission.comment
        and submission.score in {None, response.score}
        and not response.comment
        and at <= response.answered_at + ATTACHABLE
    )


def _attach(response: Response, invitation: LockedInvitation, submission: Submission, at: datetime) -> Outcome:
    """Give the text to the earlier answer and let the new id and invitation stand for it from now on."""
    receipt = receipt_code(submission.submission_id)
    _note_answered(invitation.id, at)
    return _save(
        response,
        {
            "submission_id": submission.submission_id,
            "invitation_id": invitation.id,
            "seq": submission.seq,
            "comment": submission.comment,
            "reasons": list(submission.reasons or response.reasons),
            "contact_permission": bool(submission.contact_permission) or response.contact_permission,
            "receipt_hash": token_digest(receipt),
            "state": Response.State.COMPLETE,
            "completed_at": response.completed_at or at,
        },
        receipt,
    )


def _note_answered(invitation: int, at: datetime) -> None:
    rows = Invitation.including_restricted.filter(pk=invitation)
    rows.update(responded_at=at, declined_at=None, snoozed_at=None, shown_at=Coalesce("shown_at", Value(at)))


def receipt_code(submission_id: UUID) -> str:
    """Return the code that proves authorship of the answer later, as XXXX-XXXX-XXXX-XXXX (80 bits).

    It follows from the submission and the server's secret, so that it can be shown at the end without being stored;
    the database keeps only its digest.
    """
    letters = base64.b32encode(keyed_hash("receipt", submission_id.hex)[:10]).decode()
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


def complete_abandoned(*, at: datetime | None = None) -> int:
    """Complete the responses whose second step nobody came back to for 30 minutes; return their number."""
    limit = (at or timezone.now()) - STEP_TWO_LASTS
    return Response.including_restricted.filter(state=Response.State.PARTIAL, answered_at__lte=limit).update(
        state=Response.State.COMPLETE, completed_at=timezone.now()
    )
