"""What staff do about links: a survey's QR code, a list that comes back with links, and the outbox of the demo."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone
from playwright.sync_api import expect

from feedback.models import Invitation
from privacy.models import Membership
from tests.browser.test_admin_pages import faults, log_in
from tests.factories import make_controller, make_invitation, make_product, make_staff, make_survey

pytestmark = pytest.mark.django_db(transaction=True)

MAIL = """<html><head><title>Mail</title></head><body style="font-family: sans-serif"><h1>Jak nas oceniasz?</h1>
<p><a href="{link}">9</a></p></body></html>"""


@pytest.fixture
def survey():
    controller = make_controller(name="Bank Przykładowy S.A.")
    return make_survey(
        slug="polecenie", name="Polecenie", product=make_product(name="Aplikacja", controller=controller)
    )


@pytest.mark.parametrize(("width", "scheme", "language"), [(320, "dark", "pl"), (1280, "light", "en")])
def test_a_list_goes_in_and_comes_back_with_links(
    open_page, client, live_server, survey, screenshot, width, scheme, language
):
    reviewer = make_staff("reviewer")
    Membership.objects.create(user=reviewer, controller=survey.product.controller)
    page = open_page(width=width, scheme=scheme, language=language)
    log_in(page, client, reviewer, live_server.url)
    page.goto(f"/admin/surveys/survey/{survey.pk}/change/")
    screenshot(f"staff-links-{language}-{width}-{scheme}-1-survey", page)
    wrong = faults(page, {})

    page.locator(f"a[href$='/admin/surveys/survey/{survey.pk}/links/']").click()
    screenshot(f"staff-links-{language}-{width}-{scheme}-2-list", page)
    wrong += faults(page, {})
    people = {"name": "people.csv", "mimeType": "text/csv", "buffer": b"id,email\n1,anna@example.com\n"}
    page.locator("input[type=file]").set_input_files(people)
    with page.expect_download() as download:
        page.locator("#content-main button[type=submit]").click()

    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8-sig"))))
    assert [row["email"] for row in rows] == ["anna@example.com"]
    assert Invitation.objects.count() == 1
    assert wrong == []


@pytest.mark.parametrize(("width", "scheme", "language"), [(320, "dark", "pl"), (1280, "light", "en")])
def test_a_survey_shows_its_code(open_page, client, live_server, survey, screenshot, width, scheme, language):
    administrator = make_staff("administrator")
    Membership.objects.create(user=administrator, controller=survey.product.controller)
    page = open_page(width=width, scheme=scheme, language=language)
    log_in(page, client, administrator, live_server.url)

    page.goto(f"/admin/surveys/survey/{survey.pk}/change/")

    assert faults(page, {}) == []
    code = page.locator(".survey-code img")
    code.scroll_into_view_if_needed()
    assert code.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    with page.expect_download() as download:
        page.locator(".survey-code a").click()
    assert download.value.suggested_filename == "polecenie.svg"
    screenshot(f"staff-links-{language}-{width}-{scheme}-3-code", page)


@pytest.mark.parametrize(("width", "scheme", "language"), [(320, "dark", "pl"), (1280, "light", "en")])
def test_a_mail_in_the_outbox_is_shown_harmlessly_and_its_links_work(
    open_page, live_server, survey, settings, tmp_path, assert_accessible, screenshot, width, scheme, language
):
    settings.ROOT_URLCONF, settings.EMAIL_FILE_PATH = "config.sample.urls", str(tmp_path)
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    make_invitation(survey=survey, token="token", channel="email", sent_at=timezone.now() - timedelta(hours=1))
    mail = EmailMultiAlternatives("Jak nas oceniasz?", f"{live_server.url}/i/token/", to=["anna@example.com"])
    mail.attach_alternative(MAIL.format(link=f"{live_server.url}/i/token/?s=9"), "text/html")
    mail.send()
    page = open_page(width=width, scheme=scheme, language=language)

    page.goto("/outbox/")
    assert_accessible(page)
    screenshot(f"outbox-{language}-{width}-{scheme}-1-list", page)
    page.get_by_role("link", name="Jak nas oceniasz?").click()
    shown = page.frame_locator("iframe.mail")
    expect(shown.get_by_role("heading", name="Jak nas oceniasz?")).to_be_visible()
    screenshot(f"outbox-{language}-{width}-{scheme}-2-mail", page)
    with page.expect_popup() as opened:
        shown.get_by_role("link", name="9").click()

    expect(opened.value.locator('input[name=score][value="9"]')).to_be_checked()
