"""What a form of a survey page means: whose answer it is about, and what it changes when it is sent once more."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from feedback.intake import NoScoreYet, Submission, UsedInvitation, submit
from feedback.invitations import decline, find_invitation, invite_visitor
from feedback.models import Response
from privacy.encryption import keyed_hash, token_digest

if TYPE_CHECKING:
    from feedback.models import Invitation
    from surveys.models import Survey


@dataclass(frozen=True, kw_only=True)
class Visit:
    """An invited person at their page, and the answer they have given so far."""

    token: str
    invitation: Invitation
    response: Response | None

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
    def is_complete(self) -> bool:
        return self.response is not None and self.response.state == Response.State.COMPLETE

    @property
    def next_message(self) -> Submission:
        """Return the message that the page's form sends next, still without what the person says in it."""
        if self.response is not None:
            return Submission(submission_id=self.response.submission_id, seq=self.response.seq + 1)
        # The same for all forms of this page, so that two tabs make one answer.
        return Submission(submission_id=UUID(bytes=keyed_hash("submission", self.token)[:16], version=4))


def find_visit(token: str) -> Visit:
    """Return the visit of whoever was given the token.

    Raises:
        UsedInvitation: the answer was deleted, and an invitation is good for one.
        InvitationError: what ``find_invitation`` raises.
    """
    invitation = find_invitation(token)
    response: Response | None = getattr(invitation, "response", None)
    if response is None and invitation.responded_at is not None:
        raise UsedInvitation
    return Visit(token=token, invitation=invitation, response=response)


def admit_visitor(*, survey: Survey, language: str, submission_id: UUID) -> str:
    """Invite whoever sends the form of a survey's page and return the token of their own page.

    The token follows from the submission, so the form sent twice is one visitor with one answer.
    """
    token = base64.urlsafe_b64encode(keyed_hash("visitor", submission_id.hex)).decode().rstrip("=")
    invite_visitor(survey=survey, language=language, token=token)
    return token


def take_decline(*, token: str) -> bool:
    """End the invitation without an answer; return whether it ended so, which after an answer it does not."""
    decline(token=token)
    return find_invitation(token).responded_at is None


def take_skip(*, visit: Visit, submission: Submission) -> None:
    """Complete the answer without saying why; where it was complete already, what was said then stays."""
    submit(token=visit.token, submission=submission if visit.is_complete else replace(submission, comment=""))


def take_words(*, token: str, submission: Submission) -> Response:
    """Store what a form says, once however often it is sent, and return the answer as it then stands.

    A form sent again with something else in it, after going back say, is a change of mind: the last press counts.
    """
    submit(token=token, submission=submission)
    response = _stored(token)
    said = {name: getattr(submission, name) for name in ("score", "comment", "reasons", "contact_permission")}
    stored = {name: getattr(response, name) for name in said} | {"reasons": tuple(response.reasons)}
    if all(value in {None, stored[name]} for name, value in said.items()):
        return response
    submit(token=token, submission=replace(submission, seq=response.seq + 1))
    return _stored(token)


def _stored(token: str) -> Response:
    return Response.including_restricted.get(invitation__token_digest=token_digest(token))
