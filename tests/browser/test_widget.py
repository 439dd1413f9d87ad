"""The widget on a page of another origin, whose Content-Security-Policy allows it scripts and connections only."""

from __future__ import annotations

import http.server
import json
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from html import escape

import pytest
from django.core.signals import request_finished, request_started
from django.utils import timezone
from playwright.sync_api import expect

from feedback.models import Invitation, Respondent, Response
from privacy.models import Product
from surveys.models import BandWording, Survey
from surveys.publishing import publish
from surveys.scales import Metric
from tests.factories import make_draft, make_product, make_survey

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "How likely are you to recommend us to a friend or colleague?"
POLICY = "default-src 'none'; script-src 'self' {odzew}; connect-src {odzew}"
PAGE = """<!doctype html>
<html lang="{language}" dir="{direction}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>A shop</title>
<script src="/before.js"></script>{scripts}</head>
<body><main><h1>A shop</h1><p><button type="button">Basket</button> <a href="/next">Next page</a></p></main></body>
</html>
"""


class Site:
    """A web site that embeds the widget; what a test changes here is served from the next page view on."""

    def __init__(self, odzew):
        self.odzew = odzew
        self.scripts = [{"data-product": "pk_shop"}]
        self.before = ""  # script of the page's own, run before the widget's
        self.language, self.direction = "en", "ltr"
        self.policy = POLICY
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                site.answer(self)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request):
        is_script = request.path == "/before.js"
        request.send_response(200)
        request.send_header("Content-Type", "text/javascript" if is_script else "text/html; charset=utf-8")
        request.send_header("Content-Security-Policy", self.policy.format(odzew=self.odzew))
        request.end_headers()
        request.wfile.write((self.before if is_script else self.html).encode())

    @property
    def html(self):
        scripts = "".join(
            f'<script src="{self.odzew}/widget/v1.js" {self._attributes(each)} defer></script>' for each in self.scripts
        )
        return PAGE.format(language=self.language, direction=self.direction, scripts=scripts)

    def _attributes(self, attributes):
        return " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())


@pytest.fixture
def patient_server(live_server):
    """The server; the database is not emptied before it has answered the last messages of closed browsers."""
    running = []
    request_started.connect(begin := lambda **_all: running.append(1))
    request_finished.connect(end := lambda **_all: running.pop())
    yield live_server
    for _attempt in range(200):
        if not running:
            break
        time.sleep(0.05)
    request_started.disconnect(begin)
    request_finished.disconnect(end)


@pytest.fixture
def site(patient_server):
    site = Site(patient_server.url)
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture
def product(site):
    """The product that the site embeds."""
    return make_product(public_key="pk_shop", test_key="tk_shop", allowed_origins=[site.url])


@pytest.fixture
def survey(product):
    """A live NPS survey of the product with reasons to tick."""
    return live(product, Metric.NPS)


def live(product, metric):
    survey = make_draft(product=product, metric=metric, first_survey_delay_days=0)
    BandWording.objects.filter(survey=survey, language="en").update(reasons=["Speed", "Customer service", "Fees"])
    publish(survey=survey)
    survey.refresh_from_db()
    return survey


@pytest.fixture
def requests():
    """The paths that the server was asked for, in order."""
    paths = []

    def note(environ, **_others):
        paths.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")

    request_started.connect(note)
    yield paths
    request_started.disconnect(note)


@pytest.fixture
def visit(site, chromium):
    """Open the site in a new browser.

    A test fails at its end if a script threw or the Content-Security-Policy refused anything. That the browser reports
    failed requests, no script can prevent.
    """
    contexts, complaints, expected = [], [], []

    def note(message):
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            complaints.append(message.text)

    def visit(path="/", *, width=1280, height=800, scheme="light", language="en", permissions=(), complains_of=()):
        expected.extend(complains_of)
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            locale=language,
            permissions=list(permissions),
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", note)
        page.goto(site.url + path)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [each for each in complaints if not any(part in each for part in expected)] == []


