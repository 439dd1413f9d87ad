"""The archive of a package: pages for people, JSON and CSV for machines, written as one stream."""

from __future__ import annotations

import io
import json
import zipfile
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language

from privacy.access import RECORD, Treatment, in_words, title_of_table
from privacy.inventory import inventory
from privacy.models import AccessLogEntry
from privacy.packages.contents import not_included
from privacy.packages.information import information
from privacy.packages.schema import VERSION, format_of, schema
from privacy.packages.tables import ENCODING, write_table
from privacy.subjects import tables_about_people

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO, TextIO

    from privacy.access import Dataset, ShownColumn
    from privacy.packages.contents import Contents, Part

SHOWN: Final = 100  # records of a dataset on the page; all of them are in its table
LONGEST: Final = 2_000  # characters of a value on the page
WIDE: Final = 60  # characters from which a value gets a line of its own


def write_archive(stream: IO[bytes], contents: Contents) -> None:
    """Write a package as a ZIP file to a stream that cannot go back.

    A copy under Art. 20 has data alone; one under Art. 15 has pages, information and reasons too.
    """
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        writer = _Archive(archive, contents)
        if not contents.portable:
            left_out, told = not_included(contents), information(contents)
            writer.page("index.html", "index", {**_overview(contents), "left_out": left_out, "told": told})
            writer.page("information.html", "information", {"told": told})
            writer.json("information.json", told)
            writer.json("not_included.json", left_out)
        writer.json("data.schema.json", schema(contents))
        with writer.text("data.json") as out:
            _write_data(out, contents)
        for part in contents.parts:
            with writer.text(table_name(part.dataset), encoding=ENCODING) as out:
                write_table(out, part.dataset, contents.records(part.dataset))


def table_name(dataset: Dataset) -> str:
    """Return the name of a dataset's CSV file in the archive."""
    return f"csv/{dataset.name}.csv"


class _Archive:
    """Adds files to an archive, each as a stream of text."""

    def __init__(self, archive: zipfile.ZipFile, contents: Contents) -> None:
        self._archive = archive
        self._contents = contents

    def text(self, name: str, *, encoding: str = "utf-8") -> TextIO:
        at = self._contents.made_at.astimezone(self._contents.zone)
        entry = zipfile.ZipInfo(name, date_time=(at.year, at.month, at.day, at.hour, at.minute, at.second))
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o600 << 16
        return io.TextIOWrapper(self._archive.open(entry, "w"), encoding=encoding, newline="")

    def json(self, name: str, value: Any) -> None:
        with self.text(name) as out:
            json.dump(value, out, ensure_ascii=False, indent=2)

    def page(self, name: str, template: str, context: dict[str, Any]) -> None:
        common = {
            "request": self._contents.request,
            "controller": self._contents.controller,
            "made_at": self._contents.made_at,
            "language": get_language(),
        }
        with self.text(name) as out, timezone.override(self._contents.zone):
            out.write(render_to_string(f"privacy/package/{template}.html", {**common, **context}))


def _write_data(out: TextIO, contents: Contents) -> None:
    """Write ``data.json`` record by record."""
    head = {
        "format": format_of(contents),
        "version": VERSION,
        "reference": contents.request.reference,
        "controller": contents.controller.name,
        "language": get_language(),
        "made_at": contents.made_at.isoformat(),
    }
    out.write(_json(head)[:-1] + ', "datasets": {')
    for number, part in enumerate(contents.parts):
        derived = [column.name for column in part.dataset.columns if column.treatment is Treatment.DERIVED]
        begin = {"title": part.dataset.title, "derived": derived, "count": part.count}
        out.write(f"{',' if number else ''}\n{_json(part.dataset.name)}: {_json(begin)[:-1]}, ")
        out.write('"records": [')
        for position, record in enumerate(contents.records(part.dataset)):
            out.write(f"{',' if position else ''}\n{_json(record)}")
        out.write("]}")
    out.write("\n}}\n")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _overview(contents: Contents) -> dict[str, Any]:
    """Return the datasets as the page shows them: the person's, their requests, who read."""
    people = {table.model for table in tables_about_people()}
    reads = AccessLogEntry._meta.label
    groups: dict[str, list[dict[str, Any]]] = {"yours": [], "requests": [], "reads": []}
    for part in contents.parts:
        group = "yours" if part.dataset.name in people else "reads" if part.dataset.name == reads else "requests"
        groups[group].append(_section(contents, part))
    return groups


def _section(contents: Contents, part: Part) -> dict[str, Any]:
    shown = list(islice(contents.records(part.dataset), SHOWN))
    return {
        "id": part.dataset.name.replace(".", "-").lower(),
        "title": part.dataset.title,
        "count": part.count,
        "file": table_name(part.dataset),
        "is_cut": part.count > len(shown),
        "shown": len(shown),
        "records": [list(_facts(contents, part.dataset.columns, record)) for record in shown],
    }


def _facts(contents: Contents, columns: tuple[ShownColumn, ...], record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a record says, in words: what is empty is left out, what is about somebody else is said to be."""
    yield {"title": "", "text": record[RECORD]}
    for column in columns:
        if column.name not in record:
            yield {"title": column.title, "is_redacted": True}
            continue
        text = _text(contents, column, record[column.name])
        if text:
            yield {
                "title": column.title,
                "text": text[:LONGEST],
                "is_cut": len(text) > LONGEST,
                "is_long": len(text) > WIDE,
                "is_derived": column.treatment is Treatment.DERIVED,
            }


def _text(contents: Contents, column: ShownColumn, value: Any) -> str:
    if column.name in ("record_kind", "dataset") and value in inventory.tables:  # a table, by its name
        return title_of_table(inventory.tables[value])
    return in_words(column.field, value, zone=contents.zone)
