"""Several workers at once, and workers whose connection dies in the middle of a part."""

import threading
import time

import pytest
from django.db import OperationalError, connection, transaction

from feedback import imports
from feedback.imports import running
from feedback.models import ImportRun, Invitation, Respondent, Response
from feedback.tallies import find_drift
from privacy.models import Controller, Product
from surveys.models import Survey
from tests.factories import make_controller
from tests.feedback.import_files import COLUMNS, csv_file, outcome, queued, reviews

pytestmark = pytest.mark.django_db(transaction=True)


def in_threads(*works):
    """Run every piece of work in a thread with its own connection, all at once, and raise what one of them raised."""
    errors, gate = [], threading.Barrier(len(works))

    def run(work):
        try:
            gate.wait(timeout=20)
            work()
        except Exception as error:  # noqa: BLE001  shown by the test that started the thread
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not any(thread.is_alive() for thread in threads)
    if errors:
        raise errors[0]


def written():
    return Response.objects.count(), Invitation.objects.count(), Respondent.objects.count()


def test_three_workers_on_one_run_write_each_row_once():
    run = queued(csv_file(reviews(1700)))

    in_threads(*[lambda: imports.process_run(run_id=run.pk)] * 3)

    run.refresh_from_db()
    assert outcome(run) == ("finished", 1700, 1700, 0, 0)
    assert run.done_rows == 1700
    assert written() == (1700, 1700, 1700)
    assert find_drift() == []


def test_two_runs_of_one_file_at_once_write_each_row_once():
    controller, content = make_controller(), csv_file(reviews(1200))
    runs = [queued(content, controller=controller) for _ in range(2)]

    in_threads(*[lambda run=run: imports.process_run(run_id=run.pk) for run in runs])

    for run in runs:
        run.refresh_from_db()
        assert run.state == "finished"
        assert run.imported + run.already_there == 1200
    assert sum(run.imported for run in runs) == 1200
    assert written() == (1200, 1200, 1200)
    assert (Product.objects.count(), Survey.objects.count()) == (2, 2)
    assert find_drift() == []


def test_rows_of_one_person_in_two_runs_at_once_share_a_respondent():
    controller = make_controller()
    columns = imports.Columns(product="product", score="score", date="date", comment="comment", respondent="id")
    headers = ["comment", "score", "date", "product", "id"]
    contents = [
        csv_file([[f"{side} {number}", "5", "2025-01-01", "A", f"k-{number % 40}"] for number in range(400)], headers)
        for side in ("left", "right")
    ]
    runs = [queued(content, controller=controller, columns=columns) for content in contents]

    in_threads(*[lambda run=run: imports.process_run(run_id=run.pk) for run in runs])

    assert written() == (800, 800, 40)


def test_a_worker_that_dies_in_the_middle_of_a_part_leaves_nothing_of_it_behind():
    run = queued(csv_file(reviews(1200)))
    backend = []

    def work():
        def remember(_run):
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                backend.append(cursor.fetchone()[0])
            reported.set()
            proceed.wait(timeout=20)

        with pytest.raises(OperationalError):
            imports.process_run(run_id=run.pk, report_progress=remember)

    def kill():
        assert reported.wait(timeout=60)
        # The worker takes the run's lock, then waits for the controller's: there it dies.
        with transaction.atomic():
            Controller.objects.select_for_update().get(pk=run.controller_id)
            proceed.set()
            with connection.cursor() as cursor:
                waiting = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
                until = time.monotonic() + 20
                cursor.execute(waiting, backend)
                while not cursor.fetchone()[0]:
                    assert time.monotonic() < until
                    time.sleep(0.01)
                    cursor.execute("SELECT pg_stat_clear_snapshot()")
                    cursor.execute(waiting, backend)
                cursor.execute("SELECT pg_terminate_backend(%s)", backend)

    reported, proceed = threading.Event(), threading.Event()
    in_threads(work, kill)

    run.refresh_from_db()
    assert (run.state, run.done_rows) == ("running", running.PART)
    assert written() == (running.PART,) * 3

    imports.process_run(run_id=run.pk)

    run.refresh_from_db()
    assert outcome(run) == ("finished", 1200, 1200, 0, 0)
    assert written() == (1200, 1200, 1200)
    assert find_drift() == []


def test_a_worker_left_over_from_a_dry_run_does_not_write_into_the_run_that_follows():
    run = ImportRun.objects.get(pk=queued(csv_file(reviews(700)), dry_run=True).pk)

    def start_again(tried):
        # Somebody else finishes the dry run meanwhile, and its owner starts the import with other columns.
        ImportRun.objects.filter(pk=tried.pk).update(
            state="running", is_dry_run=False, mapping={**COLUMNS.stored(), "comment": ""}
        )

    imports.process_run(run_id=run.pk, report_progress=start_again)

    assert written() == (0, 0, 0)
