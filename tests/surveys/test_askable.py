from datetime import timedelta

import pytest
from django.utils import timezone

from surveys.models import Survey
from surveys.publishing import change_state
from tests.factories import make_draft, make_product, make_survey

pytestmark = pytest.mark.django_db

NOW = timezone.now()
MOMENT = timedelta(microseconds=1)


def askable(survey, at=NOW):
    return survey in Survey.objects.askable(at=at)


def test_a_published_survey_of_a_live_product_may_be_asked():
    assert askable(make_survey())


def test_a_draft_cannot_be_asked():
    assert not askable(make_draft())


@pytest.mark.parametrize("state", [Survey.State.PAUSED, Survey.State.ARCHIVED])
def test_a_paused_or_archived_survey_cannot_be_asked(state):
    assert not askable(change_state(survey=make_survey(), to=state))


def test_a_resumed_survey_may_be_asked_again():
    survey = change_state(survey=make_survey(), to=Survey.State.PAUSED)

    assert askable(change_state(survey=survey, to=Survey.State.LIVE))


def test_nobody_is_asked_about_a_product_that_is_off():
    assert not askable(make_survey(product=make_product(is_live=False)))


def test_a_survey_is_asked_from_its_start_until_just_before_its_end():
    survey = make_survey(starts_at=NOW, ends_at=NOW + timedelta(days=1))

    assert not askable(survey, NOW - MOMENT)
    assert askable(survey, NOW)
    assert askable(survey, NOW + timedelta(days=1) - MOMENT)
    assert not askable(survey, NOW + timedelta(days=1))
