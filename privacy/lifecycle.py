"""The life of a request: which state may follow which, on what conditions, and the one function that moves it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_fsm import TransitionNotAllowed, transition

from privacy import conditions
from privacy.audit import Action, lock, record
from privacy.encryption import keyed_hash
from privacy.models import Correction, RequestEvent, RightsRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

State = RightsRequest.State

TRANSITIONS: Final[dict[State, tuple[State, ...]]] = {
    State.RECEIVED: (State.AWAITING_CONFIRMATION, State.VERIFIED, State.TRIAGE),
    State.AWAITING_CONFIRMATION: (State.VERIFIED, State.TRIAGE, State.LAPSED, State.WITHDRAWN),
    State.VERIFIED: (State.TRIAGE,),
    State.TRIAGE: (State.NEEDS_INFORMATION, State.IN_PROGRESS, State.AWAITING_APPROVAL, State.RESPONDING),
    State.NEEDS_INFORMATION: (State.TRIAGE, State.LAPSED, State.WITHDRAWN),
    State.IN_PROGRESS: (State.AWAITING_APPROVAL, State.PARTIALLY_FAILED, State.RESPONDING),
    State.AWAITING_APPROVAL: (State.IN_PROGRESS, State.TRIAGE, State.RESPONDING),
    State.PARTIALLY_FAILED: (State.IN_PROGRESS,),
    State.RESPONDING: (State.FULFILLED, State.PARTLY_REFUSED, State.REFUSED, State.NO_DATA),
    # back to responding only where the answer came back
    State.FULFILLED: (State.CLOSED, State.RESPONDING),
    State.PARTLY_REFUSED: (State.CLOSED, State.RESPONDING),
    State.REFUSED: (State.CLOSED, State.RESPONDING),
    State.NO_DATA: (State.CLOSED, State.RESPONDING),
    State.LAPSED: (State.RECEIVED,),  # a late proof reopens it: same reference, same dates
    State.WITHDRAWN: (),
    State.CLOSED: (),
}
ANSWERED: Final = (State.FULFILLED, State.PARTLY_REFUSED, State.REFUSED, State.NO_DATA)
ENDS: Final = (State.CLOSED, State.WITHDRAWN)
# How long a request waits for the person before it lapses.
WAITS: Final = {State.AWAITING_CONFIRMATION: timedelta(days=14), State.NEEDS_INFORMATION: timedelta(days=30)}

_STATE: Any = RightsRequest._meta.get_field("state")


@dataclass(frozen=True)
class Condition:
    """What must be true of a request before it enters a state.

    Args:
        code: of the error where it is not.
        message: what is missing, for staff.
        after: the states before that it concerns; all of them where empty.
    """

    holds: Callable[[RightsRequest], bool]
    code: str
    message: StrOrPromise
    after: tuple[State, ...] = ()

    def allows(self, request: Any) -> bool:
        return (bool(self.after) and request.state not in self.after) or self.holds(request)


_IDENTIFIED: Final = Condition(
    conditions.is_identified, "not_verified", _("Nothing is done with anybody's data before it is proved who asks.")
)
_PROVED: Final = Condition(
    conditions.is_proved, "not_verified", _("Whether there are data is told only after it is proved who asks.")
)
_SETTLED: Final = Condition(conditions.is_settled, "unsettled_tasks", _("There are tasks that are not settled."))
_DELIVERED: Final = Condition(conditions.is_delivered, "not_delivered", _("The answer has not been delivered."))

CONDITIONS: Final[dict[State, tuple[Condition, ...]]] = {
    State.AWAITING_APPROVAL: (
        _IDENTIFIED,
        Condition(conditions.needs_decision, "nothing_to_approve", _("Nobody was asked to approve anything.")),
    ),
    State.IN_PROGRESS: (
        _IDENTIFIED,
        Condition(conditions.is_approved, "not_approved", _("A second person has to approve it first.")),
        Condition(conditions.is_without_failure, "failed_tasks", _("A task has failed.")),
    ),
    State.PARTIALLY_FAILED: (Condition(conditions.has_failed, "nothing_failed", _("No task has failed.")),),
    State.RESPONDING: (
        _SETTLED,
        Condition(conditions.is_decided, "undecided_rights", _("There are rights without an outcome.")),
        Condition(conditions.is_approved, "not_approved", _("A second person has to approve it first.")),
        Condition(conditions.came_back, "answer_arrived", _("The answer did not come back."), after=ANSWERED),
    ),
    **{
        state: (
            _SETTLED,
            _DELIVERED,
            Condition(partial(conditions.ends_as, state), "another_end", _("The outcomes lead to another end.")),
        )
        for state in ANSWERED
    },
    State.CLOSED: (_SETTLED, _DELIVERED),
}
CONDITIONS[State.NO_DATA] += (_PROVED,)


def _entering(target: State) -> Callable[[RightsRequest], None]:
    """Return the guarded transition into a state; the field itself refuses every other way of changing it."""

    @transition(
        field=_STATE,
        source=[before for before, nexts in TRANSITIONS.items() if target in nexts],
        target=target,
        conditions=[condition.allows for condition in CONDITIONS.get(target, ())],
    )
    def enter(request: RightsRequest) -> None:
        request.waits_until = timezone.now() + WAITS[target] if target in WAITS else None
        if target in ENDS:
            request.closed_at = timezone.now()
            _keep_only_hashes(request)

    guarded: Callable[[RightsRequest], None] = enter
    return guarded


_ENTER: Final = {state: _entering(state) for state in State}


@transaction.atomic
def advance(*, request: RightsRequest, to: State, actor: RequestEvent.Actor, user: User | None = None) -> RightsRequest:
    """Move a request to its next state and write it into the trail; the instance passed in follows.

    With the end of a request what identified the person goes, and only hashes stay.

    Args:
        user: the member of staff, where the actor is staff.

    Raises:
        ValidationError: the table does not allow it (``illegal_transition``), or a condition of the state does not
            hold (its own code); nothing has changed.
    """
    current = lock(request)
    before = State(current.state)
    try:
        _ENTER[to](current)
    except TransitionNotAllowed as error:
        raise _refusal(current, to) from error
    current.save(update_fields=["state", "closed_at", "waits_until", "email"])
    record(request=current, actor=actor, action=Action.ADVANCED, user=user, from_state=before, to_state=to)
    _STATE.set_state(request, current.state)
    request.closed_at, request.waits_until, request.email = current.closed_at, current.waits_until, current.email
    return request


def why_not(request: RightsRequest, to: State) -> ValidationError | None:
    """Return why a request cannot be moved to a state now; ``None`` where it can."""
    before = State(request.state)
    if to in TRANSITIONS[before] and all(condition.allows(request) for condition in CONDITIONS.get(to, ())):
        return None
    return _refusal(request, to)


def lapse_due_requests() -> list[RightsRequest]:
    """Let the requests lapse that have waited for the person for too long, and return them."""
    waiting = RightsRequest.objects.filter(state__in=WAITS, waits_until__lte=timezone.now())
    return [lapsed for request in waiting.order_by("waits_until", "pk") if (lapsed := _lapse(request))]


@transaction.atomic
def _lapse(request: RightsRequest) -> RightsRequest | None:
    current = lock(request)
    if current.waits_until is None or current.waits_until > timezone.now():
        return None  # the person did something meanwhile
    return advance(request=current, to=State.LAPSED, actor=RequestEvent.Actor.SYSTEM)


def _refusal(request: RightsRequest, to: State) -> ValidationError:
    before = State(request.state)
    if to in TRANSITIONS[before]:
        missing = next(condition for condition in CONDITIONS[to] if not condition.allows(request))
        return ValidationError(missing.message, code=missing.code)
    return ValidationError(
        _("A request that is “%(before)s” cannot become “%(after)s”."),
        code="illegal_transition",
        params={"before": before.label, "after": to.label},
    )


def _keep_only_hashes(request: RightsRequest) -> None:
    """Take away what identified the person: proofs keep an HMAC by which the same person is recognised."""
    request.email = ""
    for proof in request.proofs.exclude(identifier=""):
        proof.identifier_hash = proof.identifier_hash or keyed_hash(proof.kind, proof.identifier)
        proof.identifier = ""
        proof.save(update_fields=["identifier", "identifier_hash"])
    Correction.objects.filter(item__request=request).update(value="")
