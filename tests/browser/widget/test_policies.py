"""Strict policies of host pages are enough for the widget."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from feedback.models import Response
from tests.browser.widget.host_site import score, the_survey, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_strictest_policy_with_the_widgets_origin_in_two_places_is_enough(site, survey, visit):
    assert site.policy == "default-src 'none'; script-src 'self' {odzew}; connect-src {odzew}"
    site.before = (
        "window.violations = [];"
        "addEventListener('securitypolicyviolation', (event) => violations.push(event.violatedDirective));"
    )
    site.scripts[0]["data-user-id"] = "anna"
    page = visit(scheme="dark")

    score(page, 9).check()
    page.get_by_label("Speed").check()
    page.get_by_role("button", name="Send").click()
    expect(page.locator("odzew-survey code")).to_be_visible()

    wait_until(page, Response.objects.filter(score=9, state="complete").exists)
    assert page.evaluate("violations") == []
    style = "element => [getComputedStyle(element).backgroundColor, getComputedStyle(element).borderRadius]"
    assert the_survey(page).evaluate(style) == ["rgb(27, 29, 46)", "17.6px"]


def test_a_policy_of_nonces_and_trusted_types_is_enough(site, survey, visit):
    site.policy = (
        "default-src 'none'; script-src 'nonce-r4nd0m'; connect-src {odzew}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    site.scripts[0]["nonce"] = "r4nd0m"
    page = visit(complains_of=["before.js"])  # the page's own script has no nonce

    score(page, 9).check()
    page.get_by_role("button", name="Send").click()

    wait_until(page, Response.objects.filter(score=9, state="complete").exists)
