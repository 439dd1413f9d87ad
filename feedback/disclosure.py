"""Which parts of a response a member of staff may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from privacy.masking import mask

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

    from feedback.models import FollowUp, Response

SEE_IDENTITY: Final = "feedback.view_identity"
READ_COMMENTS: Final = "feedback.read_comment"
WORK_ON_FOLLOW_UPS: Final = "feedback.change_followup"
REVEAL_REQUESTS: Final = "privacy.reveal_rightsrequest"
SEE_RESTRICTED: Final = "feedback.view_respondent"


@dataclass(frozen=True)
class Disclosure:
    """What of one response is shown as it is.

    Args:
        identity: who answered; without it, texts that may name people are masked.
        comment: the comment as written; without it, it is masked.
    """

    identity: bool
    comment: bool


def disclosed_to(user: User | AnonymousUser, response: Response) -> Disclosure:
    """Say what the user may see of a response.

    Who may work on follow-ups sees everything of a response while its follow-up is open: they have to contact the
    person about it. Afterwards it is closed to them again.
    """
    works_on_it = user.has_perm(WORK_ON_FOLLOW_UPS) and response.follow_ups.open().exists()
    return Disclosure(
        identity=works_on_it or user.has_perm(SEE_IDENTITY),
        comment=works_on_it or user.has_perm(READ_COMMENTS),
    )


def reason_shown(follow_up: FollowUp, user: User | AnonymousUser) -> str:
    """Return why a person is followed up, masked for whom their comment is masked; for lists, so without a query."""
    works_on_it = follow_up.is_open and user.has_perm(WORK_ON_FOLLOW_UPS)
    return follow_up.reason if works_on_it or user.has_perm(READ_COMMENTS) else mask(follow_up.reason)


def seen_by(user: User | AnonymousUser, model: Any) -> Any:
    """Return the rows that a user sees of responses, follow-ups, people or invitations.

    Restricted ones, Art. 18 GDPR, are among them for who oversees data protection.
    """
    rows = model.including_restricted if user.has_perm(SEE_RESTRICTED) else model.objects
    return rows.visible_to(user)


def may_look_people_up(user: User | AnonymousUser) -> bool:
    """Say whether the user may look at a person's record: who sees identities, or reveals them for rights requests."""
    return user.has_perm(SEE_IDENTITY) or user.has_perm(REVEAL_REQUESTS)
