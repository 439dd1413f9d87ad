"""The paths that customers' traffic takes: may this person be asked, and their score."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice
from random import Random
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from django.db import connection
from django.utils import timezone

from config.bench.load import END_OF_HEAD, check, request, seconds_to_answer, seconds_to_converse
from config.bench.registry import Measurement, benchmark, compare
from config.bench.workplace import SLICES
from config.sample.seeding import copy_rows, keys
from feedback.models import Invitation, Respondent
from privacy.encryption import new_token, token_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from config.bench.load import Conversation
    from config.bench.workplace import Workplace

KINDS: Final = (("web", "pl"), ("web", "en"), ("mobile", "pl"), ("web", "pl"), ("mobile", "en"))
SUBMISSION_GOAL: Final = 0.75
FALL: Final = 0.9  # of the speed among few people is kept among many
FEW: Final = 10_000
AT_ONCE: Final = 20_000  # people in one COPY
REST_EVERY: Final = 10
LONGEST_FILLING: Final = 60  # seconds
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


@dataclass(frozen=True)
class Side:
    """One of those that are compared: the product, or bare Django in one of its views.

    Args:
        name: for the report.
        path: what it is asked.
        contains: what proves in an answer that the work was done.
        goal: the part of this one's speed that the product is to reach.
    """

    name: str
    path: str
    contains: bytes
    goal: float | None = None


@dataclass(frozen=True)
class Question:
    """May somebody be asked, put to people of whom the answer is known.

    Args:
        contains: what the product's answers have in them.
        floors: the last is what bare Django takes to do the same.
        sql: the same for pgbench, where it takes one statement.
    """

    contains: bytes
    floors: tuple[Side, ...]
    sql: str = ""


YES: Final = b'"eligible":true'
NO: Final = b'"eligible":false'
ONE_SELECT: Final = "/eligibility"
QUESTIONS: Final = {
    "not due": Question(NO, (Side("bare Django", ONE_SELECT, NO, 0.75),), sql=ELIGIBILITY_IN_SQL),
    # One SELECT first: the rows that a reservation changed cost whoever reads them next some of their time.
    "reserving": Question(YES, (Side("one SELECT", ONE_SELECT, NO, 0.5), Side("bare Django", "/reservation", YES))),
}


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
    is_stored = b'"state":"partial"'
    yield from _compare(
        work,
        "submission",
        Side("product", "/api/v1/invitations/{}/response", is_stored),
        (Side("bare Django", "/response/{}", is_stored, SUBMISSION_GOAL),),
        lambda path: (request("PUT", path.format(token), _score(each % 11)) for each, token in enumerate(tokens)),
        status=201,
        sql=SUBMISSION_IN_SQL,
    )


@benchmark
def eligibility(work: Workplace) -> Iterator[Measurement]:
    """May somebody be asked, among few people and among many: whoever is there is drawn from all of them."""
    few = max(FEW, _enough(work) * REST_EVERY // (REST_EVERY - 1) + REST_EVERY)
    by_floor: dict[str, list[Measurement]] = {name: [] for name in QUESTIONS}
    asked: set[int] = set()
    for size in (few, max(work.respondents, 2 * few)):
        yield _fill(work, size)
        for name, question in QUESTIONS.items():
            people = _draw(work, are_due=question.contains == YES, asked=asked)
            lines = list(
                _compare(
                    work,
                    f"eligibility, {name}, {size:,} people",
                    Side("product", work.asking_path, question.contains),
                    question.floors,
                    _questions_of(people),
                    status=200,
                    sql=question.sql,
                )
            )
            by_floor[name].append(lines[-1])
            yield from lines
    yield from (_many_by_few(name, *lines) for name, lines in by_floor.items())


def _questions_of(people: Sequence[str]) -> Callable[[str], Iterator[bytes]]:
    return lambda path: (_ask(path, each) for each in people)


def _many_by_few(name: str, among_few: Measurement, among_many: Measurement) -> Measurement:
    """Compare each by bare Django of the same minutes, so that only what many people cost the product is left."""
    few, many = among_few.ratio or 0, among_many.ratio or 0
    return Measurement(
        name=f"eligibility, {name}, many people by few",
        value=100 * many,
        floor=100 * few,
        unit="% of bare Django",
        ratio=round(many / few, 3),
        goal=FALL,
    )


@benchmark
def visits(work: Workplace) -> Iterator[Measurement]:
    """A whole visit of somebody who answers: the page asks, they give a score, they say why."""
    work.report("whole visits …")
    people = iter([f"visitor-{number}" for number in range(_enough(work))])
    _meet(work, [f"visitor-{number}" for number in range(_enough(work))])

    def visit(person: str) -> Conversation:
        answer = yield _ask(work.asking_path, person)
        check(answer, status=200, contains=b'"eligible":true')
        token = json.loads(answer.partition(END_OF_HEAD)[2])["invitation"]
        score = _score(9)
        check((yield request("PUT", f"/api/v1/invitations/{token}/response", score)), status=201, contains=b'"partial"')
        said = {"submission_id": score["submission_id"], "seq": 1, "comment": "It does what it says, and fast."}
        check((yield request("PUT", f"/api/v1/invitations/{token}/response", said)), status=200, contains=b'"complete"')

    def drive(number: int) -> float:
        return number / seconds_to_converse(work.product_port, [visit(each) for each in islice(people, number)])

    drive(work.warm_up)
    rate = median(drive(work.requests) for _round in range(work.rounds))
    yield Measurement(name="visit: eligibility, score, comment", value=round(rate, 1), unit="visits/s")


def _compare(
    work: Workplace,
    name: str,
    product: Side,
    floors: Sequence[Side],
    requests: Callable[[str], Iterator[bytes]],
    *,
    status: int,
    sql: str = "",
) -> Iterator[Measurement]:
    """Run the product, what it is compared with, and pgbench in turn, and compare; the last floor comes last.

    Args:
        requests: returns those to a path, as many as there may be.
    """
    work.report(f"{name} …")
    sides = (product, *floors)
    ports = {side.name: work.product_port if side is product else work.floor_port for side in sides}
    messages = {side.name: requests(side.path) for side in sides}

    def drive(side: Side, number: int) -> float:
        these = list(islice(messages[side.name], number))
        return seconds_to_answer(ports[side.name], these, status=status, contains=side.contains)

    for side in sides:
        drive(side, work.warm_up)
    rates: dict[str, list[float]] = {each: [] for each in (*ports, "sql")}
    for _round in range(work.rounds):
        slices = [[drive(side, work.slice) for side in sides] for _slice in range(SLICES)]
        for side, seconds in zip(sides, zip(*slices, strict=True), strict=True):
            rates[side.name].append(SLICES * work.slice / sum(seconds))
        if sql:
            rates["sql"].append(work.pgbench(sql))
    if sql:
        yield compare(f"{name}, by pgbench", rates[product.name], rates["sql"], unit=UNIT)
    for floor in floors:
        yield compare(f"{name}, by {floor.name}", rates[product.name], rates[floor.name], unit=UNIT, goal=floor.goal)


def _fill(work: Workplace, size: int) -> Measurement:
    """Let the product know so many people, one in ten of whom answered three weeks ago, and the floor as many."""
    work.report(f"Filling the tables up to {size:,} people …")
    began = time.monotonic()
    numbers = range(work.filled, max(size, work.filled))
    three_weeks_ago = timezone.now() - timedelta(days=21)
    for start in range(numbers.start, numbers.stop, AT_ONCE):
        part = range(start, min(start + AT_ONCE, numbers.stop))
        keys_of_part = _meet(work, [f"person-{number}" for number in part])
        rested = [key for number, key in zip(part, keys_of_part, strict=True) if number % REST_EVERY == 0]
        tokens = [new_token() for _ in rested]
        _invite(work, rested, tokens, at=three_weeks_ago, responded_at=three_weeks_ago)
    seconds = time.monotonic() - began
    work.filled = numbers.stop
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bare_person (subject_key, next_check_at)"
            " SELECT 'person-' || number, now() FROM generate_series(%s::int, %s::int) AS number"
            " UNION ALL SELECT 'pgbench' || number, now() FROM generate_series(0, %s::int) AS number"
            " ON CONFLICT DO NOTHING",
            [numbers.start, numbers.stop - 1, work.numbers],
        )
        cursor.execute(
            "INSERT INTO bare_invitation (token_digest)"
            " SELECT sha256(convert_to('filled' || number, 'UTF8')) FROM generate_series(%s::int, %s::int) AS number",
            [numbers.start // REST_EVERY, (numbers.stop - 1) // REST_EVERY],
        )
        # Fresh rows cost their first readers time to mark them as committed.
        cursor.execute("VACUUM (ANALYZE) feedback_respondent, feedback_invitation, bare_person, bare_invitation")
    return Measurement(
        name=f"filling by COPY, {len(numbers):,} people",
        value=round(seconds, 1),
        unit="s",
        goal=LONGEST_FILLING,
        more_is_better=False,
    )


def _draw(work: Workplace, *, are_due: bool, asked: set[int]) -> list[str]:
    """Return names from all over the tables; whoever is due, and reserves an invitation, is asked once only."""
    dice = Random(work.filled)  # noqa: S311  the same people in every run
    if are_due:
        due = [number for number in range(work.filled) if number % REST_EVERY and number not in asked]
        drawn = dice.sample(due, _enough(work))
        asked.update(drawn)
    else:
        drawn = dice.choices(range(0, work.filled, REST_EVERY), k=_enough(work))
    return [f"person-{each}" for each in drawn]


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
