"""E-mails to people: owed once, sent once, and never to somebody who must be left alone."""

import email
import email.policy
import threading
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.utils import timezone

from feedback.correspondence import due_contact_ids, reply_token, send_contact, write
from feedback.follow_up import change_status, flag, recount_contacts
from feedback.models import Contact, FollowUp, Respondent, Response
from feedback.tasks import send_due_contacts
from privacy.delivery import RETRIES
from privacy.encryption import token_digest
from privacy.models import Suppression
from privacy.suppression import suppress
from tests.factories import make_respondent, make_response, make_staff
from tests.mail_server import Mailbox, RefusingMailbox, SilentMailbox

LETTER = {"subject": "Your answer", "text": "What happened?\n\nAnna <b>&</b>"}


def parsed(envelope):
    return email.message_from_bytes(envelope.content, policy=email.policy.default)


def refusal(**arguments):
    with pytest.raises(ValidationError) as refused:
        write(**arguments)
    return refused.value.code


def test_a_mail_goes_over_a_real_server_and_says_who_why_and_how_to_object(threaded, serve, follow_up, agent, settings):
    settings.PUBLIC_URL, settings.DEFAULT_FROM_EMAIL = "https://feedback.example", "Odzew <system@feedback.example>"
    server = serve(Mailbox())
    contact = write(follow_up=follow_up, by=agent, **LETTER)
    token = reply_token(contact.message_id)

    assert send_contact(contact_id=contact.pk)

    (envelope,) = server.accepted
    message = parsed(envelope)
    assert envelope.rcpt_tos == ["anna@example.com"]
    assert envelope.mail_from == f"reply+{token}@replies.example.com"
    assert message["From"] == "Bank – Care <system@feedback.example>"
    assert message["Reply-To"] == f"reply+{token}@replies.example.com, care@bank.example"
    assert (message["Subject"], message["Message-ID"]) == ("Your answer", contact.message_id)
    plain, html = (message.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html"))
    assert plain.startswith("What happened?\n\nAnna <b>&</b>")
    assert "Anna &lt;b&gt;&amp;&lt;/b&gt;" in html
    for part in (plain, html):
        assert "https://feedback.example/privacy/?lang=en" in part
        assert "/privacy/request/?right=objection" in part
        assert "answered a question about Bank" in part
    contact.refresh_from_db()
    assert bytes(contact.reply_digest) == token_digest(token)
    assert token not in str(list(Contact.objects.values()))
    assert (contact.attempts, contact.failed_at) == (1, None)
    assert FollowUp.objects.get().contacted_at == contact.sent_at


def test_without_a_domain_for_replies_they_go_to_the_team_or_the_company(follow_up, agent):
    send_contact(contact_id=write(follow_up=follow_up, by=agent, **LETTER).pk)
    FollowUp.objects.update(team=None)
    send_contact(contact_id=write(follow_up=follow_up, by=agent, subject="More", text="More").pk)

    assert [message.reply_to for message in mail.outbox] == [["care@bank.example"], ["office@example.com"]]
    assert Contact.objects.filter(reply_digest=None).count() == 2


def test_the_frame_speaks_the_language_of_the_person(follow_up, agent, settings):
    Respondent.objects.update(language="pl-PL")
    send_contact(contact_id=write(follow_up=follow_up, by=agent, **LETTER).pk)

    assert "?lang=pl" in mail.outbox[0].body
    assert 'lang="pl"' in mail.outbox[0].alternatives[0][0]


def test_later_mails_name_the_earlier_ones(sent, follow_up, agent):
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        Contact.objects.create(
            follow_up=follow_up, kind="email_in", at=timezone.now(), text="Hm", message_id="<a1@mail.example>"
        )
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        send_contact(contact_id=write(follow_up=follow_up, by=agent, subject="Re: Your answer", text="Done").pk)

    headers = mail.outbox[-1].extra_headers
    assert headers["In-Reply-To"] == "<a1@mail.example>"
    assert headers["References"] == f"{sent.message_id} <a1@mail.example>"


@pytest.mark.parametrize(
    ("letter", "code"),
    [
        ({"subject": " ", "text": "x"}, "subject_required"),
        ({"subject": "x", "text": " \x00 "}, "text_required"),
        ({"subject": "x\nBcc: all@example.com", "text": "x"}, "one_line"),
        ({"subject": "x\rBcc: all@example.com", "text": "x"}, "one_line"),
        ({"subject": "x\x00", "text": "x"}, "one_line"),
        ({"subject": "x" * 201, "text": "x"}, "too_long"),
        ({"subject": "x", "text": "x" * 10_001}, "too_long"),
    ],
)
def test_a_letter_that_is_no_letter_is_refused(follow_up, agent, letter, code):
    assert refusal(follow_up=follow_up, by=agent, **letter) == code
    assert not Contact.objects.exists()


@pytest.mark.parametrize("subject", ["Sprawa w\u00a0toku", "👩\u200d💻 " + "ż" * 100])
def test_a_subject_in_any_script_arrives_as_written(serve, follow_up, agent, subject):
    server = serve(Mailbox())
    send_contact(contact_id=write(follow_up=follow_up, by=agent, subject=subject, text="x").pk)

    assert str(parsed(server.accepted[0])["Subject"]).strip() == subject  # folding a header adds a space


def test_a_button_pressed_twice_writes_one_mail(follow_up, agent):
    write(follow_up=follow_up, by=agent, **LETTER)

    assert refusal(follow_up=follow_up, by=agent, **LETTER) == "already_written"
    assert Contact.objects.count() == 1


def test_only_an_open_follow_up_is_written_about(follow_up, agent):
    change_status(follow_up=follow_up, to="dismissed", by=agent, note="spam")

    assert refusal(follow_up=follow_up, by=agent, **LETTER) == "not_open"


@pytest.mark.parametrize("role", ["analyst", "reviewer", "data_protection_officer", "administrator"])
def test_who_may_not_work_on_it_cannot_write(follow_up, survey, role):
    with pytest.raises(PermissionDenied):
        write(follow_up=follow_up, by=make_staff(role, product=survey.product), **LETTER)


def test_agents_of_other_products_and_strangers_cannot_write(follow_up):
    for user in (make_staff("agent"), AnonymousUser()):
        with pytest.raises(PermissionDenied):
            write(follow_up=follow_up, by=user, **LETTER)


def mark(**columns):
    return lambda follow_up: Respondent.including_restricted.update(**columns)


def restrict_response(follow_up):
    Response.including_restricted.update(restricted_at=timezone.now())


def list_as_objected(follow_up):
    suppress(product=follow_up.product, subject_keys=["mail:anna@example.com"], reason=Suppression.Reason.OBJECTED)


def object_as_the_known_person(follow_up):
    known = make_respondent(product=follow_up.product, objected_at=timezone.now())
    Respondent.objects.filter(pk=follow_up.respondent_id).update(person=known)


BARS = [
    mark(do_not_contact=True),
    mark(objected_at=timezone.now()),
    mark(restricted_at=timezone.now()),
    restrict_response,
    list_as_objected,
    object_as_the_known_person,
]
NAMES = ["marked", "objected", "restricted", "restricted response", "listed", "known person objected"]


@pytest.mark.parametrize("bar", BARS, ids=NAMES)
def test_somebody_who_must_be_left_alone_is_not_written_to(follow_up, agent, bar):
    bar(follow_up)

    assert refusal(follow_up=follow_up, by=agent, **LETTER) == "may_not_be_contacted"
    assert not Contact.objects.exists()


@pytest.mark.parametrize("bar", BARS, ids=NAMES)
def test_what_was_decided_since_it_was_written_holds_when_it_is_sent(follow_up, agent, bar):
    contact = write(follow_up=follow_up, by=agent, **LETTER)
    bar(follow_up)

    assert not send_contact(contact_id=contact.pk)

    contact.refresh_from_db()
    assert (contact.failure, contact.sent_at, mail.outbox) == ("may_not_be_contacted", None, [])
    assert contact.failed_at is not None
    assert FollowUp.including_restricted.get().contacted_at is None


def test_somebody_without_an_address_is_not_written_to(follow_up, agent):
    contact = write(follow_up=follow_up, by=agent, **LETTER)
    Respondent.objects.update(email="")
    Response.objects.update(email="")

    assert refusal(follow_up=follow_up, by=agent, **LETTER) == "no_email"
    assert not send_contact(contact_id=contact.pk)
    assert Contact.objects.get().failure == "no_email"


def test_a_mail_written_before_the_follow_up_closed_still_goes_out(follow_up, agent):
    contact = write(follow_up=follow_up, by=agent, **LETTER)
    change_status(follow_up=follow_up, to="dismissed", by=agent, note="settled")

    assert send_contact(contact_id=contact.pk)


def test_an_erased_person_is_not_written_to(follow_up, agent):
    contact = write(follow_up=follow_up, by=agent, **LETTER)
    follow_up.delete()

    assert not send_contact(contact_id=contact.pk)
    assert mail.outbox == []


def test_the_schedule_sends_what_the_queue_lost_once(follow_up, agent):
    write(follow_up=follow_up, by=agent, **LETTER)

    send_due_contacts()
    send_due_contacts()

    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_one_mail(serve, follow_up, agent):
    server = serve(Mailbox(pause=0.5))
    contact = write(follow_up=follow_up, by=agent, **LETTER)
    outcomes = []

    def work():
        try:
            outcomes.append(send_contact(contact_id=contact.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _worker in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [False, True]
    assert len(server.accepted) == 1


class Killed(BaseException):
    pass


def be_killed(*args, **kwargs):
    raise Killed


def test_the_mail_of_a_worker_that_was_killed_before_it_left_is_sent_by_the_next(follow_up, agent, monkeypatch):
    contact = write(follow_up=follow_up, by=agent, **LETTER)
    with monkeypatch.context() as patched:
        patched.setattr("feedback.correspondence._compose", be_killed)
        with pytest.raises(Killed):
            send_contact(contact_id=contact.pk)

    assert due_contact_ids() == [contact.pk]
    assert send_contact(contact_id=contact.pk)


def test_the_mail_of_a_worker_that_was_killed_while_it_left_goes_out_no_second_time(follow_up, agent, monkeypatch):
    contact = write(follow_up=follow_up, by=agent, **LETTER)
    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", be_killed)
        with pytest.raises(Killed):
            send_contact(contact_id=contact.pk)

    send_due_contacts()

    assert mail.outbox == []


def test_a_mail_whose_acceptance_nobody_heard_is_not_sent_again_and_staff_read_so(serve, follow_up, agent):
    server = serve(SilentMailbox())
    contact = write(follow_up=follow_up, by=agent, **LETTER)

    assert not send_contact(contact_id=contact.pk)
    send_due_contacts()

    assert len(server.accepted) == 1
    told = Contact.objects.get(kind="other")
    assert (told.follow_up, told.actor) == (follow_up, None)
    assert "Nobody knows whether our e-mail “Your answer” was sent" in told.text
    contact.refresh_from_db()
    assert contact.what_went_wrong == "unknown whether sent"
    recount_contacts(follow_up=follow_up)
    assert FollowUp.objects.get().contacted_at is None


def test_every_attempt_carries_the_same_addresses(threaded, serve, follow_up, agent):
    server = serve(Mailbox(reply="451 try again later"))
    contact = write(follow_up=follow_up, by=agent, **LETTER)
    send_contact(contact_id=contact.pk)
    server.reply = "250 OK"
    Contact.objects.update(next_attempt_at=timezone.now())

    assert send_contact(contact_id=contact.pk)

    message = parsed(server.accepted[0])
    assert message["Message-ID"].strip() == contact.message_id  # programs show it once
    assert reply_token(contact.message_id) in message["Reply-To"]


def test_a_busy_server_is_tried_again_after_growing_waits_and_then_given_up(serve, follow_up, agent):
    serve(Mailbox(reply="451 try again later"))
    contact = write(follow_up=follow_up, by=agent, **LETTER)

    with time_machine.travel(contact.next_attempt_at, tick=False) as clock:
        for number, wait in enumerate(RETRIES, start=1):
            assert not send_contact(contact_id=contact.pk)
            contact.refresh_from_db()
            assert (contact.attempts, contact.failed_at) == (number, None)
            clock.shift(wait - timedelta(seconds=1))
            assert due_contact_ids() == []
            clock.shift(timedelta(seconds=1))
        send_contact(contact_id=contact.pk)

    contact.refresh_from_db()
    assert (contact.failure, due_contact_ids()) == ("refused", [])


def test_a_final_refusal_is_given_up_at_once_and_the_address_stays_out_of_the_log(serve, follow_up, agent, caplog):
    serve(RefusingMailbox())
    contact = write(follow_up=follow_up, by=agent, **LETTER)

    send_contact(contact_id=contact.pk)

    contact.refresh_from_db()
    assert contact.failure == "refused"
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("feedback")]
    assert ours == [f"contact {contact.pk} was not sent: SMTPRecipientsRefused"]


def test_an_address_that_no_header_can_hold_is_given_up(follow_up, agent):
    Respondent.objects.update(email="anna@example.com\nBcc: all@example.com")
    contact = write(follow_up=follow_up, by=agent, **LETTER)

    assert not send_contact(contact_id=contact.pk)

    contact.refresh_from_db()
    assert (contact.failure, mail.outbox) == ("refused", [])


def test_names_cannot_add_headers(follow_up, agent):
    follow_up.product.name = "Bank\r\nBcc: all@example.com"
    follow_up.product.save()

    assert send_contact(contact_id=write(follow_up=follow_up, by=agent, **LETTER).pk)

    assert list(mail.outbox[0].message().keys()).count("Bcc") == 0


def test_a_second_mail_leaves_the_time_of_the_first_contact(follow_up, agent):
    send_contact(contact_id=write(follow_up=follow_up, by=agent, **LETTER).pk)
    first = FollowUp.objects.get().contacted_at
    send_contact(contact_id=write(follow_up=follow_up, by=agent, subject="More", text="More").pk)

    assert FollowUp.objects.get().contacted_at == first


def test_a_follow_up_of_somebody_else_is_untouched(follow_up, agent, survey):
    other = flag(response=make_response(survey=survey), reason="Angry", by=agent)
    send_contact(contact_id=write(follow_up=follow_up, by=agent, **LETTER).pk)

    assert FollowUp.objects.get(pk=other.pk).contacted_at is None
