import itertools
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from feedback.periods import Bucket, Choice, Period, choose_span

TODAY = date(2026, 3, 31)
days = st.dates(date(1990, 1, 1), date(2090, 1, 1))
periods = st.builds(lambda start, length: Period(start, start + timedelta(days=length)), days, st.integers(1, 400))


@pytest.mark.parametrize(
    ("choice", "period", "previous"),
    [
        ("7d", ("2026-03-25", "2026-04-01"), ("2026-03-18", "2026-03-25")),
        ("30d", ("2026-03-02", "2026-04-01"), ("2026-01-31", "2026-03-02")),
        ("90d", ("2026-01-01", "2026-04-01"), ("2025-10-03", "2026-01-01")),
        ("12m", ("2025-04-01", "2026-04-01"), ("2024-04-01", "2025-04-01")),
        ("this_month", ("2026-03-01", "2026-04-01"), ("2026-02-01", "2026-03-01")),
        ("last_month", ("2026-02-01", "2026-03-01"), ("2026-01-01", "2026-02-01")),
    ],
)
def test_a_choice_means_days_up_to_today_and_is_compared_with_as_many_before(choice, period, previous):
    span = choose_span(choice, today=TODAY)

    assert span.period == Period(*map(date.fromisoformat, period))
    assert span.previous == Period(*map(date.fromisoformat, previous))


def test_the_first_days_of_a_month_are_compared_with_the_first_days_of_the_month_before():
    span = choose_span("this_month", today=date(2026, 3, 10))

    assert span.period == Period(date(2026, 3, 1), date(2026, 3, 11))
    assert span.previous == Period(date(2026, 2, 1), date(2026, 2, 11))


def test_custom_days_are_both_included_and_end_today_at_the_latest():
    assert choose_span("custom", today=TODAY, first="2026-01-01", last="2026-01-31").period == Period(
        date(2026, 1, 1), date(2026, 2, 1)
    )
    assert choose_span("custom", today=TODAY, first="2026-03-01", last="2030-01-01").period.last == TODAY


def test_all_time_has_nothing_before_it():
    known = Period(date(2019, 5, 4), date(2026, 2, 1))

    span = choose_span("all", today=TODAY, known=known)

    assert span.period == Period(date(2019, 5, 4), date(2026, 4, 1))
    assert span.previous is None
    assert choose_span("all", today=TODAY).period.days == 1


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("", ""),
        ("2026-03-01", ""),
        ("yesterday", "2026-03-01"),
        ("2026-02-30", "2026-03-01"),
        ("2026-03-02", "2026-03-01"),
        ("0001-01-01", "2026-03-01"),
        ("9999-12-31", "9999-12-31"),
        ("2026-04-01", "2026-04-02"),
    ],
)
def test_custom_days_that_make_no_sense_are_refused(first, last):
    with pytest.raises(ValidationError) as error:
        choose_span("custom", today=TODAY, first=first, last=last)

    assert error.value.code == "invalid_days"


def test_an_unknown_choice_is_refused():
    with pytest.raises(ValidationError) as error:
        choose_span("fortnight", today=TODAY)

    assert error.value.code == "unknown_period"


@given(periods, st.sampled_from(Bucket))
def test_buckets_cover_a_period_without_gap_or_overlap(period, bucket):
    pieces = period.split(bucket)

    assert pieces[0].start == period.start
    assert pieces[-1].end == period.end
    assert all(before.end == after.start for before, after in itertools.pairwise(pieces))
    assert all(bucket.start(piece.start) == bucket.start(piece.last) for piece in pieces)


@given(st.builds(lambda start, length: Period(start, start + timedelta(days=length)), days, st.integers(1, 9000)))
def test_a_trend_has_a_readable_number_of_points(period):
    assert len(period.split(period.bucket)) <= 50


@given(st.sampled_from(Choice), days, st.data())
def test_every_choice_contains_days_and_ends_before_tomorrow(choice, today, data):
    if today.year < 2001:
        today = today.replace(year=2001, day=1)
    first = data.draw(st.dates(date(2000, 1, 1), today))
    last = data.draw(st.dates(first, date(2100, 1, 1)))

    span = choose_span(choice.value, today=today, first=str(first), last=str(last))

    assert span.period.start < span.period.end <= today + timedelta(days=1)
    if span.previous:
        assert span.previous.start < span.previous.end <= span.period.start


def test_a_day_of_a_period_begins_at_the_product_s_midnight():
    start, end = Period(date(2026, 3, 29), date(2026, 3, 30)).instants(ZoneInfo("Europe/Warsaw"))

    assert start == datetime(2026, 3, 29, 0, 0, tzinfo=ZoneInfo("Europe/Warsaw"))
    assert end.timestamp() - start.timestamp() == 23 * 3600  # the clocks go forward that night
