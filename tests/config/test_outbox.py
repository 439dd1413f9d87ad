"""The outbox of the demonstration shows what would have been sent, and exists nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings as configured
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from config.management.commands.demo import introduction

HTML = "<html><head><title>x</title></head><body><script>alert(1)</script><a href='/i/t/?s=9'>9</a></body></html>"


@pytest.fixture
def outbox(settings, tmp_path):
    settings.ROOT_URLCONF = "config.sample.urls"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    return Client(headers={"Accept-Language": "en"})


@pytest.fixture
def send(outbox, settings):
    """Send mails as the demonstration does."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"

    def send(subject, html=HTML):
        mail = EmailMultiAlternatives(subject, "Zażółć gęślą jaźń http://127.0.0.1/i/t/", to=["anna@example.com"])
        if html:
            mail.attach_alternative(html, "text/html")
        mail.send()

    return send


def key(outbox):
    return outbox.get("/outbox/").context["mails"][0].key


def test_mails_are_listed_with_the_newest_first(outbox, send):
    assert "There is nothing yet." in outbox.get("/outbox/").content.decode()

    send("First")
    send("Śladem")

    page = outbox.get("/outbox/").content.decode()
    assert page.index("Śladem") < page.index("First")
    assert "anna@example.com" in page


def test_a_mail_is_shown_with_its_text_headers_and_a_frame_that_can_run_nothing(outbox, send):
    send("Jak oceniasz?")

    page = outbox.get(f"/outbox/{key(outbox)}/")
    html = outbox.get(f"/outbox/{key(outbox)}/html/")

    assert "Zażółć gęślą jaźń" in page.content.decode()
    assert '<iframe class="mail" sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.content.decode()
    assert "<script>alert" not in page.content.decode()
    assert "frame-src 'self'" in page["Content-Security-Policy"]
    assert "Message-ID" in page.content.decode()
    policy = html["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert '<base target="_blank">' in html.content.decode()


def test_a_mail_without_html_has_no_frame(outbox, send):
    send("Plain", html="")

    assert "<iframe" not in outbox.get(f"/outbox/{key(outbox)}/").content.decode()
    assert outbox.get(f"/outbox/{key(outbox)}/html/").status_code == 404


@pytest.mark.parametrize("name", ["nothing", "..%2f..%2fetc%2fpasswd-0", "%2e%2e-0"])
def test_only_listed_mails_are_opened(outbox, send, name):
    send("One")

    assert outbox.get(f"/outbox/{name}/").status_code == 404


def test_a_demonstration_that_sends_for_real_says_so(outbox, settings):
    settings.EMAIL_FILE_PATH = ""

    assert "through the server that EMAIL_URL names" in outbox.get("/outbox/").content.decode()


@pytest.mark.django_db
def test_the_project_itself_has_no_outbox(client):
    assert client.get("/outbox/").status_code == 404


def test_it_cannot_even_be_imported_in_production():
    code = "import config.variables as v; v.ENVIRONMENT = 'production'; import config.sample.outbox"

    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ODZEW_ENV": "test", "DJANGO_SETTINGS_MODULE": "config.settings"},
        cwd=configured.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "the outbox exists in the demonstration only" in ended.stderr


def test_the_introduction_says_where_it_is():
    assert "http://127.0.0.1:1234/outbox/" in introduction("http://127.0.0.1:1234", shop="http://127.0.0.1:1235")
