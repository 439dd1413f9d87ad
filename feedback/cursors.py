"""Cursors that stay, for the statements that run at page views."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, connections

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper


class _Kept(threading.local):
    server: Any = None
    cursors: dict[str, Any]


_kept = _Kept()


def run_kept(statement: str, parameters: Any) -> CursorWrapper:
    """Run a statement and return this thread's cursor for it, whose rows are to be fetched at once.

    A cursor that is new, or that ran another statement before, looks up for every parameter and every column how to
    write and read it, which for the statement that loads a person takes a quarter of its time.

    Args:
        statement: one of the constants of the project: each gets a cursor that stays as long as the connection.
    """
    database = connections[DEFAULT_DB_ALIAS]
    database.close_if_health_check_failed()
    database.ensure_connection()
    if _kept.server is not database.connection:
        _kept.server, _kept.cursors = database.connection, {}
    cursor = _kept.cursors.get(statement)
    if cursor is None:
        cursor = _kept.cursors[statement] = database.create_cursor()
    wrapped = database.make_debug_cursor(cursor) if database.queries_logged else database.make_cursor(cursor)
    wrapped.execute(statement, parameters)
    return wrapped
