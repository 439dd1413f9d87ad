"""What passes by itself puts a mail off; everything else ends it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import mail as outbox
from django.urls import reverse
from django.utils import timezone

from feedback import campaigns
from feedback.campaigns import what_holds
from feedback.campaigns.sending import Sender
from feedback.models import Campaign, CampaignMail
from feedback.products import LIFETIME
from feedback.tasks import run_campaigns
from surveys.models import Survey
from tests.factories import make_invitation, make_response, make_staff, make_survey
from tests.feedback.campaigns.conftest import outcomes, upload

pytestmark = pytest.mark.django_db
MONDAY = "2026-03-02 09:00+00:00"
WAITS = {"anna@example.com": ("queued", "")}
SENT = {"anna@example.com": ("sent", "")}


@pytest.fixture
def clock():
    with time_machine.travel(MONDAY, tick=False) as clock:
        yield clock


def survey_is_paused(survey):
    Survey.objects.filter(pk=survey.pk).update(state="paused")


def survey_goes_on(survey):
    Survey.objects.filter(pk=survey.pk).update(state="live")


def product_is_switched_off(survey):
    type(survey.product).objects.filter(pk=survey.product_id).update(is_live=False)


def product_is_switched_on(survey):
    type(survey.product).objects.filter(pk=survey.product_id).update(is_live=True)


def survey_begins_later(survey):
    Survey.objects.filter(pk=survey.pk).update(starts_at=timezone.now() + timedelta(minutes=10))


def time_passes(survey):
    """The survey begins by itself."""


PAUSES = pytest.mark.parametrize(
    ("stop", "go_on"),
    [
        (survey_is_paused, survey_goes_on),
        (product_is_switched_off, product_is_switched_on),
        (survey_begins_later, time_passes),
    ],
)


@PAUSES
def test_while_its_survey_rests_a_campaign_sends_nothing_and_then_goes_on(clock, started, person, survey, stop, go_on):
    campaign = started(person())
    assert what_holds(Campaign.objects.get(), now=timezone.now()) is None
    stop(survey)
    run_campaigns()
    assert outcomes(campaign) == WAITS
    assert "nothing is sent until" in what_holds(Campaign.objects.get(), now=timezone.now())
    assert CampaignMail.objects.get().attempts == 0

    clock.shift(timedelta(minutes=11))
    go_on(survey)
    run_campaigns()

    assert outcomes(campaign) == SENT


@pytest.mark.parametrize(("language", "said"), [("en", "Its survey is paused"), ("pl", "Ankieta jest wstrzymana")])
def test_the_page_of_a_campaign_says_what_holds_it(client, started, person, survey, language, said):
    client.force_login(make_staff("reviewer", product=survey.product))
    page = reverse("admin:feedback_campaign_change", args=[started(person()).pk])
    assert said not in client.get(page, headers={"accept-language": language}).text

    survey_is_paused(survey)

    assert said in client.get(page, headers={"accept-language": language}).text


@PAUSES
def test_a_mail_that_was_claimed_when_its_survey_was_stopped_waits(clock, started, person, survey, stop, go_on):
    campaign = started(person())
    claimed = campaigns.claim(campaign_id=campaign.pk)
    stop(survey)

    Sender(campaign).send(claimed[0])

    assert (outbox.outbox, outcomes(campaign)) == ([], WAITS)


def test_people_are_taken_over_while_the_survey_is_paused_by_what_holds_of_them(clock, campaign, person, survey):
    person()
    person("never@example.com", objected_at=timezone.now())
    survey_is_paused(survey)
    row = campaign()

    campaigns.take_over(audience_id=upload(row, "email", "anna@example.com", "never@example.com").pk)

    assert outcomes(row) == {**WAITS, 3: ("skipped", "opted_out")}


def survey_has_ended(survey):
    Survey.objects.filter(pk=survey.pk).update(ends_at=timezone.now())


def survey_is_archived(survey):
    Survey.objects.filter(pk=survey.pk).update(state="archived")


@pytest.mark.parametrize("end", [survey_has_ended, survey_is_archived])
def test_a_survey_that_has_ended_ends_the_mails(started, person, survey, end):
    campaign = started(person())
    end(survey)

    campaigns.send_batch(campaign_id=campaign.pk)

    assert outcomes(campaign) == {"anna@example.com": ("skipped", "inactive")}


def is_being_asked(anna, survey, **times):
    make_invitation(survey=make_survey(product=survey.product, metric="csat"), respondent=anna, **times)


def was_asked_in_vain(anna, survey):
    is_being_asked(anna, survey)


def is_shown_a_question(anna, survey):
    is_being_asked(anna, survey, shown_at=timezone.now() - timedelta(minutes=10))


def saw_a_question_yesterday(anna, survey):
    is_being_asked(anna, survey, shown_at=timezone.now() - timedelta(days=1))


def said_later(anna, survey):
    make_invitation(survey=survey, respondent=anna, snoozed_at=timezone.now())


def enough_people_answered_today(anna, survey):
    Survey.objects.filter(pk=survey.pk).update(daily_cap=1)
    make_response(survey=survey)


PASSING = pytest.mark.parametrize(
    ("happens", "code", "over_after"),
    [
        (was_asked_in_vain, "pending", timedelta(minutes=30)),
        (is_shown_a_question, "pending", timedelta(days=7, minutes=-10)),
        (saw_a_question_yesterday, "shown_recently", timedelta(days=6)),
        (said_later, "snoozed", timedelta(days=7)),
        (enough_people_answered_today, "daily_cap", timedelta(hours=14)),
    ],
)


@PASSING
def test_a_mail_waits_until_what_stands_in_its_way_is_over(clock, started, person, survey, happens, code, over_after):
    campaign = started(anna := person())
    happens(anna, survey)
    over = timezone.now() + over_after

    campaigns.send_batch(campaign_id=campaign.pk)

    assert (outbox.outbox, outcomes(campaign)) == ([], WAITS)
    assert CampaignMail.objects.get().next_attempt_at == over
    clock.move_to(over)
    campaigns.send_batch(campaign_id=campaign.pk)
    assert outcomes(campaign) == SENT


@PASSING
def test_taking_over_owes_a_mail_for_when_it_is_over(clock, campaign, person, survey, happens, code, over_after):
    happens(person(), survey)
    audience = upload(row := campaign(), "email", "anna@example.com")
    tried = campaigns.counts_of(campaigns.dry_run(audience=audience))

    campaigns.take_over(audience_id=audience.pk)

    assert (tried, outcomes(row)) == ({"later": 1}, WAITS)
    assert CampaignMail.objects.get().next_attempt_at == timezone.now() + over_after


@PASSING
def test_nothing_is_waited_for_once_the_campaign_is_old(clock, started, person, survey, happens, code, over_after):
    campaign = started(anna := person())
    clock.shift(LIFETIME - timedelta(minutes=20))
    happens(anna, survey)

    campaigns.send_batch(campaign_id=campaign.pk)

    assert outcomes(campaign) == {"anna@example.com": ("skipped", code)}


def test_what_lasts_for_longer_than_a_week_is_not_waited_for(clock, started, campaign, person, survey):
    Survey.objects.filter(pk=survey.pk).update(snooze_days=8)
    said_later(anna := person(), survey)
    running, draft = started(anna), campaign()

    campaigns.send_batch(campaign_id=running.pk)
    campaigns.take_over(audience_id=upload(draft, "email", "anna@example.com").pk)

    assert outcomes(running) == outcomes(draft) == {"anna@example.com": ("skipped", "snoozed")}


def test_a_reminder_waits_as_well(clock, started, person, survey):
    survey.allows_reminder = True
    survey.save()
    campaign = started(anna := person(), reminder_after_days=7)
    campaigns.send_batch(campaign_id=campaign.pk)
    clock.shift(timedelta(days=31))  # the shortest rest between two mails
    enough_people_answered_today(anna, survey)

    campaigns.send_batch(campaign_id=campaign.pk)
    assert outcomes(campaign, "reminder") == WAITS
    clock.shift(timedelta(days=1))
    campaigns.send_batch(campaign_id=campaign.pk)

    assert outcomes(campaign, "reminder") == SENT
