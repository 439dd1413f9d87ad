from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from base64 import b64encode
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.utils import timezone

from feedback import campaigns
from feedback.campaigns.claiming import LEASE
from feedback.campaigns.sending import Sender, _leave
from feedback.models import CampaignMail, ChannelPermission, Invitation, MailEvent, Respondent
from feedback.unsubscribing import stop_mail, unsubscribe
from privacy.encryption import new_token, token_digest
from privacy.models import Answer, RightsRequest, Suppression
from tests.factories import (
    make_campaign,
    make_permission,
    make_respondent,
    make_response,
    make_rights_request,
    make_survey,
)
from tests.feedback.campaigns.conftest import outcomes, owe

pytestmark = pytest.mark.django_db
KEY = "signing-key-of-mailgun"


@pytest.fixture
def report(client, settings):
    """Report something about a mail as Mailgun does; returns the status of the answer."""
    settings.MAIL_EVENTS_PROVIDER = "mailgun"
    settings.ANYMAIL = {"MAILGUN_WEBHOOK_SIGNING_KEY": KEY}

    def report(event, mail=None, *, key=KEY, recipient="anna@example.com", event_id="e1", **more):
        stamp, token = str(int(time.time())), "t" * 50
        signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
        named = campaigns.message_id(mail).strip("<>") if mail else "unknown@elsewhere.example"
        body = {
            "signature": {"timestamp": stamp, "token": token, "signature": signature},
            "event-data": {
                **{"event": event, "id": event_id, "timestamp": time.time(), "recipient": recipient},
                **{"message": {"headers": {"message-id": named}}},
                **more,
            },
        }
        answer = client.post("/hooks/mail-events/mailgun/", json.dumps(body), content_type="application/json")
        return answer.status_code

    return report


@pytest.fixture
def sent(started, person):
    """A campaign that was sent to Anna, and the mail."""
    campaign = started(person())
    campaigns.send_batch(campaign_id=campaign.pk)
    return campaign, CampaignMail.objects.get()


def figures(campaign):
    return {figure.name: figure.value for figure in campaigns.statistics(campaign=campaign)}


BOUNCE = {"severity": "permanent", "reason": "bounce"}


def test_a_bounce_stops_mail_to_the_address(report, sent, campaign, person):
    row, mail = sent
    waiting = campaign()
    owe(waiting, Respondent.objects.get())

    assert report("failed", mail, **BOUNCE) == 200

    mail.refresh_from_db()
    assert mail.bounced_at
    assert Respondent.objects.get().mail_bounced_at
    assert outcomes(waiting) == {"anna@example.com": ("skipped", "bounced")}
    assert (figures(row)["sent"], figures(row)["bounced"], figures(row)["delivered"]) == (1, 1, 0)


def test_a_complaint_means_never_again(report, sent, campaign):
    row, mail = sent
    waiting = campaign()
    owe(waiting, Respondent.objects.get())

    report("complained", mail)

    assert Respondent.objects.get().objected_at
    assert Suppression.objects.filter(reason="objected").exists()
    assert outcomes(waiting) == {"anna@example.com": ("skipped", "opted_out")}
    assert (figures(row)["complained"], figures(row)["objected"]) == (1, 1)


def test_an_unsubscription_withdraws_the_permission(report, sent):
    row, mail = sent

    report("unsubscribed", mail)

    assert ChannelPermission.objects.get().withdrawn_at
    assert figures(row)["unsubscribed"] == 1


def test_the_same_report_twice_is_one(report, sent):
    _row, mail = sent

    report("delivered", mail)
    report("delivered", mail)

    assert MailEvent.objects.get().kind == "delivered"
    mail.refresh_from_db()
    assert mail.delivered_at


def test_a_report_that_names_no_mail_is_about_the_last_to_the_address(report, sent):
    _row, mail = sent

    report("failed", recipient="ANNA@example.com", **BOUNCE)

    mail.refresh_from_db()
    assert mail.bounced_at


