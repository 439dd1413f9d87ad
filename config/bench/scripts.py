"""What the widget costs a page that carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.bench.registry import Measurement, benchmark
from feedback.widget.assets import LARGEST_LOADER, LARGEST_TOTAL, sizes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.bench.workplace import Workplace

UNIT = "bytes (brotli)"
# What the lightest of the widgets that are known to us loads into a page to ask the same, compressed with gzip.
LIGHTEST_PEER = 171_000


@benchmark
def widget(work: Workplace) -> Iterator[Measurement]:
    """Bytes that travel, compressed with Brotli: of the loader to every page, and of all to somebody who is asked."""
    measured = sizes()
    yield Measurement(
        name="widget, loader", value=measured.loader, unit=UNIT, goal=LARGEST_LOADER, more_is_better=False
    )
    yield Measurement(
        name="widget, loader and survey", value=measured.total, unit=UNIT, goal=LARGEST_TOTAL, more_is_better=False
    )
    yield Measurement(
        name="widget, loader and survey, by the lightest peer",
        value=measured.total,
        floor=LIGHTEST_PEER,
        unit="bytes (peer: gzip)",
        ratio=round(measured.total / LIGHTEST_PEER, 3),
        goal=1,
        more_is_better=False,
    )
