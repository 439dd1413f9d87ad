"""An erasure in the browser: one officer proposes it, a second person agrees, and the person has the answer."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client
from playwright.sync_api import expect

from privacy.fulfilment import due_task_ids, run_task
from privacy.lifecycle import State
from privacy.mailing import due_message_ids, send_message
from privacy.models import RightsRequest
from tests.privacy.life.cases import ANNA, make_case, make_dpo, make_officer

pytestmark = pytest.mark.django_db(transaction=True)


def log_in(page, user, base):
    browser = Client()
    browser.force_login(user)
    page.context.add_cookies([{"name": "sessionid", "value": browser.cookies["sessionid"].value, "url": base}])


def work(case):
    while ids := due_task_ids(case):
        for task_id in ids:
            run_task(task_id=task_id)
    for message_id in due_message_ids():
        send_message(message_id=message_id)


def take(page, name, button=None):
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("button", name=button or name, exact=True).click()
    expect(page.get_by_text(f"Done: {name}.")).to_be_visible()


def test_an_erasure_takes_two_people_and_ends_with_an_answer(
    open_page, live_server, assert_accessible, screenshot, settings, tmp_path
):
    settings.PACKAGES_DIR = tmp_path
    case = make_case("erasure", "access", state=State.VERIFIED)
    officer, dpo = make_officer(case.controller), make_dpo(case.controller)
    desk, second = open_page(), open_page(width=768, scheme="dark", language="pl")
    log_in(desk, officer, live_server.url)
    log_in(second, dpo, live_server.url)
    address = f"/admin/privacy/rightsrequest/{case.pk}/change/"

    desk.goto(address)
    take(desk, "Take into triage")
    assert_accessible(desk, tags=["wcag2a", "wcag2aa"])
    screenshot("rights-request-triage", desk)
    take(desk, "Make the plan and begin")
    expect(desk.get_by_role("link", name="Decide")).to_have_count(0)

    second.goto(address)
    screenshot("rights-request-approval-dark", second)
    second.get_by_role("link", name="Podejmij decyzję", exact=True).click()
    second.get_by_label("zatwierdzam").check()
    assert_accessible(second, tags=["wcag2a", "wcag2aa"])
    screenshot("rights-request-decide-dark", second)
    second.get_by_role("button", name="Podejmij decyzję", exact=True).click()
    expect(second.get_by_text("Wykonano: Podejmij decyzję.")).to_be_visible()

    work(case)  # the copy, and the mail that it is ready
    work(case)  # then the erasure
    desk.goto(address)
    desk.get_by_role("link", name="Send the answer", exact=True).click()
    expect(desk.get_by_text("Your data have been deleted.")).to_be_visible()
    assert desk.locator("pre").evaluate("letter => letter.scrollWidth <= letter.clientWidth")
    desk.get_by_label("What you add").fill("With kind regards")
    screenshot("rights-request-answer", desk)
    desk.get_by_role("button", name="Send the answer", exact=True).click()
    work(case)
    desk.goto(address)
    screenshot("rights-request-fulfilled", desk)
    assert_accessible(desk, tags=["wcag2a", "wcag2aa"])

    assert RightsRequest.objects.get().state == State.FULFILLED
    assert [one.to for one in mail.outbox] == [[ANNA], [ANNA]]
    assert "With kind regards" in mail.outbox[-1].body
    expect(desk.get_by_text(ANNA)).to_have_count(0)
