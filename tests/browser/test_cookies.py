"""Nothing is left in a browser that the register of cookies does not list; proved by looking after every step."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from feedback.models import Response
from privacy.cookies import cookie_register
from privacy.inventory import Pages
from tests.browser.screens import on_every_screen
from tests.factories import make_invitation, make_product, make_staff, make_survey

pytestmark = pytest.mark.django_db(transaction=True)

HOST_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A shop</title>
<script src="{odzew}/widget/v1.js" data-product="pk_shop" defer></script></head>
<body><main><h1>A shop</h1></main></body></html>"""
PRESS_EVERY_CHOICE_OF_APPEARANCE = """() => {
    for (const element of document.querySelectorAll("*")) {
        const presses = [...element.attributes].filter(({ name }) => name.includes("click"));
        if (presses.some(({ value }) => /adminTheme|switchTheme|sidebarDesktopOpen/.test(value))) element.click();
    }
}"""
CHOOSE_POLISH = """async () => {
    const csrfmiddlewaretoken = document.querySelector("[name=csrfmiddlewaretoken]").value;
    const body = new URLSearchParams({ language: "pl", csrfmiddlewaretoken });
    await fetch("/admin/i18n/setlang/", { method: "POST", body });
}"""
STORES = {"local storage": "localStorage", "session storage": "sessionStorage"}


def found_in(page):
    """Return the kind and name of everything that the open page and its site have left in the browser."""
    cookies = {("cookie", cookie["name"]) for cookie in page.context.cookies()}
    keys = {(kind, key) for kind, store in STORES.items() for key in page.evaluate(f"Object.keys({store})")}
    databases = {("database", each["name"]) for each in page.evaluate("indexedDB.databases()")}
    caches = page.evaluate("window.caches ? caches.keys() : []")
    return cookies | keys | databases | {("cache", name) for name in caches}


def unlisted(found, pages):
    """Return what the register does not list for these pages."""
    entries = [entry for section in cookie_register() for entry in section.entries if entry.browser.on in pages]
    return {(kind, name) for kind, name in found if not any(each.kind == kind and each.names(name) for each in entries)}


@pytest.fixture
def survey(host):
    """A live survey that the host embeds."""
    product = make_product(public_key="pk_shop", allowed_origins=[host.url])
    return make_survey(product=product, slug="nps")


def test_pages_for_the_public_leave_nothing(page, survey):
    make_invitation(survey=survey, token="personal-token")
    addresses = [
        "/privacy/",
        "/privacy/?lang=pl",
        "/privacy/cookies/",
        "/privacy/request/",
        "/privacy/request/received/",
    ]
    addresses += ["/privacy/confirm/no-such-token/", "/s/nps/", "/s/nps/?lang=pl", "/i/no-such-token/"]
    addresses += ["/i/personal-token/?s=9", "/i/personal-token/?embed=1"]

    for address in addresses:
        page.goto(address)
        assert found_in(page) == set(), address
    page.locator('input[name=score][value="9"]').check()
    page.get_by_role("button", name="Send 9").click()
    page.get_by_label("In your own words").fill("Fast.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="Your receipt code")).to_be_visible()

    assert found_in(page) == set()


def test_what_the_widget_leaves_is_in_the_register(chromium, host, survey, live_server):
    host.html = HOST_PAGE.format(odzew=live_server.url)
    found = set()
    for outcome in ("answered", "unsent", "No, thanks", "Ask me later"):
        with chromium.new_context(locale="en") as context:
            page = context.new_page()
            page.goto(host.url)
            question = page.get_by_role("region", name="Your feedback")
            expect(question).to_be_visible()
            found |= found_in(page)
            if outcome == "unsent":
                page.route("**/response", lambda route: route.abort())
            if outcome in {"answered", "unsent"}:
                question.get_by_role("radio", name="9", exact=True).check()
                question.get_by_role("button", name="Send").click()
            else:
                question.get_by_role("button", name=outcome).click()
            page.wait_for_timeout(500)
            found |= found_in(page)
            page.goto(f"{host.url}/next")
            page.wait_for_timeout(300)
            found |= found_in(page)

    assert Response.objects.exists()
    assert {("local storage", "odzew:pk_shop"), ("local storage", "odzew:pk_shop:unsent")} < found
    assert ("cookie", f"odzew_{survey.pk}") in found
    assert unlisted(found, {Pages.HOST}) == set()


def test_what_the_admin_leaves_is_in_the_register(page, survey):
    boss = make_staff("administrator", product=survey.product, username="boss", is_superuser=True)
    found = set()

    page.goto("/admin/login/")
    found |= found_in(page)
    page.locator("#id_username").fill(boss.username)
    page.locator("#id_password").fill("secret")
    page.locator("button[type=submit]").click()
    page.wait_for_url("**/admin/")
    found |= found_in(page)
    page.evaluate("window.dispatchEvent(new KeyboardEvent('keydown', {key: 'k', ctrlKey: true}))")
    for address in (
        "/admin/feedback/response/",
        "/admin/privacy/rightsrequest/",
        f"/admin/surveys/survey/{survey.pk}/change/",
        f"/admin/privacy/product/{survey.product_id}/change/",
    ):
        page.goto(address)
        page.wait_for_load_state("networkidle")
        found |= found_in(page)
    page.locator("button[name=_save]").click()
    page.wait_for_url("**/admin/privacy/product/")
    found |= found_in(page)
    page.evaluate(PRESS_EVERY_CHOICE_OF_APPEARANCE)
    found |= found_in(page)
    page.evaluate(CHOOSE_POLISH)
    page.goto("/api/docs/")
    page.wait_for_load_state("networkidle")
    found |= found_in(page)

    assert {("cookie", "sessionid"), ("cookie", "csrftoken"), ("cookie", "django_language")} <= found
    assert {("local storage", "adminTheme"), ("local storage", "sidebarDesktopOpen")} <= found, found
    assert unlisted(found, {Pages.OURS}) == set()


@on_every_screen
def test_the_register_is_accessible(open_page, assert_accessible, screenshot, width, language, scheme):
    page = open_page(width=width, scheme=scheme)
    page.goto(f"/privacy/cookies/?lang={language}")

    assert_accessible(page)
    screenshot(f"cookies-{language}-{width}-{scheme}", page)
