from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import mail as outbox
from django.utils import timezone

from feedback import campaigns
from feedback.campaigns.claiming import LEASE
from feedback.campaigns.sending import Sender
from feedback.models import (
    CampaignMail,
    ChannelPermission,
    Invitation,
    Respondent,
)
from feedback.unsubscribing import stop_mail
from privacy.encryption import token_digest
from privacy.models import Suppression
from privacy.suppression import suppress
from tests.factories import make_invitation, make_survey
from tests.feedback.campaigns.conftest import outcomes, owe
from tests.mail_server import Mailbox

pytestmark = pytest.mark.django_db


def test_a_mail_goes_out_once_and_its_invitation_is_stored(started, person):
    campaign = started(anna := person())

    assert campaigns.send_batch(campaign_id=campaign.pk) == 1
    assert campaigns.send_batch(campaign_id=campaign.pk) == 0

    assert [message.to for message in outbox.outbox] == [["anna@example.com"]]
    invitation, mail = Invitation.objects.get(), CampaignMail.objects.get()
    assert (invitation.respondent, invitation.channel, invitation.version) == (anna, "email", campaign.version)
    assert (mail.state, mail.invitation, mail.attempts) == ("sent", invitation, 1)
    assert invitation.sent_at == mail.sent_at >= mail.handed_over_at


def test_the_link_in_the_mail_opens_the_persons_page(started, person, client):
    campaign = started(anna := person())
    campaigns.send_batch(campaign_id=campaign.pk)

    token = campaigns.invitation_token(campaign_id=campaign.pk, respondent_id=anna.pk)

    assert f"/i/{token}/?s=9" in outbox.outbox[0].body
    assert bytes(Invitation.objects.get().token_digest) == token_digest(token)
    assert client.get(f"/i/{token}/?s=9").status_code == 200


def objects(anna):
    Respondent.objects.filter(pk=anna.pk).update(objected_at=timezone.now())


def is_restricted(anna):
    Respondent.objects.filter(pk=anna.pk).update(restricted_at=timezone.now())


def bounces(anna):
    Respondent.objects.filter(pk=anna.pk).update(mail_bounced_at=timezone.now())


def withdraws(anna):
    ChannelPermission.objects.filter(respondent=anna).update(withdrawn_at=timezone.now())


def is_suppressed(anna):
    suppress(product=anna.product, subject_keys=[anna.subject_key], reason=Suppression.Reason.BY_STAFF)


def answered_elsewhere(anna):
    make_invitation(survey=make_survey(product=anna.product), respondent=anna, responded_at=timezone.now())


def shares_a_mailbox_with_somebody_who_objects(anna):
    Respondent.objects.create(
        **{"product": anna.product, "subject_key": "id:7", "external_id": "7", "email": anna.email},
        **{"first_seen_at": timezone.now(), "objected_at": timezone.now()},
    )


def asks_not_to_be_contacted(anna):
    Respondent.objects.filter(pk=anna.pk).update(do_not_contact=True)


def shares_a_mailbox_with_somebody_not_to_be_contacted(anna):
    Respondent.objects.filter(pk=anna.pk).update(subject_key="id:1", external_id="1")
    Respondent.objects.create(
        **{"product": anna.product, "subject_key": "id:7", "external_id": "7", "email": anna.email},
        **{"first_seen_at": timezone.now(), "do_not_contact": True},
    )


def shares_a_mailbox_with_somebody_who_unsubscribed(anna):
    Respondent.objects.filter(pk=anna.pk).update(subject_key="id:1", external_id="1")
    Respondent.objects.create(
        **{"product": anna.product, "subject_key": "id:7", "external_id": "7", "email": anna.email},
        **{"first_seen_at": timezone.now(), "unsubscribed_at": timezone.now()},
    )


@pytest.mark.parametrize(
    ("happens", "code"),
    [
        (objects, "opted_out"),
        (is_restricted, "restricted"),
        (bounces, "bounced"),
        (withdraws, "no_permission"),
        (is_suppressed, "suppressed"),
        (answered_elsewhere, "responded_recently"),
        (shares_a_mailbox_with_somebody_who_objects, "opted_out"),
        (shares_a_mailbox_with_somebody_who_unsubscribed, "no_permission"),
        (asks_not_to_be_contacted, "no_permission"),
        (shares_a_mailbox_with_somebody_not_to_be_contacted, "no_permission"),
    ],
)
def test_whoever_may_not_be_asked_any_more_gets_nothing(started, person, happens, code):
    campaign = started(anna := person())
    happens(anna)

    campaigns.send_batch(campaign_id=campaign.pk)

    assert outbox.outbox == []
    assert outcomes(campaign) == {"anna@example.com": ("skipped", code)}
    assert not Invitation.objects.filter(channel="email").exists()


