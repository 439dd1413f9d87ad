"""What staff read outside of the admin, as a browser shows it: mails, the page that stops them, and “My mail”."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import expect

from feedback.digests import owe_preview
from feedback.models import MailPreference, Notice
from feedback.staff_mail import owe
from feedback.staff_mail_delivery import send_mail
from tests.browser.conftest import WCAG
from tests.factories import make_product, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db(transaction=True)
STANDARD = [tag for tag in WCAG if tag != "best-practice"]  # a mail has no landmarks


@pytest.fixture
def reviewer(live_server, settings):
    settings.PUBLIC_URL = live_server.url
    product = make_product(name="Bank")
    user = make_staff("reviewer", product=product, email="reviewer@staff.example")
    MailPreference.objects.create(user=user, language="en")
    return user


@pytest.fixture
def mails(reviewer):
    """The HTML of an alert and of a digest, by name."""
    product = reviewer.memberships.get().product
    survey = make_survey(product=product)
    yesterday = timezone.now() - timedelta(days=1)
    for score in (10, 9, 8, 3, 1, 10):
        comment = "https://bank.example/" + "long/" * 30 if score == 3 else ""
        response = make_response(survey=survey, score=score, comment=comment, answered_at=yesterday)
    response.comment = "The fee was booked twice.\nPlease give it back."
    response.save()
    now = timezone.now()
    send_mail(mail_id=owe(user=reviewer, notice=Notice.ALERT, key="alert:1", response=response).pk)
    send_mail(mail_id=owe_preview(user=reviewer, product=product, notice=Notice.DAILY, now=now).pk)
    return {name: message.alternatives[0][0] for name, message in zip(("alert", "digest"), mail.outbox, strict=True)}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 640])
def test_mails_are_readable_on_every_screen(open_page, mails, assert_accessible, screenshot, width, scheme):
    for name, html in mails.items():
        page = open_page(width=width, scheme=scheme)
        page.set_content(html)

        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert_accessible(page, tags=STANDARD)
        screenshot(f"mail-{name}-{width}-{scheme}", page)


def test_the_link_of_a_mail_stops_it_after_a_press(open_page, mails, assert_accessible):
    page = open_page(width=320)
    page.set_content(mails["alert"])
    page.goto(page.get_by_role("link", name="No more alerts").get_attribute("href"))
    expect(page.get_by_role("heading", name="Stop this mail?")).to_be_visible()
    assert_accessible(page)
    assert MailPreference.objects.get().muted == []

    page.get_by_role("button", name="Stop this mail").click()

    expect(page.get_by_role("heading", name="You will get no more of this mail")).to_be_visible()
    assert_accessible(page)
    assert MailPreference.objects.get().muted == ["alert"]


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
def test_staff_choose_their_mail_and_ask_for_a_digest(
    open_page, reviewer, assert_accessible, screenshot, width, scheme
):
    page = open_page(width=width, scheme=scheme)
    page.goto("/admin/my-mail/")
    page.locator("[name=username]").fill(reviewer.username)
    page.locator("[name=password]").fill("secret")
    page.locator("[type=submit]").first.click()
    expect(page).to_have_url(re.compile(r"/my-mail/$"))
    assert_accessible(page, tags=STANDARD)
    screenshot(f"my-mail-{width}-{scheme}", page)

    page.get_by_label("alert about a response").uncheck()
    page.get_by_label("Bank: weekly digest").check()
    page.get_by_label("Quiet from").fill("22:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Give both times, or none.")).to_be_visible()
    page.get_by_label("Quiet until").fill("07:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your choice is saved.")).to_be_visible()
    expect(page.get_by_label("Bank: weekly digest")).to_be_checked()
    page.get_by_role("button", name="Send it to me now").click()
    expect(page.get_by_text("The digest is on its way to reviewer@staff.example.")).to_be_visible()

    assert MailPreference.objects.get().muted == ["alert"]
    assert [message.subject.partition(":")[0] for message in mail.outbox] == ["Bank"]
