"""The asking endpoints have a door of their own; it must answer as the pages' door would."""

from __future__ import annotations

import gc
import io
import json

import pytest
from django.conf import settings
from django.test import Client, override_settings

from config.wsgi import application

pytestmark = pytest.mark.django_db(transaction=True)


def call(path, body="{}", **headers):
    started = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "192.0.2.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body.encode()),
        "wsgi.url_scheme": "http",
        **headers,
    }
    content = b"".join(
        application(
            environ, lambda status, headers: started.append((status, {name.lower(): value for name, value in headers}))
        )
    )
    (status, answered), *_ = started
    return status, answered, content


def test_the_answer_is_that_of_the_full_chain():
    path = "/api/v1/products/pk_nobody/eligibility"

    status, headers, content = call(path, HTTP_ORIGIN="https://app.example.com", HTTP_ACCEPT_LANGUAGE="pl")
    full = Client().post(path, "{}", "application/json", headers={"accept-language": "pl"})

    assert status == "404 Not Found"
    assert json.loads(content) == full.json()
    assert full.json()["detail"] == "Nie ma produktu o tym kluczu."
    assert headers["access-control-allow-origin"] == "*"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-language"] == "pl"
    assert set(headers["vary"].lower().split(", ")) == {"accept-language", "origin"}
    assert int(headers["content-length"]) == len(content)
    assert "set-cookie" not in headers


@pytest.mark.parametrize("host", ["other.example", "bad host//"])
@override_settings(ALLOWED_HOSTS=["testserver"])
def test_a_host_that_is_not_ours_is_refused(host):
    status, _headers, _content = call("/api/v1/products/pk_nobody/eligibility", HTTP_HOST=host)

    assert status == "400 Bad Request"


def test_pages_keep_the_full_chain():
    assert "django.middleware.csrf.CsrfViewMiddleware" in settings.MIDDLEWARE
    status, headers, _content = call(
        "/admin/login/", body="username=x", CONTENT_TYPE="application/x-www-form-urlencoded"
    )

    assert status == "403 Forbidden"
    assert "content-security-policy" in headers


def test_what_is_loaded_at_the_start_is_not_looked_through_for_what_could_be_freed():
    assert gc.get_freeze_count() > 100_000
