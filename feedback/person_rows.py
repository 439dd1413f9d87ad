"""The statement that loads what is stored about a person; ``facts`` says what its rows mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from feedback.prepared import run_prepared

if TYPE_CHECKING:
    from datetime import datetime

    from feedback.identity import Person
    from feedback.products import ProductFacts

MOST_SIMILAR: Final = 10  # records that one e-mail or phone leads to

# Everybody whose clocks count, with their invitations: the person, the device, and what either is linked to; on a
# device also what others were asked there, because nobody knows who sits in front of it once they have logged out.
# There is always a row; of somebody never met it only says whether they are suppressed. Times travel as numbers, which
# take a tenth of the work to read.
BY_KEY: Final = """
    SELECT coalesce(person_id, id) AS id FROM feedback_respondent
    WHERE product_id = %(product)s AND subject_key IN (%(own_key)s, %(device_key)s, %(second_key)s, %(third_key)s)
"""
PERSON_OTHERWISE: Final = f"""
SELECT list.is_suppressed, member.id, member.subject_key, member.person_id, member.reservations,
       extract(epoch FROM member.first_seen_at)::float8, extract(epoch FROM member.customer_since)::float8,
       member.objected_at IS NOT NULL, member.restricted_at IS NOT NULL,
       member.country, member.company, member.language, member.properties::text, member.mail_bounced_at IS NOT NULL,
       false, member.unsubscribed_at IS NOT NULL OR member.do_not_contact,
       invitation.id, invitation.survey_id, extract(epoch FROM invitation.created_at)::float8,
       extract(epoch FROM invitation.sent_at)::float8, extract(epoch FROM invitation.shown_at)::float8,
       extract(epoch FROM invitation.responded_at)::float8, extract(epoch FROM invitation.declined_at)::float8,
       extract(epoch FROM invitation.snoozed_at)::float8
FROM (
    SELECT EXISTS (
        SELECT FROM privacy_suppression WHERE product_id = %(product)s AND digest IN (%(first)s, %(second)s, %(third)s)
    ) AS is_suppressed
) list
LEFT JOIN ({BY_KEY}) root ON true
LEFT JOIN LATERAL (
    SELECT * FROM feedback_respondent WHERE id = root.id
    UNION ALL
    SELECT * FROM feedback_respondent WHERE person_id = root.id
) member ON true
LEFT JOIN LATERAL (
    SELECT * FROM feedback_invitation
    WHERE respondent_id = member.id AND NOT is_test AND created_at > %(since)s
    UNION ALL
    SELECT * FROM feedback_invitation
    WHERE borrowed_device_id = member.id AND NOT is_test AND created_at > %(since)s
        AND (member.person_id IS NULL OR member.subject_key IN (%(own_key)s, %(device_key)s))
) invitation ON true
"""  # noqa: S608  put together from constants of this file

# A mailbox that a whole company shares leads to some of its people: whoever of them was asked, it rests.
BY_ADDRESS: Final = f"""{BY_KEY}
    UNION (
        SELECT id FROM feedback_respondent
        WHERE product_id = %(product)s AND email = %(email)s AND email <> '' AND person_id IS NULL LIMIT {MOST_SIMILAR}
    ) UNION (
        SELECT id FROM feedback_respondent
        WHERE product_id = %(product)s AND phone = %(phone)s AND phone <> '' AND person_id IS NULL LIMIT {MOST_SIMILAR}
    )
"""  # noqa: S608  put together from constants of this file
# Only by e-mail is a permission needed, and looking for it costs a tenth of the statement.
PERSON_BY_MAIL: Final = PERSON_OTHERWISE.replace(
    "false",
    """EXISTS (
           SELECT FROM feedback_channelpermission permission WHERE permission.respondent_id = member.id
               AND permission.channel = 'email' AND permission.withdrawn_at IS NULL
       )""",
)
ADDRESS_OTHERWISE: Final = PERSON_OTHERWISE.replace(BY_KEY, BY_ADDRESS)
ADDRESS_BY_MAIL: Final = PERSON_BY_MAIL.replace(BY_KEY, BY_ADDRESS)


def rows_of(product: ProductFacts, person: Person, *, channel: str, at: datetime) -> list[tuple[Any, ...]]:
    """Return a row for each invitation of each row of the person; at least one."""
    otherwise, by_mail = PERSON_OTHERWISE, PERSON_BY_MAIL
    if person.is_known_by_address:
        otherwise, by_mail = ADDRESS_OTHERWISE, ADDRESS_BY_MAIL
    own_key = person.subject_key
    second_key, third_key = (*person.lasting_keys[1:], own_key, own_key)[:2]
    first, second, third = person.suppression_digests
    cursor = run_prepared(
        by_mail if channel == "email" else otherwise,
        {
            **{"product": product.id, "since": at - product.history_matters},
            **{"own_key": own_key, "device_key": person.device_key or own_key},
            **{"second_key": second_key, "third_key": third_key},
            **{"first": first, "second": second, "third": third, "email": person.email, "phone": person.phone},
        },
    )
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
