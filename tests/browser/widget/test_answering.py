"""What people do with the survey, and what is stored of it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from feedback.models import Invitation, Response
from tests.browser.widget.host_site import QUESTION, memory, score, the_survey, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_score_and_then_a_comment_are_stored(site, survey, visit):
    site.scripts[0] |= {"data-user-id": "anna", "data-user-email": "anna@example.com", "data-user-company": "Acme"}
    page = visit("/account?secret=1#top", permissions=["clipboard-read", "clipboard-write"])
    expect(page.get_by_role("group", name=QUESTION)).to_be_visible()

    score(page, 9).check()
    wait_until(page, Response.objects.exists)
    response = Response.objects.get()
    assert (response.score, response.state, response.comment) == (9, "partial", "")

    expect(the_survey(page)).to_contain_text("What do you like most")
    page.get_by_label("Speed").check()
    page.get_by_label("What do you like most").fill("It is fast. <b>Really.</b>")
    page.get_by_label("You may contact me about this answer").check()
    page.get_by_role("button", name="Send").click()

    thanks = survey.current_version.content["en"]["bands"]["promoter"]["thanks"]
    expect(the_survey(page)).to_contain_text(thanks)
    page.get_by_role("button", name="Copy").click()
    expect(the_survey(page)).to_contain_text("The code was copied.")
    assert re.fullmatch(r"(\w{4}-){3}\w{4}", page.evaluate("navigator.clipboard.readText()"))
    expect(page.get_by_role("link", name="What happens with your data")).to_have_attribute(
        "href", f"{site.odzew}/privacy/"
    )
    response.refresh_from_db()
    assert (response.score, response.comment, response.state) == (9, "It is fast. <b>Really.</b>", "complete")
    assert (response.reasons, response.contact_permission) == (["Speed"], True)
    assert (response.url, response.device, response.channel) == (f"{site.url}/account", "desktop", "web")
    assert response.respondent.subject_key == "id:anna"
    assert (response.email, response.company) == ("anna@example.com", "Acme")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("odzew-survey")).to_have_count(0)
    assert memory(page, "pk_shop:unsent") is None


def test_a_changed_score_asks_the_question_of_its_band(survey, visit):
    page = visit()
    score(page, 10).check()
    page.locator("odzew-survey textarea").fill("Well")
    score(page, 2).check()

    expect(the_survey(page)).to_contain_text(
        survey.current_version.content["en"]["bands"]["detractor"]["follow_up_question"]
    )
    expect(page.locator("odzew-survey textarea")).to_have_value("Well")
    page.get_by_role("button", name="Close").click()

    wait_until(page, Response.objects.filter(score=2, state="complete", comment="").exists)
    assert Response.objects.count() == 1


def test_the_survey_speaks_the_language_of_the_page(site, survey, visit):
    site.language = "pl"
    page = visit(language="en")

    expect(page.locator("odzew-survey legend").first).to_have_text(survey.current_version.content["pl"]["question"])
    assert Invitation.objects.get().language == "pl"


def test_anonymous_visitors_are_not_asked_for_permission_to_contact_them(survey, visit):
    page = visit()
    score(page, 5).check()

    expect(page.locator("odzew-survey textarea")).to_be_visible()
    expect(page.get_by_label("You may contact me about this answer")).to_have_count(0)


def test_shown_is_reported_after_a_second_in_view(survey, visit, requests):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    page.wait_for_timeout(300)
    assert Invitation.objects.get().shown_at is None

    wait_until(page, Invitation.objects.filter(shown_at__isnull=False).exists)
    page.wait_for_timeout(1200)
    assert len([each for each in requests if each.endswith("/shown")]) == 1


def test_the_survey_can_stand_inside_the_page(site, survey, visit):
    site.scripts[0] |= {"data-position": "inline", "data-target": "main"}
    page = visit()

    expect(page.locator("main odzew-survey .inline")).to_be_visible()
    assert page.locator("odzew-survey .frame").evaluate("element => getComputedStyle(element).position") == "static"
