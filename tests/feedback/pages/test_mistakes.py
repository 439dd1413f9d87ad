from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from feedback.forms import Seal
from feedback.models import Invitation, Response
from surveys.models import Survey
from surveys.publishing import change_state
from tests.factories import make_draft, make_invitation, make_respondent, make_survey
from tests.feedback.pages.looking import checked_on, seal_on, stored

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("score", ["", "9.0", "true", "11", "-1", "09", " 9", "٩", "NaN", "9\x00", "1e1", "9" * 5000])
def test_what_is_no_score_is_refused_with_a_summary_of_mistakes(english, nps, score):
    page = english.get("/s/nps/")

    answer = english.post("/s/nps/", {"seal": seal_on(page), "score": score, "action": "send"})

    assert answer.status_code == 400
    assert '<div class="error-summary" role="alert"' in answer.content.decode()
    assert '<a href="#id_score">Choose a score from 0 to 10.</a>' in answer.content.decode()
    assert stored() == [[], [], [], []]


def test_a_form_with_a_mistake_keeps_its_seal(english, nps):
    first = seal_on(english.get("/s/nps/"))

    again = seal_on(english.post("/s/nps/", {"seal": first}))

    assert Seal.read(again, page=f"survey {nps.pk}") == Seal.read(first, page=f"survey {nps.pk}")


@pytest.mark.parametrize("seal", ["", "nonsense", "a:b:c", "\x00", "ż", "x" * 100_000])
@pytest.mark.parametrize("action", ["send", "decline"])
def test_a_form_without_a_good_seal_is_shown_again_with_what_was_chosen(english, nps, seal, action):
    answer = english.post("/s/nps/", {"seal": seal, "score": "7", "action": action})

    assert answer.status_code == 400
    assert "did not come from this page" in answer.content.decode()
    assert checked_on(answer) == ["7"]
    assert stored() == [[], [], [], []]
    assert english.post("/s/nps/", {"seal": seal_on(answer), "score": "7"}).status_code == 303


def test_a_post_without_anything_is_refused(english, nps, invite):
    assert english.post("/s/nps/").status_code == 400
    assert english.post(invite()).status_code == 400
    assert english.post("/s/nps/", b"{}", content_type="application/json").status_code == 400
    assert not Response.objects.exists()


def test_a_seal_of_one_page_is_worth_nothing_on_another(english, nps, invite):
    make_survey(slug="other")
    address = invite()
    make_invitation(survey=nps, token="another-token")

    assert english.post("/s/nps/", {"seal": seal_on(english.get("/s/other/")), "score": "5"}).status_code == 400
    assert english.post("/i/another-token/", {"seal": seal_on(english.get(address)), "score": "5"}).status_code == 400
    assert not Response.objects.exists()


def test_a_form_left_open_for_days_is_shown_again(english, nps):
    with time_machine.travel(timezone.now() - timedelta(hours=25)):
        seal = seal_on(english.get("/s/nps/"))

    answer = english.post("/s/nps/", {"seal": seal, "score": "7"})

    assert answer.status_code == 400
    assert "open for a long time" in answer.content.decode()
    assert checked_on(answer) == ["7"]
    assert not Response.objects.exists()


def test_a_comment_that_is_too_long_is_refused_and_kept_in_the_form(english, send_score):
    address = send_score(9)
    fields = {"seal": seal_on(english.get(address)), "step": "comment", "comment": "ż" * 20_000, "action": "send"}
    before = stored()

    answer = english.post(address, fields)

    assert answer.status_code == 400
    assert "20000 characters; at most 10000" in answer.content.decode()
    assert "ż" * 20_000 in answer.content.decode()
    assert stored() == before


def test_line_breaks_count_as_one_character_and_nulls_as_none(english, send_score):
    address = send_score(9)
    comment = "a\r\n" * 5_000
    fields = {"seal": seal_on(english.get(address)), "step": "comment", "comment": "\x00" + comment, "action": "send"}

    assert english.post(address, fields).status_code == 200

    assert Response.objects.get().comment == ("a\n" * 5_000).strip()


