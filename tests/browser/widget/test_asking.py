"""Nobody is asked too often, and not being due costs no request."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from feedback.models import Invitation, Response
from privacy.models import Product
from surveys.models import Survey
from tests.browser.widget.host_site import memory, score, settle, the_survey, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("reaction", ["answers", "declines", "ignores", "is too new"])
def test_fifty_page_views_of_somebody_who_is_not_due_cost_no_request(site, survey, visit, requests, reaction):
    if reaction == "is too new":
        Survey.objects.update(first_survey_delay_days=31)
    page = visit()
    if reaction == "answers":
        score(page, 9).check()
        page.get_by_role("button", name="Send").click()
        wait_until(page, Response.objects.filter(state="complete").exists)
    elif reaction == "declines":
        page.get_by_role("button", name="No, thanks").click()
        wait_until(page, Invitation.objects.filter(declined_at__isnull=False).exists)
    elif reaction == "ignores":
        wait_until(page, Invitation.objects.filter(shown_at__isnull=False).exists)
    wait_until(page, lambda: memory(page, "pk_shop:unsent") is None)
    settle(page)
    assert "GET /widget/v1.js" in requests
    requests.clear()
    traffic = Traffic(page)

    for number in range(50):
        page.goto(f"{site.url}/page/{number}")
    page.evaluate("history.pushState({}, '', '/route')")
    page.evaluate("odzew('ask'); odzew('track', ''); odzew('identify', {})")
    settle(page)

    assert traffic.wanted(site.odzew) == ["/widget/v1.js"] * 50
    assert traffic.sent(site.odzew) == []
    assert len(traffic.sent(site.url)) >= 50  # the pages themselves: what Chromium says of its traffic is understood
    assert requests == []
    expect(page.locator("odzew-survey")).to_have_count(0)


class Traffic:
    """What a page asks for from now on, as Chromium itself counts it, and which of it Chromium had already."""

    def __init__(self, page):
        self.requests, self.cached = [], set()
        network = page.context.new_cdp_session(page)
        network.on("Network.requestWillBeSent", self.note)
        network.on("Network.requestServedFromCache", lambda event: self.cached.add(event["requestId"]))
        network.on("Network.responseReceived", self.look)
        network.send("Network.enable")

    def note(self, event):
        self.requests.append((event["requestId"], event["request"]["url"]))

    def look(self, event):
        if event["response"].get("fromDiskCache"):
            self.cached.add(event["requestId"])

    def wanted(self, origin):
        return [url.removeprefix(origin) for _number, url in self.requests if url.startswith(origin)]

    def sent(self, origin):
        return [url for number, url in self.requests if url.startswith(origin) and number not in self.cached]


@pytest.mark.parametrize("browser_tells_of_routes", [True, False])
def test_a_change_of_route_is_a_page_view(site, survey, visit, requests, browser_tells_of_routes):
    if not browser_tells_of_routes:  # as Firefox and Safari before 2026; what has an id of that name is found instead
        site.before = (
            "Object.defineProperty(window, 'navigation', {value: document.createElement('nav'), configurable: true});"
        )
    Product.objects.update(blocked_urls=[f"{site.url}/checkout*"])
    page = visit("/checkout")
    wait_until(page, lambda: any(each.endswith("/eligibility") for each in requests))
    settle(page)
    page.evaluate("localStorage.setItem('odzew:pk_shop', '{}')")
    page.evaluate("history.replaceState({}, '', '/checkout/paid')")
    wait_until(page, lambda: len([each for each in requests if each.endswith("/eligibility")]) == 2)
    settle(page)
    expect(page.locator("odzew-survey")).to_have_count(0)
    page.evaluate("localStorage.setItem('odzew:pk_shop', '{}')")

    page.evaluate("history.pushState({}, '', '/shop')")

    expect(the_survey(page)).to_be_visible()
    assert Invitation.objects.get().url == f"{site.url}/shop"
    assert len([each for each in requests if each.endswith("/eligibility")]) == 3


def test_the_next_survey_may_be_asked_of_the_same_person_after_a_day(site, survey, visit, requests):
    """The server knows which survey may follow sooner than others; the browser does not."""
    site.scripts[0]["data-user-id"] = "anna"
    page = visit()
    page.get_by_role("button", name="No, thanks").click()
    wait_until(page, Invitation.objects.filter(declined_at__isnull=False).exists)
    requests.clear()
    for hours, is_asked in ((23, False), (25, True)):
        page.evaluate(
            """hours => {
                const { rest, pause, ...stored } = JSON.parse(localStorage.getItem("odzew:pk_shop"));
                const ago = { rest: Date.now() + (168 - hours) * 36e5, pause: Date.now() + (24 - hours) * 36e5 };
                localStorage.setItem("odzew:pk_shop", JSON.stringify({ ...stored, ...ago, checks: {} }));
            }""",
            hours,
        )
        page.goto(site.url)
        settle(page)
        assert any(each.endswith("/eligibility") for each in requests) is is_asked
    expect(page.locator("odzew-survey")).to_have_count(0)  # nothing else is due


def test_a_change_of_route_keeps_the_open_survey_and_asks_nothing_anew(survey, visit, requests):
    page = visit()
    expect(the_survey(page)).to_be_visible()

    page.evaluate("history.pushState({}, '', '/route'); document.body.replaceChildren(document.createElement('main'))")
    settle(page)

    expect(the_survey(page)).to_be_visible()
    assert len([each for each in requests if each.endswith("/eligibility")]) == 1


def test_a_page_where_nobody_is_asked_only_puts_it_off(site, survey, visit, requests):
    Product.objects.update(blocked_urls=[f"{site.url}/checkout*"])
    page = visit("/checkout")
    wait_until(page, lambda: any(each.endswith("/eligibility") for each in requests))
    settle(page)
    expect(page.locator("odzew-survey")).to_have_count(0)

    page.evaluate("""() => {
        const stored = JSON.parse(localStorage.getItem("odzew:pk_shop"));
        for (const check in stored.checks) stored.checks[check] -= 61000;
        localStorage.setItem("odzew:pk_shop", JSON.stringify(stored));
        history.pushState({}, "", "/shop");
    }""")

    expect(the_survey(page)).to_be_visible()


def test_after_its_rest_a_survey_is_offered_again(site, survey, visit):
    page = visit()
    page.get_by_role("button", name="Ask me later").click()
    wait_until(page, Invitation.objects.filter(snoozed_at__isnull=False).exists)
    ago = timezone.now() - timedelta(days=8)
    Invitation.objects.update(snoozed_at=ago, created_at=ago, shown_at=None)
    page.evaluate("localStorage.setItem('odzew:pk_shop', JSON.stringify({rest: Date.now() - 1}))")
    page.context.clear_cookies()

    page.goto(site.url)

    expect(the_survey(page)).to_be_visible()


def test_a_clock_that_was_years_ahead_does_not_silence_the_survey_for_years(site, survey, visit):
    site.before = (
        "const far = Date.now() + 10 * 365 * 864e5;"
        "localStorage.setItem('odzew:pk_shop', JSON.stringify({rest: far, checks: {a: far}}));"
    )

    expect(the_survey(visit())).to_be_visible()


def test_a_page_that_slept_between_the_answer_and_the_survey_shows_nothing(site, survey, open_page):
    site.before = "const now = Date.now; window.slept = 0; Date.now = () => now() + window.slept;"
    page, asked_for = open_page(), []

    def sleep_first(route):
        page.evaluate("window.slept = 40 * 60e3")
        asked_for.append(route.request.url)
        route.continue_()

    page.route(re.compile(r"/survey[^/]*\.js"), sleep_first)
    page.goto(site.url)
    wait_until(page, lambda: asked_for)
    settle(page)

    expect(the_survey(page)).to_have_count(0)
    assert Invitation.objects.get().shown_at is None
