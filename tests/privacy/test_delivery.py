import smtplib
from datetime import UTC, datetime, timedelta

import pytest
from anymail.exceptions import AnymailAPIError, AnymailRecipientsRefused

from privacy.delivery import NOT_ACCEPTED, RETRIES, next_attempt

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
BUSY = smtplib.SMTPDataError(451, b"later")


def test_waits_grow_until_the_mail_is_given_up():
    waits = [next_attempt(BUSY, failures=failures, now=NOON) for failures in range(1, len(RETRIES) + 2)]

    assert waits == [*(NOON + wait for wait in RETRIES), None]
    assert list(RETRIES) == sorted(RETRIES)
    assert sum(RETRIES, timedelta()) > timedelta(days=1)


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPDataError(554, b"never"),
        smtplib.SMTPRecipientsRefused({"a@example.com": (550, b"nobody")}),
        AnymailRecipientsRefused(),
    ],
)
def test_what_will_never_be_accepted_is_given_up_at_once(error):
    assert isinstance(error, NOT_ACCEPTED)
    assert next_attempt(error, failures=1, now=NOON) is None


@pytest.mark.parametrize(
    "error",
    [
        BUSY,
        smtplib.SMTPServerDisconnected(),
        smtplib.SMTPRecipientsRefused({"a@example.com": (450, b"busy")}),
        TimeoutError(),
        AnymailAPIError(),
    ],
)
def test_what_may_be_accepted_later_is_tried_again(error):
    assert isinstance(error, NOT_ACCEPTED)
    assert next_attempt(error, failures=1, now=NOON) == NOON + RETRIES[0]
