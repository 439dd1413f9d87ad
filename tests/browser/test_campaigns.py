"""A campaign from its first line to its figures, and the mail itself, as staff see them on a phone and on a desk."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail as post
from django.utils import timezone
from playwright.sync_api import expect

from feedback import campaigns
from feedback.models import Campaign, CampaignMail, Invitation
from privacy.models import Membership
from tests.browser.screens import on_every_screen
from tests.browser.test_admin_pages import faults, log_in
from tests.factories import (
    make_controller,
    make_permission,
    make_product,
    make_respondent,
    make_response,
    make_staff,
    make_survey,
)

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = "\n".join(
    ["email,name,language", "anna@example.com,Anna Zażółć,pl", "jan@example.com,Jan,pl", "nobody,Nobody,pl"]
)
LIST = {"name": "klienci-wiosna-2026-bardzo-dluga-nazwa-pliku.csv", "mimeType": "text/csv", "buffer": PEOPLE.encode()}


@pytest.fixture
def survey():
    controller = make_controller(
        name="Bank Przykładowy Spółka Akcyjna",
        contact_email="biuro@bank.example",
        address="ul. Długa 1\n00-001 Warszawa",
    )
    product = make_product(
        name="Aplikacja mobilna", controller=controller, default_language="pl", colour="#0b6e4f", tracks_opens=True
    )
    return make_survey(product=product, name="Polecenie wiosenne", slug="polecenie", allows_reminder=True)


@pytest.fixture
def desk(open_page, client, live_server, survey):
    """A browser in which somebody who runs campaigns is logged in; pages that are looked at are kept with faults."""

    def desk(**screen):
        reviewer = make_staff("reviewer")
        Membership.objects.create(user=reviewer, controller=survey.product.controller)
        page = open_page(**screen)
        log_in(page, client, reviewer, live_server.url)
        return page

    return desk


@pytest.fixture
def looked_at(screenshot):
    """Look at a page; whatever is wrong with one of them fails the test at its end."""
    found = {}

    def look(name, page):
        screenshot(f"campaigns-{name}", page)
        if wrong := faults(page, {}):
            found[name] = wrong

    yield look
    assert found == {}


def step(page, name):
    """Take a step from the page of the campaign: a link to the question, and its button."""
    address = page.url
    page.goto(address.replace("/change/", f"/step/{name}/"))
    with page.expect_navigation():
        page.locator("form button[type=submit]").last.click()


def write(page, survey):
    page.goto("/admin/feedback/campaign/add/")
    page.select_option("[name=product]", str(survey.product.pk))
    page.select_option("[name=survey]", str(survey.pk))
    for name, value in {"name": "Wiosna 2026", "window_from": "0", "window_until": "24", "pace": "2"}.items():
        page.fill(f"[name={name}]", value)


def upload(page):
    page.locator("input[type=file]").set_input_files(LIST)
    page.select_option("[name=basis]", "consent")
    page.fill("[name=evidence]", "formularz 7")
    page.fill("[name=given_on]", "2026-01-31")


@on_every_screen
def test_a_campaign_is_written_filled_tried_started_and_paused(desk, looked_at, survey, width, scheme, language):
    page = desk(width=width, scheme=scheme, language=language)

    def look(name):
        looked_at(f"{language}-{width}-{scheme}-{name}", page)

    page.goto("/admin/feedback/campaign/")
    look("01-empty")
    write(page, survey)
    look("02-add")
    with page.expect_navigation():
        page.locator("[name=_continue]").first.click()
    look("03-draft")
    change = page.url
    page.goto(change.replace("/change/", "/audience/"))
    look("04-audience")
    upload(page)
    with page.expect_navigation():
        page.locator("form button[type=submit]").last.click()
    expect(page.locator("[data-counts] li").first).to_contain_text("2")
    look("05-dry-run")
    page.goto(change.replace("/change/", "/preview/pl/"))
    expect(page.frame_locator("iframe").get_by_text("Dzień dobry Anna Nowak")).to_be_visible()
    look("06-preview")

    page.goto(change.replace("/change/", "/step/start/"))
    look("07-start")
    page.goto(change)
    step(page, "start")
    expect(page.locator("#campaign-progress")).to_be_visible()
    look("08-running")
    for name in ("pause", "cancel"):
        page.goto(change.replace("/change/", f"/step/{name}/"))
        look(f"09-{name}")
    page.goto(change)
    step(page, "pause")
    look("10-paused")
    step(page, "resume")
    assert Campaign.objects.get().state == "running"
    step(page, "cancel")
    look("11-cancelled")
    page.goto("/admin/feedback/campaign/")
    look("12-list")

    assert Campaign.objects.get().state == "cancelled"
    assert sorted(mail.to[0] for mail in post.outbox) == ["anna@example.com", "jan@example.com"]


@pytest.fixture
def sent(survey):
    """A campaign to some people of whom each did something else with the mail."""
    now = timezone.now()
    row = Campaign(product=survey.product, survey=survey, name="Wiosna 2026", window_from=0, window_until=24, pace=6000)
    campaign = campaigns.write_campaign(campaign=row, by=None)
    people = [
        make_respondent(
            product=survey.product, subject_key=f"id:{number}", email=f"person-{number}@example.com", language="pl"
        )
        for number in range(9)
    ]
    for each in people[:8]:
        make_permission(respondent=each)
    CampaignMail.objects.bulk_create(
        CampaignMail(campaign=campaign, respondent=each, state="queued", next_attempt_at=now) for each in people
    )
    campaigns.start(campaign=campaign)
    campaigns.send_batch(campaign_id=campaign.pk)
    invitations = {each.respondent_id: each for each in Invitation.objects.select_related("respondent")}
    for respondent, is_suspect in ((people[0], False), (people[1], True)):
        make_response(survey=survey, invitation=invitations[respondent.pk], is_suspect=is_suspect)
    Invitation.objects.filter(respondent=people[2]).update(declined_at=now)
    for number, column in ((3, "bounced_at"), (4, "unsubscribed_at"), (5, "opened_at")):
        CampaignMail.objects.filter(respondent=people[number]).update(**{column: now + timedelta(minutes=1)})
    CampaignMail.objects.filter(respondent=people[6]).update(state="unknown", code="unknown_outcome", sent_at=None)
    return campaign


@on_every_screen
def test_what_came_back_is_told_with_definitions_and_what_nobody_knows_is_settled(
    desk, looked_at, sent, width, scheme, language
):
    page = desk(width=width, scheme=scheme, language=language)

    page.goto(f"/admin/feedback/campaign/{sent.pk}/change/")
    expect(page.locator("[data-figures] tbody tr")).to_have_count(10)
    looked_at(f"{language}-{width}-{scheme}-13-figures", page)
    page.goto(f"/admin/feedback/campaign/{sent.pk}/mails/")
    looked_at(f"{language}-{width}-{scheme}-14-mails", page)
    page.goto(f"/admin/feedback/campaign/{sent.pk}/mails/?state=unknown")
    looked_at(f"{language}-{width}-{scheme}-15-unknown", page)
    with page.expect_navigation():
        page.locator("button[name=sent]").click()

    assert not CampaignMail.objects.filter(state="unknown").exists()


def test_the_bar_of_a_running_campaign_moves_by_itself(desk, sent):
    CampaignMail.objects.filter(state="sent").update(
        **{"state": "queued", "sent_at": None, "handed_over_at": None, "next_attempt_at": timezone.now()}
    )
    page = desk()
    page.goto(f"/admin/feedback/campaign/{sent.pk}/change/")
    bar = page.locator("#campaign-bar")
    before = bar.evaluate("bar => bar.value")

    CampaignMail.objects.filter(state="queued").update(state="skipped", code="cancelled", next_attempt_at=None)

    page.wait_for_function("before => document.querySelector('#campaign-bar').value > before", arg=before)
    assert bar.evaluate("bar => bar.value === bar.max")


@on_every_screen
def test_the_mail_itself_can_be_read_on_every_screen(
    open_page, assert_accessible, screenshot, sent, width, scheme, language
):
    campaign = Campaign.objects.select_related("product__controller", "survey__current_version").get()
    wording = campaign.wordings.get(language=language)
    letter = campaigns.write_letter(
        campaign=campaign,
        version=campaign.version,
        language=language,
        subject=wording.subject,
        intro=wording.intro + "\n\n" + "Zażółć" * 12,
        may_count=False,
    )
    page = open_page(width=width, scheme=scheme, language=language)

    page.set_content(campaigns.for_example(letter, campaign).html)

    screenshot(f"campaigns-{language}-{width}-{scheme}-16-mail", page)
    assert_accessible(page, tags=["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])
    assert page.locator("a.score").count() == 11


def test_how_a_running_campaign_stands_is_shown_anew(desk, sent):
    page = desk(width=1280, scheme="light", language="en")
    page.goto(f"/admin/feedback/campaign/{sent.pk}/change/")
    shown = page.locator("#campaign-progress")
    expect(shown).to_have_text("9 of 9 people")

    again = {"state": "queued", "sent_at": None, "handed_over_at": None, "next_attempt_at": timezone.now()}
    CampaignMail.objects.filter(pk=sent.mails.first().pk).update(**again)

    expect(shown).to_have_text("8 of 9 people", timeout=20_000)
