"""A data subject's way through the pages: object, make a mistake, confirm; and whether everybody can walk it."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from privacy.encryption import new_token, token_digest
from privacy.identity import mint_token
from privacy.intake import file_request
from privacy.lifecycle import State
from privacy.models import Membership, Product, RequestToken, RightsRequest
from tests.browser.screens import on_every_screen
from tests.factories import (
    make_controller,
    make_invitation,
    make_product,
    make_recipient,
    make_staff,
    make_survey,
)
from tests.privacy.test_intake import make_content

pytestmark = pytest.mark.django_db(transaction=True)

READING = 3_200  # milliseconds; whoever is faster is asked to send it again


@pytest.fixture
def controller():
    controller = make_controller(name="Bank Przykładowy S.A.", privacy_email="iod@example.com")
    make_product(name="Aplikacja mobilna", controller=controller)
    return controller


def link_in_mail():
    return re.search(r"/privacy/confirm/\S+", mail.outbox[0].body)[0]


def test_an_objection_is_filed_and_confirmed_without_scripts_on_a_small_screen(open_page, controller, screenshot):
    page = open_page(width=320, javascript=False)
    page.goto("/privacy/")
    page.get_by_role("link", name="Object", exact=True).click()
    expect(page.get_by_role("checkbox", name="Objection")).to_be_checked()
    page.wait_for_timeout(READING)

    page.get_by_role("button", name="Send the request").click()
    page.get_by_role("link", name="A reply by e-mail needs an e-mail address.").click()
    screenshot("privacy-mistake-320", page)
    field = page.get_by_label("E-mail address")
    expect(field).to_be_focused()
    assert "id_email_error" in field.get_attribute("aria-describedby")
    field.fill("anna@example.com")
    page.get_by_label("Which product is it about?").select_option(label="Aplikacja mobilna")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, your request was sent")

    page.goto(link_in_mail())
    expect(page.get_by_text("objection")).to_be_visible()
    assert RightsRequest.objects.get().state == State.AWAITING_CONFIRMATION
    page.get_by_role("button", name="Yes, confirm").click()
    expect(page.get_by_text(RightsRequest.objects.get().reference)).to_be_visible()
    page.goto(link_in_mail())
    expect(page.get_by_role("heading", level=1)).to_have_text("Your mailbox is already confirmed")

    request = RightsRequest.objects.get()
    assert (request.state, request.product.name) == (State.VERIFIED, "Aplikacja mobilna")
    assert page.context.cookies() == []


def test_an_invited_person_objects_with_one_press_without_scripts(open_page, controller):
    token = new_token()
    asked = make_invitation(survey=make_survey(product=Product.objects.get()), token=token, channel="email")
    page = open_page(width=320, javascript=False)

    page.goto(f"/privacy/object/{token}/")
    page.get_by_role("button", name="Do not contact me").click()

    expect(page.get_by_text(RightsRequest.objects.get().reference)).to_be_visible()
    asked.respondent.refresh_from_db()
    assert asked.respondent.objected_at
    assert page.context.cookies() == []


def test_the_form_is_filled_in_with_the_keyboard_alone(page, controller):
    page.goto("/privacy/request/")
    page.wait_for_timeout(READING)
    page.get_by_role("checkbox").first.focus()
    page.keyboard.press("Space")
    for _right in range(7):
        page.keyboard.press("Tab")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.type("anna@example.com")
    visited = []
    while "Send the request" not in visited:
        assert len(visited) < 20
        page.keyboard.press("Tab")
        visited.append(page.evaluate("document.activeElement.innerText || document.activeElement.name"))
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, your request was sent")
    assert "leave_empty" not in visited
    assert RightsRequest.objects.count() == 1


def test_a_person_whose_browser_fills_in_the_hidden_field_still_gets_through(
    page, controller, assert_accessible, screenshot
):
    page.goto("/privacy/request/")
    page.get_by_role("checkbox", name="Access").check()
    page.get_by_label("E-mail address").fill("anna@example.com")
    page.get_by_label("Anything you would like to add").fill("My own words")
    page.evaluate("document.querySelector('[name=leave_empty]').value = 'Anna'")
    page.get_by_role("button", name="Send the request").click()

    field = page.get_by_label("Leave this field empty")
    expect(field).to_have_value("Anna")
    assert_accessible(page)
    screenshot("privacy-trap")
    page.get_by_role("link", name="Please empty this field.").click()
    expect(field).to_be_focused()
    field.fill("")
    page.wait_for_timeout(READING)
    page.get_by_role("button", name="Send the request").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, your request was sent")
    assert RightsRequest.objects.get().details == "My own words"


@on_every_screen
def test_every_page_is_accessible(open_page, send, assert_accessible, screenshot, controller, width, scheme, language):
    make_product(name="Bankowość internetowa", controller=make_controller())
    tokens = [
        mint_token(request=file_request(content=make_content(controller=controller)), purpose=purpose)
        for purpose in [RequestToken.Purpose.CONFIRM_MAILBOX] * 2
    ]
    RequestToken.objects.filter(digest=token_digest(tokens[1])).update(expires_at=timezone.now())
    invited = new_token()
    make_invitation(survey=make_survey(product=Product.objects.first()), token=invited, channel="email")
    make_recipient(controller=controller, name="Chmura Sp. z o.o.", country="US", safeguard="adequacy")
    page = open_page(width=width, scheme=scheme, language=language)
    pages = {
        "notice": "/privacy/",
        "object": f"/privacy/object/{invited}/",
        "object-unknown": "/privacy/object/unknown/",
        "form": "/privacy/request/",
        "received": "/privacy/request/received/",
        "confirm": f"/privacy/confirm/{tokens[0]}/",
        "expired": f"/privacy/confirm/{tokens[1]}/",
        "unknown": "/privacy/confirm/unknown/",
    }
    for name, address in pages.items():
        page.goto(address)
        assert_accessible(page)
        screenshot(f"privacy-{name}-{width}-{scheme}-{language}", page)
    page.goto("/privacy/request/")
    send(page)
    assert_accessible(page)
    for name in ("confirm", "object"):
        page.goto(pages[name])
        send(page)
        assert_accessible(page)
        screenshot(f"privacy-{name}-done-{width}-{scheme}-{language}", page)


def test_staff_read_who_asks_only_after_asking_to(page, controller, screenshot):
    officer = make_staff("privacy_officer")
    Membership.objects.create(user=officer, controller=controller)
    request = file_request(content=make_content(controller=controller, details="My own words"))
    page.goto(reverse("admin:privacy_rightsrequest_changelist"))
    page.locator("[name=username]").fill(officer.username)
    page.locator("[name=password]").fill("secret")
    page.locator("[type=submit]").first.click()
    expect(page.get_by_role("link", name=request.reference)).to_be_visible()
    screenshot("privacy-admin-queue")
    page.get_by_role("link", name=request.reference).click()
    expect(page.get_by_text("awaiting confirmation").first).to_be_visible()
    expect(page.get_by_text("My own words")).to_have_count(0)
    screenshot("privacy-admin-request")
    page.get_by_role("button", name="Show who asks").click()
    expect(page.get_by_text("My own words")).to_be_visible()
    expect(page.get_by_text("anna@example.com")).to_be_visible()

    assert request.events.filter(action="identity_revealed", user=officer).count() == 1
