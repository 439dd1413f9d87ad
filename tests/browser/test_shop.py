"""The sample shop of the demonstration, started for real: two origins, one clock that moves."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from playwright.sync_api import expect

from config.management.commands.demo import check_ports
from config.processes import PortUnavailableError, free_port
from tests.browser.screens import on_every_screen

PAGES = ("", "products/mug/", "basket/", "done/", "account/", "account/details/")


@pytest.fixture(scope="module")
def demo():
    """The address of the shop of a running demonstration."""
    var = Path(tempfile.mkdtemp(prefix="odzew-shop-"))
    var.chmod(0o755)
    port = free_neighbours()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--port", str(port)],
        cwd=settings.BASE_DIR,
        env={**os.environ, "ODZEW_ENV": "demo", "DATABASE_URL": "", "VAR_DIR": str(var)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    printed = ""
    while "Sample shop" not in printed:
        line = process.stdout.readline()
        assert line, printed
        printed += line
    yield re.search(r"Sample shop\s+(\S+)/", printed)[1]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    shutil.rmtree(var)


def free_neighbours():
    while True:
        port = free_port("127.0.0.1")
        try:
            check_ports(port)
        except PortUnavailableError:
            continue
        return port


class Shopper:
    """Somebody who walks around the shop; fails where a page's script does, or where its policy refuses something."""

    def __init__(self, context, shop, language):
        self.shop, self.language = shop, language
        self.page = context.new_page()
        self.calls, self.complaints = [], []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("request", lambda call: self.calls.append(call.url) if "/api/v1/products/" in call.url else None)

    @property
    def question(self):
        return self.page.locator("odzew-survey").get_by_role("region")

    @property
    def log(self):
        return self.page.get_by_role("log").locator("p")

    def go(self, path=""):
        self.page.goto(f"{self.shop}/{self.language}/{path}")

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    def log_in(self, key):
        self.page.locator("#person").select_option(key)
        self.page.locator("#person + button").click()


@pytest.fixture
def shopper(chromium, demo):
    """Somebody who comes to the shop for the first time."""
    made = []

    def arrive(language="en", **options):
        context = chromium.new_context(locale=language, reduced_motion="reduce", **options)
        context.set_default_timeout(15_000)
        shopper = Shopper(context, demo, language)
        made.append((context, shopper))
        shopper.go()
        shopper.page.locator("form[action$='/again/'] button").click()
        return shopper

    yield arrive
    for context, shopper in made:
        context.close()
        assert shopper.complaints == []


def test_a_customer_answers_is_left_alone_and_is_asked_again_after_three_months(shopper):
    anna = shopper()
    anna.log_in("anna")
    expect(anna.question).to_be_visible()
    expect(anna.log.filter(has_text="eligible")).to_have_count(1)
    anna.question.get_by_role("radio", name="9", exact=True).check()
    anna.question.get_by_role("button", name="Send").click()
    anna.question.get_by_role("button", name="Close").click()
    expect(anna.log.first).to_have_text("The question is gone.")

    calls = len(anna.calls)
    anna.go("products/mug/")
    expect(anna.log.first).to_contain_text("The browser did not ask the server")
    assert len(anna.calls) == calls
    anna.press("One day later")  # another survey, about something that just happened, might be due by then
    expect(anna.log.first).to_contain_text("cooldown")
    anna.go("products/mug/")
    expect(anna.log.first).to_contain_text("The browser did not ask the server")
    assert anna.question.count() == 0

    anna.press("3 months later")
    expect(anna.question).to_be_visible()
    expect(anna.log.filter(has_text="eligible")).to_have_count(1)
    anna.press("Back to now")
    expect(anna.page.get_by_text("The clock is moved")).to_be_hidden()


def test_the_same_question_comes_again_after_three_months_and_not_before(shopper):
    anna = shopper()
    anna.log_in("anna")
    asked = []
    for step in ("A week later", "A week later", "3 months later"):
        expect(anna.question).to_be_visible()
        asked.append(anna.question.locator("legend").inner_text())
        anna.question.get_by_role("radio").last.check()
        anna.question.get_by_role("button", name="Send").click()
        expect(anna.question.get_by_role("button", name="Close")).to_be_visible()
        anna.press(step)

    expect(anna.question).to_be_visible()
    assert len(set(asked)) == 3
    assert anna.question.locator("legend").inner_text() in asked


def test_a_new_customer_sees_why_nobody_asks_until_a_month_has_passed(shopper):
    hanna = shopper(timezone_id="Pacific/Kiritimati")
    hanna.log_in("hanna")
    expect(hanna.log.first).to_contain_text("too_new")
    # The time is that of the shop, whose clock stands above it, and not that of the visitor.
    since = hanna.page.locator("script[data-user-created-at]").get_attribute("data-user-created-at")
    due = (datetime.fromisoformat(since) + timedelta(days=31)).astimezone(ZoneInfo("Europe/Warsaw"))
    expect(hanna.log.first).to_contain_text(f"next check: {due:%b} {due.day}, {due.year}, {due:%-I:%M}")

    hanna.press("3 months later")

    expect(hanna.question).to_be_visible()


def test_a_signed_person_is_asked(shopper):
    marek = shopper()
    marek.log_in("marek")

    expect(marek.question).to_be_visible()
    assert marek.page.locator("script[data-identity]").count() == 1
    assert marek.page.locator("script[data-user-id]").count() == 0


def test_an_order_and_a_change_of_view_are_told_to_odzew(shopper):
    james = shopper()
    james.log_in("hanna")  # nobody asks her yet, so that every occasion is looked at
    expect(james.log.first).to_contain_text("too_new")
    james.go("products/tea/")
    james.press("Add to basket")
    with james.page.expect_request(
        lambda call: "eligibility" in call.url and "order_completed" in (call.post_data or "")
    ):
        james.press("Order")
    expect(james.page.get_by_role("heading", level=1)).to_have_text("Thank you for your order")

    james.go("account/")
    james.page.evaluate("window.isSamePage = true")
    james.page.get_by_role("link", name="Details").click()
    expect(james.page.get_by_role("heading", name="Details")).to_be_visible()
    assert james.page.url.endswith("/account/details/")
    assert james.page.evaluate("window.isSamePage")
    james.page.go_back()
    expect(james.page.get_by_role("heading", name="Orders")).to_be_visible()


def test_consent_is_given_and_withdrawn(shopper):
    visitor = shopper()
    visitor.press("Give consent")
    expect(visitor.page.get_by_text("Consent is given.")).to_be_visible()
    assert visitor.page.locator("script[data-set-on=display]").get_attribute("data-consent") == "true"

    visitor.press("Withdraw consent")

    assert visitor.page.locator("script[data-set-on=display]").get_attribute("data-consent") == "false"


def test_the_shop_works_without_scripts(shopper):
    visitor = shopper(java_script_enabled=False)
    visitor.go("products/mug/")
    visitor.press("Add to basket")
    expect(visitor.page.get_by_text("Stoneware mug")).to_be_visible()
    visitor.press("Order")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Thank you for your order")


@on_every_screen
def test_every_page_is_accessible(shopper, assert_accessible, screenshot, width, language, scheme):
    visitor = shopper(language, viewport={"width": width, "height": 900}, color_scheme=scheme)
    visitor.log_in("james")
    expect(visitor.question).to_be_visible()
    screenshot(f"shop-asked-{language}-{width}-{scheme}", visitor.page)
    for number, path in enumerate(PAGES):
        visitor.go(path)
        assert_accessible(visitor.page)
        screenshot(f"shop-{number}-{language}-{width}-{scheme}", visitor.page)
