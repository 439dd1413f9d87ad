import re
import smtplib
import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.utils.translation import override

from privacy.audit import verify
from privacy.delivery import RETRIES
from privacy.identity import Standing, confirm_mailbox, look_up_confirmation
from privacy.intake import enter_request, file_request
from privacy.mailing import SUBJECTS, due_message_ids, renew_confirmation, send_message
from privacy.models import RequestMessage, RequestToken, RightsRequest
from privacy.tasks import queue_work_of, send_due_messages
from tests.factories import make_controller, make_staff
from tests.mail_server import Mailbox, RefusingMailbox
from tests.privacy.test_intake import make_content

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)


def make_message(**content):
    return file_request(content=make_content(**content)).messages.get()


def link_in(message):
    return re.search(r"https?://\S+", message.body)[0]


def token_in(message):
    return re.search(r"/privacy/confirm/([\w-]+)/", message.body)[1]


@pytest.mark.django_db
def test_a_confirmation_says_what_was_asked_and_how_to_confirm_it(settings):
    settings.PUBLIC_URL = "https://feedback.example"
    controller = make_controller(name="Brain & Share", privacy_email="dpo@example.com")
    with time_machine.travel(NOON, tick=False):
        message = make_message(controller=controller, details="buy my pills")
        assert send_message(message_id=message.pk)
        assert look_up_confirmation(token=token_in(mail.outbox[0])).standing is Standing.OPEN

    (sent,) = mail.outbox
    assert sent.subject == "Please confirm your e-mail address"
    assert (sent.to, sent.reply_to) == (["anna@example.com"], ["dpo@example.com"])
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
    assert link_in(sent) == f"https://feedback.example/privacy/confirm/{token_in(sent)}/?lang=en"
    for part in ("Brain & Share", "access: a copy of my data", message.request.reference, "July 10, 2026"):
        assert part in sent.body
    assert "pills" not in sent.body
    assert "anna" not in sent.subject + sent.body


@pytest.mark.parametrize("language", ["en", "pl"])
def test_no_subject_tells_what_was_asked(language):
    """Whoever looks over a shoulder, or at a locked screen, learns nothing from it."""
    telling = ("data", "dane", "danych", "right", "prawo", "gdpr", "rodo", "erasure", "usuni", "access", "sprzeciw")

    with override(language):
        subjects = {str(SUBJECTS[kind]).casefold() for kind in RequestMessage.Kind}

    assert not [subject for subject in subjects for word in telling if word in subject]


@pytest.mark.django_db
def test_a_mail_is_written_in_the_language_of_the_request():
    with time_machine.travel(NOON, tick=False):
        send_message(message_id=make_message(language="pl").pk)

    assert link_in(mail.outbox[0]).endswith("?lang=pl")
    assert "10 lipca 2026" in mail.outbox[0].body


@pytest.mark.django_db
def test_staff_entries_are_acknowledged_without_a_link():
    with time_machine.travel(NOON, tick=False):
        request = enter_request(content=make_content(), source="phone", arrived_on=NOON.date(), user=make_staff())
        send_message(message_id=request.messages.get().pk)

    assert mail.outbox[0].subject == "Your message has arrived"
    assert request.reference in mail.outbox[0].body
    assert "http" not in mail.outbox[0].body
    assert not RequestToken.objects.exists()


@pytest.mark.django_db
def test_sending_twice_sends_one_mail():
    message = make_message()

    assert send_message(message_id=message.pk)
    assert not send_message(message_id=message.pk)

    assert len(mail.outbox) == 1
    message.refresh_from_db()
    assert (message.attempts, message.failed_at) == (1, None)
    assert message.sent_at is not None
    assert verify(RightsRequest.objects.get())
    assert message.request.events.last().fields == ["confirmation"]


@pytest.mark.django_db
def test_a_lost_queue_message_is_made_good_by_the_schedule():
    request = file_request(content=make_content())
    assert mail.outbox == []

    send_due_messages()
    send_due_messages()

    assert len(mail.outbox) == 1
    assert request.messages.get().sent_at is not None


@pytest.mark.django_db
def test_what_many_requests_owe_one_mailbox_goes_out_three_a_day():
    controller = make_controller()
    with time_machine.travel(NOON, tick=False) as clock:
        for _request in range(8):
            file_request(content=make_content(controller=controller))
        sent = []
        for _day in range(4):
            send_due_messages()
            send_due_messages()
            sent.append(len(mail.outbox))
            clock.shift(timedelta(days=1))

    assert sent == [3, 6, 8, 8]


