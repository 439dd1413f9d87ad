import logging

import pytest

from config.security import TokenFilter


@pytest.mark.parametrize(
    ("line", "cleaned"),
    [
        ("Gone: /api/v1/invitations/abc-DEF_1/response", "Gone: /api/v1/invitations/…/response"),
        ("Not Found: /i/secret/", "Not Found: /i/…/"),
        ("GET /privacy/confirm/secret/?x=1", "GET /privacy/confirm/…/?x=1"),
        ("Not Found: /s/demo-nps/", "Not Found: /s/demo-nps/"),
    ],
)
def test_log_lines_carry_no_tokens(line, cleaned):
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, "%s", (line,), None)

    assert TokenFilter().filter(record)

    assert record.getMessage() == cleaned


@pytest.mark.django_db
def test_a_browser_may_send_the_forms_of_staff_pages(client):
    response = client.get("/admin/login/")

    assert response["Referrer-Policy"] == "same-origin"


@pytest.mark.django_db
def test_pages_of_the_public_tell_no_other_site_their_address(client):
    assert client.get("/nowhere/")["Referrer-Policy"] == "no-referrer"
