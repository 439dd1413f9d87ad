"""The admin's live preview in a real browser: it follows what is typed, and looks like the public page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from surveys.models import Survey
from tests.factories import make_controller, make_draft, make_product, make_staff

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def survey():
    product = make_product(name="Aplikacja mobilna", controller=make_controller(name="Bank Przykładowy S.A."))
    make_staff("administrator", product=product, username="admin")
    return make_draft(product=product, name="Polecenie", slug="polecenie")


@pytest.fixture
def open_editor(open_page, survey):
    """Log in and open a language's tab on the survey's page; returns the page and the preview in it."""

    def open_editor(tab="English", **options):
        page = open_page(**options)
        page.goto(f"/admin/login/?next=/admin/surveys/survey/{survey.pk}/change/")
        page.fill("[name=username]", "admin")
        page.fill("[name=password]", "secret")
        page.press("[name=password]", "Enter")
        page.locator("#tabs-items").get_by_text(tab, exact=True).click()
        preview = page.frame_locator("[data-preview] iframe")
        expect(preview.locator("html")).to_have_attribute("lang", {"English": "en", "Polski": "pl"}[tab])
        return page, preview

    return open_editor


def control(page, name):
    return page.locator(f"[data-preview-control={name}]")


def test_the_preview_follows_every_keystroke(open_editor, survey):
    page, preview = open_editor()
    expect(preview.locator("h1:visible")).to_have_text("How likely are you to recommend us to a friend or colleague?")

    page.fill("[name=wording-en-0-question]", "Would you recommend us?")
    page.fill("[name=wording-en-0-low_label]", "Never")
    page.fill("[name=wording-en-0-high_label]", "Always")
    page.fill("[name=wording-en-0-decline_label]", "Not now")

    expect(preview.locator("h1:visible")).to_have_text("Would you recommend us?")
    expect(preview.locator(".ends")).to_have_text("0 Never 10 Always")
    expect(preview.get_by_role("radio", name="0 – Never")).to_have_count(1)
    expect(preview.get_by_role("button", name="Not now")).to_be_visible()
    assert survey.wordings.get(language="en").low_label == "Not at all likely"


def test_typed_markup_stays_text(open_editor):
    page, preview = open_editor()
    attack = "<img src=x onerror=\"document.title='broken in'\"><b>bold</b>"

    page.fill("[name=wording-en-0-question]", attack)
    expect(preview.locator("h1:visible")).to_have_text(attack)
    page.fill("[name=bands-en-0-reasons]", f"{attack}\nprice")
    expect(preview.locator(".choice:visible")).to_have_text([attack, "price"])

    expect(preview.locator("img, b:text-is('bold')")).to_have_count(0)


def test_the_text_one_works_on_is_the_text_one_sees(open_editor):
    page, preview = open_editor()

    page.focus("[name=bands-en-1-follow_up_question]")
    expect(preview.locator("h1:visible")).to_have_text("What kept you from giving a higher score?")
    page.fill("[name=bands-en-1-placeholder]", "In a few words")
    expect(preview.locator("textarea:visible")).to_have_attribute("placeholder", "In a few words")
    page.fill("[name=bands-en-2-thanks]", "Thanks a lot!")
    expect(preview.locator("h1:visible")).to_have_text("Thanks a lot!")
    expect(control(page, "step")).to_have_value("thanks")
    expect(control(page, "band")).to_have_value("promoter")
    page.focus("[name=wording-en-0-question]")
    expect(preview.get_by_role("radio")).to_have_count(11)


def test_one_can_walk_through_the_preview_as_a_respondent(open_editor):
    page, preview = open_editor()

    preview.locator(".score").nth(3).click()
    preview.get_by_role("button", name="Send 3").click()
    expect(preview.locator("h1:visible")).to_have_text("What should we improve first?")
    expect(preview.locator(".given:visible")).to_have_text("3 Your score of 3 is saved.")
    expect(control(page, "band")).to_have_value("detractor")
    preview.get_by_role("button", name="Skip").click()
    expect(preview.locator("h1:visible")).to_contain_text("Thank you for your honest answer.")


def test_the_tab_of_a_language_previews_that_language_with_what_was_typed(open_editor):
    page, preview = open_editor()
    page.locator("#tabs-items").get_by_text("Polski", exact=True).click()
    expect(preview.locator("html")).to_have_attribute("lang", "pl")
    expect(preview.locator("h1:visible")).to_have_text(
        "Na ile prawdopodobne jest, że polecisz nas znajomym lub współpracownikom?"
    )

    page.fill("[name=wording-pl-0-question]", "Polecisz nas?")
    page.locator("#tabs-items").get_by_text("English", exact=True).click()
    expect(preview.locator("html")).to_have_attribute("lang", "en")
    page.locator("#tabs-items").get_by_text("Polski", exact=True).click()

    expect(preview.locator("h1:visible")).to_have_text("Polecisz nas?")


@pytest.mark.parametrize(("tab", "language"), [("Polski", "pl"), ("English", "en")])
@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(236, 238, 246)"), ("dark", "rgb(17, 18, 31)")])
def test_the_preview_shows_both_colour_schemes_whatever_the_admin_has(
    open_editor, screenshot, tab, language, scheme, paper
):
    page, preview = open_editor(tab, scheme="light" if scheme == "dark" else "dark")

    control(page, "theme").select_option(scheme)
    control(page, "width").select_option("narrow")

    expect(preview.locator("body")).to_have_css("background-color", paper)
    expect(page.locator("[data-preview] iframe")).to_have_css("width", "320px")
    page.wait_for_function(
        "() => { const frame = document.querySelector('[data-preview] iframe');"
        " const page = frame.contentDocument.documentElement;"
        " return page.scrollHeight <= frame.clientHeight && page.scrollWidth <= frame.clientWidth; }"
    )
    screenshot(f"preview-{language}-{scheme}", page)


def test_the_preview_is_accessible(open_page, open_editor, survey, assert_accessible):
    page, _preview = open_editor()
    for language in ("pl", "en"):
        page.goto(f"/admin/surveys/survey/{survey.pk}/preview/?language={language}")
        assert_accessible(page)


def test_a_survey_is_published_from_its_editor(open_editor, survey):
    page, _preview = open_editor()

    page.fill("[name=wording-en-0-question]", "Would you recommend us?")
    page.get_by_role("button", name="Save and review for publishing").click()
    page.get_by_role("button", name="Publish").click()

    expect(page.locator(".survey-state")).to_contain_text("live")
    published = Survey.objects.get()
    assert published.current_version.content["en"]["question"] == "Would you recommend us?"
    assert published.current_version.published_by.username == "admin"
