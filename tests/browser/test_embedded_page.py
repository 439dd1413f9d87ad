"""An invitation's page inside a site's frame and inside an app's web view."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from feedback.models import Invitation, Response
from privacy.models import Product
from tests.browser.screens import on_every_screen
from tests.factories import make_invitation, make_product, make_survey

pytestmark = pytest.mark.django_db(transaction=True)

HOST_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A shop</title></head><body>
<h1>A shop</h1><iframe title="Your feedback" src="{address}" width="320" height="640"></iframe>
<script>
  const heard = [];
  addEventListener("message", (event) => heard.push([event.origin, event.data]));
</script></body></html>"""
# What the frameworks of apps put into a page: each of them takes a text.
BRIDGES = {
    "React Native": "window.ReactNativeWebView = { postMessage: %s };",
    "iOS": "window.webkit = { messageHandlers: { odzew: { postMessage: %s } } };",
    "Android and Flutter": "window.odzew = { postMessage: %s };",
}


@pytest.fixture
def address(live_server, host):
    """The page of a person whom an app asks about a product that the host may ask for, too."""
    product = make_product(allowed_origins=[host.url])
    make_invitation(survey=make_survey(product=product), token="personal-token", channel="mobile")
    address = f"{live_server.url}/i/personal-token/?embed=1&lang=en"
    host.html = HOST_PAGE.format(address=address)
    return address


def answer(frame, score=9):
    frame.get_by_role("radio", name=str(score), exact=False).first.check()
    frame.get_by_role("button", name=f"Send {score}").click()
    frame.get_by_label("In your own words").fill("Fast and friendly.")
    frame.get_by_role("button", name="Send").click()
    frame.get_by_role("button", name="Close").click()


def test_a_site_around_the_page_hears_how_it_went_and_nothing_about_the_person(open_page, host, address, live_server):
    page = open_page()
    page.goto(host.url)

    answer(page.frame_locator("iframe"))

    page.wait_for_function("heard.length >= 3")
    heard = page.evaluate("heard")
    assert heard == [
        [live_server.url, "odzew:answered"],
        [live_server.url, "odzew:answered"],
        [live_server.url, "odzew:closed"],
    ]
    assert Response.objects.get().comment == "Fast and friendly."


def test_a_site_that_the_product_does_not_list_cannot_frame_it(chromium, host, address):
    Product.objects.update(allowed_origins=["https://another.example.com"])
    page = chromium.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))

    page.goto(host.url)
    page.wait_for_timeout(500)

    assert any("frame-ancestors" in complaint for complaint in complaints)
    assert page.frame_locator("iframe").locator("fieldset").count() == 0
    page.close()


@pytest.mark.parametrize("bridge", BRIDGES.values(), ids=BRIDGES)
def test_an_app_around_the_page_hears_how_it_went(open_page, address, bridge):
    page = open_page(width=320, height=640, has_touch=True, is_mobile=True)
    heard = []
    page.expose_function("hear", lambda text: heard.append(text))
    page.add_init_script(bridge % "(text) => window.hear(text)")

    page.goto(address)
    page.get_by_role("button", name="No, thanks").click()
    page.get_by_role("button", name="Close").click()

    expect(page.get_by_role("heading", name="That is fine")).to_be_visible()
    page.wait_for_timeout(100)
    assert heard == ["odzew:declined", "odzew:closed"]
    assert Invitation.objects.get().declined_at


def test_a_page_in_view_is_reported_as_shown_once(open_page, address):
    page = open_page()
    with page.expect_response(lambda response: response.url.endswith("/shown")) as reported:
        page.goto(address)

    assert reported.value.status == 204
    assert Invitation.objects.get().shown_at


def test_it_works_without_scripts(open_page, address):
    page = open_page(width=320, height=640, javascript=False)
    page.goto(address)
    page.get_by_role("radio", name="9", exact=True).check()
    page.get_by_role("button", name="Send").click()
    page.get_by_label("In your own words").fill("Fast and friendly.")
    page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("heading", name="Your receipt code")).to_be_visible()
    expect(page.get_by_role("button", name="Close")).to_be_hidden()
    assert Response.objects.get().comment == "Fast and friendly."


@on_every_screen
def test_every_step_is_accessible(open_page, address, assert_accessible, screenshot, width, language, scheme):
    page = open_page(width=width, scheme=scheme)
    page.goto(address.replace("lang=en", f"lang={language}"))
    for step in ("score", "comment", "thanks"):
        assert_accessible(page)
        screenshot(f"embedded-{step}-{language}-{width}-{scheme}", page)
        if step == "score":
            page.locator('input[name=score][value="9"]').check()
        if step != "thanks":
            page.locator("button[value=send]").click()
            page.wait_for_load_state()


def test_it_keeps_clear_of_notches_and_bars(open_page, address):
    page = open_page(width=320, height=640)
    page.goto(address)

    # Only a page that covers the whole screen is told how much of it is covered.
    assert "viewport-fit=cover" in page.locator("meta[name=viewport]").get_attribute("content")
    rules = page.evaluate(
        "[...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])"
        ".find((rule) => rule.selectorText === '.embedded').style.paddingBlock"
    )
    assert rules == "env(safe-area-inset-top) env(safe-area-inset-bottom)"