def the_survey(page):
    return page.get_by_role("region", name="Your feedback")


def score(page, number):
    return page.locator(f'odzew-survey input[name=score][value="{number}"]')


def wait_until(page, holds):
    """Wait until something holds, on the server say."""
    for _attempt in range(100):
        if holds():
            return
        page.wait_for_timeout(50)
    raise AssertionError("this never came to hold")


def settle(page):
    """Give a widget that would ask the time to do so."""
    page.wait_for_timeout(500)


def memory(page, product="pk_shop"):
    return page.evaluate("key => JSON.parse(localStorage.getItem(key))", f"odzew:{product}")


# --- The main job -----------------------------------------------------------------------------------------------------


def test_a_score_and_then_a_comment_are_stored(site, survey, visit):
    site.scripts[0] |= {"data-user-id": "anna", "data-user-email": "anna@example.com", "data-user-company": "Acme"}
    page = visit("/account?secret=1#top", permissions=["clipboard-read", "clipboard-write"])
    expect(page.get_by_role("group", name=QUESTION)).to_be_visible()

    score(page, 9).check()
    wait_until(page, Response.objects.exists)
    response = Response.objects.get()
    assert (response.score, response.state, response.comment) == (9, "partial", "")

    expect(the_survey(page)).to_contain_text("What do you like most")
    page.get_by_label("Speed").check()
    page.get_by_label("What do you like most").fill("It is fast. <b>Really.</b>")
    page.get_by_label("You may contact me about this answer").check()
    page.get_by_role("button", name="Send").click()

    thanks = survey.current_version.content["en"]["bands"]["promoter"]["thanks"]
    expect(the_survey(page)).to_contain_text(thanks)
    page.get_by_role("button", name="Copy").click()
    expect(the_survey(page)).to_contain_text("The code was copied.")
    assert re.fullmatch(r"(\w{4}-){3}\w{4}", page.evaluate("navigator.clipboard.readText()"))
    expect(page.get_by_role("link", name="What happens with your data")).to_have_attribute(
        "href", f"{site.odzew}/privacy/"
    )
    response.refresh_from_db()
    assert (response.score, response.comment, response.state) == (9, "It is fast. <b>Really.</b>", "complete")
    assert (response.reasons, response.contact_permission) == (["Speed"], True)
    assert (response.url, response.device, response.channel) == (f"{site.url}/account", "desktop", "web")
    assert response.respondent.subject_key == "id:anna"
    assert (response.email, response.company) == ("anna@example.com", "Acme")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("odzew-survey")).to_have_count(0)
    assert memory(page, "pk_shop:unsent") is None


def test_a_changed_score_asks_the_question_of_its_band(survey, visit):
    page = visit()
    score(page, 10).check()
    page.locator("odzew-survey textarea").fill("Well")
    score(page, 2).check()

    expect(the_survey(page)).to_contain_text(
        survey.current_version.content["en"]["bands"]["detractor"]["follow_up_question"]
    )
    expect(page.locator("odzew-survey textarea")).to_have_value("Well")
    page.get_by_role("button", name="Close").click()

    wait_until(page, Response.objects.filter(score=2, state="complete", comment="").exists)
    assert Response.objects.count() == 1


def test_the_survey_speaks_the_language_of_the_page(site, survey, visit):
    site.language = "pl"
    page = visit(language="en")

    expect(page.locator("odzew-survey legend").first).to_have_text(survey.current_version.content["pl"]["question"])
    assert Invitation.objects.get().language == "pl"


def test_anonymous_visitors_are_not_asked_for_permission_to_contact_them(survey, visit):
    page = visit()
    score(page, 5).check()

    expect(page.locator("odzew-survey textarea")).to_be_visible()
    expect(page.get_by_label("You may contact me about this answer")).to_have_count(0)


def test_shown_is_reported_after_a_second_in_view(survey, visit, requests):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    page.wait_for_timeout(300)
    assert Invitation.objects.get().shown_at is None

    wait_until(page, Invitation.objects.filter(shown_at__isnull=False).exists)
    page.wait_for_timeout(1200)
    assert len([each for each in requests if each.endswith("/shown")]) == 1


