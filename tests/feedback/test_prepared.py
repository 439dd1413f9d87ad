"""Statements that stay prepared with a thread's connection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from feedback.prepared import run_prepared
from privacy.models import Suppression
from tests.factories import make_product

ECHO = """
SELECT %(number)s::bigint, %(text)s::text, %(bytes)s::bytea, %(time)s::timestamptz, %(list)s::int[], %(yes)s::boolean,
    %(nothing)s::int, %(text)s::text
"""
INSERT = """
INSERT INTO privacy_suppression (product_id, digest, reason, created_at)
SELECT %(product)s, %(digest)s, %(reason)s, %(at)s
"""


def _ask(statement: str = "SELECT 1") -> object:
    return run_prepared(statement, {}).fetchall()[0][0]


def _statement(statement: str = "SELECT 1") -> object:
    return run_prepared(statement, {}).cursor


def _row(product: int) -> dict[str, object]:
    return {"product": product, "digest": b"\x00\xff", "reason": "erasure", "at": datetime(2026, 3, 1, tzinfo=UTC)}


@pytest.mark.django_db
def test_values_arrive_as_they_were_sent() -> None:
    time = datetime(2026, 3, 29, 1, 30, 0, 5, tzinfo=UTC)
    sent = {"number": 2**40, "text": "zażółć %s $1 '", "bytes": b"\x00\xff\\", "time": time, "list": [1, 2]}
    sent |= {"yes": True, "nothing": None}
    for _ in range(2):
        assert run_prepared(ECHO, sent).fetchall() == [(*sent.values(), sent["text"])]


@pytest.mark.django_db
def test_the_type_of_a_value_is_that_of_its_column() -> None:
    product = make_product()
    assert run_prepared(INSERT, _row(product.pk)).rowcount == 1
    stored = Suppression.objects.get()
    assert (stored.product_id, bytes(stored.digest)) == (product.pk, b"\x00\xff")
    assert stored.created_at == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.django_db
def test_a_statement_is_prepared_once_and_no_other_disturbs_it() -> None:
    kept = _statement()
    assert _statement("SELECT 2") is not kept
    assert _ask("SELECT 2") == 2
    assert _statement() is kept


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_gets_statements_of_its_own() -> None:
    before = _statement()
    connection.close()
    assert _ask() == 1
    assert _statement() is not before


@pytest.mark.django_db(transaction=True)
def test_a_block_that_fails_takes_its_rows_back_and_keeps_its_statements() -> None:
    product = make_product()
    with transaction.atomic():
        run_prepared(INSERT, _row(product.pk))
        assert Suppression.objects.exists()
        transaction.set_rollback(True)
    assert not Suppression.objects.exists()
    with transaction.atomic():  # where the driver prepared statements on its own, it would drop ours with them
        for _ in range(10):
            Suppression.objects.exists()
        transaction.set_rollback(True)
    assert run_prepared(INSERT, _row(product.pk)).rowcount == 1
    assert Suppression.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_the_database_refuses_is_an_error_of_django_and_leaves_the_statement_usable() -> None:
    product = make_product()
    assert run_prepared(INSERT, _row(product.pk)).rowcount == 1
    with pytest.raises(IntegrityError, match="duplicate key") as caught:
        run_prepared(INSERT, _row(product.pk))
    assert isinstance(caught.value.__cause__, psycopg.errors.UniqueViolation)
    assert run_prepared(INSERT, {**_row(product.pk), "digest": b"other"}).rowcount == 1


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_cannot_be_prepared_says_so() -> None:
    with pytest.raises(DatabaseError, match="nowhere"):
        _ask("SELECT * FROM nowhere")
    assert _ask() == 1


CHANGES = {
    "a type of the result": "ALTER TABLE moved ALTER letter TYPE varchar(9)",
    "a type of a parameter": "ALTER TABLE moved ALTER number TYPE bigint; UPDATE moved SET number = 1::bigint << 40",
    "all statements are dropped": "DEALLOCATE ALL",
}


@pytest.fixture
def moved():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE moved (number integer, letter varchar(1))")
        cursor.execute("INSERT INTO moved VALUES (1, 'a')")
        yield
        cursor.execute("DROP TABLE moved")


def _letters(number: int) -> list[tuple[str]]:
    return run_prepared("SELECT letter FROM moved WHERE number = %(number)s", {"number": number}).fetchall()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("moved")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_statement_is_prepared_anew_after_a_migration(change: str) -> None:
    assert _letters(1) == [("a",)]
    for statement in change.split(";"):
        with connection.cursor() as cursor:
            cursor.execute(statement)

    assert _letters(2**40 if "bigint" in change else 1) == [("a",)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("moved")
def test_a_block_that_meets_a_migration_is_lost_and_the_next_one_is_not() -> None:
    assert _letters(1) == [("a",)]
    with connection.cursor() as cursor:
        cursor.execute(CHANGES["a type of the result"])

    with pytest.raises(DatabaseError, match="cached plan"), transaction.atomic():
        _letters(1)
    with transaction.atomic():
        assert _letters(1) == [("a",)]


@pytest.mark.django_db(transaction=True)
def test_a_server_that_is_gone_is_an_operational_error() -> None:
    _ask()
    pid = connection.connection.info.backend_pid
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_terminate, pid).result()
    for _ in range(2):  # the server's last word, then silence
        with pytest.raises(OperationalError):
            _ask()
    connection.close()
    assert _ask() == 1


def _terminate(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_threads_never_share_a_statement() -> None:
    def ask_elsewhere() -> object:
        try:
            return _ask()
        finally:
            connection.close()

    before = _statement()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(ask_elsewhere).result() == 1
    assert _statement() is before
