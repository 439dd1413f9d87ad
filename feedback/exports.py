"""Tables that leave Odzew as files: CSV that every spreadsheet opens as text, never as a formula."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Cell = str | int | Decimal

PART: Final = 32_768  # characters
# What makes a spreadsheet take a cell for a formula: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def neutralised(cell: str) -> str:
    """Return a cell that no spreadsheet runs: what could be a formula gets an apostrophe in front."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def as_csv(headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return at once what ``csv_parts`` yields."""
    return b"".join(csv_parts(headers, rows))


def csv_parts(headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Yield a table as CSV in UTF-8 with its mark, without which Excel misreads Polish letters.

    Args:
        rows: texts, which are neutralised, and numbers, which stay numbers below zero too.
    """
    text = io.StringIO("\ufeff", newline="")
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text)
    writer.writerow(headers)
    for row in rows:
        writer.writerow([neutralised(cell) if isinstance(cell, str) else cell for cell in row])
        if text.tell() >= PART:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()
