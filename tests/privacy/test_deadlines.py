from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from privacy.deadlines import Deadlines, alarms, deadlines, is_working_day, next_working_day

WARSAW = ZoneInfo("Europe/Warsaw")


def received(day, hour=12, minute=0, second=0, zone=WARSAW):
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), zone).replace(
        hour=hour, minute=minute, second=second
    )


def polish(moment):
    return deadlines(moment, zone=WARSAW, country="PL")


@pytest.mark.parametrize(
    ("received_on", "due", "due_extended"),
    [
        ("2024-03-05", "2024-04-05", "2024-06-05"),
        ("2026-08-31", "2026-09-30", "2026-11-30"),
        ("2026-03-05", "2026-04-07", "2026-06-05"),
        ("2026-01-31", "2026-03-02", "2026-04-30"),
        ("2026-11-24", "2026-12-28", "2027-02-24"),
        ("2024-11-24", "2024-12-24", "2025-02-24"),
        ("2026-10-11", "2026-11-12", "2027-01-11"),
    ],
)
def test_dates_follow_the_table(received_on, due, due_extended):
    dates = polish(received(received_on))

    assert dates.received_on.isoformat() == received_on
    assert dates.due_on.isoformat() == due
    assert dates.due_extended_on.isoformat() == due_extended


def test_the_last_second_of_a_day_and_the_first_of_the_next_are_different_days():
    assert polish(received("2026-06-10", 23, 59, 59)).received_on == date(2026, 6, 10)
    assert polish(received("2026-06-11", 0, 0, 0)).received_on == date(2026, 6, 11)


def test_the_day_is_the_controllers_and_not_the_servers():
    moment = datetime(2026, 6, 10, 22, 30, tzinfo=UTC)

    assert polish(moment).received_on == date(2026, 6, 11)
    assert deadlines(moment, zone=UTC, country="PL").received_on == date(2026, 6, 10)


@pytest.mark.parametrize(
    ("received_on", "due"),
    [("2028-01-29", "2028-02-29"), ("2028-01-31", "2028-02-29"), ("2027-01-29", "2027-03-01")],
)
def test_february_has_the_days_of_its_year(received_on, due):
    assert polish(received(received_on)).due_on.isoformat() == due


@pytest.mark.parametrize("day", ["2026-03-28", "2026-03-29", "2026-03-30", "2026-10-24", "2026-10-25", "2026-10-26"])
@pytest.mark.parametrize("hour", [0, 1, 2, 3, 23])
@pytest.mark.parametrize("fold", [0, 1])
def test_a_day_around_a_change_of_clocks_is_one_day(day, hour, fold):
    moment = received(day, hour).replace(fold=fold)

    assert polish(moment).received_on == date.fromisoformat(day)
    assert polish(moment.astimezone(UTC)).due_on == polish(received(day)).due_on


def test_the_target_is_three_weeks_after_receipt():
    assert polish(received("2026-03-05")).target_on == date(2026, 3, 26)
    assert polish(received("2026-02-01")).target_on == date(2026, 2, 22)


def test_holidays_are_those_of_the_controllers_country():
    assert deadlines(received("2026-10-11"), zone=WARSAW, country="CZ").due_on == date(2026, 11, 11)


def test_an_unknown_country_has_weekends_and_no_holidays():
    assert deadlines(received("2026-10-11"), zone=WARSAW, country="XX").due_on == date(2026, 11, 11)
    assert next_working_day(date(2026, 11, 14), country="XX") == date(2026, 11, 16)


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        polish(datetime(2026, 1, 1))  # noqa: DTZ001  the mistake that is refused


@given(st.integers(0, int(timedelta(days=22 * 365).total_seconds())))
def test_a_deadline_is_a_working_day_and_never_before_the_raw_date(seconds):
    dates = polish(datetime(2018, 5, 25, tzinfo=UTC) + timedelta(seconds=seconds))

    assert isinstance(dates, Deadlines)
    for deadline, months in ((dates.due_on, 1), (dates.due_extended_on, 3)):
        raw = dates.received_on + relativedelta(months=months)
        assert is_working_day(deadline, country="PL")
        assert deadline.weekday() < 5
        assert raw <= deadline < raw + timedelta(days=7)
        assert not any(
            is_working_day(raw + timedelta(days=skipped), country="PL") for skipped in range((deadline - raw).days)
        )
    assert dates.received_on < dates.target_on <= dates.due_on < dates.due_extended_on
    assert dates.target_on == min(dates.received_on + timedelta(days=21), dates.received_on + relativedelta(months=1))


def test_alarms_ring_at_half_at_four_fifths_at_the_target_and_two_working_days_before_the_end():
    dates = polish(received("2026-03-05"))  # due on Tuesday 7 April, after Easter

    found = alarms(received_on=dates.received_on, target_on=dates.target_on, due_on=dates.due_on, country="PL")

    assert found.half_on == date(2026, 3, 22)  # 16.5 of 33 days have gone on the 17th
    assert found.four_fifths_on == date(2026, 4, 1)
    assert found.target_on == date(2026, 3, 26)
    assert found.two_working_days_on == date(2026, 4, 2)  # Thursday: neither weekend nor Easter counts


@given(st.dates(date(2018, 5, 25), date(2040, 1, 1)))
def test_every_alarm_rings_within_the_period(day):
    dates = polish(datetime.combine(day, datetime.min.time(), WARSAW))

    found = alarms(received_on=dates.received_on, target_on=dates.target_on, due_on=dates.due_on, country="PL")

    assert dates.received_on < found.half_on < found.four_fifths_on <= dates.due_on
    assert dates.received_on < found.two_working_days_on < dates.due_on
