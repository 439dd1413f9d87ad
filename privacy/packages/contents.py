"""What goes into one package: whom it is about, which datasets with how many records, and what is left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from privacy.access import (
    dataset_of,
    records,
    redactions,
    rows_about,
    subject_of_copy,
    tables_of_copy,
    title_of_column,
    title_of_table,
)
from privacy.inventory import BROWSER_KINDS, STAFF, Access, inventory
from privacy.models import Right
from privacy.notice import period_in_words
from privacy.subjects import model_of, tables_about_people

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django_stubs_ext import StrOrPromise

    from privacy.access import Dataset
    from privacy.inventory import Table
    from privacy.models import Controller, RequestItem, RightsRequest
    from privacy.subjects import Subject

IN_BROWSER: Final = gettext_lazy("It is kept in your own browser, where you can read and clear it.")
WHERE: Final[dict[str, StrOrPromise]] = {
    "backup": gettext_lazy(
        "Backups hold the same data once more. Nobody searches them; each is overwritten within %(keep)s."
    ),
    "log": gettext_lazy("Technical logs name records by number, never by value, and are kept for at most %(keep)s."),
    "cache": gettext_lazy("Counters against misuse hold fingerprints that say nothing, for at most %(keep)s."),
    "session": gettext_lazy("What staff looked up last is kept encrypted until they log out, at most %(keep)s."),
    "mail provider": gettext_lazy(
        "The provider that delivers our mail holds it for a while; what we wrote to you is in this copy."
    ),
    "mailbox": gettext_lazy("Your replies wait in a mailbox for minutes; what was read from it is in this copy."),
    "file": gettext_lazy("Encrypted copies that wait to be fetched are destroyed after %(keep)s."),
    **dict.fromkeys(BROWSER_KINDS, IN_BROWSER),
}
ELSEWHERE: Final = gettext_lazy("It is kept outside the database for at most %(keep)s.")


@dataclass(frozen=True, kw_only=True)
class Part:
    """One dataset of a package, and how many records of it there are."""

    dataset: Dataset
    count: int


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a package is made from; every record is read again for each file, so that none has to be remembered."""

    request: RightsRequest
    controller: Controller
    portable: bool
    subject: Subject
    parts: tuple[Part, ...]
    left_out: dict[str, set[tuple[int, str]]]
    made_at: datetime
    about_people: int

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.controller.time_zone)

    def records(self, dataset: Dataset) -> Iterator[dict[str, Any]]:
        return records(
            dataset.table, self.subject, portable=self.portable, left_out=self.left_out.get(dataset.name, ())
        )


def contents_of(item: RequestItem) -> Contents:
    """Return what the package of a requested right is made from; titles are in the active language."""
    request, portable = item.request, item.right == Right.PORTABILITY
    subject = subject_of_copy(request)
    parts = []
    for table in tables_of_copy(portable=portable):
        dataset = dataset_of(table, portable=portable)
        count = rows_about(table, subject).count() if dataset.columns else 0
        if count:
            parts.append(Part(dataset=dataset, count=count))
    people = {table.model for table in tables_about_people()}
    return Contents(
        request=request,
        controller=request.controller,
        portable=portable,
        subject=subject,
        parts=tuple(parts),
        left_out=redactions(request),
        made_at=timezone.now(),
        about_people=sum(part.count for part in parts if part.dataset.name in people),
    )


def not_included(contents: Contents) -> list[dict[str, Any]]:
    """Return what is not in the package, each with the reason, in the active language."""
    held = {part.dataset.name for part in contents.parts}
    found = [entry for table in inventory.tables.values() if table.model in held for entry in _withheld(table)]
    for label, values in sorted(contents.left_out.items()):
        if label in held:
            found += [_redacted(inventory.tables[label], number, name) for number, name in sorted(values)]
    for store in inventory.stores.values():
        column = store.column
        if column.personal and column.category != STAFF.category:
            reason = str(WHERE.get(store.kind, ELSEWHERE)) % {"keep": period_in_words(column.keep)}
            found.append({"store": store.name, "title": str(column.category), "reason": reason})
    return found


def _withheld(table: Table) -> Iterator[dict[str, Any]]:
    for field in model_of(table)._meta.concrete_fields:
        column = table.columns[field.name]
        if column.personal and column.access == Access.WITHHELD:
            yield {
                **_named(table, field.name),
                "reason": str(column.withheld_because),
            }


def _redacted(table: Table, number: int, name: str) -> dict[str, Any]:
    reason = gettext("it is about somebody else, whose rights it would affect (Art. 15(4) GDPR)")
    return {**_named(table, name), "record": number, "reason": reason}


def _named(table: Table, name: str) -> dict[str, Any]:
    field = model_of(table)._meta.get_field(name)
    title = f"{title_of_table(table)}: {title_of_column(field)}"
    return {"dataset": table.model, "column": name, "title": title}
