"""Strict policies of host pages are enough for the widget."""

from __future__ import annotations

import pytest

from feedback.models import Response
from tests.browser.widget.host_site import score, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


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
