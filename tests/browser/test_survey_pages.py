from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from feedback.models import Invitation, Response, ScoreChange
from surveys.models import BandWording
from surveys.publishing import publish
from surveys.scales import Metric
from tests.browser.screens import on_every_screen
from tests.factories import make_controller, make_draft, make_invitation, make_product, make_respondent

pytestmark = pytest.mark.django_db(transaction=True)

REASONS = {
    "pl": ["Szybkość działania", "Obsługa klienta", "Wygląd aplikacji", "Opłaty"],
    "en": ["Speed", "Customer service", "Look and feel", "Fees"],
}


@pytest.fixture
def product():
    controller = make_controller(name="Bank Przykładowy S.A.")
    return make_product(name="Aplikacja mobilna", controller=controller)


@pytest.fixture
def survey(product):
    """A live NPS survey at ``/s/nps/`` with reasons to tick."""
    return live(product, Metric.NPS)


def live(product, metric):
    survey = make_draft(product=product, metric=metric, slug=str(metric))
    for language, reasons in REASONS.items():
        BandWording.objects.filter(survey=survey, language=language).update(reasons=reasons)
    publish(survey=survey)
    survey.refresh_from_db()
    return survey


def score(page, number):
    return page.locator(f'input[name=score][value="{number}"]')


def words(survey, language="en"):
    return survey.current_version.content[language]


def heading(page, survey, band, part, language="en"):
    """Find the heading that shows a part of a band's wording."""
    return page.get_by_role("heading", name=words(survey, language)["bands"][band][part])


def tab_to(page, target):
    """Press Tab until the target has the focus; a reader of the page would get there, too."""
    for _press in range(20):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{target} cannot be reached with the keyboard")


def test_a_visitor_scores_explains_and_keeps_the_receipt_code(survey, open_page):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto("/s/nps/")
    expect(page.get_by_role("group", name=words(survey)["question"])).to_be_visible()
    button = page.get_by_role("button", name="Send")
    expect(button).to_have_text("Send")

    score(page, 3).check()
    score(page, 9).check()
    expect(button).to_have_text("Send 9")
    button.click()

    expect(heading(page, survey, "promoter", "follow_up_question")).to_be_visible()
    page.get_by_label("Speed").check()
    page.get_by_label("In your own words").fill("It is fast. <b>Really.</b>")
    page.get_by_role("button", name="Send").click()

    expect(heading(page, survey, "promoter", "thanks")).to_be_visible()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("The code was copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#receipt").inner_text()
    response = Response.objects.get()
    assert (response.score, response.state, response.reasons) == (9, "complete", ["Speed"])
    assert response.comment == "It is fast. <b>Really.</b>"
    page.get_by_role("link", name="Change my comment").click()
    expect(page.get_by_label("In your own words")).to_have_value("It is fast. <b>Really.</b>")


