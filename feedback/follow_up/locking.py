"""What every change of a follow-up begins with: the rows locked in one order, and texts within their bounds."""

from __future__ import annotations

from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from feedback.models import FollowUp, Respondent

LONGEST_REASON: Final = 1000
LONGEST_NOTE: Final = 2000
WITH_A_NOTE: Final = (FollowUp.Status.CLOSED, FollowUp.Status.DISMISSED)
WORK: Final = "feedback.change_followup"


def lock_respondent(respondent_id: int) -> Respondent:
    """Make everybody who opens a follow-up of this person wait in line; new invitations need not wait."""
    return Respondent.including_restricted.select_for_update(no_key=True).get(pk=respondent_id)


def lock_follow_up(follow_up: FollowUp) -> FollowUp:
    """Return the follow-up as it is now, and keep others from changing it until the transaction ends.

    Whoever also needs the respondent locks that one first.
    """
    rows = FollowUp.including_restricted.select_for_update(of=["self"], no_key=True)
    return rows.select_related("response").get(pk=follow_up.pk)


def check_still_worked_on(follow_up: FollowUp) -> None:
    if follow_up.status in WITH_A_NOTE:
        raise ValidationError(_("It is closed; reopen it first."), code="not_open")


def required_text(text: str, longest: int, *, message: str, code: str) -> str:
    """Return the text without the space around it.

    Raises:
        ValidationError: with the code and the message given when nothing is left, or ``too_long``.
    """
    text = text.strip().replace("\0", "")
    if not text:
        raise ValidationError(message, code=code)
    if len(text) > longest:
        raise ValidationError(_("At most %(limit)s characters."), code="too_long", params={"limit": longest})
    return text
