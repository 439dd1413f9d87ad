from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.quiet_hours import QuietHours

WARSAW = ZoneInfo("Europe/Warsaw")
ZONES = [WARSAW, ZoneInfo("UTC"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")]


def warsaw(day, hour, minute=0, *, month=6, fold=0):
    return datetime(2026, month, day, hour, minute, tzinfo=WARSAW, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("begin", "end", "at", "allowed"),
    [
        (time(22), time(7), warsaw(10, 21, 59), warsaw(10, 21, 59)),
        (time(22), time(7), warsaw(10, 22), warsaw(11, 7)),
        (time(22), time(7), warsaw(11, 0), warsaw(11, 7)),
        (time(22), time(7), warsaw(11, 6, 59), warsaw(11, 7)),
        (time(22), time(7), warsaw(11, 7), warsaw(11, 7)),
        (time(12), time(13), warsaw(10, 12, 30), warsaw(10, 13)),
        (time(12), time(13), warsaw(10, 13), warsaw(10, 13)),
        (time(0), time(7), warsaw(10, 3), warsaw(10, 7)),
        (time(18), time(0), warsaw(10, 18), warsaw(11, 0)),
        (time(7), time(7), warsaw(10, 7), warsaw(10, 7)),
    ],
)
def test_quiet_hours_end_when_they_say(begin, end, at, allowed):
    assert QuietHours(begin, end, WARSAW).first_allowed(at) == allowed


def test_a_night_in_which_clocks_change_is_an_hour_shorter_or_longer():
    night = QuietHours(time(22), time(7), WARSAW)

    spring, autumn = warsaw(28, 22, month=3), warsaw(24, 22, month=10)

    assert night.first_allowed(spring) - spring == timedelta(hours=8)
    assert night.first_allowed(autumn) - autumn == timedelta(hours=10)


def test_an_end_that_the_clock_skips_is_the_moment_of_the_change():
    hours = QuietHours(time(22), time(2, 30), WARSAW)

    assert hours.first_allowed(warsaw(29, 1, month=3)) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert warsaw(29, 3, month=3) == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_an_end_that_comes_twice_is_the_second():
    hours = QuietHours(time(22), time(2, 30), WARSAW)

    assert hours.first_allowed(warsaw(25, 1, month=10)) == warsaw(25, 2, 30, month=10, fold=1)


@given(
    begin=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    end=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  bounds have none
    zone=st.sampled_from(ZONES),
)
def test_what_is_allowed_is_never_quiet_never_early_and_within_a_day_and_an_hour(begin, end, at, zone):
    hours = QuietHours(begin, end, zone)

    allowed = hours.first_allowed(at)

    assert not hours.cover(allowed)
    assert timedelta() <= allowed - at <= timedelta(hours=25)
