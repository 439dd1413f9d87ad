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
