"""Campaigns by e-mail: how fast they are prepared and handed over, and that memory does not grow with their size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import connection
from django.utils import timezone

from config.bench.load import UnexpectedAnswerError
from config.bench.mail_sink import HOST
from config.bench.registry import Measurement, benchmark
from config.bench.workplace import database_url
from config.sample.seeding import copy_rows, keys
from feedback.campaigns import add_audience, start, write_campaign
from feedback.models import Campaign, CampaignMail, ChannelPermission, Respondent, Segment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.bench.workplace import Workplace

TIMES_AS_MANY: Final = 5
MOST_GROWTH: Final = 1.2
AT_ONCE: Final = 10_000  # people in one COPY
# The column holds no more; staff may not choose as many.
NO_PACE: Final = 32_767


@benchmark
def campaigns(work: Workplace) -> Iterator[Measurement]:
    """A campaign, and one of five times as many people, each by a fresh worker; the mail server keeps nothing."""
    with subprocess.Popen(
        [sys.executable, "-m", "config.bench.mail_sink"], cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True
    ) as sink:
        assert sink.stdout is not None  # noqa: S101  asked for above
        try:
            port = int(sink.stdout.readline())
            peaks = []
            for size in (work.mails, TIMES_AS_MANY * work.mails):
                found = _run(work, size, port)
                name = f"campaign, {size:,} mails"
                yield Measurement(name=f"{name}, prepared", value=round(size / found["preparing"], 1), unit="people/s")
                yield Measurement(name=f"{name}, handed over", value=round(size / found["sending"], 1), unit="mails/s")
                peaks.append(found["peak"])
        finally:
            sink.kill()
    few, many = peaks
    yield Measurement(
        name=f"campaign, peak memory of a worker, {TIMES_AS_MANY} times as many mails",
        value=round(many, 1),
        floor=round(few, 1),
        unit="MB",
        ratio=round(many / few, 3),
        goal=MOST_GROWTH,
        more_is_better=False,
    )


def _run(work: Workplace, size: int, port: int) -> dict[str, float]:
    work.report(f"campaign of {size:,} people …")
    campaign, audience_id = _campaign(work, size)
    run = subprocess.run(
        [sys.executable, "-m", "config.bench.campaign_worker", str(campaign.pk), str(audience_id)],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            "ODZEW_ENV": settings.ENVIRONMENT,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": database_url(connection.settings_dict),
            "EMAIL_URL": f"smtp://{HOST}:{port}",
        },
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    sent = CampaignMail.objects.filter(campaign=campaign, state=CampaignMail.State.SENT).count()
    if sent != size:
        raise UnexpectedAnswerError(f"{sent} of {size} mails were sent")
    found: dict[str, float] = json.loads(run.stdout)
    return found


def _campaign(work: Workplace, size: int) -> tuple[Campaign, int]:
    product, company = work.survey.product, f"of {size}"
    _meet(work, size, company)
    segment = Segment.objects.create(product=product, name=company, companies=[company])
    row = Campaign(product=product, survey=work.survey, name=company, window_from=0, window_until=24)
    campaign = write_campaign(campaign=row, by=None)
    audience = add_audience(campaign=campaign, segment=segment)
    start(campaign=campaign)
    Campaign.objects.filter(pk=campaign.pk).update(pace=NO_PACE)
    return campaign, audience.pk


def _meet(work: Workplace, size: int, company: str) -> None:
    """Store people with an address who permitted to be asked by e-mail."""
    long_ago = timezone.now() - timedelta(days=400)
    for first in range(0, size, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, size))
        people: list[dict[str, Any]] = [
            {
                "id": key,
                "product_id": work.survey.product_id,
                "subject_key": f"id:mailed-{size}-{number}",
                "external_id": f"mailed-{size}-{number}",
                "email": f"person-{size}-{number}@example.com",
                "name": f"Person {number}",
                "company": company,
                "first_seen_at": long_ago,
                "customer_since": long_ago,
            }
            for number, key in zip(numbers, keys(Respondent), strict=False)
        ]
        copy_rows(Respondent, people)
        permissions: list[dict[str, Any]] = [
            {
                **{"id": key, "respondent_id": person["id"], "channel": "email"},
                **{"basis": "consent", "evidence": "form 7", "given_on": date(2026, 1, 31)},
            }
            for person, key in zip(people, keys(ChannelPermission), strict=False)
        ]
        copy_rows(ChannelPermission, permissions)
