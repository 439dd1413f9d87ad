"""What the browser keeps: a cookie without a name in it, or nothing at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from feedback.models import Invitation, Response
from tests.browser.widget.host_site import STUB, score, settle, the_survey, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_cookie_alone_keeps_a_survey_from_being_shown_again(site, survey, visit):
    page = visit()
    page.get_by_role("button", name="No, thanks").click()
    expect(page.locator("odzew-survey")).to_have_count(0)
    page.evaluate("localStorage.clear()")

    page.goto(site.url)
    settle(page)

    assert Invitation.objects.count() == 2  # to the server the browser without its memory is somebody new
    expect(page.locator("odzew-survey")).to_have_count(0)


@pytest.mark.parametrize(
    ("press", "outcome", "days"),
    [("No, thanks", "declined", 30), ("Ask me later", "snoozed", 7), (None, "answered", 90)],
)
def test_the_cookie_says_which_survey_when_and_how_it_ended_and_not_who(survey, visit, press, outcome, days):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    assert page.context.cookies() == []

    if press:
        page.get_by_role("button", name=press).click()
    else:
        score(page, 0).check()

    (cookie,) = page.context.cookies()
    assert cookie["name"] == f"odzew_{survey.pk}"
    assert cookie["value"] == f"{survey.pk}.{datetime.now(UTC):%Y-%m}.{outcome}"
    assert (cookie["sameSite"], cookie["path"], cookie["secure"]) == ("Lax", "/", True)
    assert cookie["domain"] == "127.0.0.1"
    assert abs(cookie["expires"] - (timezone.now() + timedelta(days=days)).timestamp()) < 60


CONSENTS = {
    "by a call": STUB + "odzew('consent', true);",
    "by an attribute": "",
    "by a setting": "window.odzewSettings = {consent: true};",
}


@pytest.mark.parametrize("way", CONSENTS)
def test_with_consent_display_alone_may_set_the_cookie_and_withdrawing_it_takes_the_cookie_away(
    site, survey, visit, way
):
    site.scripts[0]["data-set-on"] = "display"
    site.scripts[0] |= {"data-consent": "true"} if way == "by an attribute" else {}
    site.before = CONSENTS[way]
    page = visit()
    expect(the_survey(page)).to_be_visible()
    assert page.context.cookies() == []

    wait_until(page, page.context.cookies)

    (cookie,) = page.context.cookies()
    assert cookie["value"] == f"{survey.pk}.{datetime.now(UTC):%Y-%m}.shown"
    assert abs(cookie["expires"] - (timezone.now() + timedelta(days=7)).timestamp()) < 60
    page.evaluate("odzew('consent', false)")
    assert page.context.cookies() == []


@pytest.mark.parametrize("said", [None, "odzew('consent', false);", "odzew('consent', 'false');", "odzew('consent');"])
def test_without_consent_display_sets_no_cookie_and_the_page_is_told_why(site, survey, visit, said):
    site.scripts[0]["data-set-on"] = "display"
    site.before = STUB + (said or "")
    page = visit()
    lines = []
    page.on("console", lambda message: lines.append(message.text))

    wait_until(page, Invitation.objects.filter(shown_at__isnull=False).exists)
    wait_until(page, lambda: lines)

    assert page.context.cookies() == []
    assert lines == ["odzew: no cookie is set on display without odzew('consent', true)"]
    score(page, 9).check()
    (cookie,) = page.context.cookies()  # the person's own action needs none
    assert cookie["value"].endswith(".answered")
    page.evaluate("odzew('consent', false)")
    assert len(page.context.cookies()) == 1


def test_consent_alone_does_not_make_display_set_a_cookie(site, survey, visit):
    site.before = STUB + "odzew('consent', true);"
    page = visit()
    wait_until(page, Invitation.objects.filter(shown_at__isnull=False).exists)
    settle(page)

    assert page.context.cookies() == []


# A browser that keeps nothing of this site.
FORGETS = """
    const refuse = { get() { throw new DOMException("blocked", "SecurityError") } };
    for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, refuse);
    Object.defineProperty(document, "cookie", { get: () => "", set() {} });
"""


def test_a_browser_that_remembers_nothing_is_asked_once_in_a_session(site, survey, visit, requests):
    site.before = FORGETS
    page = visit()
    score(page, 9).check()
    wait_until(page, Response.objects.filter(score=9).exists)
    page.get_by_role("button", name="Close").click()
    requests.clear()

    page.evaluate("history.pushState({}, '', '/route'); odzew('ask'); odzew('track', 'order_paid')")
    settle(page)
    page.get_by_role("link", name="Next page").click()
    settle(page)
    page.reload()
    settle(page)
    page.goto(site.url)
    settle(page)

    assert not any("eligibility" in each for each in requests)
    expect(page.locator("odzew-survey")).to_have_count(0)
    assert Invitation.objects.count() == 1


def test_whom_the_server_knows_it_asks_even_where_the_browser_remembers_nothing(site, survey, visit):
    site.before = FORGETS
    page = visit("/")
    page.get_by_role("button", name="No, thanks").click()
    site.scripts[0]["data-user-id"] = "anna"
    page.reload()

    expect(the_survey(page)).to_be_visible()


def test_a_full_storage_is_no_storage(site, survey, visit, requests):
    site.before = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') };"
    page = visit()
    expect(the_survey(page)).to_be_visible()
    requests.clear()

    page.get_by_role("link", name="Next page").click()
    settle(page)

    assert not any("eligibility" in each for each in requests)
