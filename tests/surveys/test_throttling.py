import pytest

from surveys.models import ProductThrottles, Survey
from surveys.throttling import DEFAULTS, NUMBERS, Throttles, resolve


def test_each_number_comes_from_the_survey_then_the_product_then_the_defaults():
    survey = Survey(response_days=10)
    product = ProductThrottles(response_days=20, decline_days=40)

    assert resolve(survey, product) == Throttles(response_days=10, decline_days=40)


@pytest.mark.parametrize("name", sorted({*NUMBERS} - {"cooldown_days"}))
def test_zero_is_a_number_and_not_an_empty_field(name):
    survey, product = Survey(**{name: 0}), ProductThrottles(**{name: 5})

    assert getattr(resolve(survey, product), name) == 0


def test_without_any_numbers_the_defaults_of_the_rules_are_in_force():
    assert resolve(Survey(), None) == resolve(None, None) == DEFAULTS
    assert Throttles(31, 90, 30, 7, 7, 3, 7, 30, 100, 100) == DEFAULTS


@pytest.mark.parametrize(
    ("of_survey", "of_product", "in_force"),
    [
        (None, None, 7),
        (None, 3, 3),
        (None, 30, 30),
        (14, None, 14),
        (7, None, 7),
        (2, None, 7),
        (14, 30, 30),
        (30, 14, 30),
        (3, 3, 3),
    ],
)
def test_the_larger_cooldown_counts(of_survey, of_product, in_force):
    survey, product = Survey(cooldown_days=of_survey), ProductThrottles(cooldown_days=of_product)

    assert resolve(survey, product).cooldown_days == in_force