def test_a_comment_before_any_score_leads_back_to_the_scale(english, invite):
    address = invite()
    seal = seal_on(english.get(address))

    answer = english.post(address, {"seal": seal, "step": "comment", "comment": "Why", "action": "send"})

    assert (answer.status_code, answer["Location"]) == (303, address)
    assert not Response.objects.exists()


@pytest.mark.parametrize("name", ["RATE_LIMIT_PER_ADDRESS", "RATE_LIMIT_PER_PRODUCT"])
def test_too_many_answers_to_a_survey_are_refused_for_a_while(english, nps, settings, name):
    setattr(settings, name, 1)
    seal = seal_on(english.get("/s/nps/"))
    english.post("/s/nps/", {"seal": seal, "score": "9"})
    before = stored()

    refused = english.post("/s/nps/", {"seal": seal, "score": "3"})

    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert stored() == before
    assert english.get("/s/nps/").status_code == 200


def test_too_many_answers_to_one_invitation_are_refused_for_a_while(english, invite, settings):
    settings.RATE_LIMIT_PER_PERSON = 1
    address = invite()
    seal = seal_on(english.get(address))

    assert english.post(address, {"seal": seal, "score": "9"}).status_code == 303
    assert english.post(address, {"seal": seal, "score": "3"}).status_code == 429
    assert Response.objects.get().score == 9


@pytest.mark.parametrize("method", ["get", "head", "post"])
def test_an_unknown_address_gets_a_friendly_page(english, db, method):
    for address in ("/s/nope/", "/i/nope/", "/i/%00/", "/i/%FF%FE/", "/i/" + "x" * 2000 + "/"):
        answer = getattr(english, method)(address)

        assert answer.status_code == 404
        assert answer["X-Robots-Tag"] == "noindex"
        if method == "get":
            assert '<html lang="en"' in answer.content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"state": "paused"}, 410),
        ({"state": "archived"}, 410),
        ({"ends_at": timezone.now() - timedelta(minutes=1)}, 410),
        ({"channels": ["web", "email"]}, 410),
        ({"starts_at": timezone.now() + timedelta(days=1)}, 404),
    ],
)
def test_a_survey_that_is_not_open_asks_nobody(english, nps, method, change, status):
    seal = seal_on(english.get("/s/nps/"))
    if "state" in change:
        change_state(survey=nps, to=Survey.State(change["state"]))
    else:
        Survey.objects.filter(pk=nps.pk).update(**change)

    answer = getattr(english, method)("/s/nps/", {"seal": seal, "score": "9"})

    assert answer.status_code == status
    assert ("This survey has ended" in answer.content.decode()) == (status == 410)
    assert stored() == [[], [], [], []]


def test_a_draft_is_unknown(english):
    make_draft(slug="draft")

    assert english.get("/s/draft/").status_code == 404


def test_a_survey_of_a_product_that_is_not_live_has_ended(english, nps):
    nps.product.is_live = False
    nps.product.save()

    assert english.get("/s/nps/").status_code == 410


def test_an_expired_invitation_gets_a_friendly_page(english, invite):
    address = invite(expires_at=timezone.now() - timedelta(seconds=1))

    answer = english.get(address)

    assert answer.status_code == 410
    assert "expired" in answer.content.decode()
    assert english.post(address, {"score": "9"}).status_code == 410
    assert Invitation.objects.get().opened_at is None


def test_an_invitation_whose_answer_was_deleted_asks_no_second_time(english, invite):
    address = invite(responded_at=timezone.now())

    assert english.get(address).status_code == 410


def test_a_restricted_person_is_unknown(english, invite, nps):
    address = invite(respondent=make_respondent(product=nps.product, restricted_at=timezone.now()))

    assert english.get(address).status_code == 404
