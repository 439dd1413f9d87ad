"""The record of processing activities, Art. 30 GDPR, and the inventory as a text, in which every change can be seen.

Both are made from the declarations, so that neither can drift from what is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from privacy.access import title_of_table
from privacy.inventory import PURPOSES, STAFF, inventory, purpose_in_words
from privacy.notice import CategoryRow, longest_periods
from privacy.recipients import named_recipients

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_stubs_ext import StrOrPromise

    from privacy.inventory import Column, Inventory
    from privacy.models import Controller
    from privacy.recipients import NamedRecipient

OF_STAFF: Final = gettext_lazy("members of staff")
OF_CUSTOMERS: Final = gettext_lazy("users of the products, and whoever makes a request about their data")
# What Art. 32(1) has described in general terms; each sentence says what the product does wherever it runs.
MEASURES: Final = (
    gettext_lazy(
        "The texts and addresses in requests, and copies of data, are encrypted; of codes and links hashes are kept."
    ),
    gettext_lazy("Staff see what their role and their products allow, and every look at an identity is logged."),
    gettext_lazy("Administrators see personal data only in an emergency, and the data protection officers are told."),
    gettext_lazy("Erasures, refusals and the lifting of restrictions take two people; their trail cannot be changed."),
    gettext_lazy("A declaration of every stored column is checked before the database is changed."),
)
# Bases as a record names them, where the notice says them in words.
ARTICLES: Final[dict[str, StrOrPromise]] = {
    "6(1)(a)": gettext_lazy("Art. 6(1)(a) GDPR"),
    "6(1)(b)": gettext_lazy("Art. 6(1)(b) GDPR"),
    "6(1)(c)": gettext_lazy("Art. 6(1)(c) GDPR"),
    "6(1)(f)": gettext_lazy("Art. 6(1)(f) GDPR"),
}
# What is not a table, by its kind.
STORES: Final[dict[str, StrOrPromise]] = {
    "cookie": gettext_lazy("cookies"),
    "local storage": gettext_lazy("local storage of browsers"),
    "cache": gettext_lazy("cache of the servers"),
    "session": gettext_lazy("sessions on the servers"),
    "queue": gettext_lazy("queue of background work"),
    "file": gettext_lazy("encrypted files of copies"),
    "mail provider": gettext_lazy("mail provider"),
    "mailbox": gettext_lazy("mailbox of replies"),
    "log": gettext_lazy("technical logs"),
    "backup": gettext_lazy("backup copies"),
}
HEADINGS: Final = ("column", "category", "purpose", "keep", "access", "portable", "erasure", "end", "rectify", "logged")


@dataclass(frozen=True)
class Activity:
    """What is done for one purpose, in the active language.

    Args:
        article: what allows it.
        balancing_test: where that of a legitimate interest is written down; else empty.
        people: whose data they are.
        categories: kinds of data with the longest time any of it is kept.
        places: titles of the tables, and kinds of other stores, that hold them.
    """

    purpose: str
    article: str
    balancing_test: str
    people: tuple[str, ...]
    categories: tuple[CategoryRow, ...]
    places: tuple[str, ...]


@dataclass(frozen=True)
class ProcessingRecord:
    """The record of one controller, in the active language."""

    controller: Controller
    activities: tuple[Activity, ...]
    recipients: tuple[NamedRecipient, ...]
    measures: tuple[str, ...]


def record_of_processing(*, controller: Controller, language: str) -> ProcessingRecord:
    """Return what Art. 30(1) has a controller keep.

    Args:
        language: code of ``LANGUAGES``, which is also the active one.
    """
    backups = _("Backups are overwritten within %(days)s days.") % {"days": settings.BACKUP_WINDOW_DAYS}
    return ProcessingRecord(
        controller=controller,
        activities=tuple(activities(language=language)),
        recipients=tuple(named_recipients([controller], language=language)),
        measures=(*map(str, MEASURES), backups),
    )


def activities(*, language: str, declared: Inventory = inventory) -> Iterator[Activity]:
    """Yield what is done with personal data, of staff too, for each purpose for which anything is stored."""
    for key, purpose in PURPOSES.items():
        columns = [column for column in _columns(declared) if column.personal and column.purpose == key]
        if columns:
            yield Activity(
                purpose=purpose_in_words(key, language),
                article=str(ARTICLES[purpose.basis]),
                balancing_test=purpose.balancing_test,
                people=tuple(_people(columns)),
                categories=longest_periods(columns),
                places=tuple(dict.fromkeys(_places(declared, key))),
            )


def inventory_as_text(declared: Inventory = inventory) -> str:
    """Return every declaration as Markdown, in English whatever language is active."""
    with override("en"):
        return "\n".join(chain(_purposes(declared), _tables(declared), _stores(declared))) + "\n"


def _columns(declared: Inventory) -> Iterator[Column]:
    for table in declared.tables.values():
        yield from table.columns.values()
    for store in declared.stores.values():
        yield store.column


def _people(columns: list[Column]) -> Iterator[str]:
    of_staff = {column.category == STAFF.category for column in columns}
    if False in of_staff:
        yield str(OF_CUSTOMERS)
    if True in of_staff:
        yield str(OF_STAFF)


def _places(declared: Inventory, purpose: str) -> Iterator[str]:
    for table in declared.tables.values():
        if any(column.personal and column.purpose == purpose for column in table.columns.values()):
            yield title_of_table(table)
    for store in declared.stores.values():
        if store.column.personal and store.column.purpose == purpose:
            yield capfirst(str(STORES[store.kind]))


def _purposes(declared: Inventory) -> Iterator[str]:
    yield from ("# What is stored about people", "", "Written by `manage.py inventory`, from the declarations.", "")
    yield from ("| purpose | basis | kept at most |", "| --- | --- | --- |")
    for each in activities(language="en", declared=declared):
        kept = "; ".join(f"{row.name}: {row.keep}" for row in each.categories)
        basis = f"{each.article}, {each.balancing_test}" if each.balancing_test else each.article
        yield f"| {each.purpose} | {basis} | {kept} |"


def _tables(declared: Inventory) -> Iterator[str]:
    for label in sorted(declared.tables):
        table = declared.tables[label]
        yield from ("", f"## {label}", "")
        found_by = (
            "the person's own" if table.person == "" else table.person or table.waived or "says nothing of people"
        )
        yield f"Found by: {found_by}."
        named = (*table.identifiers.items(), *table.marks.items(), *table.suppresses.items())
        if named:
            yield f"Leads to people and marks them: {', '.join(f'{name} = {column}' for name, column in named)}."
        others = [name for name, column in table.columns.items() if not column.personal]
        if others:
            yield f"Not personal: {', '.join(sorted(others))}."
        rows = {name: column for name, column in table.columns.items() if column.personal}
        if rows:
            yield from ("", f"| {' | '.join(HEADINGS)} |", f"|{' --- |' * len(HEADINGS)}")
        for name in sorted(rows):
            yield _row(name, rows[name])


def _stores(declared: Inventory) -> Iterator[str]:
    yield from ("", "## Elsewhere", "", f"| {' | '.join(HEADINGS)} |", f"|{' --- |' * len(HEADINGS)}")
    for name in sorted(declared.stores):
        store = declared.stores[name]
        yield _row(f"{name} ({store.kind})", store.column)


def _row(name: str, column: Column) -> str:
    said: tuple[StrOrPromise, ...] = (name, column.category, column.purpose, column.keep, column.access)
    done: tuple[StrOrPromise, ...] = (column.erasure, column.expiry, column.rectification)
    cells = (*said, "yes" if column.portability else "no", *done, "yes" if column.logged else "no")
    return f"| {' | '.join(map(str, cells))} |"
