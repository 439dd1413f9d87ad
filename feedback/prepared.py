"""Statements that stay prepared, for the few that run at page views.

An ordinary cursor spends as much time in Python on such a statement as the whole decision takes. These go to libpq's
own call for prepared statements. The server tells from what a parameter is compared with, or stored in, which type it
has, so that all of them travel as text and nothing has to be looked up from one call to the next.

Nothing else keeps its plan: one that serves any value is right for statements by keys that few rows share, as these
are, but what finds the responses of a large product fast would read all of them to find those of a small one. And
unlike the driver's own statements these cannot be interrupted: they are over in a moment, or wait for a lock as short.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any, Final

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import errors
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.backends.utils import CursorWrapper
    from psycopg.pq.abc import PGresult

PARAMETER: Final = re.compile(r"%\((\w+)\)s")
DONE: Final = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)
# What a statement ends with that was prepared before a migration changed a column, or before a pool cleaned up.
STALE: Final = (errors.FeatureNotSupported, errors.NumericValueOutOfRange, errors.InvalidSqlStatementName)


class PreparedStatement:
    """One statement prepared on one connection; of a cursor, as much as it takes to run it."""

    def __init__(self, connection: psycopg.Connection[Any], statement: str, name: str) -> None:
        self.connection = connection
        self.adapter = Transformer(connection)
        self.name = name.encode()
        self.parameters = tuple(dict.fromkeys(PARAMETER.findall(statement)))
        self.formats = [PyFormat.TEXT] * len(self.parameters)
        numbers = {parameter: f"${number}" for number, parameter in enumerate(self.parameters, start=1)}
        self.query = PARAMETER.sub(lambda match: numbers[match[1]], statement).encode()
        self.is_prepared = False

    def execute(self, _statement: str, parameters: Mapping[str, Any]) -> None:
        values: Any = self.adapter.dump_sequence([parameters[name] for name in self.parameters], self.formats)
        self._begin()
        try:
            self.result = self._run(values)
        except STALE:
            self.is_prepared = False
            if self.connection.pgconn.transaction_status != TransactionStatus.IDLE:
                raise  # the block is lost; the next one finds the statement prepared anew
            self.result = self._run(values)

    def _run(self, values: Any) -> PGresult:
        server = self.connection.pgconn
        if not self.is_prepared:
            self._check(server.close_prepared(self.name))
            self._check(server.prepare(self.name, self.query))
            self.is_prepared = True
        return self._check(server.exec_prepared(self.name, values))

    @property
    def rowcount(self) -> int:
        return self.result.command_tuples or 0

    def fetchall(self) -> list[tuple[Any, ...]]:
        self.adapter.set_pgresult(self.result)
        return self.adapter.load_rows(0, self.result.ntuples, tuple)

    def _begin(self) -> None:
        """Begin the transaction that the driver begins at a block's first statement, at the usual level."""
        is_idle = self.connection.pgconn.transaction_status == TransactionStatus.IDLE
        if is_idle and not self.connection.autocommit:
            self._check(self.connection.pgconn.exec_(b"BEGIN"))

    def _check(self, result: PGresult) -> PGresult:
        if result.status in DONE:
            return result
        if result.error_field(DiagnosticField.SQLSTATE) is None:  # not the server's word: it is gone
            raise psycopg.OperationalError(result.get_error_message())
        raise errors.error_from_result(result, self.connection.info.encoding)


class _Kept(threading.local):
    server: Any = None
    statements: dict[str, Any]  # PreparedStatement; Django's types would have a cursor of its own


_kept = _Kept()


def run_prepared(statement: str, parameters: Mapping[str, Any]) -> CursorWrapper:
    """Run a statement and return its cursor, whose rows are to be fetched at once.

    Args:
        statement: one of the constants of the project, without a percent sign but for its named parameters. It stays
            prepared as long as the thread's connection.
    """
    database = connections[DEFAULT_DB_ALIAS]
    database.close_if_health_check_failed()
    database.ensure_connection()
    if _kept.server is not database.connection:
        _kept.server, _kept.statements = database.connection, {}
    if statement not in _kept.statements:
        name = f"kept_{len(_kept.statements)}"
        _kept.statements[statement] = PreparedStatement(database.connection, statement, name)
    prepared = _kept.statements[statement]
    cursor = database.make_debug_cursor(prepared) if database.queries_logged else database.make_cursor(prepared)
    cursor.execute(statement, parameters)
    return cursor