@pytest.mark.django_db(transaction=True)
def test_a_queue_that_is_down_fails_no_request(monkeypatch):
    def refuse(*args):
        raise ConnectionError("no broker")

    monkeypatch.setattr("privacy.tasks.send_message.delay", refuse)

    queue_work_of(file_request(content=make_content()))

    assert len(due_message_ids()) == 1


@pytest.mark.django_db
def test_a_mail_goes_over_a_real_server_once(serve):
    server = serve(Mailbox())
    message = make_message()

    send_message(message_id=message.pk)
    send_message(message_id=message.pk)

    (envelope,) = server.accepted
    assert envelope.rcpt_tos == ["anna@example.com"]
    assert b"Subject: Please confirm your e-mail address" in envelope.content


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_one_mail(serve):
    server = serve(Mailbox(pause=0.5))
    message = make_message()
    outcomes = []

    def work():
        try:
            outcomes.append(send_message(message_id=message.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _worker in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [False, True]
    assert len(server.accepted) == 1


@pytest.mark.django_db
def test_a_server_that_is_busy_is_tried_again_after_growing_waits_and_then_given_up(serve):
    server = serve(Mailbox(reply="451 try again later"))
    message = make_message()

    with time_machine.travel(message.next_attempt_at, tick=False) as clock:
        for number, wait in enumerate(RETRIES, start=1):
            assert not send_message(message_id=message.pk)
            message.refresh_from_db()
            assert (message.attempts, message.sent_at, message.failed_at) == (number, None, None)
            assert message.next_attempt_at - datetime.now(UTC) == wait
            clock.shift(wait - timedelta(seconds=1))
            assert due_message_ids() == []
            clock.shift(timedelta(seconds=1))
        send_message(message_id=message.pk)

    message.refresh_from_db()
    assert message.failed_at is not None
    assert message.sent_at is None
    assert due_message_ids() == []
    assert server.accepted == []
    assert message.request.events.last().action == "message_failed"


@pytest.mark.django_db
def test_a_server_that_recovers_gets_the_mail(serve):
    server = serve(Mailbox(reply="451 try again later"))
    message = make_message()
    with time_machine.travel(message.next_attempt_at, tick=False) as clock:
        send_message(message_id=message.pk)
        clock.shift(RETRIES[0])
        server.reply = "250 OK"
        send_due_messages()

    assert len(server.accepted) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("mailbox", [RefusingMailbox(), Mailbox(reply="554 never")], ids=["recipient", "content"])
def test_a_final_refusal_is_given_up_at_once(serve, mailbox):
    serve(mailbox)
    message = make_message()

    send_message(message_id=message.pk)

    message.refresh_from_db()
    assert message.failed_at is not None


@pytest.mark.django_db
def test_an_unreachable_server_is_a_failure_and_its_text_stays_out_of_the_log(monkeypatch, caplog):
    def refuse(self, messages):
        raise smtplib.SMTPRecipientsRefused({"anna@example.com": (450, b"anna@example.com is busy")})

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    message = make_message()

    assert not send_message(message_id=message.pk)

    message.refresh_from_db()
    assert message.attempts == 1
    assert "SMTPRecipientsRefused" in caplog.text
    assert "anna" not in caplog.text


@pytest.mark.django_db
def test_no_mail_goes_to_an_address_that_was_erased():
    message = make_message()
    RightsRequest.objects.update(email="")

    assert not send_message(message_id=message.pk)

    message.refresh_from_db()
    assert message.failed_at is not None
    assert mail.outbox == []


@pytest.mark.django_db
def test_an_expired_link_can_be_renewed_once_until_the_new_one_is_sent():
    with time_machine.travel(NOON, tick=False) as clock:
        message = make_message()
        send_message(message_id=message.pk)
        old = token_in(mail.outbox[0])
        assert renew_confirmation(token=old) is None
        clock.shift(timedelta(days=7))
        renewed = renew_confirmation(token=old)
        assert renew_confirmation(token=old) is None
        send_message(message_id=renewed.pk)
        assert confirm_mailbox(token=token_in(mail.outbox[1])).standing is Standing.CONFIRMED
        assert renew_confirmation(token=old) is None

    assert renew_confirmation(token="no-such-token") is None
    assert RequestMessage.objects.count() == 2


@pytest.mark.django_db
def test_renewed_links_count_among_the_three_mails_of_a_day_and_one_waits_for_the_next():
    with time_machine.travel(NOON, tick=False) as clock:
        message = make_message()
        send_message(message_id=message.pk)
        old = token_in(mail.outbox[0])
        clock.shift(timedelta(days=8))
        for _renewal in range(5):
            send_due_messages()
            renew_confirmation(token=old)

    assert RequestMessage.objects.count() == 5
    assert len(mail.outbox) == 4
