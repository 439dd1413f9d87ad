"""Tables full of people and what they answered, written as fast as the database can.

The database makes the rows up itself, so that nothing has to be sent to it. What takes the time then is keeping unique
random keys in order, so indexes and constraints are made again from all rows at once.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

from django.db import connection, transaction

from feedback.models import Invitation, Respondent, Response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.bench.workplace import Workplace

EACH: Final = 50  # responses of a person
AT_ONCE: Final = 500_000  # responses in one statement
TABLES: Final = (Respondent, Invitation, Response)

# Person n has responses n * EACH to (n + 1) * EACH - 1; invitations have the numbers of their responses.
PEOPLE: Final = """
INSERT INTO feedback_respondent (product_id, subject_key, external_id, email, phone, anonymous_id, name, company,
    country, language, properties, first_seen_at, reservations, do_not_contact)
SELECT %(product)s, 'id:' || %(prefix)s || n, %(prefix)s || n, %(prefix)s || n || '@example.com', '', '',
    'Person ' || n, '', 'PL', 'pl', '{}', now() - interval '400 days', 0, false
FROM generate_series(%(first)s::int, %(last)s::int) AS n
RETURNING id
"""
ANSWERS: Final = """
WITH asked AS (
    INSERT INTO feedback_invitation (product_id, survey_id, version_id, respondent_id, channel, language, token_digest,
        url, device, app_version, is_test, created_at, expires_at, shown_at, responded_at)
    SELECT %(product)s, %(survey)s, %(version)s, person.id, 'web', 'pl',
        sha256(convert_to(person.external_id || '-' || n, 'UTF8')), '', 'desktop', '', false,
        now() - n * interval '7 days', now(), now() - n * interval '7 days', now() - n * interval '7 days'
    FROM feedback_respondent AS person, generate_series(1, %(each)s::int) AS n
    WHERE person.id BETWEEN %(first)s AND %(last)s
    RETURNING id, respondent_id, created_at
)
INSERT INTO feedback_response (product_id, survey_id, version_id, respondent_id, invitation_id, submission_id, seq,
    state, metric, band_profile, score, comment, reasons, contact_permission, receipt_hash, answered_at, answered_on,
    received_at, channel, language, country, company, name, email, url, device, app_version, properties, is_test,
    is_suspect, exclusion_reason, triage)
SELECT %(product)s, %(survey)s, %(version)s, respondent_id, id, gen_random_uuid(), 0, 'complete', 'nps', 'standard',
    id %% 11, CASE WHEN id %% 5 = 0 THEN 'It does what it says, and fast, but transfers take days' ELSE '' END, '{}',
    false, sha256(convert_to('receipt' || id, 'UTF8')), created_at, created_at::date, created_at, 'web', 'pl', 'PL', '',
    '', '', '', 'desktop', '', '{}', false, false, '', 'read'
FROM asked
"""

# Indexes, then unique constraints on which no foreign key rests.
INDEXES: Final = """
SELECT format('DROP INDEX %%I', indexname), indexdef FROM pg_indexes WHERE tablename = ANY(%(tables)s)
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = quote_ident(indexname)::regclass)
UNION ALL
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
    format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint AS held WHERE contype = 'u' AND conrelid = ANY(%(tables)s::regclass[])
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conindid = held.conindid)
"""


def fill(work: Workplace, *, first: int, last: int) -> float:
    """Let people with so many numbers have answered, and return the seconds; tallies follow as in a system in use."""
    began = time.monotonic()
    with _without_indexes():
        for start in range(first, last + 1, AT_ONCE // EACH):
            people = meet(work, prefix="few-", first=start, last=min(start + AT_ONCE // EACH - 1, last))
            answer(work, people, each=EACH)
            done = min(start * EACH + AT_ONCE, (last + 1) * EACH)
            work.report(f"  {done:,} of {(last + 1) * EACH:,} responses after {time.monotonic() - began:,.0f} s")
        work.report("  Making the indexes again …")
    with connection.cursor() as cursor:
        # Fresh rows cost their first readers time to mark them as committed.
        cursor.execute("VACUUM (ANALYZE) feedback_respondent, feedback_invitation, feedback_response, feedback_tally")
    return time.monotonic() - began


def meet(work: Workplace, *, prefix: str, first: int, last: int) -> range:
    """Store people and return their keys, which follow each other: nobody else fills this database."""
    with connection.cursor() as cursor:
        product = work.survey.product_id
        cursor.execute(PEOPLE, {"product": product, "prefix": prefix, "first": first, "last": last})
        keys = [key for (key,) in cursor.fetchall()]
    return range(min(keys), max(keys) + 1)


@transaction.atomic
def answer(work: Workplace, people: range, *, each: int) -> None:
    """Store the answers of people; every foreign key is right by construction, so that nobody needs to check it."""
    survey = work.survey
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE feedback_response ENABLE ALWAYS TRIGGER response_tally_on_insert")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute(
            ANSWERS,
            {
                "product": survey.product_id,
                "survey": survey.pk,
                "version": survey.current_version_id,
                "first": people.start,
                "last": people.stop - 1,
                "each": each,
            },
        )


@contextlib.contextmanager
def _without_indexes() -> Iterator[None]:
    """Drop the indexes, but for primary keys, and make them again from all rows at once."""
    with connection.cursor() as cursor:
        cursor.execute(INDEXES, {"tables": [model._meta.db_table for model in TABLES]})
        indexes = cursor.fetchall()
        for drop, _make in indexes:
            cursor.execute(drop)
        yield
        cursor.execute("SET maintenance_work_mem = '1GB'")
        for _drop, make in indexes:
            cursor.execute(make)
        cursor.execute("RESET maintenance_work_mem")
