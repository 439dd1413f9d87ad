"""A real Chromium for journeys through the pages; what it needs of a page is here, so that tests read as stories."""

from __future__ import annotations

import http.server
import re
import shutil
import threading
import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.core.signals import request_finished, request_started
from playwright.sync_api import Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SCREENSHOTS = Path(settings.VAR) / "screenshots"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# A browser without a window gives itself away by name, as scanners do; tests play people.
PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
# The browser reports answers such as 404 and 400, which tests ask for on purpose, as errors of the page.
EXPECTED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


@pytest.fixture(scope="session")
def chromium():
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def live_server(live_server):
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
def open_page(chromium, live_server):
    """Open a page of a new browser; paths such as ``/s/demo/`` are those of the running server.

    A test fails at its end if a page reported an error, be it of a script or of the Content-Security-Policy.
    """
    contexts, complaints = [], []

    def open_page(*, width=1280, height=800, scheme="light", language="en", javascript=True, **options) -> Page:
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            locale=language,
            java_script_enabled=javascript,
            reduced_motion="reduce",
            **{"user_agent": PERSON, **options},
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                if message.type == "error" and not EXPECTED.match(message.text)
                else None
            ),
        )
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def host():
    """A web site of another origin whose every page is ``html``; its address is ``url``."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(self.server.html.encode())

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{server.server_port}"
    server.html = ""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(open_page):
    """A page in English, 1280 pixels wide."""
    return open_page()


@pytest.fixture
def screenshot(request):
    """Save all that a page shows as ``var/screenshots/<name>.png``; without naming a page, of the one called page."""

    def screenshot(name: str, page: Page | None = None) -> Path:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        (page or request.getfixturevalue("page")).screenshot(path=path, full_page=True)
        return path

    return screenshot


@pytest.fixture(scope="session")
def send():
    """Press the button of a page's form and wait until the next page is there: a click alone does not wait for it."""

    def send(page: Page) -> None:
        with page.expect_navigation():
            page.locator("form button").click()

    return send


@pytest.fixture(scope="session")
def assert_accessible():
    """Fail with a report where axe-core finds anything against WCAG 2.2 AA, or the page is wider than its window."""

    def assert_accessible(page: Page, *, tags: list[str] = WCAG) -> None:
        results = Axe().run(page, options={"runOnly": tags, "resultTypes": ["violations"]})
        assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0, f"{page.url} is {too_wide} px wider than its window"

    return assert_accessible
