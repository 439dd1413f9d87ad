"""The moment at which a mail leaves: who is told just before, and what an error says about whether it left.

Until a mail server has read ``DATA`` it has accepted nothing. From then on until its answer has arrived, nobody but
the server knows. That moment is reported, so that it can be written down before it begins.
"""

from __future__ import annotations

import smtplib
from typing import TYPE_CHECKING, Any, Final

from anymail.exceptions import (
    AnymailAPIError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.utils import timezone
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from feedback.campaigns.letter import bare
from privacy.delivery import NOT_ACCEPTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.mail import EmailMessage
    from django.core.mail.backends.base import BaseEmailBackend
    from django.db.models import QuerySet

SMTP_BACKEND: Final = "django.core.mail.backends.smtp.EmailBackend"
# The provider refused every recipient, or the mail could not be written down for it.
NOT_TAKEN: Final = (
    AnymailRecipientsRefused | AnymailInvalidAddress | AnymailUnsupportedFeature | AnymailSerializationError
)


class OutcomeUnknown(Exception):
    """The mail was handed over and no answer came: it may have been accepted or not."""


class TakenMeanwhile(Exception):
    """The mail is not owed any more: another worker sends it, or it is to be sent no longer."""


class _Reporting:
    """A connection that reports the moment before a mail's content is sent."""

    before_data: Callable[[], None]

    def data(self, msg: Any) -> Any:
        self.before_data()
        return super().data(msg)  # type: ignore[misc]  # of the class it is mixed into


class _ReportingSMTP(_Reporting, smtplib.SMTP):
    pass


class _ReportingSMTPS(_Reporting, smtplib.SMTP_SSL):
    pass


class ReportingBackend(EmailBackend):
    """Django's SMTP backend over connections that report."""

    @property
    def connection_class(self) -> Any:
        return _ReportingSMTPS if self.use_ssl else _ReportingSMTP


class Courier:
    """Hands mails over one after the other, over one connection as long as it is good."""

    def __init__(self) -> None:
        is_smtp = settings.EMAIL_BACKEND == SMTP_BACKEND
        path = f"{__name__}.{ReportingBackend.__name__}" if is_smtp else None
        self._backend: BaseEmailBackend = get_connection(path)
        self._reports = is_smtp

    def hand_over(self, message: EmailMessage, *, before: Callable[[], None]) -> None:
        """Send one mail.

        Args:
            before: called once, at the last moment at which the mail has certainly not been accepted; what it raises
                ends the attempt there.

        Raises:
            OutcomeUnknown: the connection or the provider's answer was lost after that moment.
            Exception: one of ``NOT_ACCEPTED``; the mail was not accepted.
        """
        is_leaving = False

        def leave() -> None:
            nonlocal is_leaving
            before()
            is_leaving = True

        try:
            self._send(message, leave)
        except BaseException as error:
            self.close()  # whatever it was in the middle of
            if is_leaving and isinstance(error, NOT_ACCEPTED) and not (_is_an_answer(error) or _was_not_reached(error)):
                raise OutcomeUnknown from error
            raise

    def _send(self, message: EmailMessage, leave: Callable[[], None]) -> None:
        if self._reports:
            assert isinstance(self._backend, ReportingBackend)  # noqa: S101  chosen above
            self._backend.open()
            connection: Any = self._backend.connection
            connection.before_data = leave
        else:
            leave()
        self._backend.send_messages([message])

    def close(self) -> None:
        """End the connection; the next mail opens another."""
        try:
            self._backend.close()
        except (smtplib.SMTPException, OSError):
            if isinstance(self._backend, EmailBackend):
                self._backend.connection = None


def send_owed(message: EmailMessage, owed: Any, due: QuerySet[Any]) -> None:
    """Send one mail that is owed, never twice, whoever else tries: it is noted as sent just before it leaves.

    Needs to run outside of a transaction. Where the mail was not accepted, the caller takes ``owed.sent_at`` back.

    Args:
        owed: a row with ``sent_at`` and ``attempts``.
        due: the rows of its kind that are still to be sent.

    Raises:
        TakenMeanwhile: the row is none of these any more.
        OutcomeUnknown: it stays noted as sent, and nobody knows.
        Exception: as ``Courier.hand_over``.
    """

    def leave() -> None:
        now = timezone.now()
        if not due.filter(pk=owed.pk).update(sent_at=now, attempts=owed.attempts + 1):
            raise TakenMeanwhile
        owed.sent_at = now

    courier = Courier()
    try:
        courier.hand_over(message, before=leave)
    finally:
        courier.close()


def provider_id_of(message: EmailMessage) -> str:
    """Return what the provider calls a mail that it accepted, as its reports will; empty of a mail server's."""
    status = getattr(message, "anymail_status", None)
    named = status.message_id if status else None  # a set where there were several recipients
    return bare(str(named)) if isinstance(named, str | int) else ""


def _is_an_answer(error: BaseException) -> bool:
    """Tell whether the server or provider itself said that it does not take the mail, or it never came that far.

    A provider that fails (5xx), or answers what cannot be read, may have taken the mail before.
    """
    if isinstance(error, AnymailAPIError):
        return error.status_code is not None and 400 <= error.status_code < 500
    return isinstance(error, NOT_TAKEN | smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused)


def _was_not_reached(error: BaseException) -> bool:
    """Tell whether there was no connection to the provider: its name is unknown, or nobody took the call."""
    why = error.__cause__.args[0] if error.__cause__ and error.__cause__.args else None
    return isinstance(getattr(why, "reason", None), ConnectTimeoutError | NewConnectionError)


def is_about_one_mail(error: Exception) -> bool:
    """Tell whether an error says something about this mail only, so that the next may fare better."""
    if isinstance(error, smtplib.SMTPConnectError | smtplib.SMTPHeloError | smtplib.SMTPAuthenticationError):
        return False
    return _is_an_answer(error) or isinstance(error, ValueError)
