"""The main job once through, in a browser: publish, answer, read, flag, and a data subject's request."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from playwright.sync_api import expect

from feedback.models import FollowUp, Response
from privacy.models import Membership, RightsRequest
from surveys.models import Survey
from tests.factories import make_product, make_staff

pytestmark = pytest.mark.django_db(transaction=True)

READING = 3_200  # milliseconds; whoever fills the form in faster is asked to send it again


@pytest.fixture
def product():
    return make_product(name="Bank")


def log_in(page, role, product):
    user = make_staff(role, username=role)
    Membership.objects.create(user=user, controller=product.controller)
    page.goto("/admin/login/?next=/admin/")
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").first.fill("secret")
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(re.compile(r"/admin/$"))


def test_from_a_published_survey_to_a_follow_up_and_a_rights_request(product, open_page):
    administrator = open_page(width=1280)
    log_in(administrator, "administrator", product)
    administrator.goto("/admin/surveys/survey/add/")
    administrator.get_by_label("Name").fill("Bank NPS")
    administrator.locator("select[name=product]").select_option(label="Bank")
    administrator.locator("select[name=metric]").select_option("nps")
    administrator.get_by_role("button", name="Save").first.click()
    survey = Survey.objects.get()
    administrator.goto(f"/admin/surveys/survey/{survey.pk}/change/")
    administrator.get_by_role("link", name="Publish").click()
    administrator.get_by_role("button", name="Publish").click()
    survey.refresh_from_db()
    assert survey.state == "live"

    visitor = open_page(width=320)
    visitor.goto(f"/s/{survey.slug}/")
    visitor.locator('input[name=score][value="2"]').check()
    visitor.get_by_role("button", name="Send 2").click()
    visitor.get_by_label("In your own words").fill("The transfer took three days")
    visitor.get_by_role("button", name="Send").click()
    expect(visitor.locator("#receipt")).to_be_visible()
    assert Response.objects.get().comment == "The transfer took three days"

    reviewer = open_page(width=1280)
    log_in(reviewer, "reviewer", product)
    expect(reviewer.get_by_text("The transfer took three days").first).to_be_visible()
    reviewer.goto("/admin/feedback/response/?q=transfer")
    reviewer.locator("#result_list tbody a").first.click()
    expect(reviewer.get_by_text("The transfer took three days")).to_be_visible()
    reviewer.get_by_role("link", name="Flag for follow-up").click()
    reviewer.locator("textarea[name=reason]").fill("A promise was broken")
    reviewer.get_by_role("button", name="Flag").click()
    expect(reviewer.get_by_text("A promise was broken").first).to_be_visible()
    assert FollowUp.objects.get().reason == "A promise was broken"

    visitor.goto("/privacy/request/")
    visitor.get_by_role("checkbox", name="Access").check()
    visitor.get_by_label("E-mail address").fill("anna@example.com")
    visitor.wait_for_timeout(READING)
    visitor.get_by_role("button", name="Send the request").click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Thank you, your request was sent")
    visitor.goto(re.search(r"/privacy/confirm/\S+", mail.outbox[0].body)[0])
    visitor.get_by_role("button", name="Yes, confirm").click()
    request = RightsRequest.objects.get()
    expect(visitor.get_by_text(request.reference)).to_be_visible()
    assert request.state == "verified"

    officer = open_page(width=1280)
    log_in(officer, "privacy_officer", product)
    officer.goto("/admin/privacy/rightsrequest/")
    expect(officer.get_by_text(request.reference).first).to_be_visible()
