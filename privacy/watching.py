"""Watching over requests: each warning is raised once, written down, and mailed to the officers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from privacy.alerting import owe_alerts
from privacy.conditions import alarms_of, has_failed, has_lost_mail
from privacy.deadlines import ONE_DAY
from privacy.models import RequestAlarm, RightsRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from django.contrib.auth.models import AnonymousUser, User
Kind = RequestAlarm.Kind
EXTENDED: Final = "extended"  # the warnings of the longer period are others than those of the first
MOST_SHOWN: Final = 5


@dataclass(frozen=True)
class Warned:
    """A request that still waits, and the gravest warning about it."""

    request: RightsRequest
    alarm: RequestAlarm


def raise_due_alarms(now: datetime | None = None) -> list[RequestAlarm]:
    """Raise the warnings whose day has come, each once; return those of which the officers are told.

    Where several days went by unseen all are written down, and the officers are told of the latest.
    """
    moment = now or timezone.now()
    waiting = RightsRequest.objects.open().select_related("controller").prefetch_related("alarms")
    return [alarm for request in waiting if (alarm := _raise_due(request, moment)) is not None]


@transaction.atomic
def raise_failure(*, request: RightsRequest, key: str) -> RequestAlarm | None:
    """Warn that something about a request went wrong and will not go on by itself; once for each key."""
    return _raise(request, Kind.FAILURE, key, timezone.now(), is_told=True)


def warned_requests(user: User | AnonymousUser) -> list[Warned]:
    """Return the open requests that the user sees and that somebody was warned about, the most urgent first."""
    waiting = RightsRequest.objects.visible_to(user).open().filter(alarms__isnull=False).distinct()
    found = [
        Warned(request, max(raised, key=lambda alarm: list(Kind).index(Kind(alarm.kind))))
        for request in waiting.select_related("controller").prefetch_related("alarms")
        if (raised := standing_alarms(request))
    ]
    return sorted(found, key=lambda warned: (warned.request.current_due_on, warned.request.pk))[:MOST_SHOWN]


def standing_alarms(request: RightsRequest) -> list[RequestAlarm]:
    """Return the warnings that still mean something: of the period that runs, and failures until they are mended."""
    key = EXTENDED if request.extended_at else ""
    raised = list(request.alarms.all())
    standing = [alarm for alarm in raised if alarm.kind != Kind.FAILURE and alarm.key == key]
    failures = [alarm for alarm in raised if alarm.kind == Kind.FAILURE]
    return standing + (failures if failures and (has_failed(request) or has_lost_mail(request)) else [])


@transaction.atomic
def _raise_due(request: RightsRequest, now: datetime) -> RequestAlarm | None:
    today = now.astimezone(ZoneInfo(request.controller.time_zone)).date()
    key = EXTENDED if request.extended_at else ""
    raised = {(alarm.kind, alarm.key) for alarm in request.alarms.all()}
    due = [kind for kind, day in _days(request) if day <= today and (kind, key) not in raised]
    made = [_raise(request, kind, key, now, is_told=kind == due[-1]) for kind in due]
    return made[-1] if made else None


def _days(request: RightsRequest) -> Iterator[tuple[Kind, date]]:
    """Yield each warning with its day, the gravest last."""
    days = alarms_of(request)
    yield Kind.HALF, days.half_on
    if not request.extended_at:
        yield Kind.TARGET, days.target_on
    yield Kind.FOUR_FIFTHS, days.four_fifths_on
    yield Kind.TWO_WORKING_DAYS, days.two_working_days_on
    yield Kind.OVERDUE, request.current_due_on + ONE_DAY


def _raise(request: RightsRequest, kind: Kind, key: str, now: datetime, *, is_told: bool) -> RequestAlarm | None:
    alarm, made = RequestAlarm.objects.get_or_create(request=request, kind=kind, key=key, defaults={"raised_at": now})
    if made and is_told:
        owe_alerts(about=alarm, controllers=[request.controller])
    return alarm if made else None
