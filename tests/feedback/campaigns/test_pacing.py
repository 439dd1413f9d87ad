"""No faster than the pace, and only in the hours of the window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail as outbox

from feedback import campaigns
from feedback.models import (
    CampaignMail,
)
from tests.feedback.campaigns.conftest import outcomes

pytestmark = pytest.mark.django_db


def test_no_more_mails_go_out_in_a_minute_than_the_pace_allows(started, person):
    with time_machine.travel("2026-03-02 09:00:00+00:00", tick=False) as clock:
        campaign = started(*(person(f"{number}@example.com") for number in range(7)), pace=3)
        sent = [campaigns.send_batch(campaign_id=campaign.pk) for _ in range(3)]
        clock.shift(61)
        sent.append(campaigns.send_batch(campaign_id=campaign.pk, most=2))
        sent.append(campaigns.send_batch(campaign_id=campaign.pk))

    assert sent == [3, 0, 0, 2, 1]


@pytest.mark.parametrize("jitter", [0.001, 4.5])
def test_the_pace_holds_however_early_or_late_the_schedule_is(started, person, jitter):
    with time_machine.travel("2026-03-02 09:00:00+00:00", tick=False) as clock:
        campaign = started(*(person(f"{number}@example.com") for number in range(20)), pace=2)
        sent = []
        for minute in range(8):
            clock.move_to(datetime(2026, 3, 2, 9, minute, 30, tzinfo=UTC) + timedelta(seconds=jitter * (-1) ** minute))
            sent.append(campaigns.send_batch(campaign_id=campaign.pk))

    assert sent == [2] * 8


def test_the_pace_holds_over_minutes_however_often_somebody_asks(started, person):
    with time_machine.travel("2026-03-02 09:00:00+00:00", tick=False) as clock:
        campaign = started(*(person(f"{number}@example.com") for number in range(30)), pace=2)
        for _second in range(10 * 60):
            campaigns.claim(campaign_id=campaign.pk)
            clock.shift(1)

    assert CampaignMail.objects.filter(claimed_at__isnull=False).count() in {20, 21, 22}


@pytest.mark.parametrize(
    ("about", "now", "expected"),
    [
        ({"country": "US"}, "2026-03-02 09:00+00:00", "2026-03-02 13:00+00:00"),  # 8 in New York
        ({"country": "PL"}, "2026-03-02 12:00+00:00", "2026-03-03 07:00+00:00"),  # the next morning in Warsaw
        ({"country": "US", "properties": {"time_zone": "Asia/Tokyo"}}, "2026-03-02 09:00+00:00", "2026-03-02 23:00Z"),
        ({"country": "", "properties": {"time_zone": "Mars/Base"}}, "2026-03-02 01:00+00:00", "2026-03-02 07:00Z"),
    ],
)
def test_a_mail_waits_for_the_morning_where_the_person_is(started, person, about, now, expected):
    with time_machine.travel(now, tick=False):
        campaign = started(person(**about), window_from=8, window_until=11)
        campaigns.send_batch(campaign_id=campaign.pk)

    assert outbox.outbox == []
    mail = CampaignMail.objects.get()
    assert (mail.state, mail.next_attempt_at) == ("queued", datetime.fromisoformat(expected).astimezone(UTC))
    assert mail.claimed_at is None


def test_within_the_window_the_mail_goes(started, person):
    with time_machine.travel("2026-03-02 07:30+00:00", tick=False):
        campaign = started(person(country="PL"), window_from=8, window_until=11)
        campaigns.send_batch(campaign_id=campaign.pk)

    assert outcomes(campaign) == {"anna@example.com": ("sent", "")}
