"""What scores amount to: NPS, CSAT and CES with intervals and comparisons. Values in, values out, no database.

Sources: J. Sauro and J. Lewis, measuringu.com (adjusted Wald for NPS); B. Rocks, "Interval Estimation for the Net
Promoter Score", The American Statistician 70 (2016); E. B. Wilson, JASA 22 (1927); A. Agresti and B. Caffo, The
American Statistician 54 (2000), for the difference of two shares; B. L. Welch, Biometrika 34 (1947), for that of two
means. Points are exact fractions; only square roots and probabilities are floats.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from surveys.scales import Band, BandProfile, Metric, Scale, scale_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SMALL_SAMPLE: Final = 30  # below, a normal approximation of a mean does not hold and readers are warned
SIGNIFICANCE: Final = 0.05
NORMAL_FROM: Final = 1000  # degrees of freedom above which Student's t is the normal distribution to three digits
Z: Final = NormalDist().inv_cdf(0.975)

# Student's t, two-sided 95 % (quantile .975) for 1 to 28 degrees of freedom; 29 and more count as normal.
T_975: Final = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145),
    *(2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048),
)


@dataclass(frozen=True)
class Counts:
    """How often each score of one metric was given, apart for each band profile it was given under."""

    metric: Metric
    given: Mapping[tuple[BandProfile, int], int]

    def __post_init__(self) -> None:
        for (profile, score), count in self.given.items():
            scale_of(self.metric, profile).band(score)  # refuses a score outside the scale
            if count < 0:
                raise ValueError(f"score {score} cannot be given {count} times")

    def __add__(self, other: Counts) -> Counts:
        """Pool two groups of people who answered the same metric.

        Raises:
            ValueError: the metrics differ.
        """
        if other.metric != self.metric:
            raise ValueError(f"{self.metric} and {other.metric} cannot be pooled")
        return Counts(self.metric, Counter(self.given) + Counter(other.given))

    @property
    def n(self) -> int:
        return sum(self.given.values())

    @property
    def scale(self) -> Scale:
        """The range of the scores; where its bands begin depends on the profile, see ``by_band``."""
        return scale_of(self.metric)

    def by_score(self) -> dict[int, int]:
        """Return how often each score of the scale was given, also those that nobody gave."""
        counts = dict.fromkeys(self.scale.scores, 0)
        for (_profile, score), count in self.given.items():
            counts[score] += count
        return counts

    def by_band(self) -> dict[Band, int]:
        """Return how many answers fall into each band, each score under the profile it was given under."""
        counts = dict.fromkeys(Band, 0)
        for (profile, score), count in self.given.items():
            counts[scale_of(self.metric, profile).band(score)] += count
        return counts

    def satisfied(self) -> int:
        """Return how many gave 4–5 (CSAT), 5–7 (CES) or 9–10 (NPS): defined by the metric, not by the profile."""
        return sum(count for score, count in self.by_score().items() if score >= self.scale.promoter_from)


def pooled(metric: Metric, groups: Iterable[Counts]) -> Counts:
    """Return the counts of all groups together, so that every answer weighs the same."""
    return sum(groups, Counts(metric, {}))


@dataclass(frozen=True)
class Interval:
    """A 95 % confidence interval, in the unit of its point."""

    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """A measured value with its number of answers; no interval where one answer shows no spread.

    NPS is in points from -100 to 100, shares are in per cent, means are on the scale.
    """

    value: Fraction
    n: int
    interval: Interval | None

    @property
    def is_small(self) -> bool:
        """Whether there are too few answers to read much into the value."""
        return self.n < SMALL_SAMPLE


@dataclass(frozen=True)
class Spread:
    """The centre and the standard error of an estimate, in its unit."""

    centre: Fraction
    standard_error: float

    def interval(self, *, quantile: float = Z) -> Interval:
        """Return centre ± quantile × standard error, not clipped to the possible values."""
        half = quantile * self.standard_error
        return Interval(float(self.centre) - half, float(self.centre) + half)


@dataclass(frozen=True)
class Difference:
    """How far a value lies from another of the same metric, and how likely chance alone brings them that far apart.

    ``change`` is the difference of the values as shown, ``adjusted`` that of the values that are tested. ``z`` and
    ``p`` are ``None`` where the answers show no spread to test against.
    """

    change: Fraction
    adjusted: Fraction
    standard_error: float
    z: float | None
    p: float | None

    @property
    def is_significant(self) -> bool:
        return self.p is not None and self.p < SIGNIFICANCE


def rounded(value: Fraction | float, places: int = 0) -> Decimal:
    """Return the value rounded half away from zero: 54.5 gives 55 and -54.5 gives -55, unlike Python's ``round``."""
    shifted = Fraction(value) * 10**places
    magnitude = (2 * abs(shifted.numerator) + shifted.denominator) // (2 * shifted.denominator)
    # Built from its digits: arithmetic on Decimals would round to the context's precision.
    return Decimal((int(shifted < 0 < magnitude), tuple(map(int, str(magnitude))), -places))


