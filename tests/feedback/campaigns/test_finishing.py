"""A campaign that gets something to do in the moment in which it finishes."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction
from django.utils import timezone

from feedback import campaigns
from feedback.campaigns import taking_over
from feedback.models import Campaign
from feedback.tasks import run_campaigns
from tests.feedback.campaigns.conftest import outcomes, owe, upload
from tests.feedback.campaigns.test_taking_over import STATED

pytestmark = pytest.mark.django_db(transaction=True)


def beside(work):
    """Run some work in a thread, on a connection of its own."""

    def run():
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def waits_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction goes on seeing what it saw first
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return cursor.fetchone() is not None


@pytest.fixture
def idle(started, person):
    """A running campaign with nothing left to do."""
    campaign = started(person("first@example.com"))
    campaigns.send_batch(campaign_id=campaign.pk)
    return campaign


def test_people_who_come_in_the_moment_a_campaign_finishes_get_their_mail(idle):
    with transaction.atomic():
        upload(idle, "email", "late@example.com", **STATED)
        finishing = beside(lambda: campaigns.advance_campaigns(now=timezone.now()))
        deadline = time.monotonic() + 20
        while not waits_for_a_lock():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finishing.join(timeout=20)
    idle.refresh_from_db()
    assert idle.state == "finished"

    for _minute in range(2):  # one takes them over, the next one sends
        run_campaigns()

    assert outcomes(idle) == {"first@example.com": ("sent", ""), "late@example.com": ("sent", "")}
    run_campaigns()
    idle.refresh_from_db()
    assert idle.state == "finished"


def test_a_mail_that_is_owed_in_the_moment_a_campaign_finishes_is_sent(idle, person):
    campaigns.advance_campaigns(now=timezone.now())
    owe(idle, person("late@example.com"))

    run_campaigns()

    assert outcomes(idle)["late@example.com"] == ("sent", "")


def test_a_cancelled_campaign_stays_cancelled(idle, person):
    campaigns.cancel(campaign=idle)
    owe(idle, person("late@example.com"))

    run_campaigns()

    idle.refresh_from_db()
    assert (idle.state, outcomes(idle)["late@example.com"]) == ("cancelled", ("skipped", "cancelled"))


def test_nobody_waits_while_a_file_is_read(idle, monkeypatch):
    def check(content):
        reading.append(beside(lambda: Campaign.objects.filter(pk=idle.pk).update(name="Summer")))
        reading[0].join(timeout=5)
        assert not reading[0].is_alive()

    reading = []
    monkeypatch.setattr(taking_over, "check_file", check)

    upload(idle, "email", "late@example.com")

    assert Campaign.objects.get(pk=idle.pk).name == "Summer"
