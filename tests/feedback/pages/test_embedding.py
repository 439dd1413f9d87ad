"""An invitation's page inside an app's web view or another site's frame: ``?embed=1``."""

from __future__ import annotations

import re

import pytest

from feedback.models import Invitation, Response
from privacy.models import Product
from tests.feedback.pages.looking import seal_on

pytestmark = pytest.mark.django_db

SHOP = "https://shop.example.com"
APP = "https://app.example.com"


@pytest.fixture
def embedded(nps, invite):
    """The address of an embedded page of a product that two web sites may ask for."""
    Product.objects.update(allowed_origins=[SHOP, APP])
    return f"{invite()}?embed=1"


def ancestors(answer):
    return re.search(r"frame-ancestors ([^;]+)", answer["Content-Security-Policy"])[1].split()


def message(answer):
    return re.search(r'<meta name="odzew-message" content="(.*?)">', answer.content.decode())[1]


def test_only_sites_of_the_product_may_frame_it_and_only_when_embedded(english, embedded):
    page = english.get(embedded)

    assert ancestors(page) == [SHOP, APP]
    assert "X-Frame-Options" not in page
    for address in (embedded.replace("?embed=1", ""), embedded.replace("=1", "=yes"), "/s/nps/?embed=1"):
        page = english.get(address)
        assert ancestors(page) == ["'none'"], address
        assert page["X-Frame-Options"] == "DENY"


def test_a_product_that_lists_no_site_may_be_framed_by_none(english, embedded):
    Product.objects.update(allowed_origins=[])

    page = english.get(embedded)

    assert ancestors(page) == ["'none'"]
    assert page["X-Frame-Options"] == "DENY"


def test_an_unknown_token_may_be_framed_by_none(english, embedded):
    page = english.get("/i/another-token/?embed=1")

    assert page.status_code == 404
    assert ancestors(page) == ["'none'"]


@pytest.mark.parametrize("dead_end", [{"expires_at": "2020-01-01T00:00Z"}, {"responded_at": "2020-01-01T00:00Z"}])
def test_a_dead_end_can_be_closed_in_the_frame_too(english, embedded, dead_end):
    Invitation.objects.update(**dead_end)

    page = english.get(embedded)

    assert page.status_code == 410
    assert ancestors(page) == [SHOP, APP]
    assert "data-close" in page.content.decode()
    assert message(page) == ""


def test_every_step_stays_embedded_and_nothing_leads_away(english, embedded):
    first = english.get(f"{embedded}&lang=en")
    assert message(first) == ""
    second = english.post(f"{embedded}&lang=en", {"seal": seal_on(first), "score": 9, "action": "send"}, follow=True)
    assert message(second) == "odzew:answered"
    assert second.redirect_chain == [("/i/personal-token/?lang=en&embed=1", 303)]
    last = english.post(
        second.redirect_chain[0][0],
        {"seal": seal_on(second), "step": "comment", "comment": "Fast.", "action": "send"},
    )
    assert message(last) == "odzew:answered"
    change = english.get(f"{embedded}&change=score&s=3")

    for page in (first, second, last, change):
        shown = page.content.decode()
        assert "masthead" not in shown
        assert "colophon" not in shown
        links = re.findall(r'<a [^>]*?href="([^"]*)"([^>]*)>', shown)
        leading_away = [(to, rest) for to, rest in links if "embed=1" not in to and "_blank" not in rest]
        assert leading_away == []
    assert Response.objects.get().comment == "Fast."


def test_a_decline_is_told_apart(english, embedded):
    page = english.get(embedded)

    declined = english.post(embedded, {"seal": seal_on(page), "action": "decline"})

    assert message(declined) == "odzew:declined"
    assert "data-close" in declined.content.decode()
    assert Invitation.objects.get().declined_at


def test_a_page_in_a_browser_of_its_own_tells_nobody(english, invite):
    shown = english.get(invite()).content.decode()

    assert "odzew-message" not in shown
    assert "data-close" not in shown
    assert "masthead" in shown
    assert "colophon" in shown
