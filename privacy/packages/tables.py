"""CSV files of a package: for spreadsheets, which must neither guess the encoding nor run what somebody wrote."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, Final

from privacy.access import RECORD, Treatment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from privacy.access import Dataset

ENCODING: Final = "utf-8-sig"  # without the mark at its beginning Excel takes the file for one in the local code page
# What makes a spreadsheet compute, OWASP "CSV injection"; full-width signs count as the plain ones.
COMPUTES: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
MISSING: Final = "[about somebody else]"


def write_table(out: TextIO, dataset: Dataset, records: Iterable[dict[str, Any]]) -> None:
    """Write the records of a dataset under the stable names of its columns, neutralised, headers too."""
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    derived = {column.name for column in dataset.columns if column.treatment is Treatment.DERIVED}
    names = [column.name for column in dataset.columns]
    headers = [f"{name} [derived by us]" if name in derived else name for name in names]
    writer.writerow([neutral(header) for header in (RECORD, *headers)])
    for record in records:
        writer.writerow([record[RECORD], *(neutral(record.get(name, MISSING)) for name in names)])


def neutral(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula; numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(COMPUTES) else text