def test_a_report_that_names_no_mail_settles_none_of_which_nobody_knows(report, sent):
    _row, mail = sent
    CampaignMail.objects.update(state="unknown", code="unknown_outcome", sent_at=None)

    report("delivered")

    mail.refresh_from_db()
    assert (mail.state, mail.delivered_at) == ("unknown", None)


def test_a_report_that_names_no_mail_is_not_about_one_that_left_later(report, sent):
    CampaignMail.objects.update(handed_over_at=timezone.now() + timedelta(minutes=5))

    report("failed", **BOUNCE)

    assert not MailEvent.objects.exists()


def test_a_report_that_names_no_mail_says_nothing_where_two_products_write(report, sent):
    survey = make_survey()
    other = make_campaign(survey=survey, window_from=0, window_until=24)
    anna = make_respondent(product=survey.product, subject_key="mail:anna@example.com", email="anna@example.com")
    make_permission(respondent=anna)
    owe(other, anna)
    campaigns.send_batch(campaign_id=campaigns.start(campaign=other).pk)
    assert set(CampaignMail.objects.values_list("state", flat=True)) == {"sent"}

    report("complained")

    assert not MailEvent.objects.exists()


def test_a_bounce_says_nothing_about_an_address_that_came_later(report, sent, campaign):
    _row, mail = sent
    Respondent.objects.update(email="new@example.com")
    waiting = campaign()
    owe(waiting, Respondent.objects.get())

    report("failed", mail, **BOUNCE)

    mail.refresh_from_db()
    assert mail.bounced_at
    assert Respondent.objects.get().mail_bounced_at is None
    assert outcomes(waiting) == {"new@example.com": ("queued", "")}


@pytest.fixture
def postmark(settings):
    """A provider of one's own: it takes mails over HTTP and gives each a number; returns what it took."""
    taken = []

    class Provider(BaseHTTPRequestHandler):
        def do_POST(self):
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            body = {"ErrorCode": 0, "Message": "OK", "MessageID": f"number-{len(taken)}", "To": taken[-1]["To"]}
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
        settings.MAIL_EVENTS_PROVIDER = "postmark"
        settings.ANYMAIL = {
            **{"POSTMARK_SERVER_TOKEN": "token", "POSTMARK_API_URL": f"http://127.0.0.1:{server.server_port}/"},
            "WEBHOOK_SECRET": "user:password-of-the-hook",
        }
        yield taken
        server.shutdown()


def bounced_at_postmark(client, number, *, record="Bounce"):
    said = {"RecordType": record, "Type": "HardBounce", "ID": number, "Email": "anna@example.com"}
    headers = {"Authorization": "Basic " + b64encode(b"user:password-of-the-hook").decode()}
    body = {**said, "MessageID": number, "BouncedAt": timezone.now().isoformat()}
    return client.post(
        "/hooks/mail-events/postmark/", json.dumps(body), content_type="application/json", headers=headers
    )


def test_a_provider_that_gives_mails_its_own_names_is_understood(client, postmark, started, person):
    first, last = started(anna := person()), started(person("b@example.com", subject_key="id:2"))
    campaigns.send_batch(campaign_id=first.pk)
    campaigns.send_batch(campaign_id=last.pk)
    Respondent.objects.filter(subject_key="id:2").update(email=anna.email)  # whom an address would be taken for

    assert [mail["To"] for mail in postmark] == ["anna@example.com", "b@example.com"]
    assert bounced_at_postmark(client, "number-1").status_code == 200

    assert CampaignMail.objects.get(bounced_at__isnull=False).campaign == first
    assert [mail.provider_message_id for mail in CampaignMail.objects.order_by("pk")] == ["number-1", "number-2"]


def test_a_report_about_other_mail_to_the_address_is_none_about_a_mail_with_another_name(
    client, postmark, started, person
):
    campaigns.send_batch(campaign_id=started(person()).pk)

    assert bounced_at_postmark(client, "number-of-a-letter").status_code == 200

    assert not MailEvent.objects.exists()


