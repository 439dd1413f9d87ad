import math
import statistics
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.metrics import (
    T_975,
    Counts,
    adjusted_nps,
    compare,
    compare_shares,
    headline,
    mean_score,
    net_promoter_score,
    pooled,
    rounded,
    satisfied_share,
    share,
    two_sided_p,
    wald_nps,
)
from surveys.scales import Band, BandProfile, Metric, scale_of


def nps(promoters, passives, detractors):
    return Counts(
        Metric.NPS,
        {
            (BandProfile.STANDARD, 10): promoters,
            (BandProfile.STANDARD, 8): passives,
            (BandProfile.STANDARD, 3): detractors,
        },
    )


def counts_of(metric, by_score, profile=BandProfile.STANDARD):
    return Counts(metric, {(profile, score): count for score, count in by_score.items()})


@st.composite
def some_counts(draw, metric=None, smallest=0):
    metric = metric or draw(st.sampled_from(Metric))
    keys = [(profile, score) for profile in BandProfile for score in scale_of(metric).scores]
    return Counts(
        metric,
        draw(
            st.dictionaries(st.sampled_from(keys), st.integers(0, 400)).filter(
                lambda given: sum(given.values()) >= smallest
            )
        ),
    )


# --- The worked examples ----------------------------------------------------------------------------------------------


def test_46_promoters_24_passives_and_5_detractors_make_an_nps_of_55():
    counts = nps(46, 24, 5)
    result = net_promoter_score(counts)

    assert result.value == Fraction(16400, 300)
    assert f"{float(result.value):.4f}" == "54.6667"
    assert rounded(result.value) == 55
    assert result.n == 75
    plain = wald_nps(counts).interval()
    assert (f"{plain.low:.2f}", f"{plain.high:.2f}") == ("40.69", "68.64")
    assert f"{float(adjusted_nps(counts).centre):.3f}" == "52.564"
    assert (f"{result.interval.low:.2f}", f"{result.interval.high:.2f}") == ("38.59", "66.54")


def test_200_promoters_150_passives_and_150_detractors_make_an_nps_of_10():
    counts = nps(200, 150, 150)
    result = net_promoter_score(counts)

    assert result.value == 10
    assert f"{wald_nps(counts).standard_error:.4f}" == "3.7148"
    assert (f"{result.interval.low:.2f}", f"{result.interval.high:.2f}") == ("2.69", "17.19")


def test_ten_promoters_alone_make_an_nps_of_100_with_a_clipped_interval():
    counts = nps(10, 0, 0)
    result = net_promoter_score(counts)
    unclipped = adjusted_nps(counts).interval()

    assert result.value == 100
    assert (f"{unclipped.low:.2f}", f"{unclipped.high:.2f}") == ("47.50", "106.34")
    assert f"{result.interval.low:.2f}" == "47.50"
    assert result.interval.high == 100


def test_two_segments_8_9_points_apart_do_not_differ_significantly():
    difference = compare(nps(46, 24, 5), nps(60, 25, 15))

    assert f"{float(difference.adjusted):.3f}" == "8.875"
    assert f"{difference.standard_error:.3f}" == "10.220"
    assert f"{difference.z:.3f}" == "0.868"
    assert f"{difference.p:.4f}" == "0.3852"
    assert not difference.is_significant
    assert difference.change == Fraction(16400, 300) - 45


def test_csat_is_the_share_of_4_and_5_with_a_wilson_interval():
    result = headline(counts_of(Metric.CSAT, {1: 5, 2: 5, 3: 10, 4: 20, 5: 10}))

    assert result.value == 60
    assert (f"{result.interval.low:.2f}", f"{result.interval.high:.2f}") == ("46.18", "72.39")


# --- Means ------------------------------------------------------------------------------------------------------------


def test_ces_is_the_mean_and_the_share_of_5_to_7():
    counts = counts_of(Metric.CES, {1: 1, 4: 1, 5: 1, 7: 1})

    assert headline(counts).value == Fraction(17, 4)
    assert satisfied_share(counts).value == 50


def test_the_interval_of_a_mean_is_normal_from_30_answers_on_and_students_t_below():
    thirty = counts_of(Metric.CES, {3: 15, 5: 15})
    twenty_nine = counts_of(Metric.CES, {3: 14, 5: 15})

    deviation = statistics.stdev([3] * 15 + [5] * 15)
    assert mean_score(thirty).interval.high == pytest.approx(4 + 1.959964 * deviation / math.sqrt(30))
    deviation = statistics.stdev([3] * 14 + [5] * 15)
    assert mean_score(twenty_nine).interval.high == pytest.approx(117 / 29 + 2.048 * deviation / math.sqrt(29))