def headline(counts: Counts) -> Estimate | None:
    """Return the number a metric is known by: NPS, the CSAT share or the CES mean; ``None`` without answers."""
    if counts.metric == Metric.NPS:
        return net_promoter_score(counts)
    return satisfied_share(counts) if counts.metric == Metric.CSAT else mean_score(counts)


def net_promoter_score(counts: Counts) -> Estimate | None:
    """Return % promoters − % detractors with its adjusted Wald interval; ``None`` without answers."""
    if not counts.n:
        return None
    interval = adjusted_nps(counts).interval()
    return Estimate(_nps(counts), counts.n, Interval(max(interval.low, -100.0), min(interval.high, 100.0)))


def satisfied_share(counts: Counts) -> Estimate | None:
    """Return the share of 4–5 (CSAT) or 5–7 (CES) with its Wilson interval; ``None`` without answers."""
    return share(counts.satisfied(), counts.n)


def share(part: int, whole: int) -> Estimate | None:
    """Return ``part`` of ``whole`` in per cent with its Wilson interval; ``None`` when the whole is empty."""
    if not whole:
        return None
    p = part / whole
    centre = (p + Z**2 / (2 * whole)) / (1 + Z**2 / whole)
    half = Z / (1 + Z**2 / whole) * math.sqrt(p * (1 - p) / whole + Z**2 / (4 * whole**2))
    # At 0 and 100 % the bound is the point itself, from which a float may stray in its last digit.
    low, high = min(max(centre - half, 0.0), p), max(min(centre + half, 1.0), p)
    return Estimate(Fraction(100 * part, whole), whole, Interval(100 * low, 100 * high))


def mean_score(counts: Counts) -> Estimate | None:
    """Return the mean score; its interval is normal from 30 answers on, Student's t below, within the scale."""
    n = counts.n
    if not n:
        return None
    mean = _mean(counts)
    if n == 1:
        return Estimate(mean, n, None)
    quantile = Z if n >= SMALL_SAMPLE else T_975[n - 2]
    interval = Spread(mean, math.sqrt(_variance(counts) / n)).interval(quantile=quantile)
    clipped = Interval(max(interval.low, float(counts.scale.minimum)), min(interval.high, float(counts.scale.maximum)))
    return Estimate(mean, n, clipped)


def compare(now: Counts, before: Counts) -> Difference | None:
    """Test whether the headline of two periods or segments differs; ``None`` when one of them has no answers.

    Raises:
        ValueError: the metrics differ.
    """
    if now.metric != before.metric:
        raise ValueError(f"{now.metric} and {before.metric} cannot be compared")
    if not now.n or not before.n:
        return None
    if now.metric == Metric.NPS:
        return _difference(_nps(now) - _nps(before), adjusted_nps(now), adjusted_nps(before))
    if now.metric == Metric.CSAT:
        return compare_shares((now.satisfied(), now.n), (before.satisfied(), before.n))
    return _compare_means(now, before)


def compare_shares(now: tuple[int, int], before: tuple[int, int]) -> Difference | None:
    """Test whether two shares, each a part of a whole, differ; ``None`` when one of the wholes is empty."""
    if not now[1] or not before[1]:
        return None
    change = Fraction(100 * now[0], now[1]) - Fraction(100 * before[0], before[1])
    return _difference(change, _adjusted_share(*now), _adjusted_share(*before))


