"""Charts drawn on the server: where each line, point and column of an SVG goes, and what it says in words.

Coordinates are strings, so that no language's decimal comma gets into them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from feedback import numbers
from feedback.metrics import share
from surveys.scales import Band, BandProfile, Metric, scale_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from feedback.metrics import Counts
    from feedback.reports import MetricReport, TrendPoint

WIDTH: Final = 480
HEIGHT: Final = 200
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 20, 26
# Where templates draw what every chart has: the frame, the axis' end, and the labels beside and under it.
FRAME: Final = {
    "width": WIDTH,
    "height": HEIGHT,
    "left": LEFT,
    "right": WIDTH - RIGHT,
    "base": HEIGHT - BOTTOM,
    "beside": LEFT - 6,
    "under": HEIGHT - 7,
}
MOST_LABELS: Final = 6
TICKS: Final = {
    Metric.NPS: (-100, -50, 0, 50, 100),
    Metric.CSAT: (0, 25, 50, 75, 100),
    Metric.CES: (1, 2, 3, 4, 5, 6, 7),
}


@dataclass(frozen=True)
class Tick:
    position: str
    label: str


@dataclass(frozen=True)
class Point:
    """A value of a trend; the whisker from ``low`` to ``high`` is its interval, empty where there is none."""

    x: str
    y: str
    low: str
    high: str
    is_small: bool
    title: str


@dataclass(frozen=True)
class Row:
    """A line of a chart's table: what the chart says, in words."""

    label: str
    cells: Sequence[str]


@dataclass(frozen=True)
class Trend:
    points: Sequence[Point]
    lines: Sequence[str]
    across: Sequence[Tick]
    up: Sequence[Tick]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Column:
    """How often one score was given."""

    x: str
    y: str
    width: str
    height: str
    middle: str
    above: str
    score: int
    band: Band
    label: str
    row: Row


@dataclass(frozen=True)
class Segment:
    """One band's part of the whole."""

    x: str
    width: str
    band: Band
    name: str
    label: str


def draw_trend(report: MetricReport) -> Trend:
    """Draw the headline of each bucket on the whole range of the metric; buckets without answers are gaps."""
    metric, bucket, places = report.metric, report.bucket, numbers.PLACES[report.metric][1]
    count = len(report.trend)
    points: list[Point | None] = []
    rows, across = [], []
    every = -(-count // MOST_LABELS)
    for index, step in enumerate(report.trend):
        x = LEFT + (index + 0.5) * (WIDTH - LEFT - RIGHT) / count
        label = numbers.bucket_label(step.period, bucket)
        shown, n = numbers.value(step.value, metric), step.counts.n
        title = "; ".join(filter(None, (shown, numbers.interval(step.value, places), numbers.answers(n))))
        points.append(_point(x, step, metric, f"{label}: {title}"))
        answers = _("too few") if step.is_hidden else numbers.number(n)
        cells = (shown, numbers.bounds(step.value, places) or numbers.DASH, answers)
        rows.append(Row(numbers.days(step.period), cells))
        if index % every == 0:
            across.append(Tick(_at(x), label))
    up = [Tick(_at(_height(tick, metric)), numbers.number(tick)) for tick in TICKS[metric]]
    lines = [" ".join(f"{point.x},{point.y}" for point in run) for run in _runs(points) if len(run) > 1]
    return Trend([point for point in points if point], lines, across, up, rows)


def _point(x: float, step: TrendPoint, metric: Metric, title: str) -> Point | None:
    if step.value is None:
        return None
    ends = step.value.interval
    low, high = (_at(_height(end, metric)) for end in (ends.low, ends.high)) if ends else ("", "")
    return Point(_at(x), _at(_height(float(step.value.value), metric)), low, high, step.value.is_small, title)


def _runs(points: Sequence[Point | None]) -> Iterator[list[Point]]:
    """Yield the stretches of neighbouring points: a line never bridges a gap."""
    run: list[Point] = []
    for point in points:
        if point is not None:
            run.append(point)
        elif run:
            yield run
            run = []
    if run:
        yield run


def draw_distribution(counts: Counts) -> list[Column]:
    """Draw a column per score, as high as its share among the highest."""
    by_score = counts.by_score()
    most = max(by_score.values()) or 1
    step = (WIDTH - 2 * RIGHT) / len(by_score)
    scale = scale_of(counts.metric, _profile(counts))
    columns = []
    for index, (score, count) in enumerate(by_score.items()):
        x = RIGHT + index * step
        height = count / most * (HEIGHT - TOP - BOTTOM)
        y = HEIGHT - BOTTOM - height
        columns.append(
            Column(
                *(_at(x + 0.1 * step), _at(y), _at(0.8 * step), _at(height), _at(x + 0.5 * step), _at(y - 6)),
                score=score,
                band=scale.band(score),
                label=numbers.number(count),
                row=Row(str(score), (numbers.number(count), numbers.percent(share(count, counts.n)))),
            )
        )
    return columns


def draw_bands(counts: Counts) -> list[Segment]:
    """Draw the bands side by side, from the best to the worst."""
    segments, x = [], 0.0
    by_band = counts.by_band()
    for band in (Band.PROMOTER, Band.PASSIVE, Band.DETRACTOR):
        width = WIDTH * by_band[band] / counts.n if counts.n else 0.0
        name = numbers.band_names(band, counts.metric)
        segments.append(Segment(_at(x), _at(width), band, name, numbers.part_of(by_band[band], counts.n)))
        x += width
    return segments


def _profile(counts: Counts) -> BandProfile:
    """Return the profile that all the scores were given under; the standard where they were given under several."""
    profiles = {profile for profile, _score in counts.given}
    return profiles.pop() if len(profiles) == 1 else BandProfile.STANDARD


def _height(measured: float, metric: Metric) -> float:
    lowest, highest = TICKS[metric][0], TICKS[metric][-1]
    return HEIGHT - BOTTOM - (measured - lowest) / (highest - lowest) * (HEIGHT - TOP - BOTTOM)


def _at(position: float) -> str:
    return f"{position:.1f}"
