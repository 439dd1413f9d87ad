"""How long staff wait for a list when there are a million responses."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Final

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection, models
from django.test import Client
from django.urls import reverse

from config.bench.load import UnexpectedAnswerError
from config.bench.registry import Measurement, benchmark
from config.roles import sync_roles
from feedback.models import Invitation, Response
from privacy.models import Membership

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.bench.workplace import Workplace

RESPONSES: Final = 1_000_000
GOAL: Final = 300  # milliseconds
TIMES: Final = 3
COPIES_AT_ONCE: Final = 10
FLAGGED: Final = 50_000
READS: Final = 200_000
# What staff ask of the longest list, beside its first page.
QUESTIONS: Final = (
    *("?p=100", "?o=4", "?band=detractor", "?has_comment=yes", "?triage__exact=unread", "?counted=no"),
    *("?q=aplikacja", "?q=qwertyuiop", "?language=en", "?channel__exact=email"),
)


@benchmark
def staff_pages(work: Workplace) -> Iterator[Measurement]:
    """The slowest list of the admin, in the time the server takes, for who sees everything of one controller."""
    began = time.perf_counter()
    fill(work)
    work.report(f"{RESPONSES:,} responses after {time.perf_counter() - began:.0f} s")
    client = log_in(work, "data_protection_officer"), log_in(work, "administrator")
    took = {name: milliseconds(one, address) for one in client for name, address in addresses(one)}
    for name, value in sorted(took.items(), key=lambda each: -each[1])[:8]:
        work.report(f"{value:6.0f} ms  {name}")
    slowest = max(took, key=lambda name: took[name])
    yield Measurement(
        name=f"slowest of {len(took)} lists ({slowest})",
        value=round(took[slowest]),
        unit="ms",
        goal=GOAL,
        more_is_better=False,
    )


def log_in(work: Workplace, role: str) -> Client:
    sync_roles()
    user, _made = User.objects.get_or_create(username=role, is_staff=True)
    user.groups.set([Group.objects.get(name=role)])
    Membership.objects.get_or_create(user=user, controller=work.survey.product.controller, product=None)
    client = Client(raise_request_exception=True)
    client.force_login(user)
    return client


def addresses(client: Client) -> Iterator[tuple[str, str]]:
    """Yield the lists that this member of staff may open, and what is asked of the list of responses."""
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        address = reverse(f"admin:{name}_changelist")
        if client.get(address).status_code == 200:
            yield model._meta.model_name or "", address
            if model is Response:
                yield from ((f"{model._meta.model_name} {question}", address + question) for question in QUESTIONS)
    yield "dashboard", reverse("admin:index")


def milliseconds(client: Client, address: str) -> float:
    """Return how long the server takes for a page, without the network; the median of a few times."""
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        status = client.get(address).status_code
        took.append((time.perf_counter() - began) * 1000)
        if status != 200:
            raise UnexpectedAnswerError(f"{address} answered {status}")
    return median(took)


def fill(work: Workplace) -> None:
    """Multiply the history inside the database until there are a million responses, then flag and log some of them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), max(invitation_id) FROM feedback_response")
        seeded, span = cursor.fetchone()
        copies = max(0, -(-(RESPONSES - seeded) // seeded))
        indexes = _take_indexes_away()  # writing them once in the end takes a fraction of the time
        for first in range(1, copies + 1, COPIES_AT_ONCE):
            last = min(first + COPIES_AT_ONCE - 1, copies)
            for model in (Invitation, Response):
                cursor.execute(_multiply(model), {"first": first, "last": last, "span": span, "seeded": span})
        for index in indexes:
            cursor.execute(index)
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('feedback_invitation', 'id'), max(id)) FROM feedback_invitation"
        )
        cursor.execute(FLAG, {"flagged": FLAGGED})
        user = User.objects.create(username="reader")
        cursor.execute(READ, {"user": user.pk, "reads": READS, "kind": Response._meta.label})
        cursor.execute("ANALYZE")


# The copies of one row differ in what must be unique, and in the time.
DIFFERENT: Final = {
    Invitation: {
        "id": "s.id + %(span)s::bigint * copy",
        "token_digest": "sha256(convert_to(gen_random_uuid()::text, 'UTF8'))",
        "created_at": "s.created_at - copy * interval '37 minutes'",
    },
    Response: {
        "id": "DEFAULT",
        "invitation_id": "s.invitation_id + %(span)s::bigint * copy",
        "submission_id": "gen_random_uuid()",
        "receipt_hash": "sha256(convert_to(gen_random_uuid()::text, 'UTF8'))",
        "answered_at": "s.answered_at - copy * interval '37 minutes'",
    },
}
SOURCE: Final = {
    Invitation: "s.id IN (SELECT invitation_id FROM feedback_response WHERE invitation_id <= %(seeded)s::bigint)",
    Response: "s.invitation_id <= %(seeded)s::bigint",
}
FLAG: Final = """
INSERT INTO feedback_followup (
    response_id, respondent_id, product_id, status, reason, priority, created_at, due_at, closed_at, closing_note
)
SELECT
    id, respondent_id, product_id, CASE WHEN is_newest THEN 'new' ELSE 'closed' END, 'Needs a call', 'normal',
    answered_at, answered_at + interval '2 days',
    CASE WHEN is_newest THEN NULL ELSE answered_at + interval '1 day' END,
    CASE WHEN is_newest THEN '' ELSE 'Called' END
FROM (
    SELECT *, row_number() OVER (PARTITION BY respondent_id ORDER BY answered_at DESC) = 1 AS is_newest
    FROM feedback_response WHERE band = 'detractor' LIMIT %(flagged)s::int
) AS flagged
"""
READ: Final = """
INSERT INTO privacy_accesslogentry (at, user_id, controller_id, product_id, record_kind, record_number, purpose)
SELECT r.answered_at, %(user)s::int, p.controller_id, p.id, %(kind)s::text, r.id, 'why_not'
FROM feedback_response r JOIN privacy_product p ON p.id = r.product_id LIMIT %(reads)s::int
"""


def _take_indexes_away() -> list[str]:
    """Drop the indexes that hold no rule, and return the statements that make them again."""
    tables = [Invitation._meta.db_table, Response._meta.db_table]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes "
            "WHERE tablename = ANY(%s) AND indexdef NOT LIKE 'CREATE UNIQUE%%'",
            [tables],
        )
        found = cursor.fetchall()
        for name, _definition in found:
            cursor.execute(f'DROP INDEX "{name}"')
    return [definition for _name, definition in found]


def _multiply(model: type[models.Model]) -> str:
    """Return the statement that writes copies of the seeded rows."""
    different = DIFFERENT[model]
    columns: list[str] = [
        str(field.column)
        for field in model._meta.concrete_fields
        if not field.generated and different.get(str(field.column)) != "DEFAULT"
    ]
    values = [different.get(column, f's."{column}"') for column in columns]
    table = model._meta.db_table
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} "  # noqa: S608  names of this file
        f"FROM {table} s, generate_series(%(first)s::int, %(last)s::int) AS copy WHERE {SOURCE[model]}"
    )