def test_a_policy_of_nonces_and_trusted_types_is_enough(site, survey, visit):
    site.policy = (
        "default-src 'none'; script-src 'nonce-r4nd0m'; connect-src {odzew}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    site.scripts[0]["nonce"] = "r4nd0m"
    page = visit(complains_of=["before.js"])  # the page's own script has no nonce

    score(page, 9).check()
    page.get_by_role("button", name="Send").click()

    wait_until(page, Response.objects.filter(score=9, state="complete").exists)


# --- Never too often --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reaction", ["answers", "declines", "ignores", "is too new"])
def test_twenty_page_views_of_somebody_who_is_not_due_cost_no_request(site, survey, visit, requests, reaction):
    if reaction == "is too new":
        Survey.objects.update(first_survey_delay_days=31)
    page = visit()
    if reaction == "answers":
        score(page, 9).check()
        page.get_by_role("button", name="Send").click()
        wait_until(page, Response.objects.filter(state="complete").exists)
    elif reaction == "declines":
        page.get_by_role("button", name="No, thanks").click()
        wait_until(page, Invitation.objects.filter(declined_at__isnull=False).exists)
    elif reaction == "ignores":
        wait_until(page, Invitation.objects.filter(shown_at__isnull=False).exists)
    wait_until(page, lambda: memory(page, "pk_shop:unsent") is None)
    settle(page)
    assert "GET /widget/v1.js" in requests
    requests.clear()

    for number in range(20):
        page.goto(f"{site.url}/page/{number}")
    page.evaluate("history.pushState({}, '', '/route')")
    page.evaluate("odzew('ask'); odzew('track', ''); odzew('identify', {})")
    settle(page)

    assert requests == []
    expect(page.locator("odzew-survey")).to_have_count(0)


def test_a_change_of_route_keeps_the_open_survey_and_asks_nothing_anew(survey, visit, requests):
    page = visit()
    expect(the_survey(page)).to_be_visible()

    page.evaluate("history.pushState({}, '', '/route'); document.body.replaceChildren(document.createElement('main'))")
    settle(page)

    expect(the_survey(page)).to_be_visible()
    assert len([each for each in requests if each.endswith("/eligibility")]) == 1


def test_a_page_where_nobody_is_asked_only_puts_it_off(site, survey, visit, requests):
    Product.objects.update(blocked_urls=[f"{site.url}/checkout*"])
    page = visit("/checkout")
    wait_until(page, lambda: any(each.endswith("/eligibility") for each in requests))
    settle(page)
    expect(page.locator("odzew-survey")).to_have_count(0)

    page.evaluate("""() => {
        const stored = JSON.parse(localStorage.getItem("odzew:pk_shop"));
        for (const check in stored.checks) stored.checks[check] -= 61000;
        localStorage.setItem("odzew:pk_shop", JSON.stringify(stored));
        history.pushState({}, "", "/shop");
    }""")

    expect(the_survey(page)).to_be_visible()


def test_after_its_rest_a_survey_is_offered_again(site, survey, visit):
    page = visit()
    page.get_by_role("button", name="Ask me later").click()
    wait_until(page, Invitation.objects.filter(snoozed_at__isnull=False).exists)
    ago = timezone.now() - timedelta(days=8)
    Invitation.objects.update(snoozed_at=ago, created_at=ago, shown_at=None)
    page.evaluate("localStorage.setItem('odzew:pk_shop', JSON.stringify({rest: Date.now() - 1}))")
    page.context.clear_cookies()

    page.goto(site.url)

    expect(the_survey(page)).to_be_visible()


def test_the_cookie_alone_keeps_a_survey_from_being_shown_again(site, survey, visit):
    page = visit()
    page.get_by_role("button", name="No, thanks").click()
    expect(page.locator("odzew-survey")).to_have_count(0)
    page.evaluate("localStorage.clear()")

    page.goto(site.url)
    settle(page)

    assert Invitation.objects.count() == 2  # to the server the browser without its memory is somebody new
    expect(page.locator("odzew-survey")).to_have_count(0)


@pytest.mark.parametrize(
    ("press", "outcome", "days"),
    [("No, thanks", "declined", 30), ("Ask me later", "snoozed", 7), (None, "answered", 90)],
)
def test_the_cookie_says_which_survey_when_and_how_it_ended_and_not_who(survey, visit, press, outcome, days):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    assert page.context.cookies() == []

    if press:
        page.get_by_role("button", name=press).click()
    else:
        score(page, 0).check()

    (cookie,) = page.context.cookies()
    assert cookie["name"] == f"odzew_{survey.pk}"
    assert cookie["value"] == f"{survey.pk}.{datetime.now(UTC):%Y-%m}.{outcome}"
    assert (cookie["sameSite"], cookie["path"]) == ("Lax", "/")
    assert abs(cookie["expires"] - (timezone.now() + timedelta(days=days)).timestamp()) < 60


def test_a_browser_that_remembers_nothing_is_not_asked_as_somebody_new_each_time(site, survey, visit, requests):
    site.before = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('blocked') }});"
    page = visit()
    settle(page)
    assert not any("eligibility" in each for each in requests)

    site.scripts[0]["data-user-id"] = "anna"
    page.goto(site.url)
    expect(the_survey(page)).to_be_visible()


