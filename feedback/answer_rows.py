"""The statements that capture an answer; ``intake`` says when which of them runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from surveys.scales import Metric, scale_of

if TYPE_CHECKING:
    from datetime import datetime

# Written by hand: of all paths, losing nobody's answer on a busy day is this one's job, and what decides its throughput
# is the number of statements and the objects built around them. A score on its own takes the second one only.
LOCK_INVITATION: Final = """
SELECT invitation.id, invitation.survey_id, invitation.respondent_id, invitation.responded_at, invitation.expires_at,
       invitation.is_test, version.metric, version.band_profile, product.allowed_origins
FROM feedback_invitation invitation
JOIN feedback_respondent person ON person.id = invitation.respondent_id AND person.restricted_at IS NULL
JOIN surveys_surveyversion version ON version.id = invitation.version_id
JOIN privacy_product product ON product.id = invitation.product_id
WHERE invitation.token_digest = %(token_digest)s
FOR UPDATE OF invitation
"""

SCORE_IS_ON_THE_SCALE: Final = " OR ".join(
    f"version.metric = '{metric.value}' AND %(score)s BETWEEN {scale_of(metric).minimum} AND {scale_of(metric).maximum}"
    for metric in Metric
)

# Writes nothing where anything stands against it: the row lock of the update lets one of two messages through. An
# answer replaces a decline, and proves that the question was seen even where nobody reported it. One that a machine
# seems to have given says nothing about the person: they have not responded, until somebody accepts it. Where there is
# one already, the row is refused by the constraint that an invitation has one answer: looking for it here would cost
# every answer, and a plan that was kept since the table was empty would read all of it.
CREATE_RESPONSE: Final = f"""
WITH answered AS (
    UPDATE feedback_invitation invitation SET
        responded_at = CASE WHEN %(is_suspect)s THEN NULL ELSE %(received_at)s::timestamptz END,
        declined_at = CASE WHEN %(is_suspect)s THEN invitation.declined_at END,
        snoozed_at = CASE WHEN %(is_suspect)s THEN invitation.snoozed_at END,
        shown_at = CASE WHEN %(is_suspect)s THEN invitation.shown_at
            ELSE coalesce(invitation.shown_at, %(answered_at)s) END
    FROM surveys_surveyversion version, feedback_respondent person, privacy_product product
    WHERE invitation.token_digest = %(token_digest)s AND invitation.responded_at IS NULL
        AND invitation.expires_at > %(received_at)s
        AND version.id = invitation.version_id AND ({SCORE_IS_ON_THE_SCALE})
        AND person.id = invitation.respondent_id AND person.restricted_at IS NULL
        AND product.id = invitation.product_id
        AND (%(origin)s::text = '' OR product.allowed_origins = '{{}}'
            OR %(origin)s::text = ANY(product.allowed_origins))
    RETURNING invitation.*, version.metric, version.band_profile, product.time_zone, person.country, person.company,
        coalesce(nullif(person.name, ''), person.external_id) AS name, person.email, person.properties
)
INSERT INTO feedback_response (invitation_id, product_id, survey_id, version_id, respondent_id,
    channel, language, url, device, app_version, is_test, country, company, name, email, properties,
    metric, band_profile, submission_id, seq, state, score, comment, reasons, contact_permission, receipt_hash,
    answered_at, answered_on, received_at, completed_at, is_suspect, suspicion, is_confirmed, fingerprint,
    exclusion_reason, triage)
SELECT id, product_id, survey_id, version_id, respondent_id,
    channel, language, url, device, app_version, is_test, country, company, name, email, properties,
    metric, band_profile, %(submission_id)s, %(seq)s, %(state)s, %(score)s,
    %(comment)s, %(reasons)s, %(contact_permission)s, %(receipt_hash)s, %(answered_at)s,
    (%(answered_at)s::timestamptz AT TIME ZONE time_zone)::date,
    %(received_at)s, %(completed_at)s::timestamptz, %(is_suspect)s, %(suspicion)s, %(is_confirmed)s,
    %(fingerprint)s, '', 'unread'
FROM answered
"""  # noqa: S608  put together from the scales of this project


@dataclass(frozen=True)
class LockedInvitation:
    """What capturing needs to know of an invitation, in the order of ``LOCK_INVITATION``."""

    id: int
    survey_id: int
    respondent_id: int
    responded_at: datetime | None
    expires_at: datetime
    is_test: bool
    metric: str
    band_profile: str
    allowed_origins: list[str]
