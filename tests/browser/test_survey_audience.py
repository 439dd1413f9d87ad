"""Editing an audience in a real browser: fields follow the subject, and the people are counted as one edits."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from surveys.models import Event
from surveys.targeting import Rule
from tests.browser.test_admin_pages import faults, log_in
from tests.factories import make_draft, make_product, make_respondent, make_staff

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def survey():
    product = make_product(name="Aplikacja mobilna")
    Event.objects.create(product=product, name="order.finished", label="An order was paid")
    make_staff("administrator", product=product, username="admin")
    for country in ("PL", "PL", "PL", "PL", "PL", "PL", "DE", "DE", "DE", "DE", "DE"):
        make_respondent(product=product, country=country)
    return make_draft(product=product, name="Polecenie")


@pytest.fixture
def editor(open_page, survey):
    page = open_page()
    page.goto(f"/admin/login/?next=/admin/surveys/survey/{survey.pk}/change/")
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", "secret")
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/change/")  # with its scripts: before them, adding a rule does nothing
    page.locator("#tabs-items").get_by_text("Audience", exact=True).click()
    expect(page.locator("[data-audience-result]")).to_contain_text("About 10 people match.")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_a_survey_fits_a_phone(open_page, client, live_server, survey, screenshot, scheme):
    page = open_page(width=320, scheme=scheme, language="pl")
    log_in(page, client, User.objects.get(), live_server.url)
    page.goto(f"/admin/surveys/survey/{survey.pk}/change/")
    found = {}

    for tab in page.locator("#tabs-items a").all():
        name = tab.inner_text()
        tab.evaluate("tab => tab.click()")
        screenshot(f"survey-draft-320-{scheme}-{name}", page)
        found[name] = faults(page, {})

    assert found
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def add_rule(page, number, subject):
    page.locator("#audience-group").get_by_text("Add another").click()
    page.select_option(f"[name=audience-{number}-subject]", subject)


def test_an_audience_is_written_counted_and_saved(editor, survey):
    count = editor.locator("[data-audience-result]")
    add_rule(editor, 0, "country")
    expect(editor.locator("[name=audience-0-name]")).to_be_hidden()
    assert editor.locator("[name=audience-0-operator] option").all_inner_texts() == [
        *("is", "is not", "is set", "is not set"),
    ]
    editor.fill("[name=audience-0-values]", "pl")
    expect(count).to_contain_text("About 5 people match.")
    expect(count).to_contain_text("country is PL")

    add_rule(editor, 1, "event")
    expect(editor.locator("[name=audience-1-values]")).to_be_hidden()
    editor.get_by_label("An order was paid").check()
    expect(count).to_contain_text("Not counted, because only the moment of asking can tell: order.finished")

    add_rule(editor, 2, "property")
    editor.fill("[name=audience-2-name]", "plan")
    editor.select_option("[name=audience-2-operator]", "is_not_set")
    expect(editor.locator("[name=audience-2-values]")).to_be_hidden()
    assert not survey.audience.exists()

    editor.get_by_role("button", name="Save and continue editing").click()
    expect(editor.locator(".survey-state")).to_contain_text(
        "Audience: country is PL and order.finished has just happened and plan is not set"
    )
    assert [each.rule for each in survey.audience.all()] == [
        Rule("country", "", "is", ("PL",)),
        Rule("event", "", "is", ("order.finished",)),
        Rule("property", "plan", "is_not_set", ()),
    ]
    expect(editor.get_by_label("An order was paid")).to_be_checked()


def test_a_mistake_is_told_where_the_people_would_be_counted(editor):
    add_rule(editor, 0, "country")
    editor.fill("[name=audience-0-values]", "Poland")

    expect(editor.locator("[data-audience-result]")).to_contain_text("Rule 1: Two capital letters")


def test_another_subject_takes_the_values_of_the_one_before_away(editor):
    add_rule(editor, 0, "country")
    editor.fill("[name=audience-0-values]", "PL")
    editor.select_option("[name=audience-0-subject]", "device")

    expect(editor.locator("[name=audience-0-values]")).to_have_value("")
    editor.get_by_role("checkbox", name="phone").check()
    editor.get_by_role("checkbox", name="tablet").check()
    expect(editor.locator("[name=audience-0-values]")).to_have_value("tablet\nphone")
    expect(editor.locator("[data-audience-result]")).to_contain_text("device is tablet or phone")
