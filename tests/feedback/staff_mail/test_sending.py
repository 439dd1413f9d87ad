"""Each mail once: over a real mail server, with workers that compete, fail and die."""

import email
import os
import signal
import threading
import time as clock_time
from datetime import UTC, datetime, time, timedelta
from email import policy

import pytest
import time_machine
from django.core import mail
from django.db import connection, connections

from feedback.models import MailPreference, StaffMail
from feedback.staff_mail_delivery import due_mail_ids, send_mail
from feedback.tasks import send_due_staff_mail
from privacy.delivery import RETRIES
from tests.mail_server import Mailbox, RefusingMailbox

NIGHT = datetime(2026, 6, 10, 21, 30, tzinfo=UTC)  # 23:30 in Warsaw


class HangingMailbox(Mailbox):
    """Hangs once, before or after it has taken the mail, until whoever sends is dead."""

    def __init__(self, stage):
        super().__init__()
        self.stage, self.reached, self.released = stage, threading.Event(), threading.Event()

    def hang(self, stage):
        if stage == self.stage and not self.reached.is_set():
            self.reached.set()
            assert self.released.wait(timeout=20)

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.hang("recipient")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.accepted.append(envelope)
        self.hang("content")
        return "250 OK"


def parsed(envelope):
    return email.message_from_bytes(envelope.content, policy=policy.default)


@pytest.mark.django_db
def test_a_mail_goes_over_a_real_server_once_with_both_parts_and_a_way_to_stop_it(serve, settings, hire, owe_alert):
    settings.PUBLIC_URL = "https://feedback.example"
    server = serve(Mailbox())
    owed = owe_alert(hire("reviewer"))

    assert send_mail(mail_id=owed.pk)
    assert not send_mail(mail_id=owed.pk)

    (envelope,) = server.accepted
    message = parsed(envelope)
    assert envelope.rcpt_tos == ["reviewer-0@staff.example"]
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message["List-Unsubscribe"].strip().startswith("<https://feedback.example/mail/unsubscribe/")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<staff-mail-{owed.pk}@odzew.example>"


@pytest.mark.django_db
def test_the_schedule_sends_what_is_due_and_nothing_else(hire, owe_alert):
    owed = owe_alert(hire("reviewer"))
    later = owe_alert(hire("analyst"))
    StaffMail.objects.filter(pk=later.pk).update(next_attempt_at=datetime.now(UTC) + timedelta(hours=1))

    send_due_staff_mail()
    send_due_staff_mail()

    assert [message.to for message in mail.outbox] == [[owed.user.email]]


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_one_mail(serve, hire, owe_alert):
    server = serve(Mailbox(pause=0.5))
    owed = owe_alert(hire("reviewer"))
    outcomes = []

    def work():
        try:
            outcomes.append(send_mail(mail_id=owed.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _worker in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [False, True]
    assert len(server.accepted) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("stage", "mails"), [("recipient", 1), ("content", 2)])
def test_the_mail_of_a_worker_that_is_killed_goes_out_and_is_ambiguous_at_most_once(
    serve, hire, owe_alert, stage, mails
):
    server = serve(HangingMailbox(stage))
    owed = owe_alert(hire("reviewer"))

    child = os.fork()
    if not child:
        try:
            # A connection of its own. The one to replace need not be the one this test has used: in a thread where
            # the browser's event loop runs, which a child does not inherit, connections are looked up elsewhere.
            connections["default"] = connections.create_connection("default")
            send_mail(mail_id=owed.pk)
        finally:
            os._exit(0)
    assert server.reached.wait(timeout=20)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    server.released.set()

    deadline = clock_time.monotonic() + 10
    while not send_mail(mail_id=owed.pk) and clock_time.monotonic() < deadline:
        clock_time.sleep(0.1)  # PostgreSQL has yet to notice that the worker is gone
    assert not send_mail(mail_id=owed.pk)

    assert len(server.accepted) == mails
    assert len({parsed(envelope)["Message-ID"] for envelope in server.accepted}) == 1
    owed.refresh_from_db()
    assert owed.sent_at is not None


@pytest.mark.django_db
def test_a_server_that_is_busy_is_tried_again_after_growing_waits_and_then_given_up(serve, hire, owe_alert):
    server = serve(Mailbox(reply="451 try again later"))
    with time_machine.travel(NIGHT, tick=False) as clock:
        owed = owe_alert(hire("reviewer"))
        for number, wait in enumerate(RETRIES, start=1):
            assert not send_mail(mail_id=owed.pk)
            owed.refresh_from_db()
            assert (owed.attempts, owed.failed_at) == (number, None)
            assert owed.next_attempt_at - datetime.now(UTC) == wait
            clock.shift(wait)
        send_mail(mail_id=owed.pk)

    owed.refresh_from_db()
    assert owed.failed_at is not None
    assert due_mail_ids() == []
    assert server.accepted == []


@pytest.mark.django_db
def test_a_mailbox_that_does_not_exist_is_given_up_at_once_without_a_word_about_it(serve, hire, owe_alert, caplog):
    serve(RefusingMailbox())
    owed = owe_alert(hire("reviewer"))

    send_mail(mail_id=owed.pk)

    owed.refresh_from_db()
    assert owed.failed_at is not None
    (said,) = [record.getMessage() for record in caplog.records if record.name.startswith("feedback")]
    assert "SMTPRecipientsRefused" in said
    assert "staff.example" not in said


@pytest.mark.django_db
def test_a_retry_waits_for_the_end_of_quiet_hours(serve, hire, owe_alert):
    serve(Mailbox(reply="451 try again later"))
    user = hire("reviewer", quiet_from=time(23, 31), quiet_until=time(7))
    with time_machine.travel(NIGHT, tick=False):
        owed = owe_alert(user)
        send_mail(mail_id=owed.pk)

    owed.refresh_from_db()
    assert (owed.attempts, owed.next_attempt_at) == (1, datetime(2026, 6, 11, 5, tzinfo=UTC))


@pytest.mark.django_db
def test_quiet_hours_that_were_set_after_the_mail_was_owed_are_respected(hire, owe_alert):
    user = hire("reviewer")
    with time_machine.travel(NIGHT, tick=False) as clock:
        owed = owe_alert(user)
        MailPreference.objects.filter(user=user).update(quiet_from=time(22), quiet_until=time(7))
        assert not send_mail(mail_id=owed.pk)
        assert mail.outbox == []
        clock.move_to(datetime(2026, 6, 11, 5, tzinfo=UTC))
        assert send_mail(mail_id=owed.pk)

    owed.refresh_from_db()
    assert owed.attempts == 1
