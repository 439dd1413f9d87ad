"""Two members of staff press the same button at the same moment: real threads against PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from surveys.models import Survey, SurveyVersion
from surveys.publishing import publish
from tests.factories import make_draft, make_survey

pytestmark = pytest.mark.django_db(transaction=True)


def publish_at_once(*surveys):
    """Publish each survey from a thread of its own and return versions and codes of refusals."""
    start = Barrier(len(surveys))

    def attempt(survey_id):
        try:
            survey = Survey.objects.get(pk=survey_id)
            start.wait(timeout=10)
            return publish(survey=survey)
        except ValidationError as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(surveys)) as threads:
        return list(threads.map(attempt, [survey.pk for survey in surveys]))


@pytest.mark.parametrize("attempt", range(3))
def test_a_draft_published_twice_at_once_gets_one_version(attempt):
    survey = make_draft()

    outcomes = publish_at_once(survey, survey)

    assert outcomes.count("unchanged") == 1
    assert list(SurveyVersion.objects.filter(survey=survey).values_list("number", flat=True)) == [1]


@pytest.mark.parametrize("attempt", range(3))
def test_a_changed_survey_published_twice_at_once_gets_one_new_version(attempt):
    survey = make_survey()
    survey.wordings.filter(language="en").update(question="And now?")

    outcomes = publish_at_once(survey, survey, survey)

    assert outcomes.count("unchanged") == 2
    assert list(survey.versions.values_list("number", flat=True)) == [2, 1]


def test_two_surveys_published_at_once_get_one_version_each():
    surveys = make_draft(), make_draft()

    versions = publish_at_once(*surveys)

    assert [version.survey_id for version in versions] == [survey.pk for survey in surveys]
    assert [version.number for version in versions] == [1, 1]