def test_after_a_log_out_the_device_is_somebody_new_whose_clock_goes_on(site, survey, visit, requests):
    page = visit()
    before = memory(page)["anonymous_id"]
    page.get_by_role("button", name="No, thanks").click()
    page.evaluate("odzew('identify', {id: 'anna'})")
    assert memory(page)["anonymous_id"] == before
    requests.clear()

    page.evaluate("odzew('identify', null)")
    page.goto(site.url)
    settle(page)

    assert memory(page).get("anonymous_id") != before
    assert not any("eligibility" in each for each in requests)


def test_an_anonymous_visitor_is_somebody_new_after_thirteen_months(site, survey, visit):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    before = memory(page)["anonymous_id"]
    for months, is_kept in ((12, True), (13, False)):
        page.evaluate(
            """days => {
                const stored = JSON.parse(localStorage.getItem("odzew:pk_shop"));
                const changed = { ...stored, since: Date.now() - days * 864e5, rest: 0, checks: {} };
                localStorage.setItem("odzew:pk_shop", JSON.stringify(changed));
            }""",
            months * 30.4,
        )
        page.goto(site.url)
        wait_until(page, lambda: memory(page)["checks"])
        settle(page)
        assert (memory(page)["anonymous_id"] == before) is is_kept


def test_a_clock_that_was_years_ahead_does_not_silence_the_survey_for_years(site, survey, visit):
    site.before = (
        "const far = Date.now() + 10 * 365 * 864e5;"
        "localStorage.setItem('odzew:pk_shop', JSON.stringify({rest: far, checks: {a: far}}));"
    )

    expect(the_survey(visit())).to_be_visible()


# --- What the page may say --------------------------------------------------------------------------------------------

STUB = "window.odzew = window.odzew || function () { (odzew.q = odzew.q || []).push(arguments) };"


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
    assert heard[0] == {"event": "checked", "product": "pk_shop", "code": "eligible", "eligible": True}
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


# --- Nothing is lost --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["as a last message", "from the next page", "both ways"])
def test_leaving_in_mid_answer_loses_neither_score_nor_comment(site, survey, visit, way):
    if way == "from the next page":
        site.before = "navigator.sendBeacon = () => false;"
    page = visit()
    score(page, 4).check()
    page.locator("odzew-survey textarea").fill("Half a sent")
    if way == "as a last message":
        site.scripts = []  # nothing on the next page could deliver it

    page.get_by_role("link", name="Next page").click(no_wait_after=True)

    wait_until(page, Response.objects.filter(score=4, comment="Half a sent").exists)
    page.wait_for_url("**/next")
    if site.scripts:
        wait_until(page, lambda: memory(page, "pk_shop:unsent") is None)
    assert Response.objects.count() == 1


