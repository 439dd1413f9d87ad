from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.utils import timezone

from feedback.models import Invitation, Response
from privacy.encryption import token_digest
from surveys.models import BandWording
from surveys.publishing import publish
from surveys.scales import Metric
from tests.factories import make_draft, make_survey
from tests.feedback.pages.looking import checked_on, seal_on, stored

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_a_survey_stores_nothing(english, nps, method):
    answer = getattr(english, method)("/s/nps/?s=9")

    assert answer.status_code == 200
    assert stored() == [[], [], [], []]


def test_looking_at_an_invitation_stores_only_that_its_link_was_opened(english, invite):
    address = invite()
    before = Invitation.objects.values().get()

    english.get(address + "?s=9")
    english.get(address)

    after = Invitation.objects.values().get()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"opened_at", "score_opened", "score_opened_at"}
    assert not Response.objects.exists()


def test_a_head_request_to_an_invitation_stores_nothing_about_the_person(english, invite):
    address = invite()
    before = Invitation.objects.values().get()

    assert english.head(address + "?s=9").status_code == 200

    assert Invitation.objects.values().get() == before | {"suspicion": "head"}
    assert not Response.objects.exists()


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_other_methods_are_refused(english, nps, method):
    assert getattr(english, method)("/s/nps/").status_code == 405


def test_a_score_makes_one_visitor_one_invitation_and_one_response(english, nps, send_score):
    address = send_score(9)

    response = Response.objects.select_related("invitation", "respondent").get()
    assert (response.score, response.band, response.state) == (9, "promoter", "partial")
    assert (response.channel, response.language, response.survey) == ("link", "en", nps)
    assert response.respondent.subject_key.startswith("anon:")
    assert re.fullmatch(r"/i/[\w-]{43}/", address)
    assert bytes(response.invitation.token_digest) == token_digest(address.split("/")[2])


def test_zero_is_a_score(send_score):
    send_score(0)

    assert Response.objects.get().score == 0


@pytest.mark.parametrize(("metric", "scores"), [(Metric.NPS, 11), (Metric.CES, 7), (Metric.CSAT, 5)])
def test_the_scale_is_a_group_of_radio_buttons_named_by_the_question(english, metric, scores):
    survey = make_survey(metric=metric, slug="this")
    words = survey.current_version.content["en"]

    page = english.get("/s/this/").content.decode()

    assert page.count('type="radio" name="score"') == scores
    assert re.search(rf"<fieldset[^>]*>\s*<legend><h1>{re.escape(words['question'])}</h1></legend>", page)
    assert f"{words['low_label']}</span></span>" in page
    assert words["high_label"] in page


def test_after_the_score_the_question_of_its_band_waits(english, nps, send_score):
    for score, band in ((2, "detractor"), (8, "passive"), (10, "promoter")):
        page = english.get(send_score(score)).content.decode()

        words = nps.current_version.content["en"]["bands"][band]
        assert words["follow_up_question"] in page
        assert words["placeholder"] in page
        assert 'maxlength="10000"' in page


def test_sending_the_comment_completes_the_answer_and_shows_the_receipt_code_once(english, nps, send_score):
    address = send_score(9)
    seal = seal_on(english.get(address))

    answer = english.post(
        address, {"seal": seal, "step": "comment", "comment": "Żółć 🙂\r\n<b>fast</b>", "action": "send"}
    )

    response = Response.objects.get()
    assert answer.status_code == 200
    assert (response.state, response.comment) == ("complete", "Żółć 🙂\n<b>fast</b>")
    code = re.search(r'<code id="receipt"[^>]*>([A-Z2-7-]{19})</code>', answer.content.decode())[1]
    assert bytes(response.receipt_hash) == token_digest(code)
    assert nps.current_version.content["en"]["bands"]["promoter"]["thanks"] in answer.content.decode()
    later = english.get(address)
    assert nps.current_version.content["en"]["bands"]["promoter"]["thanks"] in later.content.decode()
    assert code not in later.content.decode()