def test_a_paused_campaign_sends_nothing_and_goes_on_where_it_was(started, person):
    campaign = started(person("a@example.com"), person("b@example.com"))
    campaigns.send_batch(campaign_id=campaign.pk, most=1)

    campaigns.pause(campaign=campaign)
    assert campaigns.send_batch(campaign_id=campaign.pk) == 0
    campaigns.resume(campaign=campaign)
    campaigns.send_batch(campaign_id=campaign.pk)

    assert sorted(message.to[0] for message in outbox.outbox) == ["a@example.com", "b@example.com"]


def test_what_was_claimed_when_the_campaign_was_paused_waits(started, person):
    campaign = started(person())
    claimed = campaigns.claim(campaign_id=campaign.pk)
    campaigns.pause(campaign=campaign)

    Sender(campaign).send(claimed[0])

    assert outbox.outbox == []
    assert outcomes(campaign) == {"anna@example.com": ("queued", "")}


def test_a_cancelled_campaign_sends_nothing_of_what_waits(started, person):
    campaign = started(person())

    campaigns.cancel(campaign=campaign)

    assert campaigns.send_batch(campaign_id=campaign.pk) == 0
    assert outcomes(campaign) == {"anna@example.com": ("skipped", "cancelled")}


def cancelled(campaign):
    campaigns.cancel(campaign=campaign)


def unsubscribed(campaign):
    stop_mail(respondent=Respondent.objects.get(), at=timezone.now())


@pytest.mark.parametrize(("end", "code"), [(cancelled, "cancelled"), (unsubscribed, "no_permission")])
def test_whoever_never_got_the_mail_that_was_tried_in_vain_was_not_asked(started, person, serve, end, code):
    serve(Mailbox(reply="451 later"))
    campaign = started(person())
    campaigns.send_batch(campaign_id=campaign.pk)
    assert Invitation.objects.count() == 1

    end(campaign)

    assert outcomes(campaign) == {"anna@example.com": ("skipped", code)}
    assert not Invitation.objects.exists()


def test_whoever_was_at_the_link_was_asked_whatever_the_mail_server_said(started, person, serve):
    serve(Mailbox(reply="451 later"))
    campaign = started(person())
    campaigns.send_batch(campaign_id=campaign.pk)
    Invitation.objects.update(opened_at=timezone.now())

    campaigns.cancel(campaign=campaign)

    assert Invitation.objects.count() == 1


def test_a_campaign_with_nothing_left_is_finished(started, person):
    campaign = started(person())
    campaigns.send_batch(campaign_id=campaign.pk)

    campaigns.advance_campaigns(now=timezone.now())

    campaign.refresh_from_db()
    assert campaign.state == "finished"
    assert campaign.finished_at


def test_a_planned_campaign_begins_at_its_time(campaign, person):
    with time_machine.travel("2026-03-02 09:00+00:00", tick=False) as clock:
        row = campaign(starts_at=timezone.now() + timedelta(hours=2))
        owe(row, person())
        row = campaigns.start(campaign=row)
        campaigns.advance_campaigns(now=timezone.now())
        assert (row.state, campaigns.send_batch(campaign_id=row.pk)) == ("scheduled", 0)
        clock.shift(2 * 60 * 60)
        campaigns.advance_campaigns(now=timezone.now())
        assert campaigns.send_batch(campaign_id=row.pk) == 1


def test_what_was_being_sent_when_the_campaign_was_cancelled_waits_no_longer(started, person):
    campaign = started(person())
    campaigns.claim(campaign_id=campaign.pk)
    campaigns.cancel(campaign=campaign)
    campaigns.recover(now=timezone.now() + LEASE)

    campaigns.advance_campaigns(now=timezone.now())

    assert outcomes(campaign) == {"anna@example.com": ("skipped", "cancelled")}


# --- Reminders --------------------------------------------------------------------------------------------------------
