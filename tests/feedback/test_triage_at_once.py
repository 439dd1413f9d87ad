"""Two members of staff triage overlapping selections at the same moment: real threads against PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import OperationalError, connection, transaction

from feedback import tagging, triage
from feedback.models import Response, ResponseTag, Tag
from feedback.tallies import find_drift
from tests.factories import make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 20


def at_once(*works):
    """Run each piece of work in a thread with a connection of its own and return the errors that they ended with."""
    start = Barrier(len(works))

    def attempt(work):
        try:
            start.wait(timeout=10)
            work()
        except OperationalError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        return [error for error in threads.map(attempt, works) if error]


def may_be_locked(response):
    """Tell whether nobody holds a lock on the response."""
    try:
        with transaction.atomic():
            Response.objects.select_for_update(nowait=True).get(pk=response.pk)
    except OperationalError:
        return False
    return True


def somebody_waits_for_us():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return cursor.fetchone()[0] > 0


def test_selections_in_opposite_orders_do_not_deadlock():
    survey, reviewer = make_survey(), make_staff("reviewer")
    responses = [make_response(survey=survey) for _ in range(40)]

    def one():
        for _ in range(ROUNDS):
            triage.exclude(responses=responses, reason="spam", by=reviewer)
            triage.add_tag(responses=responses, name="fees", by=reviewer)
            triage.include(responses=responses, by=reviewer)

    def other():
        for _ in range(ROUNDS):
            triage.archive(responses=responses[::-1], by=reviewer)
            triage.remove_tag(responses=responses[::-1], name="fees", by=reviewer)
            triage.mark_read(responses=responses[::-1], by=reviewer)

    assert at_once(one, other) == []

    assert Response.objects.counted().count() == 40
    assert ResponseTag.objects.count() in {0, 40}
    assert find_drift() == []


def test_who_tags_while_the_tag_is_merged_waits_and_gives_a_tag_that_exists():
    survey, reviewer = make_survey(), make_staff("reviewer")
    response = make_response(survey=survey)
    fees, costs = (Tag.objects.create(product=survey.product, name=name) for name in ("fees", "costs"))

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            tagging.merge_tags(source=fees, target=costs)
            waiting = threads.submit(at_once, lambda: triage.add_tag(responses=[response], name="fees", by=reviewer))
            while not somebody_waits_for_us():
                assert not waiting.done()
        assert waiting.result(timeout=10) == []

    assert [tag.name for tag in response.tags.all()] == ["fees"]


@pytest.mark.parametrize(
    "work",
    [
        lambda responses, by: triage.exclude(responses=responses, reason="spam", by=by),
        lambda responses, by: triage.include(responses=responses, by=by),
        lambda responses, by: triage.add_tag(responses=responses, name="fees", by=by),
        lambda responses, by: triage.remove_tag(responses=responses, name="fees", by=by),
        lambda responses, by: triage.mark_read(responses=responses, by=by),
        lambda responses, by: triage.archive(responses=responses, by=by),
    ],
)
def test_whoever_waits_for_the_lowest_number_holds_no_higher_one(work):
    survey, reviewer = make_survey(), make_staff("reviewer")
    lowest, highest = make_response(survey=survey), make_response(survey=survey)
    Response.objects.filter(pk=lowest.pk).update(comment="now behind the other in the table")

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            Response.objects.select_for_update().get(pk=lowest.pk)
            waiting = threads.submit(at_once, lambda: work([highest, lowest], reviewer))
            while not somebody_waits_for_us():
                assert not waiting.done()
            assert may_be_locked(highest)
        assert waiting.result(timeout=10) == []


def test_names_that_differ_in_capitals_become_one_tag():
    survey, reviewer = make_survey(), make_staff("reviewer")
    responses = [make_response(survey=survey) for _ in range(2)]

    def give(response, name):
        return lambda: triage.add_tag(responses=[response], name=name, by=reviewer)

    for number in range(ROUNDS):
        errors = at_once(*(give(*each) for each in zip(responses, (f"Price {number}", f"price {number}"), strict=True)))
        assert errors == []

    assert Tag.objects.count() == ROUNDS
    assert ResponseTag.objects.count() == 2 * ROUNDS
