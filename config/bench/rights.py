"""What a person's rights cost, among few answers of others and among many."""

from __future__ import annotations

import contextlib
import time
import tracemalloc
from random import Random
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from django.db import connection, transaction

from config.bench.registry import Measurement, benchmark
from feedback.models import Invitation, Respondent, Response
from privacy import packages
from privacy.encryption import keyed_hash
from privacy.intake import Content, file_request
from privacy.models import IdentityProof, Package, RequestTask, Right

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from config.bench.workplace import Workplace
    from privacy.models import RequestItem

FEW: Final = 100_000  # responses
EACH: Final = 50  # responses of a person
RICH: Final = 50_000  # responses of the one who has most
AT_ONCE: Final = 500_000  # responses in one statement
SLOWER: Final = 2  # times as slow among many as among few, at most
MOST_MEMORY: Final = 64  # MB
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


@benchmark
def rights(work: Workplace) -> Iterator[Measurement]:
    """A copy of the data of one person with 50 answers, among few and among many, and of one who gave 50,000."""
    few = min(FEW, work.responses // 10)
    took: dict[int, float] = {}
    filled = 0
    for size in (few, work.responses):
        yield _fill(work, first=filled // EACH, last=size // EACH - 1)
        filled = size
        took[size] = median(_seconds(_item_of(work, f"few-{number}")) for number in _drawn(work, size // EACH))
    yield Measurement(
        name=f"access, {work.responses:,} responses by {few:,}",
        value=round(1000 * took[work.responses], 1),
        floor=round(1000 * took[few], 1),
        unit="ms",
        ratio=round(took[work.responses] / took[few], 3),
        goal=SLOWER,
        more_is_better=False,
    )
    yield from _largest(work)


def _largest(work: Workplace) -> Iterator[Measurement]:
    """Measure the package of the person with most records: the time, and once more the memory, which costs time."""
    records = min(RICH, work.responses // 4)
    people = _meet(work, prefix="rich-", first=0, last=0)
    _answer(work, people, each=records)
    item = _item_of(work, "rich-0")
    yield Measurement(name=f"package of {records:,} responses", value=round(_seconds(item), 1), unit="s")
    tracemalloc.start()
    _seconds(item)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    yield Measurement(
        name=f"memory for a package of {records:,} responses",
        value=round(peak / 2**20, 1),
        unit="MB",
        goal=MOST_MEMORY,
        more_is_better=False,
    )


def _fill(work: Workplace, *, first: int, last: int) -> Measurement:
    """Let people with so many numbers have answered; indexes and tallies are those of a system in use."""
    work.report(f"Filling the tables up to {(last + 1) * EACH:,} responses …")
    began = time.monotonic()
    with _without_indexes():
        for start in range(first, last + 1, AT_ONCE // EACH):
            people = _meet(work, prefix="few-", first=start, last=min(start + AT_ONCE // EACH - 1, last))
            _answer(work, people, each=EACH)
    with connection.cursor() as cursor:
        # Fresh rows cost their first readers time to mark them as committed.
        cursor.execute("VACUUM (ANALYZE) feedback_respondent, feedback_invitation, feedback_response, feedback_tally")
    seconds = time.monotonic() - began
    return Measurement(name=f"filling up to {(last + 1) * EACH:,} responses", value=round(seconds, 1), unit="s")


def _meet(work: Workplace, *, prefix: str, first: int, last: int) -> range:
    """Store people and return their keys, which follow each other: nobody else fills this database."""
    with connection.cursor() as cursor:
        product = work.survey.product_id
        cursor.execute(PEOPLE, {"product": product, "prefix": prefix, "first": first, "last": last})
        keys = [key for (key,) in cursor.fetchall()]
    return range(min(keys), max(keys) + 1)


@transaction.atomic
def _answer(work: Workplace, people: range, *, each: int) -> None:
    """Store the answers of people; every foreign key is right by construction, so that nobody needs to check it."""
    survey = work.survey
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE feedback_response ENABLE ALWAYS TRIGGER response_tally_on_insert")
        cursor.execute("SET LOCAL session_replication_role = replica")
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
    """Drop the indexes that are no constraints, and make them again from all rows at once, which is faster."""
    names = [model._meta.db_table for model in TABLES]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND NOT EXISTS ("
            "SELECT FROM pg_constraint WHERE conindid = quote_ident(indexname)::regclass)",
            [names],
        )
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        for _name, definition in indexes:
            cursor.execute(definition)


def _drawn(work: Workplace, people: int) -> list[int]:
    """Return numbers of people from all over the table."""
    return Random(people).sample(range(people), min(people, 2 * work.rounds + 1))  # noqa: S311  the same in every run


def _item_of(work: Workplace, name: str) -> RequestItem:
    """File the request of a person who proved their mailbox."""
    mailbox = f"{name}@example.com"
    content = Content(controller=work.survey.product.controller, rights=(Right.ACCESS,), language="en", email=mailbox)
    asked = file_request(content=content)
    IdentityProof.objects.create(
        request=asked,
        kind=IdentityProof.Kind.MAILBOX,
        identifier=mailbox,
        identifier_hash=keyed_hash("mailbox", mailbox),
    )
    return asked.items.get()


def _seconds(item: RequestItem) -> float:
    task, _made = RequestTask.objects.get_or_create(item=item, kind=RequestTask.Kind.PACKAGE, defaults={"position": 1})
    return _timed(lambda: packages.build(task), after=lambda: packages.destroy(package=Package.objects.get(item=item)))


def _timed(work: Callable[[], Any], *, after: Callable[[], Any]) -> float:
    began = time.monotonic()
    work()
    seconds = time.monotonic() - began
    after()
    return seconds
