"""What this application stores: surveys and their wording, and who published them."""

from typing import Final

from privacy.inventory import STAFF, Table, declare, not_personal

THROTTLES: Final = (
    *("first_survey_delay_days", "response_days", "decline_days", "snooze_days", "unanswered_days"),
    *("cooldown_days", "mail_days", "shows_in_90_days", "known_percentage", "anonymous_percentage"),
)

declare(
    Table(model="surveys.ProductThrottles", columns=not_personal("id", "product", *THROTTLES)),
    Table(
        model="surveys.Survey",
        columns=not_personal(
            *("id", "product", "name", "metric", "band_profile", "slug", "channels", "state", "priority"),
            *("starts_at", "ends_at", "current_version", *THROTTLES),
            *("is_transactional", "transactional_floor_days", "daily_cap", "response_target"),
            *("score_links", "link_ends_at", "link_cap", "one_per_device", "allows_reminder"),
        ),
    ),
    Table(model="surveys.Event", columns=not_personal("id", "product", "name", "label")),
    # Rules and quotas describe groups of people in the words of staff, who are told not to name a person in them.
    Table(
        model="surveys.AudienceRule",
        columns=not_personal("id", "survey", "position", "subject", "name", "operator", "values"),
    ),
    Table(
        model="surveys.SegmentQuota",
        columns=not_personal("id", "survey", "dimension", "name", "value", "target"),
    ),
    Table(
        model="surveys.Wording",
        columns=not_personal("id", "survey", "language", "question", "low_label", "high_label", "decline_label"),
    ),
    Table(
        model="surveys.BandWording",
        columns=not_personal(
            "id", "survey", "language", "band", "follow_up_question", "placeholder", "reasons", "thanks"
        ),
    ),
    Table(
        model="surveys.SurveyVersion",
        waived="the member of staff who published it is no data subject of a survey",
        columns={
            **not_personal(
                *("id", "survey", "number", "metric", "band_profile", "default_language", "content", "published_at"),
            ),
            "published_by": STAFF,
        },
    ),
)
