"""A mail scanner that does its worst with every link of a mail, before and after the person answers."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from feedback.models import Invitation, Response
from surveys.models import Survey
from tests.factories import make_invitation, make_permission, make_product, make_respondent, make_survey

pytestmark = pytest.mark.django_db(transaction=True)

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
ADDRESSES = ("203.0.113.1", "198.51.100.2", "2001:db8:1::3")
# What a program can do in a page without a mouse, a keyboard or a finger.
PRESS_BY_SCRIPT = """() => {
    for (const each of document.querySelectorAll("label, input[type=radio], textarea")) each.click();
    for (const name of ["pointerdown", "touchstart", "keydown", "click"]) {
        document.body.dispatchEvent(new Event(name, { bubbles: true }));
    }
    const button = document.querySelector("button[value=send]");
    if (button) button.click();
}"""
# To the page's script every touch then comes before it has been there for a second, however slow the machine.
LOADED_A_MINUTE_LATER = "const now = performance.now.bind(performance); performance.now = () => now() + 60000;"
SUBMIT_BY_SCRIPT = "() => document.querySelector('form')?.submit()"


@pytest.fixture
def survey():
    return make_survey(slug="nps", product=make_product(name="Bank"))


@pytest.fixture
def mail(survey, live_server, settings):
    """All links of one mail: each score, the page itself."""
    settings.TRUSTED_PROXIES = 1
    settings.RATE_LIMIT_PER_PERSON = settings.RATE_LIMIT_PER_ADDRESS = 100_000  # which alone would stop most of it
    person = make_respondent(product=survey.product, subject_key="id:anna", email="anna@example.com")
    make_permission(respondent=person)
    make_invitation(
        survey=survey, token="token", channel="email", sent_at=timezone.now() - timedelta(hours=1), respondent=person
    )
    page = f"{live_server.url}/i/token/"
    return [f"{page}?s={score}" for score in range(11)] + [page, f"{page}?change=score", f"{page}?change=comment"]


def request(address, method="GET", fields=None, *, origin):
    data = urllib.parse.urlencode(fields).encode() if fields else None
    headers = {"User-Agent": CHROME, "X-Forwarded-For": origin}
    asked = urllib.request.Request(address, data, headers, method=method)  # noqa: S310  the test's own server
    try:
        with urllib.request.urlopen(asked) as answer:  # noqa: S310  the test's own server
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def fetch_and_post_forms(link, origin):
    request(link, "HEAD", origin=origin)
    page = request(link, origin=origin)
    found = re.search(r'name="seal" value="([^"]+)"', page)
    if found is None or link.endswith(("1", "2", "3", "4", "5", "6", "7", "8")):  # the forms of a few links say it all
        return
    for score, step, action in ((0, "", "send"), (10, "", "send"), ("", "comment", "send"), ("", "", "decline")):
        fields = {"seal": found[1], "score": score, "step": step, "action": action, "comment": "x", "evidence": ""}
        request(link, "POST", fields, origin=origin)
        request(link, "POST", {**fields, "evidence": "pointer:99999999"}, origin=origin)


def attack(mail):
    with ThreadPoolExecutor(2) as threads:
        jobs = [(link, origin) for link in mail for origin in ADDRESSES]
        list(threads.map(lambda job: fetch_and_post_forms(*job), jobs))


def attack_in_browser(chromium, mail, *, settle=0):
    """Open links in a real browser that nobody touches, and do whatever a program can do there."""
    for script in (None, PRESS_BY_SCRIPT, SUBMIT_BY_SCRIPT):
        with chromium.new_context(user_agent=CHROME, extra_http_headers={"X-Forwarded-For": "192.0.2.77"}) as context:
            for link in (mail[3], mail[9]):
                page = context.new_page()
                page.goto(link)
                page.wait_for_timeout(settle)
                if script and page.locator("form").count():
                    page.evaluate(script)
                    page.wait_for_load_state("networkidle")
                page.close()


def answer(page, score):
    """What a person does: one tap."""
    page.goto(f"/i/token/?s={score}")
    page.get_by_role("button", name=f"Send {score}").click()
    expect(page.get_by_text(f"Your score of {score} is saved.")).to_be_visible()


def counted():
    return list(Response.objects.counted().values_list("score", "comment"))


def test_no_scanner_answers_and_none_overwrites_what_the_person_says_with_one_tap(chromium, open_page, mail):
    attack(mail)
    attack_in_browser(chromium, mail)
    assert counted() == []
    assert Response.objects.get().is_suspect
    assert Invitation.objects.get().declined_at is None

    page = open_page(extra_http_headers={"X-Forwarded-For": "192.0.2.5"})
    answer(page, 9)
    assert counted() == [(9, "")]
    attack(mail[8:])
    page.get_by_label("In your own words").fill("Fast and friendly.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#receipt")).to_be_visible()

    attack(mail[8:])
    attack_in_browser(chromium, mail)
    assert counted() == [(9, "Fast and friendly.")]


@pytest.mark.parametrize("mode", ["confirm", "assisted"])
def test_a_page_that_nobody_touches_sends_nothing(chromium, mail, mode):
    Survey.objects.update(score_links=mode)

    attack_in_browser(chromium, mail[:1] * 10, settle=1500)

    assert counted() == []


def test_an_assisted_page_sends_at_the_first_touch_a_second_after_loading(open_page, mail):
    Survey.objects.update(score_links="assisted")
    page = open_page(width=320, has_touch=True)
    page.goto("/i/token/?s=9")
    expect(page.get_by_text("and 9 is sent")).to_be_visible()
    page.wait_for_timeout(1200)
    assert not Response.objects.exists()

    page.locator("h1").tap()

    expect(page.get_by_text("Your score of 9 is saved.")).to_be_visible()
    assert counted() == [(9, "")]


def test_an_assisted_page_takes_no_touch_within_the_first_second(open_page, mail):
    Survey.objects.update(score_links="assisted")
    page = open_page(width=320, has_touch=True)
    page.add_init_script(LOADED_A_MINUTE_LATER)
    page.goto("/i/token/?s=9")

    page.locator("h1").tap()

    page.wait_for_timeout(500)
    assert not Response.objects.exists()


def test_an_assisted_page_leaves_another_choice_to_the_person(open_page, mail):
    Survey.objects.update(score_links="assisted")
    page = open_page()
    page.goto("/i/token/?s=9")
    page.wait_for_timeout(1200)

    page.keyboard.press("Tab")
    page.locator("label.score", has_text="3").click()
    page.wait_for_timeout(300)
    assert not Response.objects.exists()
    page.get_by_role("button", name="Send 3").click()

    expect(page.get_by_text("Your score of 3 is saved.")).to_be_visible()
    assert counted() == [(3, "")]


def test_the_keyboard_alone_is_a_person_too(open_page, mail):
    page = open_page()
    page.goto("/i/token/?s=9")
    page.get_by_role("button", name="Send 9").focus()

    page.keyboard.press("Enter")

    expect(page.get_by_text("Your score of 9 is saved.")).to_be_visible()
    assert counted() == [(9, "")]


@pytest.mark.parametrize("language", ["en", "pl"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_pages_are_accessible(open_page, assert_accessible, screenshot, mail, width, scheme, language):
    Survey.objects.update(score_links="assisted", one_per_device=True)
    Invitation.objects.update(language=language)
    page = open_page(width=width, scheme=scheme, language=language)

    def look(name):
        screenshot(f"links-{language}-{width}-{scheme}-{name}", page)
        assert_accessible(page)

    page.goto("/i/token/?s=9")
    look("1-assisted")
    page.goto("/i/token/unsubscribe/")
    look("2-unsubscribe")
    page.locator("button").click()
    expect(page.locator("button")).to_have_count(0)
    look("3-unsubscribed")
    page.goto("/s/nps/")
    page.locator("label.score").first.click()
    page.locator("button[value=send]").click()
    page.wait_for_url("**/i/**")
    page.goto("/s/nps/")
    look("4-answered")
