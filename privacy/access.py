"""What a copy of somebody's data holds: which datasets, which columns, and every record, as the inventory allows.

Nothing here knows an application. Memory stays flat however many records there are: rows come from a cursor on the
server. GDPR Art. 15(1), (3) and (4), Art. 20.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext

from privacy.inventory import Access, inventory
from privacy.models import AccessLogEntry, IdentityProof, Redaction, RightsRequest
from privacy.subjects import Subject, model_of, rows_of, subject_of, tables_about_people

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from zoneinfo import ZoneInfo

    from django.db.models import Model, QuerySet

    from privacy.inventory import Table

AT_ONCE: Final = 1000  # rows that are held in memory
MOST_NAMES: Final = 10_000  # of related rows that are remembered
RECORD: Final = "record"  # the number of a record, beside its columns
STAFF_MEMBER: Final = "staff"  # who has no role


class Treatment(StrEnum):
    """How a column got into the copy."""

    EXACT = "exact"
    DERIVED = "derived"  # by us
    ROLE = "role"
    CONTEXT = "context"  # says nothing about a person by itself, but what the record is about


TREATMENTS: Final = {Access.EXACT: Treatment.EXACT, Access.LABELLED: Treatment.DERIVED, Access.ROLE: Treatment.ROLE}


@dataclass(frozen=True)
class ShownColumn:
    """A column of a dataset; the name is stable, the title is in the active language."""

    name: str
    title: str
    treatment: Treatment
    field: Any


@dataclass(frozen=True)
class Dataset:
    """A table as somebody gets it; the name is stable, the title is in the active language."""

    table: Table
    title: str
    columns: tuple[ShownColumn, ...]

    @property
    def name(self) -> str:
        return self.table.model


def subject_of_copy(request: RightsRequest) -> Subject:
    """Return whom a copy is about: whom the proofs lead to, and every request that the same person proved theirs.

    The mailbox of somebody who acts for others joins nothing: their clients are different people.
    """
    subject = subject_of(request)
    of_agents = Q(kind=IdentityProof.Kind.MAILBOX, request__acts_for_another=True)
    own = IdentityProof.objects.filter(identifier_hash__isnull=False).exclude(of_agents)
    proved = own.filter(identifier_hash__in=own.filter(request=request).values("identifier_hash"))
    same = RightsRequest.objects.filter(controller=request.controller_id, proofs__in=proved)
    theirs = {request.pk, *same.values_list("pk", flat=True)}
    return replace(subject, records=(*subject.records, (RightsRequest._meta.label, tuple(sorted(theirs)))))


def tables_of_copy(*, portable: bool) -> Iterator[Table]:
    """Yield the tables that a copy may draw on: those about people, then requests, then who among the staff read."""
    yield from tables_about_people()
    if portable:
        return
    for table in inventory.tables.values():
        if _is_about_requests(table):
            yield table
    yield inventory.tables[AccessLogEntry._meta.label]


def dataset_of(table: Table, *, portable: bool) -> Dataset:
    """Return what of a table somebody gets; without columns where they get nothing."""
    model = model_of(table)
    columns = [column for field in model._meta.concrete_fields if (column := _shown(table, field, portable=portable))]
    if not any(column.treatment is not Treatment.CONTEXT for column in columns):
        columns = []
    return Dataset(table, title_of_table(table), tuple(columns))


def title_of_table(table: Table) -> str:
    """Return what a table is called in the active language; one that only links is called as what it links to."""
    model = model_of(table)
    made_for: Any = model._meta.auto_created  # the model that a table of links was made for
    return capfirst(str((made_for or model)._meta.verbose_name_plural))


def title_of_column(field: Any) -> str:
    """Return what a column is called in the active language."""
    unnamed = not field._verbose_name and field.related_model
    return capfirst(str(field.related_model._meta.verbose_name if unnamed else field.verbose_name))


def rows_about(table: Table, subject: Subject) -> QuerySet[Any]:
    """Return the rows of a table that a copy for the subject is made from, in a stable order."""
    if table.model != AccessLogEntry._meta.label:
        return rows_of(table, subject)
    kinds = [
        AccessLogEntry.objects.filter(record_kind=each.model, record_number__in=rows_of(each, subject).values("pk"))
        .order_by()
        .values("pk")
        for each in (*tables_about_people(), inventory.tables[RightsRequest._meta.label])
    ]
    # One after the other, each by the index: joined by "or", they would be one scan of the whole log.
    return AccessLogEntry.objects.filter(pk__in=kinds[0].union(*kinds[1:], all=True)).order_by("pk")


def records(
    table: Table, subject: Subject, *, portable: bool, left_out: Collection[tuple[int, str]] = ()
) -> Iterator[dict[str, Any]]:
    """Yield every record of a table that is about the subject, ready for JSON.

    Args:
        portable: only what the person provided or was observed doing, Art. 20.
        left_out: (number of the record, column) of values about somebody else; such a record lacks the column.

    Yields:
        name of the column → value, and ``record`` → number. Times are in UTC; staff appear as their role; another row
        appears as its number where it is about a person, else as its name.
    """
    dataset = dataset_of(table, portable=portable)
    rows = rows_about(table, subject).values("pk", *(column.field.attname for column in dataset.columns))
    yield from converted(dataset, rows.iterator(chunk_size=AT_ONCE), left_out=left_out)


def converted(
    dataset: Dataset, rows: Iterable[dict[str, Any]], *, left_out: Collection[tuple[int, str]] = ()
) -> Iterator[dict[str, Any]]:
    """Yield rows of a dataset's table, as dictionaries by ``attname``, ready for JSON."""
    hidden, names, source = frozenset(left_out), _Names(dataset), iter(rows)
    while chunk := list(islice(source, AT_ONCE)):
        names.learn(chunk)
        for row in chunk:
            number = row["pk"]
            record = {RECORD: number}
            for name, attname, value in names.readers:
                if not hidden or (number, name) not in hidden:
                    record[name] = value(row[attname])
            yield record


