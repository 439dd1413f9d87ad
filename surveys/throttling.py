"""How often people are asked: the numbers, from the survey's own over the product's to the defaults."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import SimpleNamespace

    from surveys.models import ThrottleNumbers

SHORTEST_COOLDOWN_DAYS: Final = 1
SHORTEST_MAIL_DAYS: Final = 7


@dataclass(frozen=True)
class Throttles:
    """Periods in days, shows in number, samples in per cent of people."""

    first_survey_delay_days: int = 31
    response_days: int = 90
    decline_days: int = 30
    snooze_days: int = 7
    unanswered_days: int = 7
    shows_in_90_days: int = 3
    cooldown_days: int = 7
    mail_days: int = 30
    known_percentage: int = 100
    anonymous_percentage: int = 100


DEFAULTS = Throttles()
NUMBERS = tuple(number.name for number in fields(Throttles))


def resolve(
    survey: ThrottleNumbers | SimpleNamespace | None, product: ThrottleNumbers | SimpleNamespace | None
) -> Throttles:
    """Return each number from the survey, else from the product, else its default.

    The cooldown is a promise of the product as a whole, so it is a floor: the larger of the survey's and the
    product's counts. (A transactional survey rests for its own ``transactional_floor_days`` instead.)
    """
    resolved = {}
    for name in NUMBERS:
        of_survey, of_product = getattr(survey, name, None), getattr(product, name, None)
        of_product = getattr(DEFAULTS, name) if of_product is None else of_product
        if of_survey is None or (name == "cooldown_days" and of_survey < of_product):
            of_survey = of_product
        resolved[name] = of_survey
    return Throttles(**resolved)
