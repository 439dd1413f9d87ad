"""What host pages may say to the widget, and what they hear from it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from feedback.models import Invitation, Respondent, Response
from surveys.models import Event, Survey
from tests.browser.widget.host_site import STUB, memory, score, settle, the_survey, wait_until
from tests.factories import make_product, make_survey

pytestmark = pytest.mark.django_db(transaction=True)


def test_calls_made_before_the_script_has_loaded_work(site, survey, visit):
    site.before = STUB + "odzew('identify', {id: 7, email: 'Anna@Example.com', properties: {plan: 'pro'}});"

    expect(the_survey(visit())).to_be_visible()

    person = Respondent.objects.get()
    assert (person.subject_key, person.email, person.properties) == ("id:7", "anna@example.com", {"plan": "pro"})


def test_settings_come_from_an_object_too(site, survey, visit):
    site.before = "window.odzewSettings = {user: {id: 'anna'}, language: 'pl', pk_shop: {position: 'top'}};"

    page = visit()

    expect(page.locator("odzew-survey .top")).to_be_visible()
    assert Respondent.objects.get().subject_key == "id:anna"
    assert Invitation.objects.get().language == "pl"


def test_the_page_may_decide_when_to_ask_and_hears_what_happens(site, survey, visit, requests):
    Event.objects.create(product=survey.product, name="order_paid")
    site.scripts[0]["data-auto"] = "off"
    site.before = STUB + (
        "window.heard = [];"
        "odzew('on', 'answered', () => { throw new Error('a mistake of the page') });"
        "for (const event of ['checked', 'shown', 'answered', 'closed'])"
        " odzew('on', event, (detail) => heard.push({event, ...detail}));"
    )
    page = visit()
    settle(page)
    assert not any("eligibility" in each for each in requests)

    page.evaluate("odzew('identify', {id: 'anna'}); odzew('track', 'order_paid')")
    expect(the_survey(page)).to_be_visible()
    wait_until(page, lambda: page.evaluate("heard.some(({event}) => event === 'shown')"))
    score(page, 8).check()
    page.keyboard.press("Escape")

    heard = page.evaluate("heard")
    assert [each["event"] for each in heard] == ["checked", "shown", "answered", "closed"]
    why = {"why": "This person may be asked now.", "next_check_at": heard[0]["next_check_at"]}
    assert heard[0] == {"event": "checked", "product": "pk_shop", "code": "eligible", "eligible": True, **why}
    assert heard[2] == {"event": "answered", "product": "pk_shop", "survey": survey.pk, "metric": "nps", "score": 8}


def test_stop_takes_the_survey_away_without_calling_it_a_decline(survey, visit, requests):
    page = visit()
    expect(the_survey(page)).to_be_visible()

    page.evaluate("odzew('stop')")
    page.evaluate("odzew('ask')")
    settle(page)

    expect(page.locator("odzew-survey")).to_have_count(0)
    assert Invitation.objects.get().declined_at is None
    assert page.context.cookies() == []
    assert len([each for each in requests if each.endswith("/eligibility")]) == 1


def test_the_test_key_asks_at_every_page_view_and_leaves_no_trace_in_the_browser(site, survey, visit):
    site.scripts[0]["data-test-key"] = "tk_shop"
    page = visit()
    page.get_by_role("button", name="No, thanks").click()

    page.goto(site.url)

    expect(the_survey(page)).to_be_visible()
    assert page.context.cookies() == []
    assert set(Invitation.objects.values_list("is_test", flat=True)) == {True}


def test_two_products_on_one_page_do_not_disturb_each_other(site, survey, visit, requests):
    other = make_survey(product=make_product(public_key="pk_other"))
    site.scripts.append({"data-product": "pk_other", "data-position": "top"})
    site.before = STUB + "odzew('pk_other:identify', {id: 'other-anna'}); odzew('pk_shop:identify', {id: 'anna'});"
    page = visit()
    expect(the_survey(page)).to_have_count(1)
    score(page, 9).check()
    page.get_by_role("button", name="Send").click()
    page.get_by_role("button", name="Close").click()
    settle(page)
    assert set(Invitation.objects.values_list("respondent__subject_key", flat=True)) == {"id:anna"}

    page.goto(site.url)
    score(page, 3).check()

    wait_until(page, Response.objects.filter(survey=other).exists)
    assert set(Response.objects.values_list("product__public_key", "respondent__subject_key")) == {
        ("pk_shop", "id:anna"),
        ("pk_other", "id:other-anna"),
    }
    assert memory(page)["who"] != memory(page, "pk_other")["who"]


def test_an_event_travels_with_the_question_and_is_remembered_apart_from_others(site, survey, visit, requests):
    Survey.objects.update(first_survey_delay_days=31)
    site.scripts[0]["data-auto"] = "off"
    page = visit()
    asked = []
    page.on("request", lambda request: asked.append(request) if request.url.endswith("/eligibility") else None)

    for _time in range(2):
        for event in ("checkout_completed", "order_paid"):
            page.evaluate("event => odzew('track', event)", event)
        page.evaluate("odzew('ask')")
        settle(page)

    assert [each.post_data_json["context"].get("event") for each in asked] == ["checkout_completed", "order_paid", None]


def test_calls_survive_a_page_that_keeps_something_else_under_the_name(site, survey, visit):
    site.before = "window.odzew = document.createElement('div'); odzew.q = [7, null, ['identify', {id: 'anna'}]];"

    expect(the_survey(visit())).to_be_visible()

    assert Respondent.objects.get().subject_key == "id:anna"
