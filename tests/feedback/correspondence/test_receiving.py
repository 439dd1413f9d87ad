"""Replies: the token decides whose they are, each is attached once, and nothing is kept of who must leave no trace."""

import base64
import hashlib
import hmac
import json
import threading
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core import mail as outbox
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from config.variables import INBOUND_SECRETS, hook_secret
from feedback.correspondence import send_contact, write
from feedback.follow_up import change_status, flag
from feedback.hooks import PROVIDERS
from feedback.inbound import PER_FOLLOW_UP, Outcome, receive
from feedback.inbound_mailbox import fetch_replies
from feedback.inbound_reading import parse, read
from feedback.models import Contact, FollowUp, Respondent, Response, StaffMail, StatusChange
from feedback.tasks import fetch_replies as fetch_replies_task
from tests.factories import make_response, make_staff
from tests.feedback.correspondence.letters import delivery_report, reply, with_attachment

KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"


PUBLIC_KEY = base64.b64encode(
    rsa.generate_private_key(65537, 2048)
    .public_key()
    .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()


def receive_raw(raw, **arguments):
    return receive(message=parse(raw), **arguments)


def received():
    return list(Contact.objects.exclude(kind="email_out").values_list("kind", "text"))


def wait_for_the_person(follow_up, agent):
    for to in ("open", "in_progress", "waiting"):
        change_status(follow_up=follow_up, to=to, by=agent)


def test_a_reply_is_attached_and_takes_a_waiting_follow_up_back_into_work(sent, follow_up, agent):
    wait_for_the_person(follow_up, agent)

    assert receive_raw(reply(sent.reply_address)) is Outcome.ATTACHED

    contact = Contact.objects.get(kind="email_in")
    assert (contact.subject, contact.text) == ("Re: Your answer", "It works again, thank you.")
    assert (contact.sender, contact.actor, contact.follow_up) == ("anna@example.com", None, follow_up)
    assert FollowUp.objects.get().status == "in_progress"
    change = StatusChange.objects.last()
    assert (change.from_status, change.to_status, change.by) == ("waiting", "in_progress", None)
    owed = StaffMail.objects.get(notice="reply")
    assert (owed.user, owed.follow_up, owed.key) == (agent, follow_up, f"reply:{contact.pk}")


@pytest.mark.parametrize("status", ["new", "resolved"])
def test_a_reply_moves_nothing_that_did_not_wait(sent, status):
    FollowUp.objects.update(status=status)

    assert receive_raw(reply(sent.reply_address)) is Outcome.ATTACHED
    assert FollowUp.objects.get().status == status


def test_without_an_owner_the_team_is_told(sent, follow_up, survey):
    colleague = make_staff("agent", product=survey.product)
    follow_up.team.members.add(colleague)
    FollowUp.objects.update(owner=None)

    receive_raw(reply(sent.reply_address))

    assert StaffMail.objects.get(notice="reply").user == colleague


@pytest.mark.parametrize("with_team", [True, False])
def test_a_reply_reaches_somebody_after_the_owner_left(sent, follow_up, agent, survey, with_team):
    colleague, reviewer = (make_staff(role, product=survey.product) for role in ("agent", "reviewer"))
    follow_up.team.members.set([agent, colleague] if with_team else [agent])
    agent.is_active = False
    agent.save()

    receive_raw(reply(sent.reply_address))

    assert StaffMail.objects.get(notice="reply").user == (colleague if with_team else reviewer)


def test_the_same_mail_twice_is_one_contact_and_one_notice(sent):
    assert receive_raw(reply(sent.reply_address)) is Outcome.ATTACHED
    assert receive_raw(reply(sent.reply_address)) is Outcome.KNOWN

    assert len(received()) == 1
    assert StaffMail.objects.filter(notice="reply").count() == 1


def test_capital_letters_that_a_mail_server_made_of_the_address_do_not_matter(sent):
    assert receive_raw(reply(sent.reply_address.upper())) is Outcome.ATTACHED


def test_the_token_decides_and_the_sender_is_only_shown(sent, survey, agent):
    other = flag(response=make_response(survey=survey), reason="Angry", by=agent)
    Respondent.objects.filter(pk=other.respondent_id).update(email="victim@example.com")

    receive_raw(reply(sent.reply_address, **{"from": "victim@example.com"}))

    contact = Contact.objects.get(kind="email_in")
    assert (contact.follow_up_id, contact.sender) == (sent.follow_up_id, "victim@example.com")


def test_a_mail_to_another_address_is_found_by_the_mail_that_it_answers(sent):
    raw = reply("someone@replies.example.com", headers=[f"In-Reply-To: {sent.message_id}"])

    assert receive_raw(raw) is Outcome.ATTACHED


@pytest.mark.parametrize(
    "address",
    [
        "anna@example.com",
        "reply+@replies.example.com",
        "reply+" + "a" * 52 + "@replies.example.com",
        "reply+%@replies.example.com",
    ],
)
def test_an_unknown_address_stores_nothing(sent, address, caplog):
    caplog.set_level("INFO")
    assert receive_raw(reply(address, "secret words", headers=["References: <made-up@replies.example.com>"])) is (
        Outcome.UNKNOWN
    )

    assert received() == []
    assert "secret" not in caplog.text
    assert "anna" not in caplog.text


def test_a_token_at_another_domain_is_unknown(sent):
    assert receive_raw(reply(sent.reply_address.replace("replies.", "evil."))) is Outcome.UNKNOWN


@pytest.mark.parametrize("model", [Respondent, Response])
def test_a_person_whose_data_are_restricted_leaves_no_trace(sent, model):
    model.including_restricted.update(restricted_at=timezone.now())

    assert receive_raw(reply(sent.reply_address)) is Outcome.REFUSED
    assert (received(), StaffMail.objects.count()) == ([], 0)


def test_an_erased_person_leaves_no_trace(sent, follow_up):
    Respondent.objects.all().delete()

    assert receive_raw(reply(sent.reply_address)) is Outcome.UNKNOWN
    assert Contact.objects.count() == 0


def test_who_objected_may_write_and_nobody_is_put_to_work_on_it(sent, follow_up, agent):
    wait_for_the_person(follow_up, agent)
    Respondent.objects.update(objected_at=timezone.now())

    assert receive_raw(reply(sent.reply_address)) is Outcome.ATTACHED
    assert FollowUp.objects.get().status == "waiting"


def test_attachments_are_not_kept_and_the_text_says_so(sent):
    receive_raw(with_attachment(sent.reply_address, size=3_000_000))

    assert received() == [("email_in", "See the picture.\n\n[It had attachments, which are not kept.]")]


def test_ten_megabytes_are_cut_and_the_text_says_so(sent):
    receive_raw(reply(sent.reply_address, "słowo " * 1_500_000))

    ((_kind, text),) = received()
    assert len(text) <= 10_000
    assert text.endswith("[The e-mail was longer; the rest was not kept.]")


def test_a_hostile_mail_is_stored_as_harmless_text(sent):
    receive_raw(reply(sent.reply_address, "a\x00<script>alert(1)</script>", subject="x\x00\r\n\tBcc: all@example.com"))

    contact = Contact.objects.get(kind="email_in")
    assert (contact.text, contact.subject) == ("a<script>alert(1)</script>", "x Bcc: all@example.com")


def test_an_automatic_answer_is_noted_and_wakes_nobody(sent, follow_up, agent):
    wait_for_the_person(follow_up, agent)

    raw = reply(sent.reply_address, "Back on Monday", headers=["Auto-Submitted: auto-replied"])
    assert receive_raw(raw) is Outcome.NOTED

    assert received() == [("other", "Automatic answer:\nBack on Monday")]
    assert (FollowUp.objects.get().status, StaffMail.objects.count()) == ("waiting", 0)


@pytest.mark.parametrize("by", ["token", "message id"])
def test_a_mail_that_came_back_marks_the_person_once(sent, by):
    address = sent.reply_address if by == "token" else "system@feedback.example"
    raw = delivery_report(address, sent.message_id)

    assert [receive_raw(raw), receive_raw(raw)] == [Outcome.NOTED, Outcome.KNOWN]

    assert Respondent.objects.get().mail_bounced_at is not None
    assert received() == [("other", "Our e-mail came back: it cannot be delivered. 5.1.1")]


def test_a_delay_is_noted_and_marks_nobody(sent):
    receive_raw(delivery_report(sent.reply_address, sent.message_id, action="delayed", status="4.4.1"))

    assert Respondent.objects.get().mail_bounced_at is None
    assert received() == [("other", "Our e-mail has not been delivered yet. 4.4.1")]


def test_a_flood_of_mails_ends_after_as_many_as_somebody_could_read(sent):
    outcomes = [
        receive_raw(reply(sent.reply_address, **{"message-id": f"<{number}@x>"}))
        for number in range(PER_FOLLOW_UP.times + 2)
    ]

    assert outcomes.count(Outcome.ATTACHED) == PER_FOLLOW_UP.times
    assert outcomes[-1] is Outcome.REFUSED


@pytest.mark.django_db(transaction=True)
def test_two_workers_who_got_the_same_mail_attach_it_once(sent):
    outcomes, start = [], threading.Barrier(4)

    def work():
        try:
            start.wait()
            outcomes.append(receive_raw(reply(sent.reply_address)))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [Outcome.ATTACHED, *[Outcome.KNOWN] * 3]
    assert len(received()) == 1


# --- The mailbox ---------------------------------------------------------------------------------------------------


def test_the_mailbox_is_read_and_emptied_and_its_log_counts_and_quotes_nothing(sent, mailbox, caplog):
    caplog.set_level("INFO")
    mailbox.deliver(reply(sent.reply_address), reply("stranger@example.com", "secret words"), b"\x00")

    fetch_replies_task()

    assert received() == [("email_in", "It works again, thank you.")]
    assert mailbox.mails == {}
    assert "replies: 1 attached, 2 unknown address" in caplog.text
    assert "secret" not in caplog.text
    assert "anna" not in caplog.text


def test_an_empty_mailbox_and_none_at_all_are_no_news(mailbox, settings, db):
    assert fetch_replies() == {}
    settings.IMAP = {}
    assert fetch_replies() == {}


def test_of_a_mail_with_large_attachments_only_the_beginning_is_fetched(sent, mailbox):
    mailbox.deliver(with_attachment(sent.reply_address, size=10_000_000))

    fetch_replies()

    assert mailbox.fetched_bytes == 1_000_000
    assert received() == [("email_in", "See the picture.\n\n[It had attachments, which are not kept.]")]


@pytest.mark.parametrize("trouble", ["login", "folder", "down"])
def test_a_mailbox_that_cannot_be_read_is_logged_without_what_it_said(sent, mailbox, settings, caplog, trouble):
    mailbox.refuses_login = trouble == "login"
    settings.IMAP |= {"folder": {"folder": "Nowhere"}, "down": {"port": 1}}.get(trouble, {})
    mailbox.deliver(reply(sent.reply_address))

    assert fetch_replies() == {}

    assert "the mailbox of replies cannot be read" in caplog.text
    assert "replies@example.com" not in caplog.text
    assert len(mailbox.mails) == 1


def test_a_worker_killed_between_storing_and_deleting_attaches_nothing_twice(sent, mailbox):
    mailbox.deliver(reply(sent.reply_address))
    receive_raw(reply(sent.reply_address))  # what the killed worker had done

    assert fetch_replies() == {Outcome.KNOWN: 1}
    assert (len(received()), mailbox.mails) == (1, {})


@pytest.mark.parametrize("ids", ["=?utf-8?q?a?= <\\ud800x@y>", "=?utf-8?q?<a=00x@y>?="], ids=["surrogate", "NUL"])
def test_ids_that_no_database_holds_keep_no_other_mail_waiting(sent, mailbox, ids):
    mailbox.deliver(
        reply("stranger@example.com", headers=[f"In-Reply-To: {ids}"]),
        reply(sent.reply_address, headers=[f"References: {ids}"]),
    )

    assert fetch_replies() == {Outcome.UNKNOWN: 1, Outcome.ATTACHED: 1}
    assert mailbox.mails == {}


@pytest.mark.parametrize("slipped", ["<\ud800x@y>", "<a\x00x@y>"], ids=["surrogate", "NUL"])
def test_a_mail_that_fails_all_the_same_is_counted_and_out_of_the_way(sent, mailbox, monkeypatch, caplog, slipped):
    def read_less_carefully(message, **arguments):
        mail = read(message, **arguments)
        return mail if sent.reply_address in mail.recipients else replace(mail, answers=(slipped,))

    monkeypatch.setattr("feedback.inbound.read", read_less_carefully)
    mailbox.deliver(reply("stranger@example.com", "secret words"), reply(sent.reply_address))

    assert fetch_replies() == {Outcome.UNREADABLE: 1, Outcome.ATTACHED: 1}
    assert mailbox.mails == {}
    assert "a mail could not be read: " in caplog.text
    assert "x@y" not in caplog.text


# --- The hook ------------------------------------------------------------------------------------------------------


@pytest.fixture
def mailgun(settings):
    settings.INBOUND_MAIL_PROVIDER, settings.ANYMAIL = "mailgun", {"MAILGUN_WEBHOOK_SIGNING_KEY": KEY}


@pytest.fixture
def postmark(settings):
    settings.INBOUND_MAIL_PROVIDER, settings.ANYMAIL = "postmark", {"WEBHOOK_SECRET": f"odzew:{KEY}"}


def signed(key=KEY, token="t" * 50, **fields):
    digest = hmac.new(key.encode(), f"1500000000{token}".encode(), hashlib.sha256).hexdigest()
    return {"timestamp": "1500000000", "token": token, "signature": digest, **fields}


def mailgun_fields(to, **fields):
    headers = [["Message-Id", "<a1@mail.example>"], ["From", "Anna <anna@example.com>"], ["Subject", "Re: Your answer"]]
    given = {"recipient": to, "sender": "anna@example.com", "body-plain": "It works again, thank you."}
    return {**given, "message-headers": json.dumps([*headers, ["To", to]]), **fields}


def postmark_mail(to, text="It works again, thank you.", attachment=b""):
    return {
        "FromFull": {"Email": "anna@example.com", "Name": "Anna", "MailboxHash": ""},
        "ToFull": [{"Email": to, "Name": "", "MailboxHash": ""}],
        "OriginalRecipient": to,
        "Subject": "Re: Your answer",
        "MessageID": "22c74902-a0c1-4511-804f2-341342852c90",
        "TextBody": text,
        "HtmlBody": "",
        "Headers": [{"Name": "Message-ID", "Value": "<a1@mail.example>"}],
        "Attachments": [
            {"Name": "a.png", "Content": base64.b64encode(attachment).decode(), "ContentType": "image/png"}
        ] if attachment else [],
    }  # fmt: skip


def basic(user_and_password):
    return {"authorization": "Basic " + base64.b64encode(user_and_password.encode()).decode()}


def test_a_signed_call_attaches_the_reply(sent, client, mailgun):
    answer = client.post("/hooks/mail/mailgun/", signed(**mailgun_fields(sent.reply_address)))

    assert answer.status_code == 200
    assert received() == [("email_in", "It works again, thank you.")]


@pytest.mark.parametrize(
    "fields",
    [signed(key="wrong"), {}, signed(timestamp="1"), signed(token="ż" * 50), signed(signature="ż")],
    ids=["key", "none", "timestamp", "token", "letters"],
)
def test_a_call_that_is_not_signed_right_is_refused(sent, client, mailgun, fields):
    answer = client.post("/hooks/mail/mailgun/", {**fields, **mailgun_fields(sent.reply_address)})

    assert answer.status_code == 400
    assert received() == []


def test_a_call_replayed_attaches_nothing_twice(sent, client, mailgun):
    call = signed(**mailgun_fields(sent.reply_address))

    assert [client.post("/hooks/mail/mailgun/", call).status_code for _time in range(2)] == [200, 200]
    assert len(received()) == 1


def test_the_same_mail_by_hook_and_mailbox_is_one(sent, client, mailgun, mailbox):
    mailbox.deliver(reply(sent.reply_address))
    client.post("/hooks/mail/mailgun/", signed(**mailgun_fields(sent.reply_address)))

    assert fetch_replies() == {Outcome.KNOWN: 1}
    assert len(received()) == 1


@pytest.mark.parametrize("ids", ["=?utf-8?q?a?= <\\ud800x@y>", "=?utf-8?q?<a=00x@y>?="], ids=["surrogate", "NUL"])
def test_a_call_whose_mail_answers_impossible_ids_is_taken(sent, client, mailgun, ids):
    fields = mailgun_fields("stranger@example.com")
    headers = [*json.loads(fields["message-headers"]), ["In-Reply-To", ids]]

    call = signed(**{**fields, "message-headers": json.dumps(headers)})

    assert client.post("/hooks/mail/mailgun/", call).status_code == 200


def test_a_call_with_a_large_attachment_is_taken(sent, client, mailgun):
    picture = SimpleUploadedFile("a.png", b"x" * 5_000_000, "image/png")
    fields = mailgun_fields(sent.reply_address, **{"attachment-count": "1", "attachment-1": picture})

    assert client.post("/hooks/mail/mailgun/", signed(**fields)).status_code == 200
    assert received()[0][1].endswith("[It had attachments, which are not kept.]")


def test_a_provider_that_signs_nothing_proves_itself_by_its_password(sent, client, postmark):
    def call(headers):
        body = postmark_mail(sent.reply_address, attachment=b"x" * 4_000_000)
        return client.post("/hooks/mail/postmark/", body, "application/json", headers=headers).status_code

    assert [call({}), call(basic("odzew:wrong")), received()] == [400, 400, []]
    assert call(basic(f"odzew:{KEY}")) == 200
    assert len(received()) == 1


@pytest.mark.parametrize("body", ["", "{", "[]", '{"FromFull": 1}', '"\\ud800"', "\udcff"], ids=range(6))
def test_a_call_that_is_no_mail_is_refused(sent, client, postmark, body):
    answer = client.post(
        "/hooks/mail/postmark/",
        body.encode("utf-8", "surrogateescape"),
        "application/json",
        headers=basic(f"odzew:{KEY}"),
    )

    assert answer.status_code == 400
    assert received() == []


def test_ten_megabytes_of_text_by_hook_are_cut(sent, client, postmark):
    body = postmark_mail(sent.reply_address, "word " * 2_000_000)

    assert (
        client.post("/hooks/mail/postmark/", body, "application/json", headers=basic(f"odzew:{KEY}")).status_code == 200
    )
    assert len(received()[0][1]) <= 10_000


def test_more_than_any_provider_delivers_is_refused(sent, client, postmark, monkeypatch):
    monkeypatch.setattr("feedback.hooks.MOST_BYTES", 1000)
    body = postmark_mail(sent.reply_address, "word " * 1000)

    assert (
        client.post("/hooks/mail/postmark/", body, "application/json", headers=basic(f"odzew:{KEY}")).status_code == 413
    )
    assert received() == []


def test_only_the_configured_provider_has_an_address_and_it_takes_no_get(client, mailgun, db):
    assert client.post("/hooks/mail/postmark/", {}).status_code == 404
    assert client.get("/hooks/mail/mailgun/").status_code == 405
    assert client.head("/hooks/mail/mailgun/").status_code == 200


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_has_its_secret_and_is_refused_without_it(sent, client, settings, provider):
    secret = f"odzew:{KEY}" if INBOUND_SECRETS[provider] == "WEBHOOK_SECRET" else PUBLIC_KEY
    settings.INBOUND_MAIL_PROVIDER, settings.ANYMAIL = provider, hook_secret(INBOUND_SECRETS[provider])(secret)

    answers = [
        client.post(f"/hooks/mail/{provider}/", body, "application/json", headers=headers).status_code
        for body in ({}, postmark_mail(sent.reply_address))
        for headers in ({}, {"X-Postal-Signature": "eA=="}, {"Signature": "x"}, basic("odzew:wrong"))
    ]

    assert set(answers) == {400}
    assert received() == []


def test_the_providers_of_the_setting_are_those_of_the_hook():
    assert set(INBOUND_SECRETS) == set(PROVIDERS)


def test_without_a_provider_there_is_no_hook(client, db):
    assert [client.post(f"/hooks/mail/{name}/", {}).status_code for name in ("mailgun", "x")] == [404, 404]


def test_a_conversation_goes_back_and_forth_in_one_thread(sent, follow_up, agent):
    receive_raw(reply(sent.reply_address, headers=[f"In-Reply-To: {sent.message_id}"]))
    send_contact(contact_id=write(follow_up=follow_up, by=agent, subject="Re: Your answer", text="Great").pk)

    assert outbox.outbox[-1].extra_headers["In-Reply-To"] == "<a1@mail.example>"
    assert outbox.outbox[-1].reply_to[0] != sent.reply_address
