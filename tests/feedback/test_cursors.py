"""The cursor that stays with a thread's connection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from feedback.cursors import kept_cursor


def _ask(statement: str = "SELECT 1") -> object:
    cursor = kept_cursor()
    cursor.execute(statement)
    row = cursor.fetchone()
    return row and row[0]


@pytest.mark.django_db
def test_statements_of_a_thread_share_one_cursor() -> None:
    assert kept_cursor().cursor is kept_cursor().cursor


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_gets_a_cursor_of_its_own() -> None:
    before = kept_cursor().cursor
    connection.close()
    assert _ask() == 1
    assert kept_cursor().cursor is not before


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_fails_leaves_the_cursor_usable() -> None:
    with pytest.raises(Exception, match="division by zero"):
        _ask("SELECT 1 / 0")
    assert _ask() == 1


@pytest.mark.django_db(transaction=True)
def test_threads_never_share_a_cursor() -> None:
    def ask_elsewhere() -> object:
        try:
            return _ask()
        finally:
            connection.close()

    before = kept_cursor().cursor
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(ask_elsewhere).result() == 1
    assert kept_cursor().cursor is before
