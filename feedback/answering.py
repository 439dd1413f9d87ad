"""What a form of a survey page means: whose answer it is about, and what it changes when it is sent once more."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from feedback.intake import NoScoreYet, Submission, UsedInvitation, submit
from feedback.invitations import decline, find_invitation
from feedback.models import Response, Suspicion
from privacy.encryption import keyed_hash, token_digest

if TYPE_CHECKING:
    from feedback.models import Invitation
    from feedback.scanners import Sender


@dataclass(frozen=True, kw_only=True)
class Visit:
    """An invited person at their page, and the answer they have given so far.

    Args:
        suspect: what a machine seems to have answered here; to the person nobody has answered yet.
    """

    token: str
    invitation: Invitation
    response: Response | None
    suspect: Response | None = None

    @property
    def answered(self) -> Response:
        """Return the answer so far.

        Raises:
            NoScoreYet: there is none.
        """
        if self.response is None:
            raise NoScoreYet
        return self.response

    @property
    def seen(self) -> str:
        """What speaks for a machine having been here."""
        stored = self.response or self.suspect
        return self.invitation.suspicion or (stored.suspicion if stored is not None and stored.is_suspect else "")

    @property
    def is_complete(self) -> bool:
        return self.response is not None and self.response.state == Response.State.COMPLETE

    @property
    def next_message(self) -> Submission:
        """Return the message that the page's form sends next, still without what the person says in it."""
        stored = self.response or self.suspect
        if stored is not None:
            return Submission(submission_id=stored.submission_id, seq=stored.seq + 1)
        # The same for all forms of this page, so that two tabs make one answer.
        return Submission(submission_id=UUID(bytes=keyed_hash("submission", self.token)[:16], version=4))


def find_visit(token: str, *, by: Sender) -> Visit:
    """Return the visit of whoever was given the token.

    Args:
        by: the browser in which they are; what another one seems to have sent without them is not theirs.

    Raises:
        UsedInvitation: the answer was deleted, and an invitation is good for one.
        InvitationError: what ``find_invitation`` raises.
    """
    invitation = find_invitation(token)
    response: Response | None = getattr(invitation, "response", None)
    if response is None and invitation.responded_at is not None:
        raise UsedInvitation
    if response is not None and response.is_suspect and not by.gave(response):
        return Visit(token=token, invitation=invitation, response=None, suspect=response)
    return Visit(token=token, invitation=invitation, response=response)


def visitor_token(submission_id: UUID) -> str:
    """Return the token of the page of whoever sends the form of a survey's page.

    It follows from the submission, so the form sent twice is one visitor with one answer.
    """
    return base64.urlsafe_b64encode(keyed_hash("visitor", submission_id.hex)).decode().rstrip("=")


def take_decline(*, token: str, by: Sender) -> bool:
    """End the invitation without an answer; return whether it ended so, which after an answer it does not.

    Of a machine it is not stored: the person has not been asked yet. Somebody quick is believed, as it costs nothing.
    """
    if by.suspicion in {"", Suspicion.TOO_FAST}:
        decline(token=token)
    return find_visit(token, by=by).response is None


def take_skip(*, visit: Visit, submission: Submission, by: Sender) -> None:
    """Complete the answer without saying why; where it was complete already, what was said then stays."""
    comment = None if visit.is_complete else ""
    submit(token=visit.token, submission=replace(submission, comment=comment, sender=by))


def take_words(*, token: str, submission: Submission, by: Sender) -> Response:
    """Store what a form says, once however often it is sent, and return the answer as it then stands.

    A form sent again with something else in it, after going back say, is a change of mind: the last press counts.
    """
    submission = replace(submission, sender=by)
    submit(token=token, submission=submission)
    response = _stored(token)
    said = {name: getattr(submission, name) for name in ("score", "comment", "reasons", "contact_permission")}
    stored = {name: getattr(response, name) for name in said} | {"reasons": tuple(response.reasons)}
    is_replaced = submission.score is not None and by.takes_the_place_of(response)
    if not is_replaced and all(value in {None, stored[name]} for name, value in said.items()):
        return response
    submit(token=token, submission=replace(submission, seq=response.seq + 1))
    return _stored(token)


def _stored(token: str) -> Response:
    return Response.including_restricted.get(invitation__token_digest=token_digest(token))
