"""The widget on a page of another origin, whose Content-Security-Policy allows it scripts and connections only."""

from __future__ import annotations

import pytest
from django.core.signals import request_started

from surveys.scales import Metric
from tests.browser.widget.host_site import Line, Site, live
from tests.factories import make_product


@pytest.fixture
def site(live_server):
    site = Site(live_server.url)
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture
def line(site):
    """The line through which the browsers of a test reach the server, to be cut and restored."""
    line = Line(site.odzew)
    site.odzew = line.url
    yield line
    line.close()


@pytest.fixture
def product(site):
    """The product that the site embeds."""
    return make_product(public_key="pk_shop", test_key="tk_shop", allowed_origins=[site.url])


@pytest.fixture
def survey(product):
    """A live NPS survey of the product with reasons to tick."""
    return live(product, Metric.NPS)


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