def test_the_whole_journey_works_with_the_keyboard_alone(survey, page):
    page.goto("/s/nps/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(score(page, 0)).to_be_focused()
    page.keyboard.press("Space")
    for _step in range(2):
        page.keyboard.press("ArrowRight")
    expect(score(page, 2)).to_be_checked()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Send 2")).to_be_focused()
    page.keyboard.press("Enter")

    expect(heading(page, survey, "detractor", "follow_up_question")).to_be_visible()
    tab_to(page, page.get_by_label("Speed"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_label("In your own words"))
    page.keyboard.type("Too slow")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Send")).to_be_focused()
    page.keyboard.press("Enter")

    expect(heading(page, survey, "detractor", "thanks")).to_be_visible()
    response = Response.objects.get()
    assert (response.score, response.comment, response.reasons) == (2, "Too slow", ["Speed"])


def test_the_whole_journey_works_without_javascript(survey, open_page):
    page = open_page(javascript=False, width=320)
    page.goto("/s/nps/")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose a score from 0 to 10.")

    page.locator("label.score", has_text="7").click()
    expect(page.get_by_role("button", name="Send")).to_have_text("Send")
    page.get_by_role("button", name="Send").click()
    page.get_by_label("In your own words").fill("Fine")
    page.get_by_role("button", name="Send").click()

    expect(page.locator("#receipt")).to_be_visible()
    expect(page.get_by_role("button", name="Copy")).to_be_hidden()
    page.get_by_role("link", name="Change my score").click()
    expect(score(page, 7)).to_be_checked()
    page.locator("label.score", has_text="8").click()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Your answer is saved.")).to_be_visible()
    assert Response.objects.values_list("score", "comment").get() == (8, "Fine")


def test_going_back_and_sending_again_stays_one_answer(survey, page):
    page.goto("/s/nps/")
    score(page, 9).check()
    page.get_by_role("button", name="Send 9").click()
    expect(heading(page, survey, "promoter", "follow_up_question")).to_be_visible()

    page.go_back()
    score(page, 4).check()
    page.get_by_role("button", name="Send 4").click()

    expect(heading(page, survey, "detractor", "follow_up_question")).to_be_visible()
    assert Response.objects.get().score == 4
    assert ScoreChange.objects.get().score == 9


def test_reloading_the_survey_makes_room_for_the_next_visitor(survey, page):
    for number in (9, 4):
        page.goto("/s/nps/")
        score(page, number).check()
        page.get_by_role("button", name=f"Send {number}").click()
        page.get_by_role("button", name="Skip").click()
        expect(page.locator("#receipt")).to_be_visible()

    assert sorted(Response.objects.values_list("score", flat=True)) == [4, 9]


def test_a_link_with_a_score_only_preselects_it(survey, page):
    make_invitation(survey=survey, token="token", channel="email", sent_at=timezone.now() - timedelta(hours=1))
    page.goto("/i/token/?s=9")

    expect(score(page, 9)).to_be_checked()
    expect(page.get_by_role("button", name="Send 9")).to_be_visible()
    assert not Response.objects.exists()
    assert Invitation.objects.get().opened_at is not None


def test_declining_is_one_press(survey, page):
    page.goto("/s/nps/")
    page.get_by_role("button", name="No, thanks").click()

    expect(page.get_by_role("heading", name="That is fine")).to_be_visible()
    assert Invitation.objects.get().declined_at is not None


def test_the_last_characters_of_a_comment_are_counted(survey, page):
    make_invitation(survey=survey, token="token")
    page.goto("/i/token/?s=9")
    page.get_by_role("button", name="Send 9").click()

    comment = page.get_by_label("In your own words")
    comment.fill("a" * 9_000)
    expect(page.get_by_text("Characters left")).to_be_hidden()
    comment.fill("a" * 9_990)
    expect(page.get_by_text("Characters left: 10")).to_be_visible()


def test_the_language_can_be_switched_until_there_is_a_code_to_lose(survey, page):
    page.goto("/s/nps/")
    page.get_by_role("link", name="PL polski").click()
    expect(page.locator("html")).to_have_attribute("lang", "pl")
    expect(page.get_by_role("group", name=words(survey, "pl")["question"])).to_be_visible()

    score(page, 10).check()
    page.locator("button[value=send]").click()
    expect(heading(page, survey, "promoter", "follow_up_question", "pl")).to_be_visible()
    page.locator("button[value=skip]").click()
    expect(page.locator("#receipt")).to_be_visible()
    expect(page.locator(".languages")).to_have_count(0)


@on_every_screen
def test_every_page_is_accessible(survey, open_page, assert_accessible, screenshot, width, scheme, language):
    page = open_page(width=width, scheme=scheme, language=language)
    person = make_respondent(product=survey.product, email="person@example.com")
    make_invitation(survey=survey, token="token", respondent=person)
    number = itertools.count(1)

    def look(name):
        screenshot(f"survey-{language}-{width}-{scheme}-{next(number)}-{name}", page)
        assert_accessible(page)

    page.goto("/s/nps/")
    look("score")
    page.locator("button[value=send]").click()
    look("mistake")
    page.goto("/i/token/?s=8")
    look("preselected")
    page.locator("button[value=send]").click()
    look("follow-up")
    page.locator(".choice").first.click()
    page.locator("textarea").fill("ż" * 9_800)
    page.locator("textarea").evaluate("field => field.maxLength = 20000")
    page.locator("textarea").fill("ż" * 10_001)
    page.locator("button[value=send]").click()
    look("too-long")
    page.locator("textarea").fill("Szybko i wygodnie, dziękuję.")
    page.locator("button[value=send]").click()
    expect(page.locator("#receipt")).to_be_visible()
    look("thanks")
    page.goto("/i/token/?change=comment")
    look("change")
    page.goto("/s/nps/")
    page.locator("button[value=decline]").click()
    look("declined")
    page.goto("/s/unknown/")
    look("unknown")


@pytest.mark.parametrize("metric", Metric)
def test_every_score_is_big_enough_to_press(product, open_page, assert_accessible, screenshot, metric):
    live(product, metric)
    page = open_page(language="pl")
    for width in (320, 375, 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"/s/{metric}/")

        boxes = [radio.bounding_box() for radio in page.locator("input[name=score]").all()]

        assert all(box["height"] >= 44 and box["width"] >= (36 if metric == Metric.CES else 43) for box in boxes)
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
        in_reading_order = sorted(boxes, key=lambda box: (box["y"], box["x"]))
        assert boxes == in_reading_order
        screenshot(f"survey-scale-{metric}-{width}", page)
        assert_accessible(page)


def test_every_page_is_accessible_from_right_to_left(survey, open_page, assert_accessible, screenshot):
    page = open_page(width=320, scheme="light", language="en")

    def look(name):
        page.evaluate("document.documentElement.dir = 'rtl'")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        screenshot(f"survey-rtl-{name}", page)
        assert_accessible(page)

    page.goto("/s/nps/")
    look("score")
    score(page, 3).check()
    page.locator("button[value=send]").click()
    look("follow-up")
    page.locator("button[value=send]").click()
    look("thanks")
