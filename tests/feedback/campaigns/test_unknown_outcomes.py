"""A mail of which nobody knows whether it was sent: what settles it, and what that leads to."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import mail as outbox
from django.core.exceptions import ValidationError
from django.utils import timezone

from feedback import campaigns
from feedback.campaigns.claiming import LEASE
from feedback.campaigns.sending import Sender, _leave
from feedback.models import (
    Campaign,
    CampaignMail,
    Invitation,
    Response,
)
from feedback.tasks import run_campaigns
from tests.factories import make_response
from tests.feedback.campaigns.conftest import outcomes

pytestmark = pytest.mark.django_db


@pytest.fixture
def unknown(started, person):
    """A mail of which nobody knows whether it was sent."""
    campaign = started(person())
    (mail,) = campaigns.claim(campaign_id=campaign.pk)
    Sender(campaign)._prepare(mail)
    _leave(mail)
    campaigns.recover(now=timezone.now() + LEASE)
    mail.refresh_from_db()
    return mail


@pytest.mark.parametrize("reaction", ["opened_at", "responded_at", "declined_at", "snoozed_at", "unsubscribed_at"])
def test_a_mail_whose_link_somebody_was_at_was_sent_whatever_staff_say(unknown, reaction):
    Invitation.objects.update(**{reaction: timezone.now()})

    campaigns.settle_unknown_by_staff(mail=unknown, was_sent=False)
    campaigns.send_batch(campaign_id=unknown.campaign_id)

    assert outbox.outbox == []
    assert outcomes(unknown.campaign) == {"anna@example.com": ("sent", "")}
    assert Invitation.objects.get().sent_at


@pytest.mark.parametrize(
    ("evidence", "state"),
    [
        (lambda survey: Invitation.objects.update(opened_at=timezone.now()), "sent"),
        (lambda survey: make_response(survey=survey, invitation=Invitation.objects.get()), "sent"),
        (lambda survey: CampaignMail.objects.update(opened_at=timezone.now()), "sent"),
        (lambda survey: None, "unknown"),
    ],
)
def test_a_mail_that_somebody_evidently_has_settles_itself(unknown, survey, evidence, state):
    evidence(survey)

    run_campaigns()

    mail = CampaignMail.objects.get()
    assert mail.state == state
    assert mail.sent_at == (mail.handed_over_at if state == "sent" else None)


def test_what_settles_itself_owes_the_reminder_unless_it_is_one(unknown, survey):
    survey.allows_reminder = True
    survey.save()
    Campaign.objects.update(reminder_after_days=7)
    Invitation.objects.update(opened_at=timezone.now())

    run_campaigns()
    assert outcomes(unknown.campaign, "reminder") == {"anna@example.com": ("queued", "")}
    CampaignMail.objects.filter(kind="reminder").update(
        state="unknown", code="unknown_outcome", handed_over_at=timezone.now(), next_attempt_at=None
    )
    run_campaigns()

    assert outcomes(unknown.campaign, "reminder") == {"anna@example.com": ("unknown", "unknown_outcome")}


def test_an_answer_that_comes_before_the_mail_is_sent_again_stays(unknown, survey):
    campaigns.settle_unknown_by_staff(mail=unknown, was_sent=False)
    make_response(survey=survey, invitation=Invitation.objects.get())

    campaigns.send_batch(campaign_id=unknown.campaign_id)

    assert outbox.outbox == []
    assert outcomes(unknown.campaign) == {"anna@example.com": ("skipped", "answered")}
    assert Response.objects.count() == 1


@pytest.mark.parametrize(("was_sent", "state", "mails"), [(True, "sent", 0), (False, "sent", 1)])
def test_staff_settle_a_mail_of_which_nobody_knows(unknown, was_sent, state, mails):
    campaigns.settle_unknown_by_staff(mail=unknown, was_sent=was_sent)
    campaigns.send_batch(campaign_id=unknown.campaign_id)

    assert outcomes(unknown.campaign) == {"anna@example.com": (state, "")}
    assert len(outbox.outbox) == mails


@pytest.mark.parametrize(("was_sent", "state"), [(True, "finished"), (False, "running")])
def test_a_finished_campaign_goes_on_where_a_mail_is_sent_again(unknown, was_sent, state):
    campaigns.advance_campaigns(now=timezone.now())
    assert Campaign.objects.get().state == "finished"

    campaigns.settle_unknown_by_staff(mail=unknown, was_sent=was_sent)

    campaign = Campaign.objects.get()
    assert (campaign.state, campaign.finished_at is None) == (state, state == "running")
    assert campaigns.send_batch(campaign_id=campaign.pk) == (0 if was_sent else 1)


def test_a_finished_campaign_goes_on_where_a_reminder_is_owed_after_all(unknown, survey):
    survey.allows_reminder = True
    survey.save()
    Campaign.objects.update(reminder_after_days=7)
    campaigns.advance_campaigns(now=timezone.now())

    campaigns.settle_unknown_by_staff(mail=unknown, was_sent=True)

    assert Campaign.objects.get().state == "running"
    assert outcomes(unknown.campaign, "reminder") == {"anna@example.com": ("queued", "")}


def test_a_mail_of_a_cancelled_campaign_is_not_sent_again(unknown):
    campaigns.cancel(campaign=unknown.campaign)

    with pytest.raises(ValidationError):
        campaigns.settle_unknown_by_staff(mail=unknown, was_sent=False)


def test_a_mail_that_turns_out_to_be_sent_was_sent_when_it_was_handed_over(unknown):
    with time_machine.travel(timezone.now() + timedelta(days=3)):
        campaigns.settle_unknown_by_staff(mail=unknown, was_sent=True)

    assert CampaignMail.objects.get().sent_at == Invitation.objects.get().sent_at == unknown.handed_over_at
