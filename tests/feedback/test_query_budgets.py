"""What a page view and an answer cost the database, statement by statement."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import make_invitation, make_respondent

pytestmark = pytest.mark.django_db(transaction=True)


def statements(call):
    """Return the first words of every statement, transactions included."""
    with CaptureQueriesContext(connection) as captured:
        call()
    return [" ".join(query["sql"].split()[:3]) for query in captured.captured_queries]


@pytest.fixture(params=[0, 10])
def history(request, survey):
    """Somebody who was asked a number of times before."""
    person = make_respondent(product=survey.product, subject_key="id:anna")
    for _ in range(request.param):
        make_invitation(survey=survey, respondent=person, is_test=True)
    return person


def test_a_no_takes_two_statements(history, ask):
    ask(user={"id": "anna"})

    assert statements(lambda: ask(user={"id": "anna"})) == [
        "SELECT product.id, product.is_live,",
        "SELECT list.is_suppressed, member.id,",
    ]


def test_a_no_takes_one_statement_while_the_settings_of_the_product_are_fresh(history, ask, settings):
    settings.PRODUCT_SETTINGS_AGE = 60
    ask(user={"id": "anna"})

    assert statements(lambda: ask(user={"id": "anna"})) == ["SELECT list.is_suppressed, member.id,"]


def test_a_no_to_somebody_new_takes_three(survey, ask):
    type(survey).objects.update(first_survey_delay_days=31)

    assert statements(lambda: ask(user={"id": "anna"}))[2:] == ["INSERT INTO feedback_respondent"]


def test_a_no_to_somebody_without_any_identifier_takes_two_and_a_refused_identity_one(survey, ask):
    type(survey).objects.update(first_survey_delay_days=31)
    assert len(statements(ask)) == 2

    survey.product.identity_mode = "trusted"
    survey.product.save()
    assert len(statements(lambda: ask(user={"id": "anna"}))) == 1


def test_a_reservation_takes_three_statements(history, ask):
    assert statements(lambda: ask(user={"id": "anna"})) == [
        "SELECT product.id, product.is_live,",
        "SELECT list.is_suppressed, member.id,",
        "WITH person AS",
    ]


def test_a_score_takes_one_statement(survey, put):
    make_invitation(survey=survey, token="token-1")

    assert statements(lambda: put("token-1", score=9)) == ["WITH answered AS"]


def test_a_comment_takes_five_statements(survey, put):
    make_invitation(survey=survey, token="token-1")
    submission = str(uuid.uuid4())
    put("token-1", submission_id=submission, score=9)

    assert len(statements(lambda: put("token-1", submission_id=submission, seq=1, comment="why"))) == 5
