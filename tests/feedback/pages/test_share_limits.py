"""The share link of a survey can end, fill up, and be good for one answer per device."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from feedback.models import Response
from privacy.cookies import cookie_register
from surveys.models import Survey
from tests.factories import make_response, make_survey
from tests.feedback.pages.looking import seal_on

pytestmark = pytest.mark.django_db

PRESSED = "pointer:10"


def answer(client, score=9):
    seal = seal_on(client.get("/s/nps/"))
    return client.post("/s/nps/", {"seal": seal, "score": score, "evidence": PRESSED})


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_that_has_ended_says_so(english, nps, method):
    Survey.objects.update(link_ends_at=timezone.now())

    page = getattr(english, method)("/s/nps/")

    assert page.status_code == 410
    assert "This link has ended" in page.content.decode()


def test_a_link_works_until_its_end_and_personal_links_beyond_it(english, nps, invite):
    Survey.objects.update(link_ends_at=timezone.now() + timedelta(minutes=1))
    assert english.get("/s/nps/").status_code == 200

    Survey.objects.update(link_ends_at=timezone.now())
    assert english.get(invite()).status_code == 200


def test_a_full_survey_takes_no_more_answers(english, nps):
    Survey.objects.update(link_cap=2)
    seal = seal_on(english.get("/s/nps/"))

    assert [answer(english).status_code for _visitor in range(2)] == [303, 303]

    late = english.post("/s/nps/", {"seal": seal, "score": 9, "evidence": PRESSED})
    page = english.get("/s/nps/")
    assert (late.status_code, page.status_code) == (410, 410)
    assert "This survey has all the answers it needs" in page.content.decode()
    assert Response.objects.count() == 2


def test_whoever_gave_the_last_answer_can_send_it_again(english, nps):
    Survey.objects.update(link_cap=1)
    fields = {"seal": seal_on(english.get("/s/nps/")), "score": 9, "evidence": PRESSED}

    answers = [english.post("/s/nps/", fields) for _time in range(2)]

    assert [each.status_code for each in answers] == [303, 303]
    assert english.get(answers[0]["Location"]).status_code == 200


def test_only_answers_through_the_share_link_that_count_fill_it(english, nps):
    Survey.objects.update(link_cap=1)
    make_response(survey=nps, channel="link")  # a personal link
    make_response(survey=nps, channel="web")
    english.post("/s/nps/", {"seal": seal_on(english.get("/s/nps/")), "score": 0, "evidence": "none"})  # a machine

    assert answer(english).status_code == 303
    assert english.get("/s/nps/").status_code == 410


@pytest.mark.django_db(transaction=True)
def test_of_two_last_answers_at_once_one_is_taken():
    make_survey(slug="nps", link_cap=1)
    seals = [seal_on(Client().get("/s/nps/")) for _visitor in range(4)]

    def send(seal):
        try:
            return Client().post("/s/nps/", {"seal": seal, "score": 9, "evidence": PRESSED}).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        statuses = sorted(threads.map(send, seals))

    assert statuses == [303, 410, 410, 410]
    assert Response.objects.count() == 1


def test_a_device_answers_once_and_is_told_so(english, nps):
    Survey.objects.update(one_per_device=True)

    cookie = answer(english).cookies[f"odzew_answered_{nps.pk}"]
    page = english.get("/s/nps/")

    assert (cookie.value, cookie["path"], cookie["samesite"], cookie["httponly"]) == ("1", "/s/nps/", "Lax", True)
    assert cookie["max-age"] == 90 * 24 * 60 * 60
    assert "You have answered" in page.content.decode()
    assert "<form" not in page.content.decode()
    assert any(entry.names(cookie.key) for section in cookie_register() for entry in section.entries)


def test_a_form_that_was_open_on_the_device_is_no_second_answer_but_the_same_one_can_be_changed(english, nps):
    Survey.objects.update(one_per_device=True)
    first, second = (seal_on(english.get("/s/nps/")) for _tab in range(2))
    english.post("/s/nps/", {"seal": first, "score": 9, "evidence": PRESSED})

    other = english.post("/s/nps/", {"seal": second, "score": 1, "evidence": PRESSED})
    changed = english.post("/s/nps/", {"seal": first, "score": 8, "evidence": PRESSED})

    assert "You have answered" in other.content.decode()
    assert changed.status_code == 303
    assert Response.objects.get().score == 8


def test_another_device_answers_too_and_a_decline_leaves_nothing(english, polish, nps):
    Survey.objects.update(one_per_device=True)
    answer(english)

    declined = polish.post("/s/nps/", {"seal": seal_on(polish.get("/s/nps/")), "action": "decline"})

    assert not declined.cookies
    assert answer(polish).status_code == 303


def test_without_the_limit_a_survey_leaves_no_cookie(english, nps):
    assert not answer(english).cookies