def test_leaving_at_once_after_the_score_loses_nothing(site, survey, visit):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    site.scripts = []

    # In a task of its own: an evaluation whose page goes away under it may never come back.
    page.evaluate("""() => {
        setTimeout(() => {
            document.querySelector("odzew-survey").shadowRoot.querySelector("input[value='6']").click();
            location.href = "/next";
        });
    }""")

    wait_until(page, Response.objects.filter(score=6).exists)


def test_an_answer_given_offline_arrives_once_when_the_connection_is_back(survey, visit):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    page.context.set_offline(True)
    score(page, 7).check()
    page.locator("odzew-survey textarea").fill("On the train")
    page.get_by_role("button", name="Send").click()
    expect(the_survey(page)).to_contain_text("will be sent as soon as there is a connection")

    page.context.set_offline(False)

    expect(page.locator("odzew-survey code")).to_be_visible()
    settle(page)
    response = Response.objects.get()
    assert (response.score, response.comment, response.state) == (7, "On the train", "complete")


@pytest.mark.parametrize("clock_is_years_slow", [False, True])
def test_an_answer_waits_on_the_device_for_a_later_page_view(site, survey, visit, clock_is_years_slow):
    if clock_is_years_slow:
        site.before = "const now = Date.now; Date.now = () => now() - 10 * 365 * 864e5;"
    page = visit()
    expect(the_survey(page)).to_be_visible()
    page.route("**/response", lambda route: route.abort())
    score(page, 1).check()
    page.locator("odzew-survey textarea").fill("Nobody heard")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("button", name="Close").click()
    page.goto(site.url)
    settle(page)
    assert not Response.objects.exists()
    page.evaluate("""() => {  // three hours pass
        const messages = JSON.parse(localStorage.getItem("odzew:pk_shop:unsent"));
        messages[0].at -= 3 * 36e5;
        localStorage.setItem("odzew:pk_shop:unsent", JSON.stringify(messages));
    }""")
    page.unroute_all()

    page.goto(site.url)

    wait_until(page, Response.objects.filter(score=1, comment="Nobody heard").exists)
    wait_until(page, lambda: memory(page, "pk_shop:unsent") is None)
    late = timezone.now() - Response.objects.get().answered_at
    if clock_is_years_slow:
        assert late < timedelta(minutes=5)
    else:
        assert timedelta(hours=2.9) < late < timedelta(hours=3.1)


def test_a_decline_waits_on_the_device_too(site, survey, visit):
    page = visit()
    page.route("**/decline", lambda route: route.abort())
    page.get_by_role("button", name="No, thanks").click()
    settle(page)
    assert Invitation.objects.get().declined_at is None
    page.unroute_all()

    page.goto(site.url)

    wait_until(page, Invitation.objects.filter(declined_at__isnull=False).exists)


# --- The page never notices -------------------------------------------------------------------------------------------

BROKEN = {
    "a server error": {"status": 500, "body": "Server Error"},
    "an error of a proxy": {"status": 502, "body": "<html>Bad gateway</html>", "content_type": "text/html"},
    "no JSON": {"status": 200, "body": "<!doctype html><title>Wi-Fi log-in</title>"},
    "null": {"status": 200, "body": "null"},
    "an eligible nobody": {"status": 200, "body": '{"eligible": true}'},
    "an endless scale": {
        "status": 200,
        "body": json.dumps(
            {
                "eligible": True,
                "invitation": "x",
                "survey": {"id": 1, "language": "en", "scale": {"min": 0, "max": 1e9}, "labels": {}, "question": "?"},
            }
        ),
    },
    "a foreign module": {
        "status": 200,
        "body": '{"eligible": true, "invitation": "x", "survey": {"id": 1, "language": "../../../evil"}}',
    },
}