def test_the_table_of_students_t_agrees_with_the_distribution():
    for degrees, quantile in enumerate(T_975, start=1):
        assert two_sided_p(quantile, degrees=degrees) == pytest.approx(0.05, abs=6e-5)


def test_the_interval_of_a_mean_stays_within_the_scale():
    interval = mean_score(counts_of(Metric.CES, {1: 1, 7: 1})).interval

    assert (interval.low, interval.high) == (1, 7)


def test_one_answer_has_a_mean_but_no_interval():
    result = mean_score(counts_of(Metric.CES, {6: 1}))

    assert result.value == 6
    assert result.interval is None


# --- Empty, small, out of range ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", Metric)
def test_without_answers_there_is_no_value_rather_than_zero(metric):
    nobody = Counts(metric, {})

    assert headline(nobody) is None
    assert satisfied_share(nobody) is None
    assert compare(nobody, counts_of(metric, {5: 3})) is None
    assert compare(counts_of(metric, {5: 3}), nobody) is None
    assert share(0, 0) is None
    assert compare_shares((0, 0), (1, 2)) is None


def test_fewer_than_30_answers_are_a_small_sample():
    assert net_promoter_score(nps(29, 0, 0)).is_small
    assert not net_promoter_score(nps(30, 0, 0)).is_small


@pytest.mark.parametrize(("score", "count"), [(11, 1), (-1, 1), (5, -1)])
def test_scores_outside_the_scale_and_negative_counts_are_refused(score, count):
    with pytest.raises(ValueError, match=r"outside|times"):
        counts_of(Metric.NPS, {score: count})


def test_different_metrics_are_neither_pooled_nor_compared():
    with pytest.raises(ValueError, match="pooled"):
        nps(1, 0, 0) + counts_of(Metric.CSAT, {5: 1})
    with pytest.raises(ValueError, match="compared"):
        compare(nps(1, 0, 0), counts_of(Metric.CSAT, {5: 1}))


# --- Bands ------------------------------------------------------------------------------------------------------------


def test_a_ces_of_5_is_a_promoter_under_the_standard_bands_and_passive_under_wootrics():
    both = counts_of(Metric.CES, {5: 2}) + counts_of(Metric.CES, {5: 3}, BandProfile.WOOTRIC)

    assert both.by_band() == {Band.DETRACTOR: 0, Band.PASSIVE: 3, Band.PROMOTER: 2}
    assert both.by_score()[5] == 5
    assert satisfied_share(both).value == 100


def test_pooling_weighs_every_answer_the_same():
    first, second = counts_of(Metric.CSAT, {5: 300, 1: 100}), counts_of(Metric.CSAT, {5: 50, 1: 50})

    assert headline(pooled(Metric.CSAT, [first, second])).value == Fraction(100 * 350, 500)


# --- Rounding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [
        (Fraction(109, 2), 0, "55"),
        (Fraction(-109, 2), 0, "-55"),
        (Fraction(5, 2), 0, "3"),
        (Fraction(1, 2), 0, "1"),
        (Fraction(-1, 2), 0, "-1"),
        (Fraction(49, 100), 0, "0"),
        (Fraction(-49, 100), 0, "0"),
        (Fraction(16325, 200), 1, "81.6"),
        (Fraction(8165, 100), 1, "81.7"),
        (Fraction(-8165, 100), 1, "-81.7"),
        (Fraction(43, 10), 2, "4.30"),
        (100.0, 1, "100.0"),
    ],
)
def test_shown_numbers_round_half_away_from_zero(value, places, shown):
    assert str(rounded(value, places)) == shown


@given(st.fractions(), st.integers(0, 4))
def test_rounding_is_symmetric_and_never_further_off_than_half_a_digit(value, places):
    assert rounded(-value, places) == rounded(value, places).copy_negate()
    assert abs(Fraction(rounded(value, places)) - value) <= Fraction(1, 2 * 10**places)


# --- Properties -------------------------------------------------------------------------------------------------------


@given(some_counts())
def test_an_interval_lies_within_the_possible_values_around_its_value(counts):
    result = headline(counts)
    if result is None:
        assert counts.n == 0
        return
    low, high = {
        Metric.NPS: (-100, 100),
        Metric.CSAT: (0, 100),
        Metric.CES: (1, 7),
    }[counts.metric]
    assert low <= result.value <= high
    if result.interval is None:
        assert counts.n == 1
        return
    assert low <= result.interval.low <= result.interval.high <= high
    # One single answer is outweighed by the three that the adjusted interval of the NPS adds.
    if not (counts.metric == Metric.NPS and counts.n == 1):
        assert result.interval.low - 1e-9 <= result.value <= result.interval.high + 1e-9


