"""What somebody sees where a page is refused or missing."""

from __future__ import annotations

import pytest

from tests.browser.screens import on_every_screen
from tests.factories import make_product, make_staff

pytestmark = pytest.mark.django_db(transaction=True)


@on_every_screen
def test_refused_and_missing_pages_are_accessible(open_page, assert_accessible, screenshot, width, scheme, language):
    make_staff("analyst", product=make_product(), username="analyst")
    page = open_page(width=width, scheme=scheme, language=language)
    page.goto("/admin/login/?next=/admin/auth/user/")
    page.fill("[name=username]", "analyst")
    page.fill("[name=password]", "secret")
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/admin/auth/user/")

    for name, address in (("refused", "/admin/auth/user/"), ("missing", "/nowhere/")):
        page.goto(address)
        screenshot(f"error-{name}-{language}-{width}-{scheme}", page)
        assert_accessible(page)
