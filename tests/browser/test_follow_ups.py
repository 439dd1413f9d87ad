"""An agent takes a flagged response from the board to its end, by keyboard."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from feedback.follow_up import flag
from feedback.models import Contact, FollowUp, Respondent, StaffMail
from tests.browser.conftest import WCAG
from tests.factories import make_product, make_respondent, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db(transaction=True)

COMMENT = "The transfer took three days and nobody told me why."


@pytest.fixture
def follow_up(transactional_db):
    survey = make_survey(product=make_product(name="Bank"))
    make_staff("agent", product=survey.product, username="anna")
    reviewer = make_staff("reviewer", product=survey.product, username="rita")
    person = make_respondent(product=survey.product, name="Jan Kowalski", email="jan@example.com", phone="+48501234567")
    response = make_response(survey=survey, respondent=person, score=2, comment=COMMENT, name=person.name)
    return flag(response=response, reason="Find out which transfer it was", by=reviewer)


@pytest.fixture
def agent_page(open_page):
    def agent_page(**options):
        page = open_page(**options)
        page.goto("/admin/login/?next=/admin/feedback/followup/")
        page.get_by_label("Username").fill("anna")
        page.get_by_label("Password").first.fill("secret")
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/login/" not in url)
        return page

    return agent_page


def press(locator, key="Enter"):
    """Do what somebody without a mouse does: reach it, and press a key."""
    locator.focus()
    expect(locator).to_be_focused()
    locator.press(key)


def assert_ours_is_accessible(page):
    """Check what this project puts on the page; the frame around it is the theme's."""
    results = Axe().run(page, context=".case", options={"runOnly": WCAG, "resultTypes": ["violations"]})
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_an_agent_closes_a_case_by_keyboard(agent_page, follow_up, screenshot):
    page = agent_page()
    expect(page.get_by_text("due in 2 working days").or_(page.get_by_text("due in 1 working day"))).to_be_visible()
    press(page.locator('a[href$="to-board/"]'))
    expect(page.get_by_role("heading", name="New 1")).to_be_visible()
    press(page.get_by_role("button", name=f"Open: follow-up {follow_up.pk}"))
    expect(page.get_by_role("heading", name="Open 1")).to_be_visible()
    press(page.get_by_role("button", name=f"Start work: follow-up {follow_up.pk}"))
    expect(page.get_by_role("heading", name="In progress 1")).to_be_visible()
    assert_ours_is_accessible(page)
    screenshot("follow-up-board", page)

    press(page.get_by_role("link", name=f"Follow-up {follow_up.pk}", exact=True))
    for known in (COMMENT, "Jan Kowalski", "+48501234567"):
        expect(page.get_by_text(known)).to_be_visible()
    page.get_by_label("What was said").focus()
    page.keyboard.type("Apologised and promised a refund")
    press(page.get_by_role("button", name="Log contact"))
    expect(page.get_by_text("first contact made")).to_be_visible()
    page.get_by_label("Note among colleagues").focus()
    page.keyboard.type("@rita please approve the refund")
    press(page.get_by_role("button", name="Add note"))
    expect(page.get_by_text("Note added.")).to_be_visible()
    assert StaffMail.objects.get(notice="mention").user.username == "rita"
    assert_ours_is_accessible(page)
    screenshot("follow-up-page", page)

    press(page.get_by_role("button", name="Resolve"))
    press(page.get_by_role("button", name="Close"))
    expect(page.get_by_text("Say how it ended.")).to_be_visible()
    page.get_by_label("New root cause").focus()
    page.keyboard.type("Slow transfers")
    page.get_by_label("How it ended, and why").focus()
    page.keyboard.type("Refunded the fee")
    press(page.get_by_role("button", name="Close"))
    expect(page.get_by_text("Status changed from “resolved” to “closed”.")).to_be_visible()

    closed = FollowUp.objects.get()
    assert (closed.status, closed.closing_note, closed.root_cause.name) == (
        "closed",
        "Refunded the fee",
        "Slow transfers",
    )
    assert closed.contacted_at == Contact.objects.get().at
    assert closed.owner.username == "anna"
    expect(page.get_by_text("+48501234567")).to_have_count(0)
    expect(page.get_by_role("button", name="Reopen")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [768, 1280])
def test_whoever_must_be_left_alone_is_shown_so_on_every_screen(agent_page, follow_up, screenshot, scheme, width):
    Respondent.objects.update(objected_at=timezone.now())
    page = agent_page(width=width, scheme=scheme)

    for name, address in (("board", "board/"), ("page", f"{follow_up.pk}/change/")):
        page.goto(f"/admin/feedback/followup/{address}")
        expect(page.get_by_text("They objected to being contacted.").first).to_be_visible()
        expect(page.get_by_role("button", name="Open")).to_have_count(0)
        assert_ours_is_accessible(page)
        screenshot(f"follow-up-barred-{name}-{scheme}-{width}", page)
