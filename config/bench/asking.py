"""The paths that customers' traffic takes: may this person be asked, and their score."""

from __future__ import annotations

import uuid
from datetime import timedelta
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Final

from django.db import connection
from django.utils import timezone

from config.bench.load import request, seconds_to_answer
from config.bench.registry import Measurement, benchmark, compare
from config.bench.workplace import SLICES
from config.sample.seeding import copy_rows, keys
from feedback.models import Invitation, Respondent
from privacy.encryption import new_token, token_digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from config.bench.workplace import Workplace

KINDS: Final = (("web", "pl"), ("web", "en"), ("mobile", "pl"), ("web", "pl"), ("mobile", "en"))
GOAL: Final = 0.75
UNIT: Final = "requests/s"
SUBMISSION_IN_SQL: Final = """
BEGIN;
SELECT id FROM bare_invitation WHERE token_digest = sha256(convert_to('pgbench' || :number, 'UTF8')) FOR UPDATE \\gset
INSERT INTO bare_response (invitation_id, submission_id, score, answered_at) VALUES (:id, gen_random_uuid(), 9, now());
UPDATE bare_invitation SET responded_at = now() WHERE id = :id;
COMMIT;
"""
ELIGIBILITY_IN_SQL: Final = """
SELECT next_check_at FROM bare_person WHERE subject_key = 'pgbench' || :number;
"""


@benchmark
def submission(work: Workplace) -> Iterator[Measurement]:
    """Score PUT, each the first answer to its invitation."""
    tokens = [new_token() for _ in range(_enough(work))]
    people = _meet(work, [f"invited-{number}" for number in range(len(tokens))])
    _invite(work, people, tokens, at=timezone.now())
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO bare_invitation (token_digest) VALUES (%s)", [(token_digest(token),) for token in tokens]
        )
        cursor.execute(
            "INSERT INTO bare_invitation (token_digest)"
            " SELECT sha256(convert_to('pgbench' || number, 'UTF8')) FROM generate_series(0, %s) AS number",
            [work.numbers],
        )
        cursor.execute("ANALYZE feedback_respondent, feedback_invitation, bare_invitation")
    scores = cycle(range(11))
    product = (request("PUT", f"/api/v1/invitations/{token}/response", _score(next(scores))) for token in tokens)
    floor = (request("PUT", f"/response/{token}", _score(next(scores))) for token in tokens)
    yield from _compare(
        work, "submission", product, floor, status=201, contains=b'"state":"partial"', sql=SUBMISSION_IN_SQL
    )


@benchmark
def eligibility_of_the_rested(work: Workplace) -> Iterator[Measurement]:
    """Known people who answered three weeks ago: the answer is no, as it is to nearly all page views."""
    people = [f"rested-{number}" for number in range(_enough(work))]
    weeks_ago = timezone.now() - timedelta(days=21)
    tokens = [new_token() for _ in people]
    _invite(work, _meet(work, people), tokens, at=weeks_ago, responded_at=weeks_ago)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bare_person (subject_key, next_check_at) SELECT unnest(%s::text[]), now()", [people]
        )
        cursor.execute(
            "INSERT INTO bare_person (subject_key, next_check_at)"
            " SELECT 'pgbench' || number, now() FROM generate_series(0, %s) AS number",
            [work.numbers],
        )
        cursor.execute("ANALYZE feedback_respondent, feedback_invitation, bare_person")
    product = (_ask(f"/api/v1/products/{work.survey.product.public_key}/eligibility", each) for each in people)
    floor = (_ask("/eligibility", each) for each in people)
    yield from _compare(
        work, "eligibility, not due", product, floor, status=200, contains=b'"eligible":false', sql=ELIGIBILITY_IN_SQL
    )


@benchmark
def eligibility_of_the_due(work: Workplace) -> Iterator[Measurement]:
    """Known people who may be asked: each request reserves an invitation."""
    people = [f"due-{number}" for number in range(_enough(work))]
    _meet(work, people)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bare_person (subject_key) SELECT unnest(%s::text[])", [people])
        cursor.execute("ANALYZE feedback_respondent, bare_person")
    product = (_ask(f"/api/v1/products/{work.survey.product.public_key}/eligibility", each) for each in people)
    floor = (_ask("/reservation", each) for each in people)
    yield from _compare(work, "eligibility, reserving", product, floor, status=200, contains=b'"eligible":true')


def _compare(
    work: Workplace,
    name: str,
    product: Iterator[bytes],
    floor: Iterator[bytes],
    *,
    status: int,
    contains: bytes,
    sql: str = "",
) -> Iterator[Measurement]:
    """Run the product, bare Django and pgbench in turn, and compare."""
    work.report(f"{name} …")

    def drive(port: int, messages: Iterator[bytes], number: int) -> float:
        return seconds_to_answer(port, list(islice(messages, number)), status=status, contains=contains)

    drive(work.product_port, product, work.warm_up)
    drive(work.floor_port, floor, work.warm_up)
    rates: dict[str, list[float]] = {"product": [], "floor": [], "sql": []}
    for _round in range(work.rounds):
        slices = [
            (drive(work.product_port, product, work.slice), drive(work.floor_port, floor, work.slice))
            for _slice in range(SLICES)
        ]
        for member, seconds in zip(("product", "floor"), zip(*slices, strict=True), strict=True):
            rates[member].append(SLICES * work.slice / sum(seconds))
        if sql:
            rates["sql"].append(work.pgbench(sql))
    yield compare(f"{name}, by bare Django", rates["product"], rates["floor"], unit=UNIT, goal=GOAL)
    if sql:
        yield compare(f"{name}, by pgbench", rates["product"], rates["sql"], unit=UNIT)


def _meet(work: Workplace, names: Sequence[str]) -> list[int]:
    """Store people whom the product has named before, and return their keys."""
    long_ago = timezone.now() - timedelta(days=400)
    rows: list[dict[str, Any]] = [
        {
            "id": key,
            "product_id": work.survey.product_id,
            "subject_key": f"id:{name}",
            "external_id": name,
            "first_seen_at": long_ago,
            "customer_since": long_ago,
        }
        for name, key in zip(names, keys(Respondent), strict=False)
    ]
    copy_rows(Respondent, rows)
    return [row["id"] for row in rows]


def _invite(
    work: Workplace, people: Sequence[int], tokens: Sequence[str], *, at: datetime, responded_at: datetime | None = None
) -> None:
    """Store an invitation for each of the people, shown at a moment."""
    rows = [
        {
            "id": key,
            "product_id": work.survey.product_id,
            "survey_id": work.survey.pk,
            "version_id": work.survey.current_version_id,
            "respondent_id": person,
            "channel": channel,
            "language": language,
            "token_digest": token_digest(token),
            "created_at": at,
            "expires_at": at + timedelta(days=60),
            "shown_at": at,
            "responded_at": responded_at,
        }
        for person, token, key, (channel, language) in zip(people, tokens, keys(Invitation), cycle(KINDS), strict=False)
    ]
    copy_rows(Invitation, rows)


def _enough(work: Workplace) -> int:
    return work.warm_up + work.rounds * work.requests


def _score(score: int) -> dict[str, Any]:
    return {"submission_id": str(uuid.uuid4()), "seq": 0, "score": score}


def _ask(path: str, person: str) -> bytes:
    context = {"channel": "web", "language": "pl", "url": "https://www.example.com/account", "device": "desktop"}
    return request("POST", path, {"user": {"id": person}, "context": context})