def test_the_longest_comment_fits_whatever_its_letters(english, send_score):
    address = send_score(9)
    fields = {"seal": seal_on(english.get(address)), "step": "comment", "comment": "🦆" * 10_000, "action": "send"}

    answer = english.generic("POST", address, urlencode(fields), content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 200
    assert Response.objects.get().comment == "🦆" * 10_000


def test_a_repeated_second_step_shows_the_code_again(english, send_score):
    address = send_score(9)
    fields = {"seal": seal_on(english.get(address)), "step": "comment", "comment": "Why", "action": "send"}

    first, second = english.post(address, fields), english.post(address, fields)

    code = re.compile(r"[A-Z2-7]{4}(-[A-Z2-7]{4}){3}")
    assert code.search(first.content.decode())[0] == code.search(second.content.decode())[0]
    assert Response.objects.get().seq == 1


def test_skipping_completes_the_answer_without_what_was_typed(english, send_score):
    address = send_score(9)

    answer = english.post(
        address,
        {"seal": seal_on(english.get(address)), "step": "comment", "comment": "x" * 20_000, "action": "skip"},
    )

    response = Response.objects.get()
    assert answer.status_code == 200
    assert "receipt" in answer.content.decode()
    assert (response.state, response.comment) == ("complete", "")


def test_reasons_of_the_band_can_be_ticked(english, invite, nps):
    BandWording.objects.filter(survey=nps).update(reasons=["Speed", "Price"])
    publish(survey=nps)
    nps.refresh_from_db()
    address = invite()
    english.post(address, {"seal": seal_on(english.get(address)), "score": "3"})

    page = english.get(address)
    fields = {"seal": seal_on(page), "step": "comment", "action": "send"}
    forged = english.post(address, {**fields, "reasons": ["Speed", "Free beer"]})
    english.post(address, {**fields, "reasons": ["Speed", "Price"]})

    assert page.content.decode().count('type="checkbox" name="reasons"') == 2
    assert forged.status_code == 400
    assert Response.objects.get().reasons == ["Speed", "Price"]


def test_permission_to_be_contacted_is_asked_unticked_of_people_the_product_knows(english, invite):
    address = invite()
    english.post(address, {"seal": seal_on(english.get(address)), "score": "3"})
    page = english.get(address)

    box = re.search(r'<input type="checkbox" name="contact_permission"[^>]*>', page.content.decode())[0]
    english.post(address, {"seal": seal_on(page), "step": "comment", "contact_permission": "on", "action": "send"})

    assert "checked" not in box
    assert Response.objects.get().contact_permission is True


def test_an_anonymous_visitor_is_not_asked_for_permission_to_be_contacted(english, send_score):
    address = send_score(3)
    page = english.get(address)

    english.post(address, {"seal": seal_on(page), "step": "comment", "contact_permission": "on", "action": "send"})

    assert "contact_permission" not in page.content.decode()
    assert Response.objects.get().contact_permission is False


def test_a_link_preselects_a_score(english, invite):
    address = invite()

    assert checked_on(english.get(address + "?s=9")) == ["9"]
    for nonsense in ("11", "9.0", "true", "", "%00", "-1"):
        assert checked_on(english.get(f"{address}?s={nonsense}")) == []


def test_comments_are_never_rendered_as_html(english, send_score):
    address = send_score(9)
    fields = {
        "seal": seal_on(english.get(address)),
        "step": "comment",
        "comment": "</textarea><script>x",
        "action": "send",
    }
    english.post(address, fields)

    page = english.get(address + "?change=comment").content.decode()

    assert "&lt;/textarea&gt;&lt;script&gt;x" in page
    assert "<script>" not in page


def test_wording_is_never_rendered_as_html(english):
    survey = make_draft(slug="this")
    survey.wordings.update(question="<em>Bold</em> & 'quoted'?", decline_label="<i>no</i>")
    survey.band_wordings.update(follow_up_question="<em>Why</em>?", placeholder='"><script>', thanks="<u>thanks</u>")
    publish(survey=survey)

    page = english.get("/s/this/")
    address = english.post("/s/this/", {"seal": seal_on(page), "score": "9"})["Location"]
    second = english.get(address)
    last = english.post(address, {"seal": seal_on(second), "step": "comment", "action": "skip"})

    shown = "".join(each.content.decode() for each in (page, second, last))
    assert not re.search(r"<(em|i|u|script)>", shown)
    assert "&lt;em&gt;Bold&lt;/em&gt; &amp; &#x27;quoted&#x27;?" in shown


def test_declining_at_the_survey_is_remembered_without_a_response(english, nps):
    fields = {"seal": seal_on(english.get("/s/nps/")), "action": "decline"}

    first, second = english.post("/s/nps/", fields), english.post("/s/nps/", fields)

    assert first.status_code == second.status_code == 200
    assert Invitation.objects.get().declined_at is not None
    assert not Response.objects.exists()


def test_declining_an_invitation_is_remembered_and_can_be_thought_over(english, invite):
    address = invite()
    english.post(address, {"seal": seal_on(english.get(address)), "score": "9", "action": "decline"})
    assert Invitation.objects.get().declined_at is not None
    assert not Response.objects.exists()

    seal = seal_on(english.get(address))
    with time_machine.travel(timezone.now() + timedelta(seconds=30)):  # a person takes their time
        english.post(address, {"seal": seal, "score": "9", "action": "send"})

    assert Response.objects.get().score == 9
    assert Invitation.objects.get().declined_at is None


def test_declining_after_an_answer_changes_nothing(english, nps):
    seal = seal_on(english.get("/s/nps/"))
    with time_machine.travel(timezone.now() + timedelta(seconds=30)):  # a person takes their time
        english.post("/s/nps/", {"seal": seal, "score": "9"})
        before = stored()

        answer = english.post("/s/nps/", {"seal": seal, "action": "decline"})

    assert answer.status_code == 303
    assert stored() == before
