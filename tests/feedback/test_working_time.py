"""Clocks in working hours: tables for what people would work out by hand, properties for everything else."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.working_time import Schedule, add_working_hours, working_part, working_time_between

WARSAW = ZoneInfo("Europe/Warsaw")
OFFICE = Schedule(zone=WARSAW, country="PL")
CLOCK = Schedule(zone=WARSAW, country="", days=frozenset(range(7)), opens=time(0), closes=time(23, 59))
NIGHT = Schedule(zone=WARSAW, country="", days=frozenset(range(7)), opens=time(1), closes=time(5))


def at(text, zone=WARSAW):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-03-02 10:00", 3, "2026-03-02 13:00"),  # a Monday
        ("2026-03-02 10:00", 7, "2026-03-02 17:00"),  # until the door closes, not until it opens again
        ("2026-03-02 10:00", 8, "2026-03-03 10:00"),
        ("2026-03-02 16:59", 0.5, "2026-03-03 09:29"),
        ("2026-03-06 15:00", 16, "2026-03-10 15:00"),  # over a weekend
        ("2026-03-07 11:00", 16, "2026-03-10 17:00"),  # on a Saturday nobody works yet
        ("2026-03-02 07:00", 1, "2026-03-02 10:00"),
        ("2026-03-02 20:00", 1, "2026-03-03 10:00"),
        ("2026-03-02 17:00", 1, "2026-03-03 10:00"),
        ("2026-03-02 17:00", 0, "2026-03-02 17:00"),
        ("2026-03-02 18:00", 0, "2026-03-03 09:00"),
        ("2026-04-30 15:00", 4, "2026-05-04 11:00"),  # 1 May is a holiday, then a weekend
        ("2026-12-23 16:00", 2, "2026-12-28 10:00"),  # Christmas Eve is a holiday in Poland since 2025
    ],
)
def test_hours_pass_only_while_people_work(start, hours, due):
    assert add_working_hours(at(start), hours, OFFICE) == at(due)


def test_holidays_are_those_of_the_country():
    german = Schedule(zone=WARSAW, country="DE")

    assert add_working_hours(at("2026-11-10 16:00"), 2, OFFICE) == at("2026-11-12 10:00")  # Independence Day
    assert add_working_hours(at("2026-11-10 16:00"), 2, german) == at("2026-11-11 10:00")


def test_the_zone_decides_when_the_day_begins():
    lisbon = Schedule(zone=ZoneInfo("Europe/Lisbon"), country="PT")

    assert add_working_hours(at("2026-03-02 09:00"), 1, lisbon) == at("2026-03-02 11:00")


@pytest.mark.parametrize(
    ("schedule", "start", "hours", "due"),
    [
        # 29 March 2026: 2:00 becomes 3:00. The office sees none of it; the night shift has an hour less.
        (OFFICE, "2026-03-27 16:00", 2, "2026-03-30 10:00"),
        (NIGHT, "2026-03-29 01:00", 2, "2026-03-29 04:00"),
        (NIGHT, "2026-03-29 01:00", 3, "2026-03-29 05:00"),
        (CLOCK, "2026-03-29 00:00", 5, "2026-03-29 06:00"),
        (CLOCK, "2026-03-29 00:30", 5, "2026-03-29 06:30"),
        # 25 October 2026: 3:00 becomes 2:00. The night shift has an hour more.
        (OFFICE, "2026-10-23 16:00", 2, "2026-10-26 10:00"),
        (NIGHT, "2026-10-25 01:00", 3, "2026-10-25 03:00"),
        (NIGHT, "2026-10-25 01:00", 5, "2026-10-25 05:00"),
        (CLOCK, "2026-10-25 00:00", 5, "2026-10-25 04:00"),
    ],
)
def test_hours_are_real_ones_when_the_clocks_change(schedule, start, hours, due):
    assert add_working_hours(at(start), hours, schedule) == at(due)
    assert working_time_between(at(start), at(due), schedule) == timedelta(hours=hours)


def test_a_working_day_that_the_clocks_skip_is_none():
    skipped = Schedule(zone=WARSAW, country="", days=frozenset({6}), opens=time(2, 15), closes=time(2, 45))

    assert skipped.hours_of(at("2026-03-29 12:00").date()) is None
    assert add_working_hours(at("2026-03-28 12:00"), 0.5, skipped) == at("2026-04-05 02:45")


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-03-02 10:00", "2026-03-02 12:30", 2.5),
        ("2026-03-06 15:00", "2026-03-10 15:00", 16),
        ("2026-03-07 00:00", "2026-03-08 23:59", 0),
        ("2026-03-10 15:00", "2026-03-06 15:00", -16),
        ("2026-04-30 16:00", "2026-05-04 10:00", 2),
    ],
)
def test_working_time_between_two_moments(start, end, hours):
    assert working_time_between(at(start), at(end), OFFICE) == timedelta(hours=hours)


def test_48_hours_are_two_working_days():
    part_time = Schedule(zone=WARSAW, country="PL", opens=time(10), closes=time(14))

    assert working_part(timedelta(hours=48), OFFICE) == timedelta(hours=16)
    assert working_part(timedelta(hours=48), part_time) == timedelta(hours=8)
    assert add_working_hours(at("2026-03-06 12:00"), working_part(timedelta(hours=48), part_time), part_time) == at(
        "2026-03-10 12:00"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"days": frozenset()},
        {"days": frozenset({7})},
        {"opens": time(9), "closes": time(9)},
        {"opens": time(17), "closes": time(9)},
    ],
)
def test_a_schedule_without_working_time_is_refused(wrong):
    with pytest.raises(ValueError, match="schedule"):
        Schedule(zone=WARSAW, country="PL", **wrong)


def test_moments_need_a_zone_and_hours_a_direction():
    naive = datetime(2026, 3, 2, 10)  # noqa: DTZ001  that is what is refused
    with pytest.raises(ValueError, match="time zone"):
        add_working_hours(naive, 1, OFFICE)
    with pytest.raises(ValueError, match="time zone"):
        working_time_between(at("2026-03-02 10:00"), naive, OFFICE)
    with pytest.raises(ValueError, match="negative"):
        add_working_hours(at("2026-03-02 10:00"), -1, OFFICE)


# --- Properties -------------------------------------------------------------------------------------------------------

ZONES = st.sampled_from(
    ["Europe/Warsaw", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe", "UTC"]
)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  strategy bounds
HOURS = st.integers(0, 60 * 200).map(lambda minutes: timedelta(minutes=minutes))


@st.composite
def schedules(draw):
    # From 4:00 on: in the hour that the clocks skip there is no local time to compare with.
    opens = draw(st.integers(4 * 60, 23 * 60))
    closes = draw(st.integers(opens + 15, 23 * 60 + 59))
    return Schedule(
        zone=ZoneInfo(draw(ZONES)),
        country=draw(st.sampled_from(["PL", "DE", "US", "IN", "", "XX"])),
        days=draw(st.frozensets(st.integers(0, 6), min_size=1)),
        opens=time(*divmod(opens, 60)),
        closes=time(*divmod(closes, 60)),
    )


@given(schedules(), MOMENTS, HOURS)
def test_it_never_lands_outside_of_working_hours(schedule, start, hours):
    due = add_working_hours(start, hours, schedule)

    assert due >= start
    assert due.tzinfo is schedule.zone
    assert schedule.works_on(due.date())
    assert schedule.opens <= due.time() <= schedule.closes
    assert schedule.is_working_moment(due)


@given(schedules(), MOMENTS, HOURS, HOURS)
def test_adding_twice_is_adding_the_sum(schedule, start, first, second):
    twice = add_working_hours(add_working_hours(start, first, schedule), second, schedule)
    once = add_working_hours(start, first + second, schedule)

    assert twice == once


@given(schedules(), MOMENTS, HOURS)
def test_what_was_added_is_what_passed(schedule, start, hours):
    assert working_time_between(start, add_working_hours(start, hours, schedule), schedule) == hours


@given(schedules(), st.lists(MOMENTS, min_size=3, max_size=3))
def test_working_time_adds_up_and_never_exceeds_time(schedule, moments):
    first, middle, last = sorted(moments)
    whole = working_time_between(first, last, schedule)

    assert whole == working_time_between(first, middle, schedule) + working_time_between(middle, last, schedule)
    assert timedelta(0) <= whole <= last - first
    assert working_time_between(last, first, schedule) == -whole


@given(schedules(), MOMENTS, st.lists(HOURS, min_size=2, max_size=5))
def test_more_hours_are_never_due_earlier(schedule, start, periods):
    dues = [add_working_hours(start, hours, schedule) for hours in sorted(periods)]

    assert all(earlier <= later for earlier, later in pairwise(dues))