@given(some_counts(metric=Metric.NPS, smallest=1))
def test_the_unclipped_interval_of_the_nps_is_symmetric_around_the_adjusted_centre(counts):
    spread = adjusted_nps(counts)
    interval = spread.interval()

    assert interval.high + interval.low == pytest.approx(2 * float(spread.centre), abs=1e-9)


@given(*[st.integers(0, 500)] * 3)
def test_swapping_promoters_and_detractors_mirrors_the_nps(promoters, passives, detractors):
    result = net_promoter_score(nps(promoters, passives, detractors))
    mirrored = net_promoter_score(nps(detractors, passives, promoters))
    if result is None:
        assert mirrored is None
        return
    assert mirrored.value == -result.value
    assert mirrored.interval.low == pytest.approx(-result.interval.high)


@given(some_counts(smallest=1))
def test_one_more_of_the_highest_score_never_lowers_the_value(counts):
    more = counts + Counts(counts.metric, {(BandProfile.STANDARD, counts.scale.maximum): 1})

    assert headline(more).value >= headline(counts).value


@given(st.integers(1, 10**7).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))))
def test_a_share_and_its_complement_have_mirrored_intervals(share_of):
    part, whole = share_of
    result, rest = share(part, whole), share(whole - part, whole)

    assert result.value + rest.value == 100
    assert result.interval.low == pytest.approx(100 - rest.interval.high)
    assert result.interval.low <= float(result.value) + 1e-9
    assert result.interval.high >= float(result.value) - 1e-9


@given(some_counts(smallest=1), st.integers(2, 50))
def test_more_answers_of_the_same_mix_never_widen_the_interval(counts, times):
    more = pooled(counts.metric, [counts] * times)
    now, then = headline(more).interval, headline(counts).interval
    if then is None:
        return
    if counts.metric == Metric.NPS:  # clipping hides the width
        now, then = adjusted_nps(more).interval(), adjusted_nps(counts).interval()
    assert now.high - now.low <= then.high - then.low + 1e-9


@given(st.data(), st.sampled_from(Metric))
def test_comparing_the_other_way_round_turns_the_sign_and_keeps_the_probability(data, metric):
    first, second = data.draw(some_counts(metric)), data.draw(some_counts(metric))
    there, back = compare(first, second), compare(second, first)
    if there is None:
        assert back is None
        return
    assert back.change == -there.change
    assert back.p == (there.p if there.p is None else pytest.approx(there.p))
    assert there.p is None or 0 <= there.p <= 1


@given(some_counts(smallest=1))
def test_nothing_differs_from_itself(counts):
    difference = compare(counts, counts)

    assert difference.change == 0
    assert not difference.is_significant


@given(st.floats(-40, 40), st.integers(1, 400))
def test_students_t_approaches_the_normal_distribution_from_above(statistic, degrees):
    assert two_sided_p(statistic, degrees=degrees) >= two_sided_p(statistic) - 1e-9


def test_large_samples_tell_small_differences_apart():
    assert compare(
        counts_of(Metric.CSAT, {5: 6000, 1: 4000}), counts_of(Metric.CSAT, {5: 5700, 1: 4300})
    ).is_significant
    assert compare(counts_of(Metric.CES, {5: 400, 6: 600}), counts_of(Metric.CES, {5: 500, 6: 500})).is_significant
    assert not compare(counts_of(Metric.CES, {5: 4, 6: 6}), counts_of(Metric.CES, {5: 5, 6: 5})).is_significant


def test_means_of_small_samples_are_compared_by_welchs_test():
    # Checked by hand: means 5 and 3, variances 1 and 1, t = 2 / sqrt(2/3) = 2.449 with 4 degrees of freedom.
    difference = compare(counts_of(Metric.CES, {4: 1, 5: 1, 6: 1}), counts_of(Metric.CES, {2: 1, 3: 1, 4: 1}))

    assert difference.z == pytest.approx(2.449, abs=1e-3)
    assert difference.p == pytest.approx(0.0705, abs=1e-4)


def test_scores_without_any_spread_cannot_be_tested():
    difference = compare(counts_of(Metric.CES, {5: 4}), counts_of(Metric.CES, {6: 4}))

    assert difference.change == -1
    assert difference.p is None
    assert not difference.is_significant
    assert rounded(difference.change) == Decimal(-1)
