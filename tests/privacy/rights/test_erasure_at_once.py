"""Erasing a person while they answer: whatever is being written when the erasure begins goes with it."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from feedback.intake import Submission, submit
from feedback.invitations import UnknownInvitation
from feedback.models import Invitation, Respondent, Response
from feedback.tallies import find_drift
from privacy.erasure import erase
from privacy.models import RequestTask
from privacy.restriction import restrict
from tests.factories import make_invitation, make_respondent, make_survey
from tests.privacy.rights.asking import make_proved_request, make_task

pytestmark = pytest.mark.django_db(transaction=True)
ANNA = "anna@example.com"
WAITS = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"


@pytest.fixture
def asked():
    """A proved request of somebody who has an open invitation with the token “open”."""
    survey = make_survey()
    anna = make_respondent(product=survey.product, email=ANNA)
    make_invitation(survey=survey, respondent=anna, token="open")
    return make_proved_request(identifier=ANNA, controller=survey.product.controller)


def answer():
    submit(token="open", submission=Submission(submission_id=uuid.uuid4(), score=9))


def in_a_connection(perform, task_id):
    try:
        return perform(RequestTask.objects.get(pk=task_id))
    finally:
        connection.close()


def while_answering(perform, task):
    """Perform a task that begins while an answer is written, and let the answer be stored once the task waits."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            answer()
            performing = pool.submit(in_a_connection, perform, task.pk)
            while not is_waiting():
                assert not performing.done()
        return performing.result(timeout=10)


def is_waiting():
    with connection.cursor() as cursor:
        cursor.execute(WAITS)
        return cursor.fetchone()[0]


def test_an_answer_that_arrives_during_the_erasure_goes_too(asked):
    while_answering(erase, make_task(asked, "erase", dataset="feedback.Respondent"))

    assert not Respondent.including_restricted.exists()
    assert not Invitation.including_restricted.exists()
    assert not Response.including_restricted.exists()
    assert find_drift() == []


def test_an_answer_that_arrives_during_the_restriction_is_restricted(asked):
    while_answering(restrict, make_task(asked, "restrict", right="restriction"))

    assert Response.including_restricted.get().restricted_at
    assert find_drift() == []


def test_after_the_erasure_nothing_can_be_answered(asked):
    erase(make_task(asked, "erase", dataset="feedback.Respondent"))

    with pytest.raises(UnknownInvitation):
        answer()
