"""Publishing, pausing, resuming and archiving from the admin: GET asks, POST acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from surveys.models import Survey
from surveys.publishing import change_state, publish

if TYPE_CHECKING:
    from collections.abc import Callable

    from django_stubs_ext import StrOrPromise, StrPromise

State = Survey.State


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One thing that may happen to a survey as a whole.

    Args:
        states: in which states it is offered.
        title: what the confirmation page and its button say.
        consequence: what will happen, one or two sentences.
        done: what the message and the history say afterwards.
    """

    name: str
    states: frozenset[str]
    title: StrOrPromise
    consequence: StrOrPromise
    done: StrPromise
    act: Callable[[Survey, User], Any]
    dangerous: bool = False


TRANSITIONS: Final = {
    transition.name: transition
    for transition in (
        Transition(
            name="publish",
            states=frozenset({State.DRAFT, State.LIVE, State.PAUSED}),
            title=_("Publish"),
            consequence=_(
                "The wording is frozen as a new version and people are asked from now on. "
                "Responses to earlier versions keep what was shown then."
            ),
            done=_("Published."),
            act=lambda survey, user: publish(survey=survey, by=user),
        ),
        Transition(
            name="pause",
            states=frozenset({State.LIVE}),
            title=_("Pause"),
            consequence=_("Nobody is asked until the survey is resumed. Responses are kept."),
            done=_("Paused."),
            act=lambda survey, user: change_state(survey=survey, to=State.PAUSED),
        ),
        Transition(
            name="resume",
            states=frozenset({State.PAUSED}),
            title=_("Resume"),
            consequence=_("People are asked again, with the version that was published last."),
            done=_("Resumed."),
            act=lambda survey, user: change_state(survey=survey, to=State.LIVE),
        ),
        Transition(
            name="archive",
            states=frozenset({State.LIVE, State.PAUSED}),
            title=_("Archive"),
            consequence=_(
                "Nobody is asked any more, and the survey cannot be resumed or published again. Responses are kept."
            ),
            done=_("Archived."),
            act=lambda survey, user: change_state(survey=survey, to=State.ARCHIVED),
            dangerous=True,
        ),
    )
}
