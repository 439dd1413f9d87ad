"""How often people are asked: the numbers, from the survey's own over the product's to the defaults."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from surveys.models import ThrottleNumbers


@dataclass(frozen=True)
class Throttles:
    """Periods in days, shows in number, samples in per cent of people."""

    first_survey_delay_days: int = 31
    response_days: int = 90
    decline_days: int = 30
    snooze_days: int = 7
    unanswered_days: int = 7
    shows_in_90_days: int = 3
    known_percentage: int = 100
    anonymous_percentage: int = 100


DEFAULTS = Throttles()
NUMBERS = tuple(number.name for number in fields(Throttles))


def resolve(*sources: ThrottleNumbers | None) -> Throttles:
    """Return each number from the first source that sets it, or its default."""
    resolved = {}
    for name in NUMBERS:
        values = (getattr(source, name) for source in sources if source is not None)
        resolved[name] = next((value for value in values if value is not None), getattr(DEFAULTS, name))
    return Throttles(**resolved)