def test_a_provider_that_counts_its_mails_is_understood(client, settings, sent):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    settings.MAIL_EVENTS_PROVIDER = "postal"
    settings.ANYMAIL = {"POSTAL_WEBHOOK_KEY": "".join(public.splitlines()[1:-1])}
    CampaignMail.objects.update(provider_message_id="4711")
    payload = {"message": {"id": 4711, "to": "anna@example.com"}, "status": "Sent", "details": "", "output": ""}
    body = json.dumps({"event": "MessageSent", "uuid": "u1", "timestamp": time.time(), "payload": payload})
    signature = b64encode(key.sign(body.encode(), PKCS1v15(), SHA1())).decode()  # noqa: S303  as Postal signs
    headers = {"X-Postal-Signature": signature}

    answer = client.post("/hooks/mail-events/postal/", body, content_type="application/json", headers=headers)

    assert answer.status_code == 200
    assert CampaignMail.objects.get().delivered_at


def test_a_report_about_nobodys_mail_changes_nothing(report, sent):
    assert report("failed", recipient="else@example.com", **BOUNCE) == 200
    assert not MailEvent.objects.exists()


def test_a_bounce_of_the_answer_to_a_request_reopens_it_and_stops_no_campaign(report, sent):
    asked = make_rights_request(controller=sent[0].product.controller, state="fulfilled", email="anna@example.com")
    asked.items.create(right="access", outcome="done")
    Answer.objects.create(request=asked, written_at=timezone.now(), accepted_at=timezone.now())
    answer = asked.messages.create(kind="answer", message_id="<answer@feedback.example>", sent_at=timezone.now())
    named = {"message": {"headers": {"message-id": "answer@feedback.example"}}}

    assert report("delivered", **named) == 200
    answer.refresh_from_db()
    assert answer.bounced_at is None
    MailEvent.objects.all().delete()
    assert report("failed", event_id="e2", **BOUNCE, **named) == 200

    answer.refresh_from_db()
    assert answer.bounced_at is not None
    assert RightsRequest.objects.get().state == "responding"
    assert not MailEvent.objects.exists()


def test_a_wrong_signature_is_refused(report, sent):
    _row, mail = sent

    assert report("complained", mail, key="another") == 400
    assert not MailEvent.objects.exists()


def test_only_the_configured_provider_has_a_hook(client, settings):
    settings.MAIL_EVENTS_PROVIDER = "mailgun"

    assert client.post("/hooks/mail-events/postmark/").status_code == 404
    assert client.head("/hooks/mail-events/mailgun/").status_code == 200
    assert client.get("/hooks/mail-events/mailgun/").status_code == 405


def test_a_report_tells_what_became_of_a_mail_that_nobody_knew_about(report, started, person):
    campaign = started(person())
    (mail,) = campaigns.claim(campaign_id=campaign.pk)
    sender = Sender(campaign)
    sender._prepare(mail)
    _leave(mail)
    campaigns.recover(now=timezone.now() + LEASE)

    report("delivered", mail)

    assert outcomes(campaign) == {"anna@example.com": ("sent", "")}


def test_who_unsubscribes_gets_nothing_that_waits(sent, campaign):
    _campaign, mail = sent
    waiting = campaign()
    owe(waiting, mail.respondent)

    stop_mail(respondent=mail.respondent, at=timezone.now())

    assert outcomes(waiting) == {"anna@example.com": ("skipped", "no_permission")}


def test_the_link_in_a_mail_counts_for_its_campaign_and_stops_what_waits(sent, campaign):
    row, mail = sent
    waiting = campaign()
    owe(waiting, mail.respondent)
    token = new_token()
    Invitation.objects.filter(pk=mail.invitation_id).update(token_digest=token_digest(token))

    unsubscribe(token)

    assert outcomes(waiting) == {"anna@example.com": ("skipped", "no_permission")}
    assert figures(row)["unsubscribed"] == 1


