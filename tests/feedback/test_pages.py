from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connections
from django.test import Client
from django.utils import timezone

from feedback.forms import Seal
from feedback.models import Invitation, Respondent, Response, ScoreChange
from feedback.pages import Step, due_step
from privacy.encryption import token_digest
from surveys.models import BandWording, Survey, SurveyVersion, Wording
from surveys.publishing import change_state, publish
from surveys.scales import Metric
from tests.factories import make_draft, make_invitation, make_product, make_respondent, make_survey

pytestmark = pytest.mark.django_db

EVERYTHING = (Respondent, Invitation, Response, ScoreChange)


def stored():
    return [list(model._base_manager.order_by("pk").values()) for model in EVERYTHING]


def seal_on(page):
    found = re.search(r'name="seal" value="([^"]+)"', page.content.decode())
    assert found, "the page has no form"
    return found[1]


def checked_on(page):
    return re.findall(r'value="(\d+)" id="id_score_\d+" required checked', page.content.decode())


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


# --- Looking changes nothing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_a_survey_stores_nothing(english, nps, method):
    answer = getattr(english, method)("/s/nps/?s=9")

    assert answer.status_code == 200
    assert stored() == [[], [], [], []]


def test_looking_at_an_invitation_stores_only_when_it_was_first_opened(english, invite):
    address = invite()
    before = Invitation.objects.values().get()

    english.get(address + "?s=9")
    opened_at = Invitation.objects.get().opened_at
    english.get(address + "?s=4")

    assert opened_at is not None
    assert Invitation.objects.values().get() == before | {"opened_at": opened_at}
    assert not Response.objects.exists()


def test_a_head_request_to_an_invitation_stores_nothing(english, invite):
    address = invite()
    before = stored()

    assert english.head(address + "?s=9").status_code == 200

    assert stored() == before


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_other_methods_are_refused(english, nps, method):
    assert getattr(english, method)("/s/nps/").status_code == 405


# --- Answering --------------------------------------------------------------------------------------------------------


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


# --- Sending twice, going back, changing one's mind -------------------------------------------------------------------


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


# --- Declining --------------------------------------------------------------------------------------------------------


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

    english.post(address, {"seal": seal_on(english.get(address)), "score": "9", "action": "send"})

    assert Response.objects.get().score == 9
    assert Invitation.objects.get().declined_at is None


def test_declining_after_an_answer_changes_nothing(english, nps):
    seal = seal_on(english.get("/s/nps/"))
    english.post("/s/nps/", {"seal": seal, "score": "9"})
    before = stored()

    answer = english.post("/s/nps/", {"seal": seal, "action": "decline"})

    assert answer.status_code == 303
    assert stored() == before


# --- Mistakes ---------------------------------------------------------------------------------------------------------


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


# --- Links that lead nowhere ------------------------------------------------------------------------------------------


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


# --- Language ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "query", "language"),
    [
        ("pl", "", "pl"),
        ("en-GB,en;q=0.9", "", "en"),
        ("de,en;q=0.5", "", "en"),
        ("de", "", "pl"),
        ("", "", "pl"),
        ("pl", "?lang=en", "en"),
        ("en", "?lang=pl", "pl"),
        ("en", "?lang=xx", "en"),
        ("en", "?lang=%00", "en"),
    ],
)
def test_a_page_speaks_the_chosen_language_then_the_browsers_then_the_products(nps, accepted, query, language):
    browser = Client(headers={"Accept-Language": accepted})
    make_invitation(survey=nps, token="token", language=language)

    for address in ("/s/nps/", "/i/token/"):
        page = browser.get(address + query).content.decode()
        assert f'<html lang="{language}" dir="ltr">' in page
        assert nps.current_version.content[language]["question"] in page


def test_the_language_chosen_at_the_survey_stays(nps, polish):
    page = polish.get("/s/nps/?lang=en")

    answer = polish.post("/s/nps/?lang=en", {"seal": seal_on(page), "score": "9"})

    assert answer["Location"].endswith("/?lang=en")
    assert Response.objects.get().language == "en"


def test_wording_in_another_language_than_the_page_is_marked(english):
    survey = make_draft(slug="this", product=make_product(default_language="en"))
    for wording in survey.wordings.filter(language="en"):
        Wording.objects.create(
            survey=survey, language="ar", question="ما مدى رضاك؟", low_label="منخفض", high_label="مرتفع",
            decline_label="لا، شكرا",
        )  # fmt: skip
        for band in survey.band_wordings.filter(language=wording.language):
            band.pk, band.language = None, "ar"
            band.save()
    publish(survey=survey)

    page = english.get("/s/this/?lang=ar").content.decode()

    assert '<html lang="en" dir="ltr">' in page
    assert '<legend lang="ar" dir="rtl"><h1>ما مدى رضاك؟</h1></legend>' in page
    assert 'hreflang="ar" aria-current="true"' in page


def test_a_language_django_does_not_know_is_still_shown(english):
    survey = make_draft(slug="this", product=make_product(default_language="en"))
    Wording.objects.filter(survey=survey, language="pl").update(language="tlh")
    BandWording.objects.filter(survey=survey, language="pl").update(language="tlh")
    publish(survey=survey)

    assert '<legend lang="tlh" dir="ltr">' in english.get("/s/this/?lang=tlh").content.decode()


# --- Headers ----------------------------------------------------------------------------------------------------------


def test_answers_carry_headers_that_keep_links_private(english, nps, invite):
    survey, personal = english.get("/s/nps/"), english.get(invite())
    sent = english.post("/s/nps/", {"seal": seal_on(survey), "score": "9"})

    for answer in (survey, personal, sent):
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["X-Robots-Tag"] == "noindex"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert not answer.cookies
    assert "no-store" in personal["Cache-Control"]
    assert "no-store" in sent["Cache-Control"]
    assert survey["Cache-Control"] == "private, no-cache"


def test_pages_need_no_csrf_token(nps):
    browser = Client(enforce_csrf_checks=True)
    seal = seal_on(browser.get("/s/nps/"))

    assert browser.post("/s/nps/", {"seal": seal, "score": "9"}).status_code == 303


def test_pages_have_no_inline_script_or_style(english, send_score, nps):
    address = send_score(9)
    second = english.get(address)
    pages = [english.get("/s/nps/"), second, english.get("/s/nope/")]
    pages.append(english.post(address, {"seal": seal_on(second), "step": "comment", "action": "skip"}))

    for page in pages:
        html = page.content.decode()
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", html)
        assert not re.search(r'(src|href|action)="(https?:)?//', html)


# --- What it costs ----------------------------------------------------------------------------------------------------


def test_showing_a_survey_takes_one_query(english, nps, django_assert_num_queries):
    with django_assert_num_queries(1):
        english.get("/s/nps/")


def test_versions_keep_asking_what_they_asked(english, invite, nps):
    """An invited person is shown the version of the invitation, whatever was published since."""
    address = invite()
    asked = nps.current_version.content["en"]["question"]
    nps.wordings.filter(language="en").update(question="Something new?")
    publish(survey=nps)

    assert SurveyVersion.objects.count() == 2
    assert asked in english.get(address).content.decode()
    assert "Something new?" in english.get("/s/nps/").content.decode()
