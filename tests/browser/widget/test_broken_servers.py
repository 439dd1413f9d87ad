"""Whatever the server does, the page does not notice."""

from __future__ import annotations

import json

import pytest

from privacy.models import Product
from tests.browser.widget.host_site import STUB

pytestmark = pytest.mark.django_db(transaction=True)


BROKEN = {
    "a server error": {"status": 500, "body": "Server Error"},
    "an error of a proxy": {"status": 502, "body": "<html>Bad gateway</html>", "content_type": "text/html"},
    "no JSON": {"status": 200, "body": "<!doctype html><title>Wi-Fi log-in</title>"},
    "null": {"status": 200, "body": "null"},
    "an eligible nobody": {"status": 200, "body": '{"eligible": true}'},
    "an endless scale": {
        "status": 200,
        "body": json.dumps(
            {
                "eligible": True,
                "invitation": "x",
                "survey": {"id": 1, "language": "en", "scale": {"min": 0, "max": 1e9}, "labels": {}, "question": "?"},
            }
        ),
    },
    "a foreign module": {
        "status": 200,
        "body": '{"eligible": true, "invitation": "x", "survey": {"id": 1, "language": "../../../evil"}}',
    },
}


@pytest.mark.parametrize("answer", BROKEN)
def test_whatever_the_server_answers_the_page_is_unharmed(site, survey, chromium, answer):
    seen = broken_visit(
        chromium, site, lambda route: route.fulfill(headers={"Access-Control-Allow-Origin": "*"}, **BROKEN[answer])
    )

    assert seen.harm == []
    assert len(seen.lines) <= 1


def test_a_server_that_hangs_is_given_up_after_five_seconds(site, survey, chromium):
    seen = broken_visit(chromium, site, lambda route: None, wait=5500)

    assert seen.harm == []
    assert len(seen.lines) == 1


@pytest.mark.parametrize("path", ["**/widget/survey-*", "**/eligibility", "**/widget/v1.js"])
def test_an_unreachable_server_leaves_the_page_unharmed(site, survey, chromium, path):
    seen = broken_visit(chromium, site, lambda route: route.abort(), path=path)

    assert seen.harm == []
    assert len(seen.lines) <= 1


class broken_visit:
    """Visit the site while the server is broken; ``harm`` is what went wrong on the page, ``lines`` what was logged."""

    def __init__(self, chromium, site, answer, *, path="**/eligibility", wait=700):
        context = chromium.new_context()
        page = context.new_page()
        self.harm, self.lines = [], []
        page.on("pageerror", lambda error: self.harm.append(str(error)))
        page.on("console", self.note)
        page.route(path, answer)
        page.goto(site.url)
        page.wait_for_timeout(wait)
        if page.locator("odzew-survey").count():
            self.harm.append("a survey is shown")
        page.goto(site.url + "/next")
        page.wait_for_timeout(300)
        page.get_by_role("button", name="Basket").click()
        context.close()

    def note(self, message):
        # The browser itself reports answers that failed; no script can keep it from doing so.
        if not message.text.startswith(("Failed to load resource", "Access to script")):
            self.lines.append(message.text)


def test_a_product_nobody_knows_and_a_site_that_may_not_ask_show_nothing(site, survey, chromium):
    Product.objects.update(allowed_origins=["https://elsewhere.example"])
    assert broken_visit(chromium, site, lambda route: route.continue_()).harm == []

    site.scripts[0]["data-product"] = "pk_unknown"
    assert broken_visit(chromium, site, lambda route: route.continue_()).harm == []


def test_a_script_without_a_product_and_a_forgotten_command_do_nothing(site, survey, chromium):
    site.before = STUB + "odzew('dance'); odzew(); odzew('on'); odzew('identify', 'anna');"
    assert broken_visit(chromium, site, lambda route: route.abort()).harm == []

    site.scripts = [{}]
    assert broken_visit(chromium, site, lambda route: route.continue_()).harm == []
