"""A machine and the person at one link in the same moment: real threads against PostgreSQL."""

import threading
import time
from uuid import uuid4

import pytest
from django.db import connection, transaction

from feedback import triage
from feedback.intake import Submission, UsedInvitation, submit
from feedback.models import Invitation, Response, Suspicion
from feedback.scanners import Sender
from tests.factories import make_invitation, make_staff, make_survey

pytestmark = pytest.mark.django_db(transaction=True)

MACHINE = Sender(fingerprint=b"m" * 32, suspicion=Suspicion.NO_INPUT)
PERSON = Sender(fingerprint=b"p" * 32, has_input=True)
ID = uuid4()


def send(score, sender, seq=0):
    return submit(token="token", submission=Submission(submission_id=ID, score=score, seq=seq, sender=sender))


def beside(work, outcome):
    """Run some work on a connection of its own, and come back once it waits for a lock of ours."""

    def run():
        try:
            outcome.append(work())
        except Exception as error:  # noqa: BLE001  looked at by the test
            outcome.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 20
    waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
    with connection.cursor() as cursor:
        while not cursor.execute(waits).fetchone()[0]:
            assert time.monotonic() < deadline, outcome
            time.sleep(0.01)
    return thread


@pytest.fixture
def invitation():
    return make_invitation(survey=make_survey(), token="token", channel="email")


def test_a_person_who_answers_while_a_machine_does_has_the_last_word(invitation):
    outcome = []
    with transaction.atomic():
        send(3, MACHINE)
        thread = beside(lambda: send(9, PERSON), outcome)
    thread.join(timeout=20)

    assert (Response.objects.get().score, outcome[0].seq) == (3, 0)
    send(9, PERSON, seq=1)  # as the page says after it was told that nothing changed

    response = Response.objects.get()
    assert (response.score, response.is_suspect) == (9, False)
    assert Invitation.objects.get().responded_at is not None


def test_an_answer_that_says_nothing_of_its_browser_comes_after_that_of_a_machine(invitation):
    send(3, MACHINE)

    with pytest.raises(UsedInvitation):
        submit(token="token", submission=Submission(submission_id=uuid4(), score=9))

    assert Response.objects.get().score == 3
    assert Invitation.objects.get().responded_at is None


def test_a_machine_that_answers_while_a_person_does_changes_nothing(invitation):
    outcome = []
    with transaction.atomic():
        send(9, PERSON)
        thread = beside(lambda: send(3, MACHINE, seq=1), outcome)
    thread.join(timeout=20)

    response = Response.objects.get()
    assert (response.score, response.is_suspect) == (9, False), outcome
    assert Invitation.objects.get().responded_at is not None


def test_accepting_an_answer_while_the_person_gives_theirs_leaves_theirs(invitation):
    send(3, MACHINE)
    outcome = []
    with transaction.atomic():
        triage.accept(responses=Response.objects.all(), by=make_staff("reviewer"))
        thread = beside(lambda: send(9, PERSON, seq=1), outcome)
    thread.join(timeout=20)

    response = Response.objects.get()
    assert not isinstance(outcome[0], AssertionError)
    assert not response.is_suspect
    assert Invitation.objects.get().responded_at is not None
