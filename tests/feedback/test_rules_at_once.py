"""Several workers apply rules at once, and one is killed in the middle: real threads against PostgreSQL."""

import threading
import time

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from feedback import rules
from feedback.models import FollowUp, Respondent, Response, ResponseTag, Rule, StaffMail, Tag
from feedback.rules import applying, finding
from tests.factories import make_respondent, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def busy(monkeypatch):
    """Forty responses, many of the same people, and a rule that does everything; batches are small."""
    monkeypatch.setattr(applying, "BATCH", 5)
    monkeypatch.setattr(finding, "CHUNK", 5)
    survey = make_survey()
    people = [make_respondent(product=survey.product) for _ in range(25)]
    for number in range(40):
        make_response(survey=survey, respondent=people[number % 25], score=1, completed_at=timezone.now())
    tag = Tag.objects.create(product=survey.product, name="unhappy")
    rule = Rule.objects.create(product=survey.product, name="All", adds_tag=tag, opens_follow_up=True)
    rule.alerts.set([make_staff("reviewer", product=survey.product)])
    return rule


def start(work):
    """Run a piece of work in a thread with a connection of its own; its error, if any, is in the list."""
    errors = []

    def run():
        try:
            work()
        except OperationalError as error:
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, errors


def waiting_for_us():
    """Return the backend that waits for a lock of ours, as soon as there is one."""
    for _attempt in range(500):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            row = cursor.fetchone()
        if row:
            return row[0]
        time.sleep(0.02)
    raise AssertionError("nobody waits")


def everything_happened_once():
    assert not Response.objects.filter(rules_applied_at__isnull=True).exists()
    assert ResponseTag.objects.count() == 40
    assert StaffMail.objects.count() == 40
    assert FollowUp.objects.count() == 25


def test_three_workers_share_the_work_and_nothing_happens_twice(busy):
    threads = [start(rules.apply_due_rules) for _ in range(3)]
    for thread, errors in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
        assert errors == []
    rules.apply_due_rules()

    everything_happened_once()


def test_a_worker_whose_connection_dies_in_the_middle_leaves_nothing_half_done(busy):
    with transaction.atomic():
        Tag.objects.select_for_update().get()  # the worker's taggings wait for it
        thread, errors = start(rules.apply_due_rules)
        killed = waiting_for_us()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [killed])
        thread.join(timeout=60)
    assert len(errors) == 1
    assert not (ResponseTag.objects.exists())
    assert not (StaffMail.objects.exists())
    assert not (FollowUp.objects.exists())
    assert Response.objects.filter(rules_applied_at__isnull=True).count() == 40

    rules.apply_due_rules()

    everything_happened_once()


def test_responses_that_somebody_works_on_are_left_for_later_without_waiting(busy):
    with transaction.atomic():
        mine = Response.objects.select_for_update().order_by("pk").first()
        person = Respondent.objects.select_for_update().exclude(pk=mine.respondent_id).order_by("pk").first()
        thread, errors = start(rules.apply_due_rules)
        thread.join(timeout=30)
        assert not thread.is_alive()
        assert errors == []
    left = Response.objects.filter(rules_applied_at__isnull=True)
    assert mine in left
    assert {response.respondent_id for response in left} == {mine.respondent_id, person.pk}
    assert not StaffMail.objects.filter(response__in=left).exists()

    rules.apply_due_rules()

    everything_happened_once()


def test_tagging_what_is_there_goes_on_where_a_killed_worker_stopped(busy):
    Rule.objects.update(opens_follow_up=False)
    rules.queue_tagging(rule=busy)
    finding._tag_chunk(busy.pk)
    with transaction.atomic():
        Tag.objects.select_for_update().get()
        thread, errors = start(lambda: rules.tag_existing(rule_id=busy.pk))
        killed = waiting_for_us()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [killed])
        thread.join(timeout=60)
    assert len(errors) == 1
    assert ResponseTag.objects.count() == 5
    assert rules.unfinished_taggings() == [busy.pk]

    threads = [start(lambda: rules.tag_existing(rule_id=busy.pk)) for _ in range(2)]
    for thread, _errors in threads:
        thread.join(timeout=60)
    rules.tag_existing(rule_id=busy.pk)

    busy.refresh_from_db()
    assert (busy.tags_existing_before, busy.existing_tagged) == (None, 40)
    assert ResponseTag.objects.count() == 40
    assert not (StaffMail.objects.exists())
    assert not (FollowUp.objects.exists())
