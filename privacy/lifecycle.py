"""The life of a request: which state may follow which, and the one function that moves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_fsm import TransitionNotAllowed, transition

from privacy.audit import Action, lock, record
from privacy.models import RightsRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User

    from privacy.models import RequestEvent

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
    State.FULFILLED: (State.CLOSED,),
    State.PARTLY_REFUSED: (State.CLOSED,),
    State.REFUSED: (State.CLOSED,),
    State.NO_DATA: (State.CLOSED,),
    State.LAPSED: (State.RECEIVED,),  # a late proof reopens it: same reference, same dates
    State.WITHDRAWN: (),
    State.CLOSED: (),
}
ENDS: Final = (State.CLOSED, State.WITHDRAWN)

_STATE: Any = RightsRequest._meta.get_field("state")


def _entering(target: State) -> Callable[[RightsRequest], None]:
    """Return the guarded transition into a state; the field itself refuses every other way of changing it."""

    @transition(
        field=_STATE, source=[before for before, nexts in TRANSITIONS.items() if target in nexts], target=target
    )
    def enter(request: RightsRequest) -> None:
        if target in ENDS:
            request.closed_at = timezone.now()

    guarded: Callable[[RightsRequest], None] = enter
    return guarded


_ENTER: Final = {state: _entering(state) for state in State}


@transaction.atomic
def advance(*, request: RightsRequest, to: State, actor: RequestEvent.Actor, user: User | None = None) -> RightsRequest:
    """Move a request to its next state and write it into the trail; the instance passed in follows.

    Args:
        user: the member of staff, where the actor is staff.

    Raises:
        ValidationError: the table does not allow it (``illegal_transition``); nothing has changed.
    """
    current = lock(request)
    before = State(current.state)
    try:
        _ENTER[to](current)
    except TransitionNotAllowed as error:
        raise ValidationError(
            _("A request that is “%(before)s” cannot become “%(after)s”."),
            code="illegal_transition",
            params={"before": before.label, "after": to.label},
        ) from error
    current.save(update_fields=["state", "closed_at"])
    record(request=current, actor=actor, action=Action.ADVANCED, user=user, from_state=before, to_state=to)
    _STATE.set_state(request, current.state)
    request.closed_at = current.closed_at
    return request
