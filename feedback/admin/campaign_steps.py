"""Starting, pausing, resuming and cancelling a campaign from the admin: GET asks, POST acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from feedback import campaigns
from feedback.models import Campaign

if TYPE_CHECKING:
    from collections.abc import Callable

    from django_stubs_ext import StrOrPromise, StrPromise

State = Campaign.State


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that may happen to a campaign.

    Args:
        states: in which states it is offered.
        consequence: what will happen, one or two sentences.
        act: does it.
        done: what to tell the user then.
    """

    name: str
    states: frozenset[str]
    title: StrOrPromise
    icon: str
    consequence: StrOrPromise
    act: Callable[..., Campaign]
    done: StrPromise
    dangerous: bool = False

    def fits(self, campaign: Campaign) -> bool:
        return campaign.state in self.states


STEPS: Final = {
    step.name: step
    for step in (
        Step(
            name="start",
            states=frozenset({State.DRAFT}),
            title=_("Start"),
            icon="send",
            consequence=_(
                "The people of the audience are taken over, and whoever may be asked gets the mail in the hours of the "
                "window. The wording and the survey’s version cannot be changed any more."
            ),
            act=campaigns.start,
            done=_("Started."),
        ),
        Step(
            name="pause",
            states=frozenset({State.SCHEDULED, State.RUNNING}),
            title=_("Pause"),
            icon="pause",
            consequence=_("Nothing more is sent until the campaign is resumed. What was sent stays sent."),
            act=campaigns.pause,
            done=_("Paused."),
        ),
        Step(
            name="resume",
            states=frozenset({State.PAUSED}),
            title=_("Resume"),
            icon="play_arrow",
            consequence=_("Sending goes on where it was paused. Everybody is checked once more before their mail."),
            act=campaigns.resume,
            done=_("Resumed."),
        ),
        Step(
            name="cancel",
            states=campaigns.MAY_GET_PEOPLE,
            title=_("Cancel the campaign"),
            icon="cancel",
            consequence=_("What waits is never sent, and files that were not taken over are removed. This is final."),
            act=campaigns.cancel,
            done=_("Cancelled."),
            dangerous=True,
        ),
    )
}

# Of one audience rather than of the campaign as a whole.
REMOVE: Final = Step(
    name="remove",
    states=frozenset({State.DRAFT}),
    title=_("Remove the audience"),
    icon="group_remove",
    consequence=_(
        "Nobody of it gets the mail, unless another audience has them, too. A file that was uploaded is erased."
    ),
    act=campaigns.remove_audience,
    done=_("The audience was removed."),
    dangerous=True,
)


def next_hint(campaign: Campaign) -> StrOrPromise:
    """Say what is usually done next, or why a running campaign stands still."""
    if campaign.state == State.RUNNING and (held := campaigns.what_holds(campaign, now=timezone.now())):
        return held
    hints: dict[str, StrOrPromise] = {
        State.DRAFT: _("Write the mail, choose an audience, look at the dry run, then start."),
        State.SCHEDULED: _("It begins at the planned time."),
        State.RUNNING: _("It is on its way."),
        State.PAUSED: _("Nothing is sent until it is resumed."),
        State.FINISHED: _("Everything was sent that could be."),
        State.CANCELLED: _("What was still waiting is never sent."),
    }
    return hints[campaign.state]