@pytest.mark.parametrize("answer", BROKEN)
def test_whatever_the_server_answers_the_page_is_unharmed(site, survey, chromium, answer):
    seen = broken_visit(
        chromium, site, lambda route: route.fulfill(headers={"Access-Control-Allow-Origin": "*"}, **BROKEN[answer])
    )

    assert seen.harm == []
    assert len(seen.lines) <= 1


def test_a_server_that_hangs_is_given_up_after_five_seconds(site, survey, chromium):
    seen = broken_visit(chromium, site, lambda route: None, wait=5500)

    assert seen.harm == []
    assert len(seen.lines) == 1


@pytest.mark.parametrize("path", ["**/widget/survey-*", "**/eligibility", "**/widget/v1.js"])
def test_an_unreachable_server_leaves_the_page_unharmed(site, survey, chromium, path):
    seen = broken_visit(chromium, site, lambda route: route.abort(), path=path)

    assert seen.harm == []
    assert len(seen.lines) <= 1


class broken_visit:
    """Visit the site while the server is broken; ``harm`` is what went wrong on the page, ``lines`` what was logged."""

    def __init__(self, chromium, site, answer, *, path="**/eligibility", wait=700):
        context = chromium.new_context()
        page = context.new_page()
        self.harm, self.lines = [], []
        page.on("pageerror", lambda error: self.harm.append(str(error)))
        page.on("console", self.note)
        page.route(path, answer)
        page.goto(site.url)
        page.wait_for_timeout(wait)
        if page.locator("odzew-survey").count():
            self.harm.append("a survey is shown")
        page.goto(site.url + "/next")
        page.wait_for_timeout(300)
        page.get_by_role("button", name="Basket").click()
        context.close()

    def note(self, message):
        # The browser itself reports answers that failed; no script can keep it from doing so.
        if not message.text.startswith(("Failed to load resource", "Access to script")):
            self.lines.append(message.text)


def test_a_product_nobody_knows_and_a_site_that_may_not_ask_show_nothing(site, survey, chromium):
    Product.objects.update(allowed_origins=["https://elsewhere.example"])
    assert broken_visit(chromium, site, lambda route: route.continue_()).harm == []

    site.scripts[0]["data-product"] = "pk_unknown"
    assert broken_visit(chromium, site, lambda route: route.continue_()).harm == []


def test_a_script_without_a_product_and_a_forgotten_command_do_nothing(site, survey, chromium):
    site.before = STUB + "odzew('dance'); odzew(); odzew('on'); odzew('identify', 'anna');"
    assert broken_visit(chromium, site, lambda route: route.abort()).harm == []

    site.scripts = [{}]
    assert broken_visit(chromium, site, lambda route: route.continue_()).harm == []


# --- Everybody can use it ---------------------------------------------------------------------------------------------


def focused(page):
    return page.evaluate("""() => {
        const inside = document.activeElement?.shadowRoot?.activeElement;
        return inside ? inside.value || inside.textContent : document.activeElement.textContent;
    }""")


def test_the_keyboard_alone_is_enough(survey, visit):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    assert page.evaluate("document.activeElement === document.body")  # it takes no focus by itself
    page.get_by_role("link", name="Next page").focus()

    page.keyboard.press("Tab")
    assert focused(page) == "0"
    for _press in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    assert focused(page) == "3"
    page.keyboard.press("ArrowUp")
    assert focused(page) == "2"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    assert focused(page) == "10"
    page.keyboard.press("End")
    page.wait_for_timeout(200)
    assert page.locator("odzew-survey input:checked").count() == 0
    assert not Response.objects.exists()

    page.keyboard.press("Enter")
    wait_until(page, Response.objects.filter(score=10).exists)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    wait_until(page, Response.objects.filter(score=9).exists)

    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # the first reason
    for _reason in range(3):
        page.keyboard.press("Tab")
    page.keyboard.type("Everything")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Send
    wait_until(page, Response.objects.filter(comment="Everything", reasons=["Speed"]).exists)
    assert focused(page) == survey.current_version.content["en"]["bands"]["promoter"]["thanks"]
    page.keyboard.press("Escape")

    expect(page.locator("odzew-survey")).to_have_count(0)
    assert focused(page) == "Next page"


