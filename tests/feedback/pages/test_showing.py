from __future__ import annotations

import re

import pytest
from django.test import Client

from feedback.models import Response
from surveys.models import BandWording, SurveyVersion, Wording
from surveys.publishing import publish
from tests.factories import make_draft, make_invitation, make_product
from tests.feedback.pages.looking import seal_on

pytestmark = pytest.mark.django_db


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
