"""Writes drawn history into the database in bulk; the triggers on responses keep the tallies."""

from __future__ import annotations

import time
from dataclasses import dataclass
from operator import itemgetter
from random import Random
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from config.sample.history import Chunk, History, Row
from feedback.models import Invitation, Respondent, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from django.db.models import Model

    from surveys.models import Survey

CHUNK: Final = 5_000  # responses in one transaction
IDS_AT_ONCE: Final = 10_000


class RefusedInProductionError(Exception):
    """Made-up data must never mix with people's."""


@dataclass(frozen=True)
class Seeded:
    """What was written, in rows of all tables together, and how long it took in seconds."""

    responses: int
    rows: int
    seconds: float

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds


def seed(
    *,
    surveys: Sequence[Survey],
    responses: int,
    days: int = 365,
    random: Random | None = None,
    progress: Callable[[Seeded], None] | None = None,
) -> Seeded:
    """Write made-up respondents, invitations and exactly this many responses to published surveys.

    Args:
        surveys: at least one published survey.
        days: how far back the history reaches.
        random: where chance comes from; without it every call draws something else.
        progress: called after every chunk, which is a transaction of its own.

    Raises:
        RefusedInProductionError: this is a production system.
    """
    if settings.IS_PRODUCTION:
        raise RefusedInProductionError("made-up responses are refused in production")
    began = time.monotonic()
    history = History(
        surveys,
        random=random or Random(),
        until=timezone.now(),
        days=days,
        ids={model._meta.model_name or "": keys(model) for model in (Respondent, Invitation, Response)},
    )
    done = Seeded(0, 0, 0)
    while done.responses < responses:
        chunk = history.draw(min(CHUNK, responses - done.responses))
        _write(chunk)
        done = Seeded(done.responses + len(chunk.responses), done.rows + chunk.size, time.monotonic() - began)
        if progress:
            progress(done)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE feedback_respondent, feedback_invitation, feedback_response, feedback_tally")
    return Seeded(done.responses, done.rows, time.monotonic() - began)


@transaction.atomic
def _write(chunk: Chunk) -> None:
    for model, rows in (
        (Respondent, chunk.respondents),
        (Invitation, chunk.invitations),
        (Response, chunk.responses),
    ):
        copy_rows(model, rows)


def copy_rows(model: type[Model], rows: Sequence[Row]) -> None:
    """Insert rows with COPY; a column that the rows do not name gets its field's default."""
    if not rows:
        return
    named = list(rows[0])
    defaults = {
        field.column: field.get_db_prep_save(field.get_default(), connection)
        for field in model._meta.concrete_fields
        if field.column not in named and not field.generated
    }
    columns = ", ".join(f'"{column}"' for column in [*named, *defaults])
    constants = tuple(defaults.values())
    values: Callable[[Row], tuple[Any, ...]] = itemgetter(*named)
    with connection.cursor() as cursor, cursor.copy(f'COPY "{model._meta.db_table}" ({columns}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(values(row) + constants)


def keys(model: type[Model]) -> Iterator[int]:
    """Yield primary keys from the table's own sequence, so that others may insert meanwhile."""
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                [model._meta.db_table, IDS_AT_ONCE],
            )
            yield from [number for (number,) in cursor.fetchall()]
