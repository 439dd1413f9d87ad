"""Many rows at once through PostgreSQL's COPY, which takes them several times as fast as INSERT statements do."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections, models

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.fields import Field

# Fields whose values PostgreSQL's driver takes as they are; preparing them would double the time of an import.
_PLAIN: Final = (
    *(models.BigAutoField, models.BooleanField, models.CharField, models.EmailField, models.TextField),
    *(models.BinaryField, models.DateField, models.DateTimeField, models.UUIDField),
    *(models.PositiveIntegerField, models.SmallIntegerField),
)
Row = TypeVar("Row", bound=models.Model)


def copy_in(rows: Sequence[Row]) -> None:
    """Write new rows of one table and give them their primary keys; triggers run as for one INSERT statement.

    Raises:
        IntegrityError: as an INSERT would.
    """
    if rows:
        _number(rows)
        _copy(rows, _table(rows))


def copy_in_missing(rows: Sequence[Row]) -> None:
    """Write those rows of one table that violate no unique constraint, leaving out the others.

    The objects' primary keys mean nothing afterwards: read back what is there.
    """
    if not rows:
        return
    _number(rows)
    table, columns = _table(rows), _columns(rows)
    with connection.cursor() as cursor:  # COPY itself knows no ON CONFLICT
        cursor.execute(f"CREATE TEMPORARY TABLE waiting (LIKE {table})")
        _copy(rows, "waiting")
        cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM waiting ON CONFLICT DO NOTHING")  # noqa: S608  names of our columns
        cursor.execute("DROP TABLE waiting")


def _table(rows: Sequence[Row]) -> str:
    return connection.ops.quote_name(rows[0]._meta.db_table)


def _stored(rows: Sequence[Row]) -> list[Field[Any, Any]]:
    return [field for field in rows[0]._meta.concrete_fields if not field.generated]


def _columns(rows: Sequence[Row]) -> str:
    return ", ".join(connection.ops.quote_name(str(field.column)) for field in _stored(rows))


def _number(rows: Sequence[Row]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
            [_table(rows), rows[0]._meta.pk.column, len(rows)],
        )
        for row, (number,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = number


def _copy(rows: Sequence[Row], table: str) -> None:
    database = connections[DEFAULT_DB_ALIAS]  # Django's proxy would cost a look-up for every value
    values = [_reader(field, database) for field in _stored(rows)]
    with database.cursor() as cursor, cursor.copy(f"COPY {table} ({_columns(rows)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([value(row) for value in values])


def _reader(field: Field[Any, Any], database: BaseDatabaseWrapper) -> Callable[[models.Model], Any]:
    """Return what reads a column's value off an object; where Django changes nothing about it, directly."""
    is_plain = type(field) in _PLAIN or isinstance(field, models.ForeignKey)
    if is_plain and not getattr(field, "auto_now", False) and not getattr(field, "auto_now_add", False):
        return attrgetter(field.attname)
    return lambda row: field.get_db_prep_save(field.pre_save(row, add=True), database)