def test_the_figures_of_a_campaign_are_what_their_definitions_say(started, person, survey):
    people = [person(f"{number}@example.com") for number in range(8)]
    with time_machine.travel("2026-03-02 09:00+00:00", tick=False):
        campaign = started(*people)
        campaigns.send_batch(campaign_id=campaign.pk)
    invitations = {each.respondent_id: each for each in Invitation.objects.select_related("respondent")}
    answered, suspect, declined, objected = people[:4]
    for respondent, is_suspect in ((answered, False), (suspect, True)):
        make_response(survey=survey, invitation=invitations[respondent.pk], is_suspect=is_suspect)
    Invitation.objects.filter(respondent=declined).update(declined_at=timezone.now())
    Respondent.objects.filter(pk=objected.pk).update(objected_at=timezone.now())
    Respondent.objects.filter(pk=people[5].pk).update(objected_at="2026-01-01T00:00:00Z")  # long before the mail
    CampaignMail.objects.filter(respondent=people[4]).update(bounced_at=timezone.now())

    assert figures(campaign) == {
        **{"sent": 8, "bounced": 1, "delivered": 7, "opened": None, "responded": 1, "suspect": 1},
        **{"declined": 1, "objected": 1, "unsubscribed": 0, "complained": 0},
    }
    shares = {figure.name: figure.percent for figure in campaigns.statistics(campaign=campaign)}
    assert shares["responded"] == pytest.approx(100 / 7)
    assert shares["delivered"] == pytest.approx(87.5)
    assert shares["opened"] is None


def test_a_decline_counts_though_a_machine_answered_at_the_link(started, person, survey):
    campaign = started(anna := person())
    campaigns.send_batch(campaign_id=campaign.pk)
    make_response(survey=survey, invitation=anna.invitations.get(), is_suspect=True)

    Invitation.objects.update(declined_at=timezone.now())

    found = figures(campaign)
    assert (found["responded"], found["suspect"], found["declined"]) == (0, 1, 1)


def test_what_no_measure_counts_is_no_response_and_restricted_people_are_in_no_figure(started, person, survey):
    people = [person(f"{number}@example.com") for number in range(4)]
    campaign = started(*people)
    campaigns.send_batch(campaign_id=campaign.pk)
    hidden = ({}, {"is_test": True}, {"excluded_at": timezone.now(), "exclusion_reason": "spam"})
    for respondent, what in zip(people, (*hidden, {}), strict=True):
        make_response(survey=survey, invitation=respondent.invitations.get(), **what)
    Respondent.objects.filter(pk=people[3].pk).update(restricted_at=timezone.now())

    assert (figures(campaign)["sent"], figures(campaign)["responded"]) == (3, 1)


def test_what_comes_back_about_a_reminder_counts_once_for_the_person(sent):
    row, mail = sent
    CampaignMail.objects.create(
        **{"campaign": row, "respondent": mail.respondent, "invitation": mail.invitation, "kind": "reminder"},
        **{"state": "sent", "handed_over_at": timezone.now(), "sent_at": timezone.now()},
        **{"complained_at": timezone.now(), "unsubscribed_at": timezone.now()},
    )
    CampaignMail.objects.filter(pk=mail.pk).update(unsubscribed_at=timezone.now())

    assert [figures(row)[name] for name in ("sent", "complained", "unsubscribed")] == [1, 1, 1]


def test_opened_is_counted_only_where_the_product_says_so(sent, product):
    row, _mail = sent
    CampaignMail.objects.update(opened_at=timezone.now())
    assert figures(row)["opened"] is None

    product.tracks_opens = True
    product.save()
    row.product.refresh_from_db()

    assert figures(row)["opened"] == 1


def test_progress_says_why_people_get_no_mail(started, person):
    campaign = started(person("a@example.com"), person("b@example.com", permitted=False), pace=1)
    campaigns.send_batch(campaign_id=campaign.pk)

    found = campaigns.progress(campaign=campaign)

    assert (found.people, found.settled, found.sent, found.waiting, found.percent) == (2, 1, 1, 1, 50)
    CampaignMail.objects.update(claimed_at=None)
    campaigns.send_batch(campaign_id=campaign.pk)
    found = campaigns.progress(campaign=campaign)
    assert [(code, count) for code, _why, count in found.not_sent] == [("no_permission", 1)]
