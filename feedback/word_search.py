"""Words looked for in the comments of a million responses, without reading a million responses."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import connection, transaction

from feedback.models import Response

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.models import QuerySet

MOST_FOUND: Final = 1000
MOST_READ: Final = 20_000
COMMON: Final = 100  # of those that are read, so that words which few comments have are found however old they are


@dataclass(frozen=True)
class Found:
    """The responses that have the words.

    Args:
        keys: one more than ``MOST_FOUND`` where there are more.
        read: how many of the newest comments were looked at; ``None`` where all of them were.
    """

    keys: Sequence[int]
    read: int | None = None


def find_words(words: str, *, rows: QuerySet[Response], among: QuerySet[Response], beginnings: bool = True) -> Found:
    """Return the responses whose comment has all the words; whoever calls keeps those that are in ``rows``.

    Of words that ``COMMON`` or more of the newest ``MOST_READ`` comments have, or more than ``MOST_FOUND`` of all,
    those in ``rows`` among these newest are found, the newest first. Others are found in all comments, in no order: an
    index of words knows no dates, and to sort all that it finds of a common word takes seconds.

    Args:
        rows: where to look.
        among: of what the newest are looked at; all of ``rows`` are in it.
        beginnings: as in ``ResponseQuerySet.search``.
    """
    newest_first = ("-answered_at", "-pk")
    commented = among.exclude(comment="").order_by(*newest_first)
    first_left_out = list(commented.values_list("answered_at", flat=True)[MOST_READ : MOST_READ + 1])
    if first_left_out:
        rows = rows.filter(answered_at__gt=first_left_out[0])
    # Whatever has words has a comment; said, it lets the index of comments be read.
    recent = rows.exclude(comment="").search(words, beginnings=beginnings)  # type: ignore[attr-defined]  # the model's own queryset
    with _without("seqscan", "bitmapscan"):
        newest = list(recent.order_by(*newest_first).values_list("pk", flat=True)[: MOST_FOUND + 1])
    if not first_left_out:
        return Found(newest)
    if len(newest) >= COMMON:
        return Found(newest, MOST_READ)
    # Nothing is asked here but the words: how rare they are is a guess for the planner, and a wrong one reads it all.
    everywhere = Response.objects.order_by().search(words, beginnings=beginnings).values_list("pk", flat=True)
    with _without("seqscan"):
        keys = list(everywhere[: MOST_FOUND + 1])
    return Found(keys) if len(keys) <= MOST_FOUND else Found(newest, MOST_READ)


@contextlib.contextmanager
def _without(*kinds: str) -> Iterator[None]:
    """Keep the planner from kinds of plans."""
    with transaction.atomic(), connection.cursor() as cursor:
        for kind in kinds:
            cursor.execute(f"SET LOCAL enable_{kind} = off")
        yield
        for kind in kinds:
            cursor.execute(f"SET LOCAL enable_{kind} = on")
