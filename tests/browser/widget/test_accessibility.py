"""Everybody can use it: with a keyboard, a screen reader, a small or a dark screen, from right to left."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from feedback.models import Invitation, Response
from surveys.scales import Metric
from tests.browser.widget.host_site import QUESTION, live, score, the_survey, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def focused(page):
    return page.evaluate("""() => {
        const inside = document.activeElement?.shadowRoot?.activeElement;
        return inside ? inside.value || inside.textContent : document.activeElement.textContent;
    }""")


def test_the_keyboard_alone_is_enough(survey, visit):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    assert page.evaluate("document.activeElement === document.body")  # it takes no focus by itself
    page.get_by_role("link", name="Next page").focus()

    page.keyboard.press("Tab")
    assert focused(page) == "0"
    for _press in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    assert focused(page) == "3"
    page.keyboard.press("ArrowUp")
    assert focused(page) == "2"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    assert focused(page) == "10"
    page.keyboard.press("End")
    page.wait_for_timeout(200)
    assert page.locator("odzew-survey input:checked").count() == 0
    assert not Response.objects.exists()

    page.keyboard.press("Enter")
    wait_until(page, Response.objects.filter(score=10).exists)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    wait_until(page, Response.objects.filter(score=9).exists)

    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # the first reason
    for _reason in range(3):
        page.keyboard.press("Tab")
    page.keyboard.type("Everything")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Send
    wait_until(page, Response.objects.filter(comment="Everything", reasons=["Speed"]).exists)
    assert focused(page) == survey.current_version.content["en"]["bands"]["promoter"]["thanks"]
    page.keyboard.press("Escape")

    expect(page.locator("odzew-survey")).to_have_count(0)
    assert focused(page) == "Next page"


def test_escape_declines_and_gives_the_focus_back(survey, visit):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    page.get_by_role("button", name="Basket").focus()
    page.keyboard.press("Escape")  # the page's own: the focus is not in the survey
    expect(the_survey(page)).to_be_visible()

    score(page, 4).focus()
    page.keyboard.press("Escape")

    expect(page.locator("odzew-survey")).to_have_count(0)
    assert focused(page) == "Basket"
    wait_until(page, Invitation.objects.filter(declined_at__isnull=False).exists)
    assert not Response.objects.exists()


def test_the_focus_is_not_trapped(survey, visit):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    score(page, 0).focus()

    page.keyboard.press("Shift+Tab")

    assert focused(page) == "Next page"
    expect(the_survey(page)).to_be_visible()


def test_changes_are_announced(survey, visit):
    page = visit()
    status = page.locator("odzew-survey [role=status]").last
    expect(status).to_have_text(f"One short question, in the region “Your feedback”: {QUESTION}")

    score(page, 9).check()

    expect(status).to_contain_text("Score 9 chosen. What do you like most")
    expect(page.get_by_role("radio", name="0 , Not at all likely")).to_have_count(1)


def test_from_right_to_left_the_scale_is_mirrored_and_its_labels_stay_attached(site, survey, visit):
    site.direction = "rtl"
    page = visit()
    expect(the_survey(page)).to_be_visible()
    left = {number: score(page, number).bounding_box()["x"] for number in (0, 10)}
    assert left[0] > left[10]
    ends = page.locator("odzew-survey .ends > span")
    assert ends.first.bounding_box()["x"] > ends.last.bounding_box()["x"]
    assert the_survey(page).bounding_box()["x"] < 100  # the corner is mirrored too

    score(page, 0).focus()
    page.keyboard.press("ArrowLeft")
    assert focused(page) == "1"
    page.keyboard.press("Enter")
    wait_until(page, Response.objects.filter(score=1).exists)


@pytest.mark.parametrize("metric", Metric.values)
def test_at_320_pixels_every_target_is_large_enough_and_nothing_overflows(product, visit, assert_accessible, metric):
    live(product, metric)
    page = visit(width=320, height=640)
    expect(the_survey(page)).to_be_visible()
    for step in ("score", "comment"):
        small = page.evaluate("""() => {
            const root = document.querySelector("odzew-survey").shadowRoot;
            const all = root.querySelectorAll("input, button, a, textarea, summary");
            const boxes = [...all].map((each) => (each.closest("label") || each).getBoundingClientRect());
            return boxes.filter(({width, height}) => width && Math.min(width, height) < 24).length;
        }""")
        assert small == 0, step
        box = the_survey(page).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
        assert box["y"] >= 0
        assert_accessible(page)
        score(page, 1).check()


@pytest.mark.parametrize("position", ["corner", "bottom", "top"])
@pytest.mark.parametrize(("direction", "scheme"), [("ltr", "light"), ("rtl", "dark")])
def test_axe_finds_nothing_in_any_step(site, survey, visit, assert_accessible, scheme, direction, position):
    site.direction = direction
    site.scripts[0] |= {"data-position": position, "data-user-id": "anna"}
    page = visit(scheme=scheme)
    expect(the_survey(page)).to_be_visible()
    assert_accessible(page)

    score(page, 3).check()
    page.get_by_label("Speed").check()
    assert_accessible(page)

    page.get_by_role("button", name="Send").click()
    expect(page.locator("odzew-survey code")).to_be_visible()
    assert_accessible(page)


def test_motion_is_only_for_those_who_want_it(survey, visit):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    assert the_survey(page).evaluate("element => getComputedStyle(element).animationName") == "none"
