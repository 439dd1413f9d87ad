"""Mail that comes back: for good or for now, as each provider says it, and what staff can do about it."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from feedback import campaigns
from feedback.models import CampaignMail, MailEvent, Respondent
from privacy.admin.histories import translate
from tests.factories import make_respondent, make_staff

pytestmark = pytest.mark.django_db
ANNA = "anna@example.com"


@pytest.fixture
def mail(started, person):
    """The mail of a campaign that was sent to Anna."""
    campaigns.send_batch(campaign_id=started(person()).pk)
    return CampaignMail.objects.get()


@pytest.fixture
def tell(client, settings):
    """Call the hook of a provider as it does."""

    def tell(provider, said):
        settings.MAIL_EVENTS_PROVIDER = provider
        settings.ANYMAIL = {"WEBHOOK_SECRET": "user:password-of-the-hook", "MAILERSEND_SIGNING_SECRET": "secret"}
        body = json.dumps(said)
        headers = {
            "Authorization": "Basic " + b64encode(b"user:password-of-the-hook").decode(),
            "Signature": hmac.new(b"secret", body.encode(), hashlib.sha256).hexdigest(),
        }
        address = f"/hooks/mail-events/{provider}/"
        answer = client.post(address, body, content_type="application/json", headers=headers)
        assert answer.status_code == 200

    return tell


def postmark(kind):
    return {"RecordType": "Bounce", "Type": kind, "ID": 1, "Email": ANNA, "MessageID": "named"}


def mailersend(kind):
    email = {"message": {"id": "named"}, "recipient": {"email": ANNA}}
    return {
        "type": f"activity.{kind}",
        "data": {"type": kind, "id": "1", "email": email, "created_at": timezone.now().isoformat()},
    }


def sparkpost(kind):
    said = {"type": "bounce", "bounce_class": kind, "transmission_id": "named", "raw_rcpt_to": ANNA}
    return [{"msys": {"message_event": said}}]


def brevo(kind):
    return {"event": kind, "email": ANNA, "message-id": "named"}


def sendgrid(kind):
    return [{"event": "bounce", "type": kind, "email": ANNA, "smtp-id": "named", "sg_event_id": "1"}]


def mailjet(is_hard):
    return [{"event": "bounce", "hard_bounce": is_hard, "email": ANNA, "MessageID": "named", "error": "quota exceeded"}]


@pytest.mark.parametrize(
    ("provider", "said", "is_final"),
    [
        ("postmark", postmark("HardBounce"), True),
        ("postmark", postmark("SoftBounce"), False),
        ("postmark", postmark("VirusNotification"), False),
        ("postmark", postmark("Blocked"), False),
        ("brevo", brevo("hard_bounce"), True),
        ("brevo", brevo("invalid_email"), True),
        ("brevo", brevo("soft_bounce"), False),
        ("mailersend", mailersend("hard_bounced"), True),
        ("mailersend", mailersend("soft_bounced"), False),
        ("mailjet", mailjet(True), True),
        ("mailjet", mailjet(False), False),
        ("sendgrid", sendgrid("bounce"), True),
        ("sendgrid", sendgrid("blocked"), False),
        *(("sparkpost", sparkpost(kind), True) for kind in ("10", "30")),
        *(("sparkpost", sparkpost(kind), False) for kind in ("1", "20", "22", "24", "51", "70")),
    ],
)
@pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
def test_only_a_final_bounce_ends_mail_to_an_address(mail, tell, provider, said, is_final):
    CampaignMail.objects.update(provider_message_id="named")

    tell(provider, said)

    mail.refresh_from_db()
    assert mail.bounced_at is not None
    assert (Respondent.objects.get().mail_bounced_at is not None) == is_final


def reported(mail, kind, at, **more):
    report = campaigns.Report(
        kind=kind, message_id=campaigns.message_id(mail), recipient=ANNA, at=at, key=f"{kind} {at}", **more
    )
    assert campaigns.take_report(report=report)


def figures(mail):
    found = campaigns.statistics(campaign=mail.campaign)
    return {figure.name: figure.value for figure in found if figure.name in {"bounced", "delivered"}}


@pytest.mark.parametrize("is_told_late", [False, True])
def test_what_came_back_and_was_delivered_later_is_delivered(mail, is_told_late):
    came_back = (MailEvent.Kind.BOUNCED, timezone.now())
    delivered = (MailEvent.Kind.DELIVERED, timezone.now() + timedelta(minutes=5))

    for kind, at in [delivered, came_back] if is_told_late else [came_back, delivered]:
        reported(mail, kind, at, is_final=False)

    assert figures(mail) == {"bounced": 0, "delivered": 1}
    assert MailEvent.objects.count() == 2


def test_what_was_taken_in_and_came_back_later_came_back(mail):
    reported(mail, MailEvent.Kind.DELIVERED, timezone.now())
    reported(mail, MailEvent.Kind.BOUNCED, timezone.now() + timedelta(minutes=5))

    assert figures(mail) == {"bounced": 1, "delivered": 0}


@pytest.mark.parametrize("theirs", [{"SECRET_KEY": "of staging"}, {"DEFAULT_FROM_EMAIL": "odzew@staging.example"}])
def test_a_report_about_the_mail_of_another_installation_is_none_about_ours(mail, theirs):
    with override_settings(**theirs):
        named = campaigns.message_id(mail)
    kind, at = MailEvent.Kind.COMPLAINED, timezone.now()

    report = campaigns.Report(kind=kind, message_id=named, recipient=ANNA, at=at, key="1")

    assert not campaigns.take_report(report=report)
    assert Respondent.objects.get().objected_at is None


@pytest.mark.parametrize("kind", [MailEvent.Kind.COMPLAINED, MailEvent.Kind.UNSUBSCRIBED])
@pytest.mark.parametrize(
    ("recipient", "is_taken"), [("ola@example.com", False), ("Anna@Example.com", True), ("", True)]
)
def test_a_wish_is_the_persons_only_if_it_comes_from_their_address(mail, kind, recipient, is_taken):
    named = campaigns.message_id(mail)

    report = campaigns.Report(kind=kind, message_id=named, recipient=recipient, at=timezone.now(), key="1")

    assert campaigns.take_report(report=report) == is_taken
    anna = Respondent.objects.get()
    assert bool(anna.objected_at or anna.unsubscribed_at) == is_taken


@pytest.fixture
def bounced(mail, client, product):
    """Anna and her device, of both of whom mail came back, and the page that says that it reaches her again."""
    anna = mail.respondent
    make_respondent(product=product, subject_key="anon:1", person=anna, mail_bounced_at=timezone.now())
    Respondent.objects.update(mail_bounced_at=timezone.now())
    client.force_login(make_staff("reviewer", product=product))
    return anna, reverse("admin:feedback_respondent_reached", args=[anna.pk])


def test_staff_say_that_mail_reaches_somebody_again_and_the_history_says_who_and_why(bounced, client):
    anna, address = bounced
    person = reverse("admin:feedback_respondent_change", args=[anna.pk])
    assert address in client.get(person).content.decode()

    answer = client.post(address, {"why": "repaired"})

    assert answer["Location"] == person
    assert not Respondent.objects.exclude(mail_bounced_at=None).exists()
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_id) == (answer.wsgi_request.user.username, str(anna.pk))
    translate([entry])
    assert entry.change_message == "Mail reaches them again: Their mailbox works again."
    assert address not in client.get(person).content.decode()


def test_without_a_reason_nobody_is_mailed_again(bounced, client):
    _anna, address = bounced

    assert "This field is required" in client.post(address).content.decode()

    assert not Respondent.objects.filter(mail_bounced_at=None).exists()


def test_who_only_answers_requests_cannot_say_that_mail_arrives(bounced, client, product):
    _anna, address = bounced
    client.force_login(make_staff("privacy_officer", product=product))

    assert client.post(address, {"why": "said"}).status_code == 403

    assert not Respondent.objects.filter(mail_bounced_at=None).exists()
