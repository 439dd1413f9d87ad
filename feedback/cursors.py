"""A cursor that stays, for the statements that run at page views."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from django.db import connection

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper


class _Kept(threading.local):
    cursor: Any = None


_kept = _Kept()


def kept_cursor() -> CursorWrapper:
    """Return this thread's cursor, for one statement whose rows are fetched at once.

    A new cursor looks up for every parameter and every column how to write and read it, which for the statement that
    loads a person takes a quarter of its time.
    """
    connection.ensure_connection()
    if _kept.cursor is None or _kept.cursor.connection is not connection.connection:
        _kept.cursor = connection.create_cursor()
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    return wrap(_kept.cursor)
