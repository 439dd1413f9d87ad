"""The SQL behind asking: one statement loads what is known about a person, one reserves an invitation.

It is written by hand because these run at page views: what decides their throughput is the number of
statements, then the work of building objects nobody needs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import connection

from feedback.eligibility import Occasion

if TYPE_CHECKING:
    from datetime import datetime

    from feedback.identity import Person
    from feedback.products import ProductFacts

OCCASION: Final = (
    *("survey_id", "metric", "created_at", "sent_at", "shown_at"),
    *("responded_at", "declined_at", "snoozed_at"),
)

# A person's invitations and their own row in one statement; somebody never asked has one row without invitation.
PERSON: Final = """
SELECT person.id, person.subject_key, person.reservations, person.first_seen_at, person.customer_since,
       person.objected_at IS NOT NULL, person.restricted_at IS NOT NULL,
       invitation.survey_id, survey.metric, invitation.created_at, invitation.sent_at, invitation.shown_at,
       invitation.responded_at, invitation.declined_at, invitation.snoozed_at
FROM feedback_respondent person
LEFT JOIN feedback_invitation invitation ON invitation.respondent_id = person.id AND NOT invitation.is_test
    AND invitation.created_at > %s
LEFT JOIN surveys_survey survey ON survey.id = invitation.survey_id
WHERE person.product_id = %s AND person.subject_key IN (%s, %s)
"""

# What the product tells about a person replaces what it told before; what it leaves out stays.
PERSON_VALUES: Final = """
INSERT INTO feedback_respondent AS person (product_id, subject_key, external_id, email, phone, anonymous_id, name,
    company, country, language, properties, customer_since, first_seen_at, reservations, do_not_contact)
VALUES (%(product)s, %(subject_key)s, %(external_id)s, %(email)s, %(phone)s, %(anonymous_id)s, %(name)s,
    %(company)s, %(country)s, %(language)s, %(properties)s, %(customer_since)s, %(at)s, %(first)s, false)
ON CONFLICT (product_id, subject_key)
"""

MEET: Final = PERSON_VALUES + "DO NOTHING"

# The person's counter is the guard: of two decisions made at once on the same facts, the second finds it moved on,
# reserves nothing and has to decide again.
RESERVE: Final = f"""
WITH person AS (
    {PERSON_VALUES}
    DO UPDATE SET reservations = person.reservations + 1,
        email = coalesce(nullif(excluded.email, ''), person.email),
        phone = coalesce(nullif(excluded.phone, ''), person.phone),
        name = coalesce(nullif(excluded.name, ''), person.name),
        company = coalesce(nullif(excluded.company, ''), person.company),
        country = coalesce(nullif(excluded.country, ''), person.country),
        language = coalesce(nullif(excluded.language, ''), person.language),
        customer_since = coalesce(excluded.customer_since, person.customer_since),
        properties = person.properties || excluded.properties
    WHERE person.reservations = %(seen)s
    RETURNING person.id
)
INSERT INTO feedback_invitation (product_id, survey_id, version_id, respondent_id, channel, language, token_digest,
    url, device, app_version, is_test, created_at, expires_at)
SELECT %(product)s, %(survey)s, %(version)s, person.id, %(channel)s, %(language)s, %(token_digest)s,
    %(url)s, %(device)s, %(app_version)s, %(is_test)s, %(at)s, %(expires_at)s
FROM person
"""  # noqa: S608  put together from constants of this file


@dataclass(frozen=True, kw_only=True)
class PersonFacts:
    """What is stored about a person, under any of the keys they may have been met under."""

    is_met: bool = False
    reservations: int = 0
    first_seen_at: datetime | None = None
    customer_since: datetime | None = None
    has_objected: bool = False
    is_restricted: bool = False
    history: tuple[Occasion, ...] = ()


def load_person(product: ProductFacts, person: Person, *, at: datetime) -> PersonFacts:
    """Return what is stored about the person and their device together; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            PERSON, [at - product.history_matters, product.id, person.subject_keys[0], person.subject_keys[-1]]
        )
        rows = cursor.fetchall()
    if not rows:
        return PersonFacts()
    own = next((row for row in rows if row[1] == person.subject_key), None)
    return PersonFacts(
        is_met=own is not None,
        reservations=own[2] if own else 0,
        first_seen_at=min(row[3] for row in rows),
        customer_since=own[4] if own else None,
        has_objected=any(row[5] for row in rows),
        is_restricted=any(row[6] for row in rows),
        history=tuple(Occasion(**dict(zip(OCCASION, row[7:], strict=True))) for row in rows if row[7] is not None),
    )


def meet(product: ProductFacts, person: Person, *, at: datetime) -> None:
    """Remember when somebody was first seen; one statement, harmless when they are known already."""
    with connection.cursor() as cursor:
        cursor.execute(MEET, _person_values(product, person, at=at, first=0))


def reserve(product: ProductFacts, person: Person, *, at: datetime, seen: int, invitation: dict[str, Any]) -> bool:
    """Reserve an invitation unless the person's counter moved on since it was read; one statement.

    Args:
        seen: the counter the decision was based on; 0 where the person had never been met.
        invitation: columns of the new invitation.

    Returns:
        Whether the invitation was reserved; if not, somebody else was quicker.
    """
    with connection.cursor() as cursor:
        cursor.execute(RESERVE, {**_person_values(product, person, at=at, first=1), **invitation, "seen": seen})
        return bool(cursor.rowcount)


def _person_values(product: ProductFacts, person: Person, *, at: datetime, first: int) -> dict[str, Any]:
    return {
        "product": product.id,
        "subject_key": person.subject_key,
        "external_id": person.external_id,
        "email": person.email,
        "phone": person.phone,
        "anonymous_id": person.anonymous_id,
        "name": person.name,
        "company": person.company,
        "country": person.country,
        "language": person.language,
        "properties": json.dumps(dict(person.properties)),
        "customer_since": person.customer_since,
        "at": at,
        "first": first,
    }
