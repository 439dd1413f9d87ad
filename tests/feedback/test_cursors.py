"""The cursors that stay with a thread's connection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from feedback.cursors import run_kept


def _ask(statement: str = "SELECT 1") -> object:
    row = run_kept(statement, None).fetchone()
    return row and row[0]


def _cursor(statement: str = "SELECT 1") -> object:
    return run_kept(statement, None).cursor


@pytest.mark.django_db
def test_a_statement_has_one_cursor_which_no_other_disturbs() -> None:
    kept = _cursor()
    assert _cursor("SELECT 2") is not kept
    assert _ask("SELECT 2") == 2
    assert _cursor() is kept


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_gets_cursors_of_its_own() -> None:
    before = _cursor()
    connection.close()
    assert _ask() == 1
    assert _cursor() is not before


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_fails_leaves_the_cursor_usable() -> None:
    with pytest.raises(Exception, match="division by zero"):
        run_kept("SELECT 1 / %s::int", [0])
    assert run_kept("SELECT 1 / %s::int", [1]).fetchone() == (1,)


@pytest.mark.django_db(transaction=True)
def test_threads_never_share_a_cursor() -> None:
    def ask_elsewhere() -> object:
        try:
            return _ask()
        finally:
            connection.close()

    before = _cursor()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(ask_elsewhere).result() == 1
    assert _cursor() is before
