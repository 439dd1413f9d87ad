import pytest

from surveys.models import ProductThrottles, Survey
from surveys.throttling import DEFAULTS, NUMBERS, Throttles, resolve


def test_each_number_comes_from_the_survey_then_the_product_then_the_defaults():
    survey = Survey(response_days=10)
    product = ProductThrottles(response_days=20, decline_days=40)

    assert resolve(survey, product) == Throttles(response_days=10, decline_days=40)


@pytest.mark.parametrize("name", NUMBERS)
def test_zero_is_a_number_and_not_an_empty_field(name):
    survey, product = Survey(**{name: 0}), ProductThrottles(**{name: 5})

    assert getattr(resolve(survey, product), name) == 0


def test_without_any_numbers_the_defaults_of_the_rules_are_in_force():
    assert resolve(Survey(), None) == resolve() == DEFAULTS
    assert Throttles(31, 90, 30, 7, 7, 3, 100, 100) == DEFAULTS