def test_escape_declines_and_gives_the_focus_back(survey, visit):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    page.get_by_role("button", name="Basket").focus()
    page.keyboard.press("Escape")  # the page's own: the focus is not in the survey
    expect(the_survey(page)).to_be_visible()

    score(page, 4).focus()
    page.keyboard.press("Escape")

    expect(page.locator("odzew-survey")).to_have_count(0)
    assert focused(page) == "Basket"
    wait_until(page, Invitation.objects.filter(declined_at__isnull=False).exists)
    assert not Response.objects.exists()


def test_the_focus_is_not_trapped(survey, visit):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    score(page, 0).focus()

    page.keyboard.press("Shift+Tab")

    assert focused(page) == "Next page"
    expect(the_survey(page)).to_be_visible()


def test_changes_are_announced(survey, visit):
    page = visit()
    status = page.locator("odzew-survey [role=status]").last
    expect(status).to_have_text(f"One short question, in the region “Your feedback”: {QUESTION}")

    score(page, 9).check()

    expect(status).to_contain_text("Score 9 chosen. What do you like most")
    expect(page.get_by_role("radio", name="0 , Not at all likely")).to_have_count(1)


def test_from_right_to_left_the_scale_is_mirrored_and_its_labels_stay_attached(site, survey, visit):
    site.direction = "rtl"
    page = visit()
    expect(the_survey(page)).to_be_visible()
    left = {number: score(page, number).bounding_box()["x"] for number in (0, 10)}
    assert left[0] > left[10]
    ends = page.locator("odzew-survey .ends > span")
    assert ends.first.bounding_box()["x"] > ends.last.bounding_box()["x"]
    assert the_survey(page).bounding_box()["x"] < 100  # the corner is mirrored too

    score(page, 0).focus()
    page.keyboard.press("ArrowLeft")
    assert focused(page) == "1"
    page.keyboard.press("Enter")
    wait_until(page, Response.objects.filter(score=1).exists)


@pytest.mark.parametrize("metric", Metric.values)
def test_at_320_pixels_every_target_is_large_enough_and_nothing_overflows(product, visit, metric):
    live(product, metric)
    page = visit(width=320, height=640)
    expect(the_survey(page)).to_be_visible()
    for step in ("score", "comment"):
        small = page.evaluate("""() => {
            const root = document.querySelector("odzew-survey").shadowRoot;
            const all = root.querySelectorAll("input, button, a, textarea, summary");
            const boxes = [...all].map((each) => (each.closest("label") || each).getBoundingClientRect());
            return boxes.filter(({width, height}) => width && Math.min(width, height) < 24).length;
        }""")
        assert small == 0, step
        box = the_survey(page).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
        assert box["y"] >= 0
        score(page, 1).check()


@pytest.mark.parametrize("position", ["corner", "bottom", "top"])
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_step(site, survey, visit, assert_accessible, scheme, direction, position):
    site.direction = direction
    site.scripts[0] |= {"data-position": position, "data-user-id": "anna"}
    page = visit(scheme=scheme)
    expect(the_survey(page)).to_be_visible()
    assert_accessible(page)

    score(page, 3).check()
    page.get_by_label("Speed").check()
    assert_accessible(page)

    page.get_by_role("button", name="Send").click()
    expect(page.locator("odzew-survey code")).to_be_visible()
    assert_accessible(page)


def test_the_survey_can_stand_inside_the_page(site, survey, visit):
    site.scripts[0] |= {"data-position": "inline", "data-target": "main"}
    page = visit()

    expect(page.locator("main odzew-survey .inline")).to_be_visible()
    assert page.locator("odzew-survey .frame").evaluate("element => getComputedStyle(element).position") == "static"


def test_motion_is_only_for_those_who_want_it(survey, visit):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    assert the_survey(page).evaluate("element => getComputedStyle(element).animationName") == "none"
