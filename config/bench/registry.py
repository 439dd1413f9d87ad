"""What a benchmark is, and what it reports."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from config.bench.workplace import Workplace


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One line of the report.

    Args:
        value: what was measured, in ``unit``.
        floor: what it is compared with: the least that could do the same work, in the same unit.
        ratio: value by floor.
        goal: the ratio, or without a floor the value, to reach; ``None`` where the line only informs.
        more_is_better: whether the goal is reached from below.
    """

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None
    goal: float | None = None
    more_is_better: bool = True

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        reached = self.value if self.ratio is None else self.ratio
        return reached >= self.goal if self.more_is_better else reached <= self.goal

    def as_record(self) -> dict[str, Any]:
        record = {**asdict(self), "met": self.met}
        del record["more_is_better"]
        return record


def compare(
    name: str, values: Sequence[float], floors: Sequence[float], *, unit: str, goal: float | None = None
) -> Measurement:
    """Return the medians of interleaved rounds; the ratio is the median of the rounds' ratios.

    The members of a round ran one after the other, so that what disturbs the machine disturbs all.
    """
    return Measurement(
        name=name,
        value=round(median(values), 1),
        unit=unit,
        floor=round(median(floors), 1),
        ratio=round(median(value / floor for value, floor in zip(values, floors, strict=True)), 3),
        goal=goal,
    )


BENCHMARKS: list[Callable[[Workplace], Iterable[Measurement]]] = []


def benchmark(
    function: Callable[[Workplace], Iterable[Measurement]],
) -> Callable[[Workplace], Iterable[Measurement]]:
    """Register a benchmark; it runs with ``manage.py bench``."""
    BENCHMARKS.append(function)
    return function


def write(measurements: Sequence[Measurement], path: Path) -> None:
    """Write the report as a list of records."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([each.as_record() for each in measurements], indent=2) + "\n")


def table(measurements: Sequence[Measurement]) -> str:
    """Return the report for people."""
    head = ("benchmark", "value", "floor", "ratio", "goal", "met")
    rows = [head, *(_row(each) for each in measurements)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines)


def _row(measurement: Measurement) -> tuple[str, ...]:
    number = "" if measurement.floor is None else f"{measurement.floor:,.0f}"
    return (
        measurement.name,
        f"{measurement.value:,.0f} {measurement.unit}",
        number,
        "" if measurement.ratio is None else f"{measurement.ratio:.2f}",
        "" if measurement.goal is None else f"{measurement.goal:g}",
        {True: "yes", False: "NO", None: ""}[measurement.met],
    )
