"""Whatever the server does, the page does not notice."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading

import pytest

from feedback.widget.building import BUILT
from privacy.models import Product
from tests.browser.widget.host_site import STUB

pytestmark = pytest.mark.django_db(transaction=True)


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


SOUND = {
    "id": 1,
    "version": 1,
    "metric": "nps",
    "scale": {"min": 0, "max": 10},
    "bands": {"detractor": 0, "passive": 7, "promoter": 9},
    "language": "en",
    "question": "How likely?",
    "labels": {"low": "Not at all", "high": "Extremely"},
    "follow_up": {
        band: {"question": "Why?", "placeholder": "", "reasons": ["Speed"]}
        for band in ("detractor", "passive", "promoter")
    },
    "thanks": {"detractor": "Thanks", "passive": "Thanks", "promoter": "Thanks"},
    "decline": "No, thanks",
    "rest_days": {"answered": 90, "declined": 30, "snoozed": 7, "ignored": 7},
}
NOT_SOUND = {
    "nothing": None,
    "a text": "survey",
    **{f"no {part}": {**SOUND, part: None} for part in SOUND if part not in {"version", "metric"}},
    "an identifier that is no number": {**SOUND, "id": "1; Domain=example.com"},
    "a scale the wrong way round": {**SOUND, "scale": {"min": 10, "max": 0}},
    "a scale of texts": {**SOUND, "scale": {"min": "0", "max": "10"}},
    "an object for a text": {**SOUND, "question": {"en": "How likely?"}},
    "a band without words": {**SOUND, "follow_up": {**SOUND["follow_up"], "promoter": {}}},
    "reasons that are no list": {
        **SOUND,
        "follow_up": {**SOUND["follow_up"], "passive": {"question": "", "placeholder": "", "reasons": 7}},
    },
    "a rest without an end": {**SOUND, "rest_days": {**SOUND["rest_days"], "declined": "forever"}},
}


def offer(survey):
    body = json.dumps({"eligible": True, "code": "eligible", "invitation": "x", "survey": survey})
    return lambda route: route.fulfill(headers={"Access-Control-Allow-Origin": "*"}, body=body)


def test_what_looks_like_a_survey_is_shown(site, survey, chromium):
    """Otherwise what does not look like one would be no test."""
    assert broken_visit(chromium, site, offer(SOUND)).harm == ["a survey is shown"]


@pytest.mark.parametrize("flaw", NOT_SOUND)
def test_what_does_not_look_like_a_survey_is_not_shown(site, survey, chromium, flaw):
    seen = broken_visit(chromium, site, offer(NOT_SOUND[flaw]))

    assert seen.harm == []
    assert len(seen.lines) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_identity"),
        (400, "expired_identity"),
        (403, "origin_blocked"),
        (404, "unknown_product"),
        (413, "body_too_large"),
        (429, "throttled"),
        (500, "error"),
        (503, "maintenance"),
    ],
)
def test_a_refusal_shows_nothing_and_is_not_asked_for_again_soon(site, survey, chromium, status, code):
    calls = []

    def refuse(route):
        calls.append(route.request.url)
        route.fulfill(
            status=status,
            headers={"Access-Control-Allow-Origin": "*", "Retry-After": "30"},
            content_type="application/json",
            body=json.dumps({"code": code, "detail": "No.", "fields": {}}),
        )

    seen = broken_visit(chromium, site, refuse)

    assert seen.harm == []
    assert len(seen.lines) <= 1
    assert len(calls) == 1  # of two page views


class HostileServer:
    """Serves the real scripts, and to every other request whatever a test thinks of."""

    def __init__(self, answer):
        self.received = []
        hostile = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = "v1.js" if self.path.endswith("v1.js") else f"survey.{self.path.rsplit('.', 2)[-2]}.js"
                self.reply(200, (BUILT / name).read_bytes(), {"Content-Type": "text/javascript"})

            def do_POST(self):
                hostile.received.append(self.rfile.read(int(self.headers["Content-Length"])))
                answer(self)

            def reply(self, status, body, headers):
                self.send_response(status)
                for name, value in {"Access-Control-Allow-Origin": "*", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hostile():
    """Start hostile servers; they end with the test."""
    started = []

    def start(answer):
        started.append(HostileServer(answer))
        return started[-1]

    yield start
    for each in started:
        each.server.shutdown()
        each.server.server_close()


def test_a_body_of_sixty_megabytes_is_no_answer(site, survey, chromium, hostile):
    body = json.dumps({"eligible": True, "invitation": "x", "survey": SOUND, "more": "x" * 60_000_000}).encode()
    site.odzew = hostile(lambda request: request.reply(200, body, {"Content-Type": "application/json"})).url

    seen = broken_visit(chromium, site, lambda route: route.continue_(), wait=3000)

    assert seen.harm == []
    assert len(seen.lines) == 1


def test_nothing_about_a_person_follows_a_redirect(site, survey, chromium, hostile):
    thief = hostile(lambda request: request.reply(200, b"{}", {}))
    server = hostile(lambda request: request.reply(307, b"", {"Location": thief.url + "/api"}))
    site.odzew, site.policy = server.url, "default-src *"
    site.scripts[0]["data-user-email"] = "anna@example.com"

    seen = broken_visit(chromium, site, lambda route: route.continue_())

    assert seen.harm == []
    assert len(server.received) == 1
    assert thief.received == []


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
