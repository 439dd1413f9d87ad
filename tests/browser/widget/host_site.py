"""A web site that embeds the widget, and how a story looks at what the widget shows there."""

from __future__ import annotations

import contextlib
import http.server
import select
import socket
import socketserver
import threading
from html import escape
from urllib.parse import urlsplit

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


class Line:
    """The way from browsers to a server. While it is cut nothing arrives, whatever sends it.

    Chromium's emulation of being offline lets through what a page sends while it goes: beacons and requests that are
    kept alive.
    """

    def __init__(self, server):
        far, line = urlsplit(server), self
        self.is_cut, self.ends, self.changing = False, set(), threading.Lock()

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                with socket.create_connection((far.hostname, far.port)) as server:
                    if line.hold(self.request, server):
                        carry(self.request, server)
                    line.ends -= {self.request, server}

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hold(self, *ends):
        """Remember the ends of a new connection; tell whether there can be one now."""
        with self.changing:
            if not self.is_cut:
                self.ends |= {*ends}
            return not self.is_cut

    def cut(self):
        with self.changing:
            self.is_cut = True
            for end in [*self.ends]:
                with contextlib.suppress(OSError):  # closed already
                    end.shutdown(socket.SHUT_RDWR)

    def restore(self):
        self.is_cut = False

    def close(self):
        self.cut()
        self.server.shutdown()
        self.server.server_close()


def carry(one, other):
    """Pass on what each says to the other until one of them has ended."""
    to = {one: other, other: one}
    with contextlib.suppress(OSError):
        while True:
            for speaking in select.select([*to], [], [])[0]:
                said = speaking.recv(65536)
                if not said:
                    return
                to[speaking].sendall(said)


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