def redactions(request: RightsRequest) -> dict[str, set[tuple[int, str]]]:
    """Return what is left out of every copy that a request leads to: table → (number of the record, column)."""
    found: dict[str, set[tuple[int, str]]] = {}
    for redaction in Redaction.objects.filter(item__request=request):
        found.setdefault(redaction.dataset, set()).add((redaction.record_number, redaction.column))
    return found


def in_words(field: Any, value: Any, *, zone: ZoneInfo) -> str:
    """Return a value of a record in the active language, as people read it; empty where there is none."""
    if value is None or value == "" or value == [] or value == {}:
        return ""
    if getattr(field, "flatchoices", None):
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(field, models.BooleanField):
        return gettext("yes") if value else gettext("no")
    if isinstance(field, models.DateTimeField) and (moment := parse_datetime(value)):
        return date_format(moment.astimezone(zone), "DATETIME_FORMAT")
    if isinstance(field, models.DateField) and (day := parse_date(value)):
        return date_format(day, "DATE_FORMAT")
    if isinstance(field, models.ForeignKey) and field.related_model is User:
        return role_in_words(value)
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    if isinstance(value, dict):
        return "; ".join(f"{key}: {each}" for key, each in value.items())
    return str(value)


def role_in_words(role: str) -> str:
    """Return a role of staff in the active language; the names of roles are translated where they are declared."""
    if role == STAFF_MEMBER:
        return gettext("member of staff")
    return ", ".join(gettext(name.replace("_", " ")) for name in role.split(","))


class _Names:
    """What rows that others point at are called: read once for many records, and forgotten when there are too many.

    Attributes:
        readers: (name of the column, key in a row, what makes its value ready for JSON).
    """

    def __init__(self, dataset: Dataset) -> None:
        self._known: dict[tuple[type[Model], Any], Any] = {}
        people = {model_of(table) for table in tables_about_people()} | {RightsRequest}
        self._named = {
            column.field.attname: column.field.related_model
            for column in dataset.columns
            if isinstance(column.field, models.ForeignKey)
            and column.field.related_model not in people
            and not _is_about_requests(inventory.tables.get(column.field.related_model._meta.label))
        }
        self.readers = [
            (column.name, column.field.attname, self._reader(self._named.get(column.field.attname)))
            for column in dataset.columns
        ]

    def learn(self, chunk: list[dict[str, Any]]) -> None:
        """Read what the rows of a chunk point at, a statement for each foreign key."""
        if len(self._known) > MOST_NAMES:
            self._known.clear()
        for attname, model in self._named.items():
            keys = {row[attname] for row in chunk} - {None}
            unknown = [key for key in keys if (model, key) not in self._known]
            if unknown:
                found = model._base_manager.in_bulk(unknown)
                self._known.update({(model, key): _name_of(row) for key, row in found.items()})

    def _reader(self, model: Any) -> Callable[[Any], Any]:
        if model is None:
            return _plain
        return lambda key: None if key is None else self._known.get((model, key))


def _name_of(row: Model) -> str:
    if isinstance(row, User):
        return ",".join(sorted(row.groups.values_list("name", flat=True))) or STAFF_MEMBER
    return str(row)


def _plain(value: Any) -> Any:
    """Return a value as JSON holds it, without losing anything."""
    if value is None or isinstance(value, str | int | float | bool | dict):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)


def _shown(table: Table, field: Any, *, portable: bool) -> ShownColumn | None:
    declared = table.columns[field.name]
    if declared.personal:
        treatment = TREATMENTS.get(declared.access)
        if treatment is None or (portable and not declared.portability):
            return None
    elif portable or not _is_context(field):
        return None
    else:
        treatment = Treatment.CONTEXT
    return ShownColumn(field.name, title_of_column(field), treatment, field)


def _is_context(field: Any) -> bool:
    """Tell whether a column that is not personal makes a record intelligible: it has a name, and is not only ours."""
    return bool(field._verbose_name) and field.editable and not field.primary_key


def _is_about_requests(table: Table | None) -> bool:
    if table is None:
        return False
    if table.model == RightsRequest._meta.label:
        return True
    model = model_of(table)
    for name in (table.person or "").split("__"):
        related = model._meta.get_field(name).related_model if name else None
        if related is None or isinstance(related, str):
            return False
        model = related
    return model is RightsRequest
