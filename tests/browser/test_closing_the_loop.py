"""A detractor's answer, walked as each role: read, tagged, flagged, followed up, closed, and told back to everybody."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from config.roles import sync_roles
from feedback.inbound import receive
from feedback.inbound_reading import parse
from feedback.models import FollowUp, Improvement, Response
from privacy.encryption import new_token
from privacy.models import AccessLogEntry, Membership
from tests.factories import make_controller, make_invitation, make_product, make_respondent, make_staff, make_survey
from tests.feedback.correspondence.letters import reply

pytestmark = pytest.mark.django_db(transaction=True)

NAME, EMAIL, PHONE = "Jan Kowalski", "jan.kowalski@example.com", "+48 501 234 567"
COMMENT = f"The transfer took three days. Call me at {PHONE}."
IDENTITY = (NAME, EMAIL, PHONE, PHONE.replace(" ", ""))


@pytest.fixture
def product(settings):
    settings.REPLY_DOMAIN = "replies.example.com"
    sync_roles()
    return make_product(name="Bank", public_key="pk_bank", controller=make_controller(name="Bank S.A."))


@pytest.fixture
def link(product):
    """The personal link of somebody the product knows."""
    person = make_respondent(
        product=product, external_id="K-7", name=NAME, email=EMAIL, phone=PHONE.replace(" ", ""), language="en"
    )
    token = new_token()
    make_invitation(
        survey=make_survey(product=product),
        respondent=person,
        channel="email",
        sent_at=timezone.now() - timedelta(hours=1),
        token=token,
    )
    return f"/i/{token}/"


@pytest.fixture
def desk(open_page, product):
    """Log somebody of a role in, in a browser of their own."""

    def desk(role, **options):
        user = make_staff(role, username=role)
        Membership.objects.create(user=user, controller=product.controller)
        page = open_page(**options)
        page.goto("/admin/login/?next=/admin/")
        page.locator("[name=username]").fill(role)
        page.locator("[name=password]").fill("secret")
        page.locator("[type=submit]").first.click()
        expect(page).to_have_url(re.compile(r"/admin/$"))
        return page

    return desk


def page_of(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def answer(page, link):
    page.goto(link)
    page.locator('input[name=score][value="2"]').check()
    page.get_by_role("button", name="Send 2").click()
    page.get_by_label("In your own words").fill(COMMENT)
    page.get_by_label("Bank may contact me about this answer").check()
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#receipt")).to_be_visible()


def read_and_flag(page):
    page.goto("/admin/feedback/response/?queue=needs-follow-up")
    page.locator("#result_list tbody a").first.click()
    expect(page.get_by_text(NAME).first).to_be_visible()
    page.get_by_role("button", name="Reveal the comment").click()
    expect(page.get_by_text(COMMENT)).to_be_visible()
    page.goto("/admin/feedback/response/?queue=needs-follow-up")
    page.locator("#result_list tbody a").first.click()
    page.get_by_label("New tag").fill("transfers")
    page.get_by_role("button", name="Add tag").click()
    expect(page.get_by_text("transfers").first).to_be_visible()
    page.get_by_role("link", name="Flag for follow-up").click()
    page.locator("textarea[name=reason]").fill("Find out which transfer it was")
    page.get_by_role("button", name="Flag").click()
    expect(page.get_by_text("Find out which transfer it was").first).to_be_visible()


def follow_up_to_the_end(page, case, screenshot):
    page.goto("/admin/feedback/followup/board/")
    page.get_by_role("button", name=f"Open: follow-up {case.pk}").click()
    page.get_by_role("button", name=f"Start work: follow-up {case.pk}").click()
    page.get_by_role("link", name=f"Follow-up {case.pk}", exact=True).click()
    page.locator("input[name=subject]").fill("Your transfer")
    page.locator("form[action$='write/'] textarea[name=text]").fill("We are sorry. Which transfer was it?")
    page.get_by_role("button", name="Preview the e-mail").click()
    page.get_by_role("button", name="Send e-mail").click()
    correspondence = page.locator("#correspondence")
    expect(correspondence.get_by_text("We are sorry. Which transfer was it?")).to_be_visible()
    (letter,) = mail.outbox
    assert letter.to == [EMAIL]
    receive(message=parse(reply(letter.reply_to[0], "The one to Kraków.", **{"from": f"{NAME} <{EMAIL}>"})))
    page.reload()
    expect(correspondence.get_by_text("The one to Kraków.")).to_be_visible()
    page.get_by_label("Note among colleagues").fill("The fee is paid back")
    page.get_by_role("button", name="Add note").click()
    expect(page.get_by_text("Note added.")).to_be_visible()
    screenshot("loop-4-agent-follow-up", page)
    page.get_by_role("button", name="Resolve").click()
    page.get_by_label("New root cause").fill("Slow transfers")
    page.get_by_label("How it ended, and why").fill("Paid the fee back and explained the delay")
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_text("Status changed from “resolved” to “closed”.")).to_be_visible()
    for known in (EMAIL, PHONE):
        expect(page.get_by_text(known)).to_have_count(0)


def publish_an_improvement(page):
    page.goto("/admin/feedback/improvement/add/")
    page.locator("[name=title]").fill("Transfers arrive in a minute")
    page.locator("[name=said]").fill("Waiting for days is not what a bank is for.")
    page.locator("[name=text]").fill("Transfers between our customers are instant.")
    page.get_by_role("button", name="Save", exact=True).first.click()
    improvement = Improvement.objects.get()
    page.goto(f"/admin/feedback/improvement/{improvement.pk}/responses/")
    page.get_by_label("Words in comments").fill("transfer")
    page.get_by_role("button", name="Search").click()
    page.locator("input[name=response]").check()
    page.get_by_role("button", name="Link the selected").click()
    page.goto(page_of(improvement))
    page.get_by_role("link", name="Publish").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Published.")).to_be_visible()


def look_up_the_person(page, response, case):
    """What a privacy officer does in the loop: nothing on its pages, and say who somebody is who asks about it."""
    for closed in (page_of(response), page_of(case), "/admin/privacy/accesslogentry/"):
        assert page.goto(closed).status == 403
        assert not [known for known in (*IDENTITY, COMMENT) if known in page.content()]
    page.goto("/admin/feedback/respondent/")
    page.locator("[name=email]").fill(EMAIL)
    page.get_by_role("button", name="Look").click()
    expect(page).to_have_url(re.compile(rf"/admin/feedback/respondent/{response.respondent_id}/"))
    assert not [known for known in (NAME, PHONE, "The transfer took") if known in page.content()]


def read_the_register(page, response):
    """What a data protection officer does in the loop: see who of the staff read what, and read as they may."""
    page.goto("/admin/privacy/accesslogentry/")
    rows = page.locator("#result_list tbody tr")
    for reader, purpose in (
        ("reviewer", "to read a comment unmasked"),
        ("agent", "to follow up with somebody"),
        ("privacy_officer", "to see why somebody is not asked"),
    ):
        expect(rows.filter(has_text=reader).filter(has_text=purpose).first).to_be_visible()
    assert not [known for known in IDENTITY if known in page.content()]
    page.goto(page_of(response))
    expect(page.get_by_text(NAME).first).to_be_visible()
    expect(page.get_by_role("button", name="Reveal the comment")).to_be_visible()
    expect(page.get_by_text(COMMENT)).to_have_count(0)  # masked for everybody until they ask for it


def test_from_a_detractors_answer_to_a_closed_follow_up_and_a_published_improvement(open_page, desk, link, screenshot):
    visitor = open_page(width=320)
    answer(visitor, link)
    response = Response.objects.get()

    analyst = desk("analyst")
    analyst.goto("/admin/feedback/response/")
    expect(analyst.get_by_text("The transfer took three days.")).to_be_visible()
    screenshot("loop-1-analyst-list", analyst)
    analyst.goto(page_of(response))
    expect(analyst.get_by_text("The transfer took three days.").first).to_be_visible()
    screenshot("loop-2-analyst-response", analyst)
    assert not [known for known in IDENTITY if known in analyst.content()]

    reviewer = desk("reviewer", scheme="dark")
    read_and_flag(reviewer)
    screenshot("loop-3-reviewer-response", reviewer)

    agent = desk("agent", width=768)
    follow_up_to_the_end(agent, FollowUp.objects.get(), screenshot)
    screenshot("loop-5-agent-closed", agent)
    case = FollowUp.objects.get()
    assert (case.status, case.root_cause.name, case.owner.username) == ("closed", "Slow transfers", "agent")

    publish_an_improvement(reviewer)
    screenshot("loop-6-reviewer-improvement", reviewer)
    visitor.goto("/improvements/pk_bank/")
    expect(visitor.get_by_role("heading", name="Transfers arrive in a minute")).to_be_visible()
    screenshot("loop-7-public-page", visitor)

    privacy_officer = desk("privacy_officer")
    look_up_the_person(privacy_officer, response, case)
    screenshot("loop-10-privacy-officer-person", privacy_officer)
    assert set(AccessLogEntry.objects.filter(user__username="privacy_officer").values_list("purpose", flat=True)) == {
        "why_not"
    }
    officer = desk("data_protection_officer")
    read_the_register(officer, response)
    screenshot("loop-11-officer-response", officer)


def test_an_administrator_sees_people_in_an_emergency_only_and_the_officer_sees_that(
    open_page, desk, link, product, screenshot
):
    answer(open_page(width=320), link)
    response = Response.objects.get()

    administrator = desk("administrator")
    assert administrator.goto(page_of(response)).status == 403
    assert not [known for known in (*IDENTITY, COMMENT) if known in administrator.content()]
    administrator.goto("/admin/privacy/breakglass/add/")
    administrator.locator("[name=reason]").fill("The importer mixed up two customers")
    administrator.get_by_role("button", name="Save", exact=True).first.click()
    administrator.goto(page_of(response))
    expect(administrator.get_by_text(NAME).first).to_be_visible()
    expect(administrator.get_by_text("Emergency access to personal data is open until")).to_be_visible()
    screenshot("loop-8-administrator-emergency", administrator)

    officer = desk("data_protection_officer", language="pl")
    officer.goto("/admin/privacy/accesslogentry/?purpose__exact=emergency")
    rows = officer.locator("#result_list tbody tr")
    expect(rows.filter(has_text="administrator").first).to_contain_text(str(response.pk))
    screenshot("loop-9-officer-access-log-pl", officer)
    assert AccessLogEntry.objects.filter(purpose="emergency", record_number=response.pk, product=product).exists()
