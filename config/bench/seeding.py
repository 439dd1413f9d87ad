"""How fast made-up history is written: what fills the demonstration and the tables of every other benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from config.bench.registry import Measurement, benchmark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.bench.workplace import Workplace

GOAL: Final = 10_000  # rows of all tables together, per second


@benchmark
def seeding(work: Workplace) -> Iterator[Measurement]:
    """What filling the workplace took."""
    yield Measurement(
        name=f"seeding, {work.seeded.responses:,} responses",
        value=round(work.seeded.rows_per_second),
        unit="rows/s",
        goal=GOAL,
    )
