"""When a request must be answered: GDPR Art. 12(3), Regulation 1182/71, EDPB Guidelines 01/2022."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import holidays
from dateutil.relativedelta import relativedelta

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

TARGET: Final = timedelta(days=21)
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Deadlines:
    """The dates of a request, fixed at receipt; each day ends at 23:59:59 where the controller is."""

    received_on: date
    target_on: date
    due_on: date
    due_extended_on: date


@dataclass(frozen=True)
class Alarms:
    """The days on which somebody is warned that an answer is owed."""

    half_on: date
    four_fifths_on: date
    target_on: date
    two_working_days_on: date


def deadlines(received_at: datetime, *, zone: tzinfo, country: str) -> Deadlines:
    """Return the dates that follow from the moment of arrival at any official channel.

    Args:
        received_at: an aware moment; its local date counts, whatever the hour.
        zone: the controller's time zone.
        country: the controller's country in ISO 3166-1 (two letters), whose public holidays move deadlines.

    Raises:
        ValueError: the moment has no time zone.
    """
    if received_at.tzinfo is None:
        raise ValueError("received_at needs a time zone")
    received_on = received_at.astimezone(zone).date()
    raw_due = received_on + relativedelta(months=1)  # the same day, or that month's last one
    return Deadlines(
        received_on=received_on,
        target_on=min(raw_due, received_on + TARGET),
        due_on=next_working_day(raw_due, country=country),
        due_extended_on=next_working_day(received_on + relativedelta(months=3), country=country),
    )


def alarms(*, received_on: date, target_on: date, due_on: date, country: str) -> Alarms:
    """Return the days of warning: half and four fifths of the period gone, the target, two working days to go."""
    period = (due_on - received_on).days
    before = due_on
    for _working_day in range(2):
        before -= ONE_DAY
        while not is_working_day(before, country=country):
            before -= ONE_DAY
    return Alarms(
        half_on=received_on + timedelta(days=-(-period // 2)),
        four_fifths_on=received_on + timedelta(days=-(-period * 4 // 5)),
        target_on=target_on,
        two_working_days_on=before,
    )


def next_working_day(day: date, *, country: str) -> date:
    """Return the day itself, or the first working day after it (Regulation 1182/71, Art. 3(4))."""
    while not is_working_day(day, country=country):
        day += ONE_DAY
    return day


def is_working_day(day: date, *, country: str) -> bool:
    """Tell whether the day is neither Saturday, Sunday nor a public holiday that the country had in that year."""
    return day.weekday() < 5 and not is_public_holiday(day, country=country)


def is_public_holiday(day: date, *, country: str) -> bool:
    """Tell whether the country had a public holiday on that day, whatever the weekday."""
    return day in _public_holidays(country, day.year)


@lru_cache(maxsize=64)
def _public_holidays(country: str, year: int) -> frozenset[date]:
    """Return the public holidays; none where the country is unknown, which never makes a deadline later."""
    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()
