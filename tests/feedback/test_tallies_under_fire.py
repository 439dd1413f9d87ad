"""Many writers at once, and writers that die: the tallies must equal a recount afterwards."""

import random
import threading
import time

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import Sum
from django.utils import timezone

from feedback.models import Response, Tally
from feedback.tallies import find_drift, repair_tallies
from surveys.scales import Metric
from tests.factories import make_invitation, make_response, make_survey

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
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    if errors:
        raise errors[0]


def counts():
    sums = Tally.objects.order_by().values("score").annotate(total=Sum("count")).exclude(total=0)
    return dict(sums.values_list("score", "total"))


def test_writers_at_the_same_time_keep_tallies_equal_to_a_recount():
    survey = make_survey(metric=Metric.NPS)
    edited = [make_response(survey=survey, score=5).pk for _ in range(12)]
    excluded = [make_response(survey=survey, score=5).pk for _ in range(12)]
    erased = [make_response(survey=survey, score=5).respondent for _ in range(12)]

    def insert():
        for _ in range(12):
            make_response(survey=survey, score=5)

    def edit(seed):
        dice = random.Random(seed)
        for pk in dice.sample(edited, len(edited)):
            Response.objects.filter(pk=pk).update(score=dice.choice([4, 5, 6]))

    def exclude():
        for pk in excluded:
            Response.objects.filter(pk=pk).update(excluded_at=timezone.now(), exclusion_reason="duplicate")

    def erase():
        for respondent in erased:
            respondent.delete()

    in_threads(insert, insert, lambda: edit(1), lambda: edit(2), exclude, erase)

    assert find_drift() == []
    assert sum(counts().values()) == 24 + 12


def test_bulk_writers_over_the_same_tallies_in_opposite_order_do_not_deadlock():
    survey = make_survey(metric=Metric.NPS)
    for score in range(11):
        for _ in range(3):
            make_response(survey=survey, score=score)
    pks = list(Response.objects.order_by("pk").values_list("pk", flat=True))

    def move(mine, change):
        for _ in range(15):
            Response.objects.filter(pk__in=mine).update(score=change)
            Response.objects.filter(pk__in=mine).update(score=10 - change)

    in_threads(lambda: move(pks[::2], 0), lambda: move(pks[1::2], 10), lambda: move(pks[2:3], 3))

    assert find_drift() == []


def test_a_repair_waits_for_writers_that_have_not_committed():
    survey = make_survey(metric=Metric.NPS)
    make_response(survey=survey, score=5)
    Tally.objects.update(count=40)
    written = threading.Event()

    @transaction.atomic
    def write():
        make_response(survey=survey, score=5)
        written.set()
        with connection.cursor() as cursor:
            for _ in range(200):
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                if cursor.fetchone()[0]:
                    return
                time.sleep(0.05)
        raise AssertionError("the repair did not wait")

    def repair():
        assert written.wait(timeout=20)
        repair_tallies()

    in_threads(write, repair)

    assert counts() == {5: 2}
    assert find_drift() == []


def test_a_repair_while_others_write_loses_nothing():
    survey = make_survey(metric=Metric.NPS)
    make_response(survey=survey, score=5)
    Tally.objects.update(count=40)

    def insert():
        for _ in range(15):
            make_response(survey=survey, score=5)

    in_threads(insert, repair_tallies, insert, repair_tallies)

    assert find_drift() == []
    assert counts() == {5: 31}


def test_a_transaction_that_is_rolled_back_leaves_no_trace_in_the_tallies():
    response = make_response(score=9)

    with transaction.atomic():
        Response.objects.filter(pk=response.pk).update(score=2)
        make_response(score=1)
        transaction.set_rollback(True)

    assert counts() == {9: 1}
    assert find_drift() == []


def test_a_writer_that_is_killed_half_way_leaves_tallies_equal_to_a_recount():
    survey = make_survey(metric=Metric.NPS)
    kept = make_response(survey=survey, score=9)
    invitation = make_invitation(survey=survey)
    written, killed = threading.Event(), threading.Event()
    victim = []

    @transaction.atomic
    def write():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            victim.append(cursor.fetchone()[0])
        Response.objects.filter(pk=kept.pk).update(score=1)
        make_response(survey=survey, invitation=invitation, score=2)
        written.set()
        assert killed.wait(timeout=20)
        Response.objects.filter(pk=kept.pk).update(score=0)

    def write_and_be_killed():
        with pytest.raises(OperationalError):
            write()

    def kill():
        assert written.wait(timeout=20)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", victim)
            assert cursor.fetchone()[0] is True
        killed.set()

    in_threads(write_and_be_killed, kill)

    assert counts() == {9: 1}
    assert find_drift() == []
