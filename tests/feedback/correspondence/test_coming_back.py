"""An e-mail that came back was no contact: the clock runs again, and whoever works on it hears of it."""

import base64
import hashlib
import hmac
import time
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from feedback.correspondence import send_contact, write
from feedback.follow_up import log_contact
from feedback.inbound import Outcome, contact_came_back, receive
from feedback.inbound_reading import Nature, parse
from feedback.models import Contact, FollowUp, MailPreference, Respondent, StaffMail
from feedback.staff_mail_delivery import send_mail
from tests.feedback.correspondence.letters import delivery_report

KEY = "signing-key-of-mailgun"


def came_back(contact, **said):
    return receive(message=parse(delivery_report(contact.reply_address, contact.message_id, **said)))


def first_contact():
    return FollowUp.objects.get().contacted_at


def test_the_only_mail_came_back_so_nobody_was_contacted(sent, agent):
    assert first_contact() == sent.sent_at

    assert came_back(sent) is Outcome.NOTED

    sent.refresh_from_db()
    assert (sent.failed_at is not None, sent.failure) == (True, "refused")
    assert first_contact() is None
    assert StaffMail.objects.get(notice="reply").user == agent


def test_another_contact_that_reached_the_person_counts_from_its_own_time(sent, follow_up, agent):
    call = log_contact(follow_up=follow_up, kind="call", text="Spoke", by=agent)
    assert first_contact() == sent.sent_at

    came_back(sent)

    assert first_contact() == call.at


def test_a_later_mail_that_arrived_counts_and_what_came_in_by_itself_does_not(sent, follow_up, agent):
    came_back(sent, action="delayed", status="4.4.1", message_id="<delay@mx.example>")
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        second = write(follow_up=follow_up, by=agent, subject="Again", text="At your new address")
        send_contact(contact_id=second.pk)

    came_back(sent)

    second.refresh_from_db()
    assert first_contact() == second.sent_at


def test_the_same_mail_reported_in_several_ways_is_told_once(sent):
    came_back(sent)
    came_back(sent, message_id="<other@mx.example>")
    assert contact_came_back(message_id=sent.message_id, nature=Nature.BOUNCE)

    assert Contact.objects.filter(kind="other").count() == 1
    assert StaffMail.objects.count() == 1


def test_the_mail_to_staff_says_that_it_came_back_and_names_nobody(sent, agent):
    agent.email = "agent@staff.example"
    agent.save()
    MailPreference.objects.create(user=agent, language="en")
    came_back(sent)

    assert send_mail(mail_id=StaffMail.objects.get().pk)

    letter = mail.outbox[-1]
    assert letter.subject == "E-mail not delivered: a follow-up of Bank"
    assert "Our e-mail to the person came back" in letter.body
    assert "First contact due" in letter.body
    assert "anna" not in letter.message().as_string().lower()


def test_the_page_says_that_the_mail_came_back_instead_of_that_it_was_sent(client, sent, follow_up, agent):
    came_back(sent)
    client.force_login(agent)

    page = client.get(f"/admin/feedback/followup/{follow_up.pk}/change/").content.decode()

    assert "came back" in page
    assert "The mail server does not accept it." in page
    assert "first contact made" not in page


# --- What the provider reports ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["failed", "rejected"])
def test_a_provider_that_reports_it_is_believed_too(sent, agent, client, settings, kind):
    settings.MAIL_EVENTS_PROVIDER, settings.ANYMAIL = "mailgun", {"MAILGUN_WEBHOOK_SIGNING_KEY": KEY}
    stamp, token = str(int(time.time())), "t" * 50
    signature = hmac.new(KEY.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    event = {
        **{"event": kind, "severity": "permanent", "reason": "bounce", "id": "e1", "timestamp": time.time()},
        **{"recipient": "anna@example.com", "message": {"headers": {"message-id": sent.message_id.strip("<>")}}},
    }
    body = {"signature": {"timestamp": stamp, "token": token, "signature": signature}, "event-data": event}

    answers = [client.post("/hooks/mail-events/mailgun/", body, "application/json").status_code for _time in range(2)]

    assert answers == [200, 200]
    sent.refresh_from_db()
    assert sent.failure == "refused"
    assert first_contact() is None
    assert StaffMail.objects.get(notice="reply").user == agent
    is_dead = kind == "failed"  # else the provider did not even try
    assert (Respondent.objects.get().mail_bounced_at is not None) is is_dead


def test_a_mail_that_a_provider_gave_up_is_no_contact_and_its_address_may_still_be_good(sent, client, settings):
    settings.MAIL_EVENTS_PROVIDER, settings.ANYMAIL = "postmark", {"WEBHOOK_SECRET": "user:password"}
    event = {
        **{"RecordType": "Bounce", "Type": "SoftBounce", "ID": 1, "BouncedAt": "2026-01-31T12:00:00Z"},
        **{"Email": "anna@example.com", "MessageID": sent.message_id.strip("<>")},
    }
    login = {"authorization": "Basic " + base64.b64encode(b"user:password").decode()}

    answer = client.post("/hooks/mail-events/postmark/", event, "application/json", headers=login)

    assert answer.status_code == 200
    assert first_contact() is None
    assert Respondent.objects.get().mail_bounced_at is None


def test_a_mail_that_is_only_held_up_stays_a_contact(sent):
    came_back(sent, action="delayed", status="4.4.1")
    assert first_contact() == sent.sent_at

    assert contact_came_back(message_id=sent.message_id, nature=Nature.BOUNCE)
    assert first_contact() is None


def test_a_report_about_another_mail_is_left_to_others(sent):
    assert not contact_came_back(message_id="<other@mx.example>", nature=Nature.BOUNCE)
    assert first_contact() == sent.sent_at


def test_a_report_about_a_restricted_person_leaves_no_trace(sent):
    Respondent.objects.update(restricted_at=timezone.now())

    assert contact_came_back(message_id=sent.message_id, nature=Nature.BOUNCE)
    assert Contact.objects.count() == 1
    assert not StaffMail.objects.exists()
