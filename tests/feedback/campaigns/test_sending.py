from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

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
from django.core.exceptions import ValidationError
from django.utils import timezone

from feedback import campaigns
from feedback.campaigns.claiming import LEASE
from feedback.campaigns.sending import ClaimLost, Sender, _leave
from feedback.intake import Submission, submit
from feedback.models import (
    Campaign,
    CampaignMail,
    CampaignWording,
    ChannelPermission,
    Invitation,
    Respondent,
    Response,
    Suspicion,
)
from feedback.scanners import Sender as Browser
from feedback.tasks import run_campaigns
from feedback.unsubscribing import stop_mail
from privacy.encryption import token_digest
from privacy.models import Suppression
from privacy.suppression import suppress
from tests.factories import make_invitation, make_response, make_survey
from tests.feedback.campaigns.conftest import outcomes, owe
from tests.mail_server import Mailbox, RefusingMailbox, SilentMailbox

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


def test_no_more_mails_go_out_in_a_minute_than_the_pace_allows(started, person):
    with time_machine.travel("2026-03-02 09:00:00+00:00", tick=False) as clock:
        campaign = started(*(person(f"{number}@example.com") for number in range(7)), pace=3)
        sent = [campaigns.send_batch(campaign_id=campaign.pk) for _ in range(3)]
        clock.shift(61)
        sent.append(campaigns.send_batch(campaign_id=campaign.pk, most=2))
        sent.append(campaigns.send_batch(campaign_id=campaign.pk))

    assert sent == [3, 0, 0, 2, 1]


@pytest.mark.parametrize("jitter", [0.001, 4.5])
def test_the_pace_holds_however_early_or_late_the_schedule_is(started, person, jitter):
    with time_machine.travel("2026-03-02 09:00:00+00:00", tick=False) as clock:
        campaign = started(*(person(f"{number}@example.com") for number in range(20)), pace=2)
        sent = []
        for minute in range(8):
            clock.move_to(datetime(2026, 3, 2, 9, minute, 30, tzinfo=UTC) + timedelta(seconds=jitter * (-1) ** minute))
            sent.append(campaigns.send_batch(campaign_id=campaign.pk))

    assert sent == [2] * 8


def test_the_pace_holds_over_minutes_however_often_somebody_asks(started, person):
    with time_machine.travel("2026-03-02 09:00:00+00:00", tick=False) as clock:
        campaign = started(*(person(f"{number}@example.com") for number in range(30)), pace=2)
        for _second in range(10 * 60):
            campaigns.claim(campaign_id=campaign.pk)
            clock.shift(1)

    assert CampaignMail.objects.filter(claimed_at__isnull=False).count() in {20, 21, 22}


@pytest.mark.parametrize(
    ("about", "now", "expected"),
    [
        ({"country": "US"}, "2026-03-02 09:00+00:00", "2026-03-02 13:00+00:00"),  # 8 in New York
        ({"country": "PL"}, "2026-03-02 12:00+00:00", "2026-03-03 07:00+00:00"),  # the next morning in Warsaw
        ({"country": "US", "properties": {"time_zone": "Asia/Tokyo"}}, "2026-03-02 09:00+00:00", "2026-03-02 23:00Z"),
        ({"country": "", "properties": {"time_zone": "Mars/Base"}}, "2026-03-02 01:00+00:00", "2026-03-02 07:00Z"),
    ],
)
def test_a_mail_waits_for_the_morning_where_the_person_is(started, person, about, now, expected):
    with time_machine.travel(now, tick=False):
        campaign = started(person(**about), window_from=8, window_until=11)
        campaigns.send_batch(campaign_id=campaign.pk)

    assert outbox.outbox == []
    mail = CampaignMail.objects.get()
    assert (mail.state, mail.next_attempt_at) == ("queued", datetime.fromisoformat(expected).astimezone(UTC))
    assert mail.claimed_at is None


def test_within_the_window_the_mail_goes(started, person):
    with time_machine.travel("2026-03-02 07:30+00:00", tick=False):
        campaign = started(person(country="PL"), window_from=8, window_until=11)
        campaigns.send_batch(campaign_id=campaign.pk)

    assert outcomes(campaign) == {"anna@example.com": ("sent", "")}


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


def test_what_was_being_sent_when_the_campaign_was_cancelled_waits_no_longer(started, person):
    campaign = started(person())
    campaigns.claim(campaign_id=campaign.pk)
    campaigns.cancel(campaign=campaign)
    campaigns.recover(now=timezone.now() + LEASE)

    campaigns.advance_campaigns(now=timezone.now())

    assert outcomes(campaign) == {"anna@example.com": ("skipped", "cancelled")}


# --- Reminders --------------------------------------------------------------------------------------------------------


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


def test_a_mail_that_turns_out_to_be_sent_was_sent_when_it_was_handed_over(unknown):
    with time_machine.travel(timezone.now() + timedelta(days=3)):
        campaigns.settle_unknown_by_staff(mail=unknown, was_sent=True)

    assert CampaignMail.objects.get().sent_at == Invitation.objects.get().sent_at == unknown.handed_over_at


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
