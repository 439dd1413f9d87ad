"""Charts and words of the dashboard, from figures to what is drawn and said."""

from datetime import date, timedelta

import pytest
from django.utils import timezone, translation

from feedback import numbers
from feedback.admin import charts
from feedback.metrics import Counts, headline
from feedback.periods import Bucket, Period
from feedback.reports import Figures, MetricReport, TrendPoint
from surveys.scales import Band, BandProfile, Metric


def counts_of(metric, by_score, profile=BandProfile.STANDARD):
    return Counts(metric, {(profile, score): count for score, count in by_score.items()})


def report_of(metric, *steps):
    period = Period(timezone.localdate(), timezone.localdate() + timedelta(days=len(steps)))
    points = [
        TrendPoint(piece, counts_of(metric, step)) for piece, step in zip(period.split(Bucket.DAY), steps, strict=True)
    ]
    return MetricReport(Figures(counts_of(metric, {}), None), points, Bucket.DAY, [])


def test_a_trend_s_line_breaks_where_nobody_answered():
    trend = charts.draw_trend(report_of(Metric.NPS, {10: 3}, {8: 1}, {}, {0: 40}, {10: 1, 0: 1}))

    assert len(trend.points) == 4
    assert [len(line.split()) for line in trend.lines] == [2, 2]
    assert [row.cells[0] for row in trend.rows] == ["100", "0", "–", "-100", "0"]
    assert [point.is_small for point in trend.points] == [True, True, False, True]


def test_better_is_higher_and_the_range_of_the_metric_fills_the_chart():
    trend = charts.draw_trend(report_of(Metric.CES, {1: 40}, {4: 40}, {7: 40}))
    bottom, middle, top = (float(point.y) for point in trend.points)

    assert bottom == charts.FRAME["base"]
    assert top == charts.TOP
    assert middle == pytest.approx((bottom + top) / 2, abs=0.1)


def test_coordinates_have_a_point_in_every_language():
    with translation.override("pl"):
        trend = charts.draw_trend(report_of(Metric.CSAT, {5: 2, 1: 1}))
        columns = charts.draw_distribution(counts_of(Metric.CSAT, {5: 2, 1: 1}))

    assert "," not in "".join([trend.points[0].x, trend.points[0].y, columns[0].x, columns[0].height])
    assert trend.rows[0].cells[0] == "66,7\N{NO-BREAK SPACE}%"


def test_a_point_without_an_interval_has_no_whisker():
    [point] = charts.draw_trend(report_of(Metric.CES, {5: 1})).points

    assert point.low == point.high == ""
    assert point.title.endswith("5.00; 1 answer")


def test_columns_carry_the_band_of_their_profile():
    standard = charts.draw_distribution(counts_of(Metric.CES, {5: 1}))
    wootric = charts.draw_distribution(counts_of(Metric.CES, {5: 1}, BandProfile.WOOTRIC))

    assert (standard[4].score, standard[4].band, wootric[4].band) == (5, Band.PROMOTER, Band.PASSIVE)


@pytest.mark.parametrize("metric", Metric)
def test_charts_of_nothing_can_be_drawn(metric):
    nothing = Counts(metric, {})

    assert all(float(column.height) == 0 for column in charts.draw_distribution(nothing))
    assert all(float(segment.width) == 0 for segment in charts.draw_bands(nothing))
    assert charts.draw_trend(report_of(metric, {})).points == []


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        ({10: 46, 8: 24, 3: 5}, {10: 60, 8: 25, 3: 15}, "No significant difference: +9.7 points (p = 0.385)."),
        ({10: 100}, {0: 100}, "Significantly higher: +200.0 points (p < 0.001)."),
        ({0: 100}, {10: 100}, "Significantly lower: -200.0 points (p < 0.001)."),
        ({10: 5}, {}, "There were no answers before to compare with."),
        ({}, {10: 5}, ""),
    ],
)
def test_differences_are_told_in_words(now, before, said):
    figures = Figures(counts_of(Metric.NPS, now), counts_of(Metric.NPS, before))

    assert numbers.comparison(figures).replace("\N{NO-BREAK SPACE}", " ") == said


def test_differences_of_shares_are_percentage_points_and_of_means_plain():
    csat = Figures(counts_of(Metric.CSAT, {5: 60, 1: 40}), counts_of(Metric.CSAT, {5: 1, 1: 99}))
    ces = Figures(counts_of(Metric.CES, {6: 5}), counts_of(Metric.CES, {5: 5}))

    assert "+59.0 percentage points" in numbers.comparison(csat)
    assert numbers.comparison(ces) == "Too little spread to compare: +1.00."


def test_halves_round_away_from_zero_on_the_page():
    figures = counts_of(Metric.NPS, {10: 109, 8: 91})

    assert numbers.value(headline(figures), Metric.NPS) == "55"  # exactly 54.5
    assert numbers.value(headline(counts_of(Metric.NPS, {0: 109, 8: 91})), Metric.NPS) == "-55"


def test_large_numbers_are_grouped():
    assert numbers.answers(1234567) == "1,234,567 answers"
    assert numbers.answers(1) == "1 answer"


@pytest.mark.parametrize(("language", "week", "month"), [("en", "21 Sep", "Sep 2026"), ("pl", "21 wrz", "wrz 2026")])
def test_steps_are_named_as_the_language_writes_months(language, week, month):
    period = Period(date(2026, 9, 21), date(2026, 9, 28))

    with translation.override(language):
        assert numbers.bucket_label(period, Bucket.WEEK) == week
        assert numbers.bucket_label(period, Bucket.MONTH) == month
