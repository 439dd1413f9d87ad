from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connections
from django.test import Client
from django.utils import timezone

from feedback.forms import Seal
from feedback.models import Response, ScoreChange
from feedback.pages import Step, due_step
from privacy.encryption import token_digest
from tests.factories import make_survey
from tests.feedback.pages.looking import checked_on, seal_on, stored

pytestmark = pytest.mark.django_db


def test_sending_the_same_form_twice_is_one_answer(english, nps):
    fields = {"seal": seal_on(english.get("/s/nps/")), "score": "9"}

    first, second = english.post("/s/nps/", fields), english.post("/s/nps/", fields)

    assert first["Location"] == second["Location"]
    assert [len(rows) for rows in stored()] == [1, 1, 1, 0]


@pytest.mark.django_db(transaction=True)
def test_the_same_form_sent_twice_at_once_is_one_answer():
    make_survey(slug="nps")
    seal = seal_on(Client().get("/s/nps/"))

    def send(score):
        try:
            return Client().post("/s/nps/", {"seal": seal, "score": score}).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(send, ["9"] * 8))

    assert statuses == [303] * 8
    assert [len(rows) for rows in stored()] == [1, 1, 1, 0]


def test_going_back_and_choosing_another_score_changes_the_answer(english, nps):
    seal = seal_on(english.get("/s/nps/"))

    english.post("/s/nps/", {"seal": seal, "score": "9"})
    english.post("/s/nps/", {"seal": seal, "score": "2"})

    assert Response.objects.get().score == 2
    assert ScoreChange.objects.get().score == 9


def test_two_tabs_of_one_invitation_are_one_answer(english, invite):
    address = invite()
    seals = [seal_on(english.get(address)) for _tab in range(2)]

    answers = [english.post(address, {"seal": seal, "score": str(8 + tab)}) for tab, seal in enumerate(seals)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert Response.objects.get().score == 9


def test_two_visitors_of_a_survey_are_two_answers(send_score):
    assert send_score(9) != send_score(9)

    assert [len(rows) for rows in stored()] == [2, 2, 2, 0]


def test_the_score_can_be_changed_for_a_day(english, invite):
    address = invite()
    with time_machine.travel(timezone.now() - timedelta(hours=23), tick=False):
        english.post(address, {"seal": seal_on(english.get(address)), "score": "9"})
        english.post(address, {"seal": seal_on(english.get(address)), "step": "comment", "action": "skip"})

    assert "change=score" in english.get(address).content.decode()
    page = english.get(address + "?change=score")
    english.post(address + "?change=score", {"seal": seal_on(page), "score": "4"})

    assert checked_on(page) == ["9"]
    assert Response.objects.get().score == 4
    assert ScoreChange.objects.get().score == 9


def test_after_a_day_the_score_is_locked_and_the_comment_is_not(english, invite):
    address = invite()
    with time_machine.travel(timezone.now() - timedelta(hours=25), tick=False):
        english.post(address, {"seal": seal_on(english.get(address)), "score": "9"})
        english.post(address, {"seal": seal_on(english.get(address)), "step": "comment", "action": "skip"})
    page = english.get(address).content.decode()
    late = Seal(submission_id=Response.objects.get().submission_id, seq=9)
    seal = late.signed(page=f"invitation {token_digest('personal-token').hex()}")

    refused = english.post(address, {"seal": seal, "score": "4"})
    second = english.get(address + "?change=comment")
    answer = english.post(address, {"seal": seal_on(second), "step": "comment", "comment": "Later", "action": "send"})

    assert "change=score" not in page
    assert "change=comment" in page
    assert not checked_on(english.get(address + "?change=score"))
    assert refused.status_code == 409
    assert answer.status_code == 200
    assert "receipt" not in answer.content.decode()
    assert Response.objects.values_list("score", "comment").get() == (9, "Later")


def test_skipping_a_change_keeps_the_comment(english, send_score):
    address = send_score(9)
    english.post(
        address, {"seal": seal_on(english.get(address)), "step": "comment", "comment": "Good", "action": "send"}
    )

    page = english.get(address + "?change=comment")
    english.post(address, {"seal": seal_on(page), "step": "comment", "comment": "", "action": "skip"})

    assert Response.objects.get().comment == "Good"


def test_a_comment_can_be_taken_back(english, send_score):
    address = send_score(9)
    english.post(
        address, {"seal": seal_on(english.get(address)), "step": "comment", "comment": "Oops", "action": "send"}
    )

    page = english.get(address + "?change=comment")
    english.post(address, {"seal": seal_on(page), "step": "comment", "comment": "", "action": "send"})

    assert ">\nOops</textarea>" in page.content.decode()
    assert Response.objects.get().comment == ""


def test_the_step_due_follows_from_the_answer():
    now = timezone.now()
    partial = Response(state="partial", answered_at=now)
    complete = Response(state="complete", answered_at=now - timedelta(days=2))
    locked = Response(state="complete", answered_at=now - timedelta(days=14))

    assert due_step(None, wanted="comment", at=now) == Step.SCORE
    assert due_step(partial, at=now) == Step.FOLLOW_UP
    assert due_step(partial, wanted="score", at=now) == Step.SCORE
    assert due_step(complete, wanted="score", at=now) == Step.DONE
    assert due_step(complete, wanted="comment", at=now) == Step.FOLLOW_UP
    assert due_step(complete, wanted="done", at=now) == Step.DONE
    assert due_step(locked, wanted="comment", at=now) == Step.DONE
