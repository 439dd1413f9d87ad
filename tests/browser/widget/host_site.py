"""A web site that embeds the widget, and how a story looks at what the widget shows there."""

from __future__ import annotations

import http.server
import threading
from html import escape

from surveys.models import BandWording
from surveys.publishing import publish
from tests.factories import make_draft

QUESTION = "How likely are you to recommend us to a friend or colleague?"
POLICY = "default-src 'none'; script-src 'self' {odzew}; connect-src {odzew}"
PAGE = """<!doctype html>
<html lang="{language}" dir="{direction}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>A shop</title>
<script src="/before.js"></script>{scripts}</head>
<body><main><h1>A shop</h1><p><button type="button">Basket</button> <a href="/next">Next page</a></p></main></body>
</html>
"""
STUB = "window.odzew = window.odzew || function () { (odzew.q = odzew.q || []).push(arguments) };"


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


def live(product, metric):
    survey = make_draft(product=product, metric=metric, first_survey_delay_days=0)
    BandWording.objects.filter(survey=survey, language="en").update(reasons=["Speed", "Customer service", "Fees"])
    publish(survey=survey)
    survey.refresh_from_db()
    return survey


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