def wald_nps(counts: Counts) -> Spread:
    """Return the plain Wald spread of the NPS, which is too narrow for few answers; needs at least one."""
    bands = counts.by_band()
    return _net(Fraction(bands[Band.PROMOTER]), Fraction(bands[Band.DETRACTOR]), Fraction(counts.n))


def adjusted_nps(counts: Counts) -> Spread:
    """Return the spread of the NPS after adding ¾ promoter, 1½ passives and ¾ detractor."""
    bands = counts.by_band()
    extra = Fraction(3, 4)
    return _net(bands[Band.PROMOTER] + extra, bands[Band.DETRACTOR] + extra, counts.n + 4 * extra)


def _net(promoters: Fraction, detractors: Fraction, n: Fraction) -> Spread:
    net = (promoters - detractors) / n
    variance = (promoters + detractors) / n - net**2
    return Spread(100 * net, 100 * math.sqrt(variance / n))


def _nps(counts: Counts) -> Fraction:
    bands = counts.by_band()
    return Fraction(100 * (bands[Band.PROMOTER] - bands[Band.DETRACTOR]), counts.n)


def _adjusted_share(part: int, whole: int) -> Spread:
    p = Fraction(part + 1, whole + 2)
    return Spread(100 * p, 100 * math.sqrt(p * (1 - p) / (whole + 2)))


def _mean(counts: Counts) -> Fraction:
    return Fraction(sum(score * count for score, count in counts.by_score().items()), counts.n)


def _variance(counts: Counts) -> Fraction:
    """Return the sample variance; needs at least two answers."""
    mean = _mean(counts)
    return sum((count * (score - mean) ** 2 for score, count in counts.by_score().items()), Fraction()) / (counts.n - 1)


def _difference(change: Fraction, now: Spread, before: Spread, *, degrees: int | None = None) -> Difference:
    adjusted = now.centre - before.centre
    error = math.hypot(now.standard_error, before.standard_error)
    if not error:
        return Difference(change, adjusted, error, None, None)
    z = float(adjusted) / error
    return Difference(change, adjusted, error, z, two_sided_p(z, degrees=degrees))


def _compare_means(now: Counts, before: Counts) -> Difference:
    change = _mean(now) - _mean(before)
    if now.n == 1 or before.n == 1:
        return Difference(change, change, 0.0, None, None)
    squares = [_variance(counts) / counts.n for counts in (now, before)]
    spreads = [Spread(_mean(counts), math.sqrt(square)) for counts, square in zip((now, before), squares, strict=True)]
    degrees = None
    if min(now.n, before.n) < SMALL_SAMPLE and any(squares):
        # Welch and Satterthwaite; rounded down, which errs towards "no significant difference".
        degrees = int(sum(squares) ** 2 / (squares[0] ** 2 / (now.n - 1) + squares[1] ** 2 / (before.n - 1)))
    return _difference(change, *spreads, degrees=degrees)


def two_sided_p(statistic: float, *, degrees: int | None = None) -> float:
    """Return how likely chance alone gives a statistic at least this far from zero.

    Args:
        statistic: a standardised difference.
        degrees: degrees of freedom of Student's t; ``None`` for the normal distribution.
    """
    if degrees is None or degrees > NORMAL_FROM:
        return math.erfc(abs(statistic) / math.sqrt(2))
    # The finite sums for whole degrees of freedom: Abramowitz and Stegun, 26.7.3 and 26.7.4.
    angle = math.atan(abs(statistic) / math.sqrt(degrees))
    cosine, sine = math.cos(angle), math.sin(angle)
    odd = degrees % 2
    term = cosine if odd else 1.0
    total = 0.0
    for step in range(degrees // 2):
        if step:
            term *= cosine**2 * (2 * step / (2 * step + 1) if odd else (2 * step - 1) / (2 * step))
        total += term
    inside = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return min(max(1 - inside, 0.0), 1.0)
