"""When mail that was not accepted is tried again. Whoever owes the mail keeps the rows; this only decides."""

from __future__ import annotations

import smtplib
from datetime import datetime, timedelta
from typing import Final

from anymail.exceptions import AnymailError, AnymailInvalidAddress, AnymailRecipientsRefused

# The wait after the first failure, the second…; after one more failure the mail is given up.
RETRIES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440))
# How many mails are queued at a time.
BATCH: Final = 200
# What sending raises where a mail was not accepted, through a mail server or a provider. Their texts may quote
# addresses: only the kind of error belongs in a log.
NOT_ACCEPTED: Final = (smtplib.SMTPException, OSError, AnymailError)
# Whoever gets the mail does not answer it with a vacation notice (RFC 3834).
AUTOMATIC: Final = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


def next_attempt(error: Exception, *, failures: int, now: datetime) -> datetime | None:
    """Return when to try again, or ``None`` to give the mail up.

    Args:
        error: one of ``NOT_ACCEPTED``.
        failures: how many attempts have failed, this one included.
    """
    if is_permanent(error) or failures > len(RETRIES):
        return None
    return now + RETRIES[failures - 1]


def is_permanent(error: Exception) -> bool:
    """Tell whether this mail will never be accepted: a reply code of 500 or more, or a provider's refusal."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _reply in error.recipients.values())
    if isinstance(error, smtplib.SMTPDataError):
        return error.smtp_code >= 500
    return isinstance(error, AnymailRecipientsRefused | AnymailInvalidAddress)
