"""Django's PostgreSQL backend with a health check that costs no statement.

Django would send ``SELECT 1`` before the first statement of each request. A server that stops, though, closes its
connections, and the kernel knows: their sockets then have something to read while nobody waits for an answer. Asking
the kernel takes microseconds. A server that vanishes without a word, as with its machine, is found by the statement
that fails, as it would be by ``SELECT 1``.
"""

from __future__ import annotations

import select

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Tell whether the server still holds the other end; in a transaction or after an error ask the server."""
        if self.connection is None or has_something_to_read(self.connection):
            return False
        is_idle = self.connection.info.transaction_status == TransactionStatus.IDLE
        return (is_idle and not self.errors_occurred) or super().is_usable()


def has_something_to_read(connection: psycopg.Connection) -> bool:
    """Tell whether an idle connection was closed, or its server said something unasked, which is nearly always why."""
    try:
        poll = select.poll()
        poll.register(connection.pgconn.socket, select.POLLIN)
        return bool(poll.poll(0))
    except psycopg.OperationalError:  # closed on our side
        return True
