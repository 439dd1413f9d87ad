"""Real worker processes, killed in the middle of a campaign, against a real mail server that counts what arrived."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter

import pytest
from django.conf import settings as configured
from django.db import connection
from django.utils import timezone

from config.bench.workplace import database_url
from feedback import campaigns
from feedback.campaigns.claiming import LEASE
from feedback.models import CampaignMail, Invitation
from tests.mail_server import Mailbox

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 60


@pytest.fixture
def work(settings):
    """Start worker processes on the test's database and mail server; none of them outlives the test."""
    workers = []

    def work(campaign, *, most=10):
        environment = {
            **os.environ,
            "ODZEW_ENV": "test",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": database_url(connection.settings_dict),
            "EMAIL_URL": f"smtp://127.0.0.1:{settings.EMAIL_PORT}",
            "PYTHONPATH": str(configured.BASE_DIR),
        }
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.feedback.campaigns.worker", str(campaign.pk), str(most)],
            cwd=configured.BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        workers.append(worker)
        return worker

    yield work
    for worker in workers:
        worker.kill()
        worker.wait()
        worker.stdout.close()


def arrived(mailbox):
    return Counter(envelope.rcpt_tos[0] for envelope in mailbox.accepted)


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happens"
        time.sleep(0.01)


def make_due_at_once():
    """Do what time does: the leases of the killed end, and what waits again is due."""
    campaigns.recover(now=timezone.now() + LEASE)
    CampaignMail.objects.filter(state="queued").update(next_attempt_at=timezone.now())


def test_whenever_workers_are_killed_nobody_is_mailed_twice_and_nobody_is_forgotten(started, person, serve, work):
    mailbox = serve(Mailbox(pause=0.01))
    addresses = [f"{number}@example.com" for number in range(PEOPLE)]
    campaign = started(*map(person, addresses))
    dice = random.Random(7)
    kills = 0
    for _round in range(2):
        before = len(mailbox.accepted)
        workers = [work(campaign), work(campaign)]
        wait_until(lambda: len(mailbox.accepted) >= before + 6)  # noqa: B023  waited for at once
        time.sleep(dice.random() / 20)
        for worker in workers:
            worker.kill()
            worker.wait()
            kills += 1
        time.sleep(0.2)  # what the server was told before the kill arrives
        make_due_at_once()
        assert len(mailbox.accepted) < PEOPLE, "killed too late to be in the middle"

    while campaigns.send_batch(campaign_id=campaign.pk):
        pass

    found = arrived(mailbox)
    unknown = set(CampaignMail.objects.filter(state="unknown").values_list("respondent__email", flat=True))
    sent = set(CampaignMail.objects.filter(state="sent").values_list("respondent__email", flat=True))
    assert max(found.values()) == 1
    assert sent | unknown == set(addresses)
    assert sent <= set(found)
    assert set(found) <= sent | unknown
    assert len(unknown) <= kills  # no more than was in a worker's hands when it was killed
    assert Invitation.objects.filter(sent_at__isnull=False).count() == PEOPLE


def test_two_workers_at_once_share_the_mails_and_keep_the_pace_together(started, person, serve, work):
    mailbox = serve(Mailbox())
    campaign = started(*(person(f"{number}@example.com") for number in range(40)), pace=25)

    workers = [work(campaign, most=5) for _ in range(2)]
    for worker in workers:
        worker.wait(timeout=60)

    assert Counter(arrived(mailbox).values()) == {1: 25}
    assert CampaignMail.objects.filter(state="sent").count() == 25
    assert CampaignMail.objects.filter(state="queued").count() == 15


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_killed_at_the_worst_moment_leaves_a_mail_that_staff_can_find(started, person, serve, work, moment):
    """Killed while it waits for the answer about a mail that the server keeps (``after``) or does not (``before``)."""
    mailbox = serve(Thinking(accepts=moment == "after"))
    campaign = started(person("a@example.com"), person("b@example.com"))
    worker = work(campaign)
    wait_until(lambda: mailbox.thinks)
    worker.kill()
    worker.wait()
    make_due_at_once()

    campaigns.send_batch(campaign_id=campaign.pk)

    states = dict(CampaignMail.objects.values_list("respondent__email", "state"))
    assert states == {"a@example.com": "unknown", "b@example.com": "sent"}
    assert arrived(mailbox) == Counter({"b@example.com": 1} | ({"a@example.com": 1} if moment == "after" else {}))


class Thinking(Mailbox):
    """Takes the content of the first mail and waits with the answer."""

    def __init__(self, *, accepts):
        super().__init__()
        self.accepts, self.thinks = accepts, False

    async def handle_DATA(self, server, session, envelope):
        is_first, self.thinks = not self.thinks, True
        if self.accepts or not is_first:
            self.accepted.append(envelope)
        if is_first:
            await asyncio.sleep(60)  # ends with the connection
        return "250 OK"
