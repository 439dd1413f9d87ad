import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from feedback.models import Response, Tally
from surveys.scales import Metric
from tests.factories import make_response, make_survey

pytestmark = pytest.mark.django_db


def counts():
    return {tally.score: tally.count for tally in Tally.objects.exclude(count=0)}


def test_a_response_is_counted_when_it_is_written():
    survey = make_survey(metric=Metric.NPS)

    make_response(survey=survey, score=9)
    make_response(survey=survey, score=9)
    make_response(survey=survey, score=0)

    assert counts() == {9: 2, 0: 1}


def test_changing_a_score_moves_the_count():
    response = make_response(score=9)

    Response.objects.filter(pk=response.pk).update(score=3)

    assert counts() == {3: 1}


@pytest.mark.parametrize(
    "change",
    [
        {"is_test": True},
        {"is_suspect": True},
        {"restricted_at": timezone.now()},
        {"excluded_at": timezone.now(), "exclusion_reason": "duplicate"},
    ],
)
def test_what_does_not_count_leaves_the_tally_and_comes_back(change):
    response = make_response(score=9)
    undo = {name: False if value is True else None for name, value in change.items() if name != "exclusion_reason"}

    Response.including_restricted.filter(pk=response.pk).update(**change)
    assert counts() == {}

    Response.including_restricted.filter(pk=response.pk).update(**undo)
    assert counts() == {9: 1}


def test_deleting_the_person_takes_the_counts_along():
    response = make_response(score=9)

    response.respondent.delete()

    assert counts() == {}


def test_one_statement_over_many_rows_counts_each():
    survey = make_survey()
    for score in (1, 1, 2, 10):
        make_response(survey=survey, score=score)

    Response.objects.filter(score__lt=10).update(score=5)

    assert counts() == {5: 3, 10: 1}


def test_the_band_follows_the_score_in_the_database():
    response = make_response(score=9)
    Response.objects.filter(pk=response.pk).update(score=7)

    response.refresh_from_db()

    assert response.band == "passive"


def test_the_database_refuses_a_score_outside_the_scale():
    survey = make_survey(metric=Metric.CSAT)

    with pytest.raises(IntegrityError, match="response_score_in_scale"), transaction.atomic():
        make_response(survey=survey, score=6)
