"""From a reviewer's draft to the public page, the mail, and the way out of it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.utils import timezone
from playwright.sync_api import expect

from feedback import improvements
from feedback.models import Improvement, ImprovementMail, Respondent, Tag
from tests.factories import (
    make_controller,
    make_improvement,
    make_product,
    make_respondent,
    make_response,
    make_staff,
    make_survey,
)

pytestmark = pytest.mark.django_db(transaction=True)
SIZES = [(320, "light", "pl"), (320, "dark", "en"), (1280, "light", "en"), (1280, "dark", "pl")]


@pytest.fixture
def product():
    controller = make_controller(name="Bank Przykładowy S.A.", contact_email="kontakt@bank.example")
    return make_product(name="Aplikacja mobilna", controller=controller, public_key="pk_bank")


@pytest.fixture
def reviewer(product):
    return make_staff("reviewer", product=product)


@pytest.fixture
def answers(product):
    survey = make_survey(product=product)
    people = [make_respondent(product=product, email=f"{name}@example.com") for name in ("anna", "jan", "ewa")]
    comments = ["Transfers take days", "The transfer was slow", "Transfers!"]
    return [
        make_response(
            survey=survey, respondent=person, score=3, comment=comment, contact_permission=person.email[0] != "e"
        )
        for person, comment in zip(people, comments, strict=True)
    ]


@pytest.fixture
def published(product, reviewer):
    """Publish so many improvements, one of them corrected and one in the other language."""

    def published(count):
        today = timezone.localdate()
        for number in range(count):
            one = make_improvement(product=product, created_by=reviewer, done_on=today - timedelta(days=20 * number))
            improvements.publish(improvement=one, by=reviewer)
        Improvement.objects.filter(pk=one.pk).update(
            language="pl",
            title="Przelewy natychmiastowe między wszystkimi kontami w aplikacji",
            said="Czekanie na przelew przez weekend jest nie do przyjęcia.",
            text="Przelewy między naszymi klientami docierają w minutę.\n\nTakże w nocy i w święta.",
            done_on=today,
        )
        words = {"title": one.title, "said": one.said, "text": "Instant, at night too."}
        first = Improvement.objects.exclude(pk=one.pk).first()
        improvements.correct(improvement=first, by=reviewer, **words)

    return published


def log_in(page, user):
    page.goto("/admin/login/?next=/admin/feedback/improvement/")
    page.locator("[name=username]").fill(user.username)
    page.locator("[name=password]").fill("secret")
    page.locator("[type=submit]").first.click()
    expect(page).to_have_url(re.compile(r"/improvement/$"))


def test_from_a_draft_to_the_public_page_and_the_mail(open_page, product, reviewer, answers, screenshot):
    page = open_page()
    log_in(page, reviewer)
    expect(page.get_by_text("Nothing was improved yet.")).to_be_visible()
    screenshot("improvements-admin-empty", page)
    page.goto("/admin/feedback/improvement/add/")
    page.locator("[name=title]").fill("Transfers arrive in a minute")
    page.locator("[name=said]").fill("Waiting for days is not what a bank is for.")
    page.locator("[name=text]").fill("Transfers between our customers are instant.\n\nAlso at night.")
    screenshot("improvements-admin-draft", page)
    page.get_by_role("button", name="Save", exact=True).first.click()
    improvement = Improvement.objects.get()

    page.goto(f"/admin/feedback/improvement/{improvement.pk}/responses/")
    page.get_by_label("Words in comments").fill("transf")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("Transfers take days")).to_be_visible()
    for box in page.locator("input[name=response]").all():
        box.check()
    screenshot("improvements-admin-linking", page)
    page.get_by_role("button", name="Link the selected").click()
    expect(page.get_by_text("3 responses linked.")).to_be_visible()

    page.goto(f"/admin/feedback/improvement/{improvement.pk}/change/")
    page.get_by_role("link", name="Publish").click()
    screenshot("improvements-admin-publish", page)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Published.")).to_be_visible()

    page.get_by_role("link", name="Tell those who said so").click()
    expect(page.get_by_text("2 people will get the mail.")).to_be_visible()
    expect(page.get_by_text("1: did not say that they may be contacted")).to_be_visible()
    screenshot("improvements-admin-mail", page)
    assert outbox.outbox == []
    page.get_by_role("button", name="Tell those who said so").click()
    expect(page.get_by_text("Those who said so are being told.")).to_be_visible()
    expect(page.get_by_text("2 sent")).to_be_visible()
    screenshot("improvements-admin-told", page)
    assert {message.to[0] for message in outbox.outbox} == {"anna@example.com", "jan@example.com"}

    visitor = open_page(width=320)
    visitor.goto(re.search(r"/improvements/pk_bank/\S+", outbox.outbox[0].body)[0])
    expect(visitor.get_by_role("heading", name="Transfers arrive in a minute")).to_be_visible()
    visitor.goto(re.search(r"/improvements/object/\S+", outbox.outbox[0].body)[0])
    visitor.get_by_role("button", name="Do not contact me").click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Nobody will write to you about your feedback")
    assert Respondent.objects.filter(do_not_contact=True).get().email == outbox.outbox[0].to[0]
    assert visitor.context.cookies() == []


@pytest.mark.parametrize(("width", "scheme", "language"), SIZES)
def test_the_public_pages_are_accessible(
    open_page, product, published, send, assert_accessible, screenshot, width, scheme, language
):
    published(12)
    owed = ImprovementMail.objects.create(
        improvement=Improvement.objects.first(),
        respondent=make_respondent(product=product),
        next_attempt_at=timezone.now(),
    )
    link = f"/improvements/object/{improvements.objection_token(owed)}/"
    page = open_page(width=width, scheme=scheme, language=language)
    for name, address in {
        "page": "/improvements/pk_bank/",
        "last-page": "/improvements/pk_bank/?page=2",
        "none": "/improvements/pk_none/",
        "object": link,
        "unknown": "/improvements/object/unknown/",
    }.items():
        page.goto(address)
        assert_accessible(page)
        screenshot(f"improvements-{name}-{width}-{scheme}-{language}", page)
    page.goto(link)
    send(page)
    assert_accessible(page)
    screenshot(f"improvements-objected-{width}-{scheme}-{language}", page)


def test_pages_are_turned_with_the_keyboard(open_page, published):
    published(11)
    page = open_page(language="en", javascript=False)
    page.goto("/improvements/pk_bank/?lang=en")
    page.get_by_role("link", name="Older").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    assert page.url.endswith("?lang=en&page=2")
    expect(page.get_by_role("article")).to_have_count(1)


@pytest.mark.parametrize(("width", "scheme", "language"), SIZES)
def test_the_mail_can_be_read_anywhere(
    open_page, product, reviewer, answers, assert_accessible, screenshot, width, scheme, language
):
    improvement = make_improvement(product=product, created_by=reviewer, language=language)
    improvements.publish(improvement=improvement, by=reviewer)
    improvements.link(improvement=improvement, responses=answers, by=reviewer)
    improvements.mail(improvement=improvement, by=reviewer)
    improvements.send_mail(mail_id=ImprovementMail.objects.first().pk)
    page = open_page(width=width, scheme=scheme)

    page.set_content(outbox.outbox[0].alternatives[0].content)

    screenshot(f"improvements-mail-{width}-{scheme}-{language}", page)
    assert_accessible(page, tags=["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])


@pytest.mark.parametrize("width", [768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_desk_fits_small_screens(open_page, product, reviewer, answers, published, screenshot, width, scheme):
    published(3)
    improvement = Improvement.objects.first()
    improvements.link(improvement=improvement, responses=answers, by=reviewer)
    improvements.set_tags(
        improvement=improvement, tags=[Tag.objects.create(product=product, name="transfers")], by=reviewer
    )
    page = open_page(width=width, scheme=scheme)
    log_in(page, reviewer)
    start = f"/admin/feedback/improvement/{improvement.pk}/"
    pages = {"list": "/admin/feedback/improvement/", "page": f"{start}change/", "correct": f"{start}correct/"}
    for name, address in {**pages, "links": f"{start}responses/", "mail": f"{start}step/mail/"}.items():
        page.goto(address)
        expect(page.get_by_role("main").or_(page.locator("#main"))).not_to_have_count(0)
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0, f"{address} is {too_wide} px too wide"
        screenshot(f"improvements-desk-{name}-{width}-{scheme}", page)
