"""One reminder to those who did not react, and to nobody else."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core import mail as outbox
from django.utils import timezone

from feedback import campaigns
from feedback.campaigns.claiming import LEASE
from feedback.campaigns.sending import Sender, _leave
from feedback.intake import Submission, submit
from feedback.models import (
    Campaign,
    ChannelPermission,
    Invitation,
    Respondent,
    Suspicion,
)
from feedback.scanners import Sender as Browser
from tests.factories import make_invitation
from tests.feedback.campaigns.conftest import outcomes

pytestmark = pytest.mark.django_db


@pytest.fixture
def reminded(started, survey, person):
    """Send a campaign with a reminder after a week; return it with the clock on that day."""
    survey.allows_reminder = True
    survey.save()
    with time_machine.travel("2026-03-02 09:00+00:00", tick=False) as clock:
        campaign = started(person(), reminder_after_days=7)
        campaigns.send_batch(campaign_id=campaign.pk)
        clock.shift(timedelta(days=7))
        yield campaign


def test_who_did_not_react_is_reminded_once_with_the_same_link(reminded):
    campaigns.send_batch(campaign_id=reminded.pk)
    campaigns.send_batch(campaign_id=reminded.pk)

    first, reminder = outbox.outbox
    assert first.body == reminder.body
    assert first.extra_headers["Message-ID"] != reminder.extra_headers["Message-ID"]
    assert Invitation.objects.count() == 1
    assert outcomes(reminded, "reminder") == {"anna@example.com": ("sent", "")}


def test_the_reminder_starts_every_rest_anew(reminded):
    campaigns.send_batch(campaign_id=reminded.pk)

    assert Invitation.objects.get().sent_at == timezone.now()


def test_a_reminder_of_which_nobody_knows_starts_every_rest_anew(reminded):
    (mail,) = campaigns.claim(campaign_id=reminded.pk)
    Sender(reminded)._prepare(mail)
    _leave(mail)

    campaigns.recover(now=timezone.now() + LEASE)

    assert Invitation.objects.get().sent_at == timezone.now()


@pytest.mark.parametrize("reaction", ["responded_at", "declined_at", "snoozed_at"])
def test_who_reacted_is_not_reminded(reminded, reaction):
    Invitation.objects.update(**{reaction: timezone.now()})

    campaigns.send_batch(campaign_id=reminded.pk)

    assert len(outbox.outbox) == 1
    assert outcomes(reminded, "reminder") == {"anna@example.com": ("skipped", "answered")}


def a_machine_answers(respondent):
    """Store an answer at the link of the only campaign's mail as a scanner sends it."""
    machine = Browser(fingerprint=b"m" * 32, suspicion=Suspicion.NO_INPUT)
    token = campaigns.invitation_token(campaign_id=Campaign.objects.get().pk, respondent_id=respondent.pk)
    submit(token=token, submission=Submission(submission_id=uuid4(), score=3, sender=machine))


def test_whose_mail_a_machine_answered_is_reminded(reminded):
    a_machine_answers(Respondent.objects.get())

    campaigns.send_batch(campaign_id=reminded.pk)

    assert outcomes(reminded, "reminder") == {"anna@example.com": ("sent", "")}


def test_whose_mail_a_machine_answered_may_be_asked_again_like_anybody_who_did_not_react(started, person):
    with time_machine.travel("2026-03-02 09:00+00:00", tick=False) as clock:
        campaigns.send_batch(campaign_id=started(anna := person()).pk)
        a_machine_answers(anna)
        clock.shift(timedelta(days=30))
        campaigns.send_batch(campaign_id=(later := started(anna)).pk)

    assert outcomes(later) == {"anna@example.com": ("sent", "")}


def test_nobody_is_reminded_of_a_survey_that_does_not_allow_it_any_more(reminded, survey):
    survey.allows_reminder = False
    survey.save()

    campaigns.send_batch(campaign_id=reminded.pk)

    assert outcomes(reminded, "reminder") == {"anna@example.com": ("skipped", "no_reminder")}


def test_who_withdrew_the_permission_is_not_reminded(reminded):
    ChannelPermission.objects.update(withdrawn_at=timezone.now())

    campaigns.send_batch(campaign_id=reminded.pk)

    assert outcomes(reminded, "reminder") == {"anna@example.com": ("skipped", "no_permission")}


def test_who_was_asked_elsewhere_meanwhile_is_not_reminded(reminded, survey):
    make_invitation(survey=survey, respondent=Respondent.objects.get(), shown_at=timezone.now() - timedelta(days=2))

    campaigns.send_batch(campaign_id=reminded.pk)

    assert outcomes(reminded, "reminder") == {"anna@example.com": ("skipped", "shown_recently")}


def test_a_link_that_would_be_dead_is_not_sent(reminded, settings):
    settings.SECRET_KEY = "another" * 10

    campaigns.send_batch(campaign_id=reminded.pk)

    assert outcomes(reminded, "reminder") == {"anna@example.com": ("skipped", "expired")}
