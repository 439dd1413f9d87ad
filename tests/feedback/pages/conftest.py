from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import make_invitation, make_product, make_respondent, make_survey
from tests.feedback.pages.looking import seal_on


@pytest.fixture
def english():
    """A browser whose person prefers English."""
    return Client(headers={"Accept-Language": "en"})


@pytest.fixture
def polish():
    return Client(headers={"Accept-Language": "pl-PL,pl;q=0.9,en;q=0.5"})


@pytest.fixture
def nps():
    return make_survey(slug="nps", product=make_product(default_language="pl"))


@pytest.fixture
def send_score(english, nps):
    """Open the survey's page and send a score from it; returns the answer and the address of the visitor's page."""

    def send(score=9, *, slug="nps", **fields):
        page = english.get(f"/s/{slug}/")
        answer = english.post(f"/s/{slug}/", {"seal": seal_on(page), "score": score, "action": "send", **fields})
        assert answer.status_code == 303, answer.content.decode()
        return answer["Location"]

    return send


@pytest.fixture
def invite(nps):
    """Invite somebody the product knows; returns the address of their page."""

    def invite(**overrides):
        respondent = overrides.pop("respondent", None) or make_respondent(product=nps.product)
        make_invitation(survey=nps, token="personal-token", respondent=respondent, channel="link", **overrides)
        return "/i/personal-token/"

    return invite
