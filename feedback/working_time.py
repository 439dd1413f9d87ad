"""Clocks that run in working hours only: when something is due, and how long people had for it.

Values in, values out, no database. Hours are hours that pass while people work: on a day on which the clocks change,
opening hours that span the change have an hour more or less.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from privacy.deadlines import is_public_holiday

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

ONE_DAY: Final = timedelta(days=1)
MONDAY_TO_FRIDAY: Final = frozenset(range(5))


@dataclass(frozen=True)
class Schedule:
    """When the people of a product work.

    Args:
        zone: where their clocks hang.
        country: in ISO 3166-1 (two letters); nobody works on its public holidays.
        days: weekdays, Monday is 0; at least one.
        opens: local time at which each of these days begins.
        closes: local time at which it ends, later than ``opens``.
    """

    zone: tzinfo
    country: str
    days: frozenset[int] = MONDAY_TO_FRIDAY
    opens: time = time(9)
    closes: time = time(17)

    def __post_init__(self) -> None:
        if not self.days or not self.days <= frozenset(range(7)):
            raise ValueError("a schedule needs working days from 0 (Monday) to 6")
        if self.closes <= self.opens:
            raise ValueError("a schedule closes later than it opens")

    @property
    def day_length(self) -> timedelta:
        """How long a usual working day is."""
        return datetime.combine(date.min, self.closes) - datetime.combine(date.min, self.opens)

    def works_on(self, day: date) -> bool:
        return day.weekday() in self.days and not is_public_holiday(day, country=self.country)

    def hours_of(self, day: date) -> tuple[datetime, datetime] | None:
        """Return when work begins and ends on a day, in UTC; ``None`` on a day without work."""
        if not self.works_on(day):
            return None
        opens = datetime.combine(day, self.opens, tzinfo=self.zone).astimezone(UTC)
        # Where the clocks are put back, the hour that comes twice ends the second time.
        closes = datetime.combine(day, self.closes, tzinfo=self.zone).replace(fold=1).astimezone(UTC)
        return (opens, closes) if closes > opens else None  # the hour that the clocks skip may be all there is

    def is_working_moment(self, moment: datetime) -> bool:
        """Tell whether people work at a moment; both ends of a working day belong to it."""
        hours = self.hours_of(_local_day(moment, self))
        return hours is not None and hours[0] <= moment <= hours[1]


def add_working_hours(start: datetime, hours: float | timedelta, schedule: Schedule) -> datetime:
    """Return the moment at which that many working hours have passed since the start.

    A start outside of working hours counts as the next opening. Hours that end exactly when a day closes end there,
    not at the next opening, so the moment is always within working hours.

    Args:
        start: an aware moment.
        hours: working hours, 0 or more: a number, or a period of time.

    Returns:
        The moment in the zone of the schedule.

    Raises:
        ValueError: the start has no time zone, or the hours are negative.
    """
    left = hours if isinstance(hours, timedelta) else timedelta(hours=hours)
    if left < timedelta(0):
        raise ValueError("hours cannot be negative")
    start = _in_utc(start)
    for opens, closes in _days_from(_local_day(start, schedule), schedule):
        begins = max(opens, start)
        if begins > closes or (begins == closes and left):
            continue
        if closes - begins >= left:
            return (begins + left).astimezone(schedule.zone)
        left -= closes - begins
    raise ValueError("beyond the last day that has a date")


def working_time_between(start: datetime, end: datetime, schedule: Schedule) -> timedelta:
    """Return how much working time passes between two moments; negative when the end lies before the start.

    Raises:
        ValueError: one of them has no time zone.
    """
    start, end = _in_utc(start), _in_utc(end)
    if end < start:
        return -working_time_between(end, start, schedule)
    passed, last = timedelta(0), _local_day(end, schedule)
    for opens, closes in _days_from(_local_day(start, schedule), schedule, until=last):
        passed += max(min(closes, end) - max(opens, start), timedelta(0))
    return passed


def working_part(period: timedelta, schedule: Schedule) -> timedelta:
    """Return the working time in a promise that is given in hours of the clock: 24 of them are one working day.

    With working days of 8 hours, 48 hours are 16 working hours: what comes in on Friday at 15:00 is due on Tuesday at
    15:00. Work around the clock leaves the 48 hours what they are.
    """
    return schedule.day_length * (period / ONE_DAY)


def _days_from(
    day: date, schedule: Schedule, *, until: date = date.max - ONE_DAY
) -> Iterator[tuple[datetime, datetime]]:
    while day <= until:
        hours = schedule.hours_of(day)
        if hours is not None:
            yield hours
        day += ONE_DAY


def _local_day(moment: datetime, schedule: Schedule) -> date:
    return moment.astimezone(schedule.zone).date()


def _in_utc(moment: datetime) -> datetime:
    """Return the moment where adding to it adds real time: local clocks would skip and repeat hours."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(UTC)
