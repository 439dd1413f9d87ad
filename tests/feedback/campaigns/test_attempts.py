"""What mail servers, providers and broken workers do to a mail."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from anymail.exceptions import (
    AnymailAPIError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from django.core import mail as outbox
from django.utils import timezone

from feedback import campaigns
from feedback.campaigns.claiming import LEASE
from feedback.campaigns.sending import ClaimLost, Sender, _leave
from feedback.models import (
    CampaignMail,
    CampaignWording,
    Invitation,
)
from tests.feedback.campaigns.conftest import outcomes
from tests.mail_server import Mailbox, RefusingMailbox, SilentMailbox

pytestmark = pytest.mark.django_db


def test_a_mail_that_is_refused_for_now_comes_again_with_the_same_link_and_id(started, person, serve):
    serve(Mailbox(reply="451 later"))
    with time_machine.travel("2026-03-02 09:00+00:00", tick=False) as clock:
        campaign = started(person())
        campaigns.send_batch(campaign_id=campaign.pk)
        mail = CampaignMail.objects.get()
        assert (mail.state, mail.failures, mail.handed_over_at) == ("queued", 1, None)
        assert mail.next_attempt_at == timezone.now() + timedelta(minutes=1)
        clock.shift(61)
        mailbox = serve(Mailbox())
        campaigns.send_batch(campaign_id=campaign.pk)

    assert outcomes(campaign) == {"anna@example.com": ("sent", "")}
    assert Invitation.objects.count() == 1
    assert f"Message-ID: <campaign-mail-{mail.pk}-" in mailbox.accepted[0].content.decode()


def test_an_address_that_the_server_refuses_is_given_up_and_nobody_was_asked(started, person, serve):
    serve(RefusingMailbox())
    campaign = started(person())

    campaigns.send_batch(campaign_id=campaign.pk)

    assert outcomes(campaign) == {"anna@example.com": ("failed", "refused")}
    assert not Invitation.objects.exists()


def test_a_server_out_of_reach_costs_one_mail_an_attempt_and_the_others_wait(started, person, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    campaign = started(*(person(f"{number}@example.com") for number in range(3)))

    campaigns.send_batch(campaign_id=campaign.pk)

    mails = CampaignMail.objects.order_by("pk")
    assert [(mail.state, mail.failures, mail.handed_over_at) for mail in mails] == [
        ("queued", 1, None),
        ("queued", 0, None),
        ("queued", 0, None),
    ]


def test_a_mail_that_breaks_its_worker_waits_longer_each_time_and_holds_nobody_up(started, person):
    with time_machine.travel("2026-03-02 09:00+00:00", tick=False) as clock:
        campaign = started(person("a@example.com", language="pl"), person("b@example.com", language="en"))
        campaign.wordings.filter(language="pl").delete()

        with pytest.raises(CampaignWording.DoesNotExist):
            campaigns.send_batch(campaign_id=campaign.pk)
        b = CampaignMail.objects.get(failures=0)
        assert b.next_attempt_at == timezone.now() + timedelta(minutes=1)
        CampaignMail.objects.filter(pk=b.pk).update(next_attempt_at=timezone.now())
        campaigns.send_batch(campaign_id=campaign.pk)
        assert outcomes(campaign) == {"a@example.com": ("queued", ""), "b@example.com": ("sent", "")}

        waits = []
        while (mail := CampaignMail.objects.get(respondent__email="a@example.com")).state == "queued":
            waits.append((mail.next_attempt_at - timezone.now()).total_seconds() / 60)
            clock.move_to(mail.next_attempt_at)
            with pytest.raises(CampaignWording.DoesNotExist):
                campaigns.send_batch(campaign_id=campaign.pk)

    assert waits == [1, 5, 15, 60, 240, 720, 1440]
    assert (mail.state, mail.code) == ("failed", "broken")
    assert not Invitation.objects.filter(respondent__email="a@example.com").exists()


def test_a_mail_that_left_before_its_worker_broke_is_one_of_which_nobody_knows(started, person, monkeypatch):
    def break_off(*args, **kwargs):
        raise ZeroDivisionError

    campaign = started(person())
    monkeypatch.setattr("feedback.campaigns.sending.settle_sent", break_off)

    with pytest.raises(ZeroDivisionError):
        campaigns.send_batch(campaign_id=campaign.pk)

    assert len(outbox.outbox) == 1
    campaigns.recover(now=timezone.now() + LEASE)
    assert outcomes(campaign) == {"anna@example.com": ("unknown", "unknown_outcome")}


def test_a_mail_whose_acceptance_nobody_heard_is_not_sent_again(started, person, serve):
    mailbox = serve(SilentMailbox())
    campaign = started(person("a@example.com"), person("b@example.com"))

    campaigns.send_batch(campaign_id=campaign.pk)

    assert len(mailbox.accepted) == 1
    assert outcomes(campaign) == {"a@example.com": ("unknown", "unknown_outcome"), "b@example.com": ("queued", "")}
    # It counts as mailed: the person is left in peace.
    mail = CampaignMail.objects.get(state="unknown")
    assert mail.invitation.sent_at == mail.handed_over_at


def failing(status):
    return AnymailAPIError("no", status_code=status, response=SimpleNamespace(reason="", text=""))


@pytest.mark.parametrize(
    ("error", "state"),
    [
        *((AnymailRecipientsRefused(), "failed"), (AnymailInvalidAddress(), "failed")),
        *((AnymailUnsupportedFeature(), "failed"), (AnymailSerializationError(), "queued")),
        *((failing(429), "queued"), (failing(400), "queued")),
        *((failing(502), "unknown"), (failing(200), "unknown"), (AnymailAPIError("time-out"), "unknown")),
    ],
)
def test_what_a_provider_says_tells_whether_it_may_have_the_mail(started, person, monkeypatch, error, state):
    def send_messages(self, messages):
        raise error

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", send_messages)
    campaign = started(person())

    campaigns.send_batch(campaign_id=campaign.pk)

    mail = CampaignMail.objects.get()
    assert mail.state == state
    assert bool(mail.handed_over_at) == (state == "unknown")


class HangingUp(Mailbox):
    async def handle_RCPT(self, server, session, envelope, address, options):
        server.transport.abort()
        return "250 OK"


def test_a_connection_that_breaks_before_the_mail_was_handed_over_is_no_riddle(started, person, serve):
    serve(HangingUp())
    campaign = started(person())

    campaigns.send_batch(campaign_id=campaign.pk)

    mail = CampaignMail.objects.get()
    assert (mail.state, mail.failures, mail.handed_over_at) == ("queued", 1, None)


def test_mails_of_a_killed_worker_wait_again_unless_they_were_handed_over(started, person):
    campaign = started(*(person(f"{number}@example.com") for number in range(2)))
    claimed = campaigns.claim(campaign_id=campaign.pk)
    sender = Sender(campaign)
    for mail in claimed:
        sender._prepare(mail)
    _leave(claimed[1])

    assert campaigns.recover(now=timezone.now()) == (0, 0)
    assert campaigns.recover(now=timezone.now() + LEASE) == (1, 1)

    assert outcomes(campaign) == {"0@example.com": ("queued", ""), "1@example.com": ("unknown", "unknown_outcome")}
    CampaignMail.objects.filter(state="queued").update(next_attempt_at=timezone.now())
    campaigns.send_batch(campaign_id=campaign.pk)
    assert [message.to for message in outbox.outbox] == [["0@example.com"]]
    assert Invitation.objects.filter(sent_at__isnull=False).count() == 2


def test_a_worker_that_hung_for_too_long_sends_nothing_any_more(started, person):
    campaign = started(person())
    (slow,) = campaigns.claim(campaign_id=campaign.pk)
    campaigns.recover(now=timezone.now() + LEASE)
    CampaignMail.objects.update(next_attempt_at=timezone.now())
    campaigns.send_batch(campaign_id=campaign.pk)

    with pytest.raises(ClaimLost):
        _leave(slow)
    Sender(campaign).send(slow)

    assert len(outbox.outbox) == 1
