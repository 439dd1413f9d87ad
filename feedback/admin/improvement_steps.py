"""Publishing, withdrawing and mailing an improvement from the admin: GET asks, POST acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from feedback import improvements
from feedback.models import Improvement
from feedback.tasks import queue_improvement_mails

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise, StrPromise

State = Improvement.State


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that may happen to an improvement as a whole.

    Args:
        states: in which states it is offered.
        consequence: what will happen, one or two sentences.
        act: does it, given what the user was shown to be the number of recipients.
        done: what the user and the history are told then.
        once: whether it is over when people were mailed.
    """

    name: str
    states: frozenset[str]
    title: StrOrPromise
    icon: str
    consequence: StrOrPromise
    act: Callable[[Improvement, User, int | None], None]
    done: StrPromise
    once: bool = False
    dangerous: bool = False

    def fits(self, improvement: Improvement) -> bool:
        return improvement.state in self.states and not (self.once and improvement.mailed_at)


def _publish(improvement: Improvement, by: User, expected: int | None) -> None:
    improvements.publish(improvement=improvement, by=by)


def _withdraw(improvement: Improvement, by: User, expected: int | None) -> None:
    improvements.withdraw(improvement=improvement, by=by)


def _mail(improvement: Improvement, by: User, expected: int | None) -> None:
    improvements.mail(improvement=improvement, by=by, expected=expected)
    queue_improvement_mails()


STEPS: Final = {
    step.name: step
    for step in (
        Step(
            name="publish",
            states=frozenset({State.DRAFT, State.WITHDRAWN}),
            title=_("Publish"),
            icon="public",
            consequence=_(
                "Everybody can read it on the public page of the product. From then on its text is corrected with a "
                "date that everybody sees, and it can be withdrawn but not deleted."
            ),
            act=_publish,
            done=_("Published."),
        ),
        Step(
            name="mail",
            states=frozenset({State.PUBLISHED}),
            title=_("Tell those who said so"),
            icon="outgoing_mail",
            consequence=_(
                "Each of them gets one mail, with the text as it is on the public page. This can be done once and "
                "cannot be undone."
            ),
            act=_mail,
            done=_("Those who said so are being told."),
            once=True,
        ),
        Step(
            name="withdraw",
            states=frozenset({State.PUBLISHED}),
            title=_("Withdraw"),
            icon="visibility_off",
            consequence=_(
                "It disappears from the public page, and mail about it that was not sent yet will not be. It can be "
                "published again."
            ),
            act=_withdraw,
            done=_("Withdrawn from the public page."),
            dangerous=True,
        ),
    )
}


def next_hint(improvement: Improvement) -> StrOrPromise:
    """Say what is usually done next."""
    if improvement.state == State.DRAFT:
        return _("Only staff see this draft. Link the feedback that led to it, then publish it.")
    if improvement.state == State.WITHDRAWN:
        return _("It was public and no longer is. Correct it if need be, and publish it again when it is right.")
    if improvement.mailed_at is None:
        return _("Everybody can read it. Now tell those who said so: one mail to everybody who may be contacted.")
    return _("Everybody can read it, and those who may be contacted were told.")
