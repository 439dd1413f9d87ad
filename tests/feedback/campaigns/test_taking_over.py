from __future__ import annotations

import io
from datetime import date, timedelta

import openpyxl
import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import DataError, OperationalError
from django.utils import timezone

from feedback import campaigns
from feedback.models import CampaignAudience, CampaignMail, ChannelPermission, Invitation, Respondent, Segment
from feedback.tasks import run_campaigns
from feedback.unsubscribing import stop_mail
from privacy.models import Suppression
from privacy.suppression import suppress
from tests.factories import make_permission
from tests.feedback.campaigns.conftest import outcomes, upload
from tests.feedback.conftest import contents

pytestmark = pytest.mark.django_db
STATED = {"basis": "consent", "evidence": "form 7", "given_on": date(2026, 1, 31)}


def test_people_of_a_file_get_their_permission_and_a_mail(campaign):
    row = campaign()
    audience = upload(
        row,
        "E-mail;Name;Company;Country;Language;Customer since;Time zone;property.plan",
        "Anna@Example.com;Anna Kowalska;Acme;pl;pl;2024-05-01;Europe/Paris;gold",
        **STATED,
    )

    campaigns.take_over(audience_id=audience.pk)

    anna = Respondent.objects.get()
    assert (anna.subject_key, anna.email, anna.name) == ("mail:anna@example.com", "anna@example.com", "Anna Kowalska")
    assert (anna.company, anna.country, anna.language) == ("Acme", "PL", "pl")
    assert anna.properties == {"plan": "gold", "time_zone": "Europe/Paris"}
    assert anna.customer_since.date() == date(2024, 5, 1)
    permission = ChannelPermission.objects.get()
    assert (permission.respondent, permission.basis, permission.evidence, permission.given_on) == (
        anna,
        *STATED.values(),
    )
    assert outcomes(row) == {"anna@example.com": ("queued", "")}
    audience.refresh_from_db()
    assert (audience.state, bytes(audience.content)) == ("done", b"")


def test_who_gets_no_mail_is_listed_with_the_reason_and_strangers_are_not_stored(campaign, person, product):
    person("known@example.com", permitted=False)
    person("gone@example.com", mail_bounced_at=timezone.now())
    person("annoyed@example.com", objected_at=timezone.now())
    suppress(product=product, subject_keys=["mail:hidden@example.com"], reason=Suppression.Reason.OBJECTED)
    row = campaign()
    lines = ["known@example.com", "gone@example.com", "annoyed@example.com", "hidden@example.com"]
    audience = upload(row, "email", *lines, "stranger@example.com", "nobody at all", "unknown")

    campaigns.take_over(audience_id=audience.pk)

    assert outcomes(row) == {
        "known@example.com": ("skipped", "no_permission"),
        "gone@example.com": ("skipped", "bounced"),
        4: ("skipped", "opted_out"),
        5: ("skipped", "suppressed"),
        6: ("skipped", "no_permission"),
        7: ("skipped", "invalid_email"),
        8: ("skipped", "no_address"),
    }
    assert Respondent.including_restricted.count() == 3


def test_a_permission_that_was_withdrawn_does_not_come_back_with_a_list(campaign, person):
    anna = person(permitted=False)
    make_permission(respondent=anna, withdrawn_at=timezone.now())
    row = campaign()

    campaigns.take_over(audience_id=upload(row, "email", "anna@example.com", **STATED).pk)

    assert outcomes(row) == {"anna@example.com": ("skipped", "no_permission")}
    assert not ChannelPermission.objects.filter(withdrawn_at__isnull=True).exists()


def test_who_unsubscribed_does_not_come_back_with_a_list(campaign, person):
    anna = person(permitted=False)
    stop_mail(respondent=anna, at=timezone.now() - timedelta(days=400))
    row = campaign()

    campaigns.take_over(audience_id=upload(row, "email", "anna@example.com", **STATED).pk)

    assert outcomes(row) == {"anna@example.com": ("skipped", "no_permission")}
    assert not ChannelPermission.objects.exists()


def test_who_asked_not_to_be_contacted_does_not_come_back_with_a_list(campaign, person):
    person("anna@example.com", permitted=False, do_not_contact=True)
    row = campaign()

    campaigns.take_over(audience_id=upload(row, "email", "anna@example.com", **STATED).pk)

    assert outcomes(row) == {"anna@example.com": ("skipped", "no_permission")}
    assert not ChannelPermission.objects.exists()


def test_who_is_listed_by_id_is_bound_by_the_wishes_of_their_mailbox(campaign, person):
    person(subject_key="id:7", external_id="7", permitted=False)
    person(permitted=False, unsubscribed_at=timezone.now())
    row = campaign()
    audience = upload(row, "id", "7", **STATED)

    campaigns.take_over(audience_id=audience.pk)

    assert outcomes(row) == {"anna@example.com": ("skipped", "no_permission")}


def test_a_later_list_may_say_what_the_first_one_left_out(campaign, person):
    person(permitted=False)
    row = campaign()
    campaigns.take_over(audience_id=upload(row, "email", "anna@example.com").pk)
    assert outcomes(row) == {"anna@example.com": ("skipped", "no_permission")}

    campaigns.take_over(audience_id=upload(row, "email", "anna@example.com", **STATED).pk)

    assert outcomes(row) == {"anna@example.com": ("queued", "")}
    assert CampaignMail.objects.count() == 1


def test_a_person_and_a_mailbox_get_one_mail_however_often_they_are_listed(campaign, person):
    person("shared@example.com", subject_key="id:1", external_id="1")
    person("shared@example.com", subject_key="id:2", external_id="2")
    row = campaign()
    audience = upload(row, "id,email", "1,shared@example.com", "1,shared@example.com", "2,shared@example.com", **STATED)

    campaigns.take_over(audience_id=audience.pk)
    campaigns.take_over(audience_id=upload(row, "email", "SHARED@example.com").pk)

    mails = list(CampaignMail.objects.order_by("pk").values_list("state", "code"))
    assert mails == [
        ("queued", ""),
        ("skipped", "already_queued"),
        ("skipped", "same_mailbox"),
        ("skipped", "already_queued"),
    ]


def test_who_is_listed_by_address_is_recognised_by_it(campaign, person):
    anna = person(subject_key="id:4711", external_id="4711")
    row = campaign()

    campaigns.take_over(audience_id=upload(row, "email", "anna@example.com").pk)

    assert CampaignMail.objects.get().respondent == anna


def test_a_new_address_replaces_one_that_came_back(campaign, person):
    anna = person("old@example.com", subject_key="id:1", external_id="1", mail_bounced_at=timezone.now())
    row = campaign()

    campaigns.take_over(audience_id=upload(row, "id,email", "1,new@example.com").pk)

    anna.refresh_from_db()
    assert (anna.email, anna.mail_bounced_at) == ("new@example.com", None)
    assert outcomes(row) == {"new@example.com": ("queued", "")}


def test_a_workbook_does_as_well(campaign):
    workbook = openpyxl.Workbook()
    workbook.active.append(["Adres e-mail", "Klient od"])
    workbook.active.append(["anna@example.com", date(2024, 5, 1)])
    file = io.BytesIO()
    workbook.save(file)
    row = campaign()

    audience = campaigns.add_audience(
        campaign=row,
        file_name="people.xlsx",
        content=file.getvalue(),
        permission=campaigns.StatedPermission(**STATED),
    )
    campaigns.take_over(audience_id=audience.pk)

    assert outcomes(row) == {"anna@example.com": ("queued", "")}


def test_people_of_a_segment_are_those_of_whom_everything_holds(campaign, person, product):
    person("pl@example.com", country="PL", properties={"plan": "Gold"}, subject_key="id:1")
    person("de@example.com", country="DE", properties={"plan": "gold"}, subject_key="id:2")
    person("free@example.com", country="PL", properties={"plan": "free"}, subject_key="id:3")
    segment = Segment.objects.create(
        product=product, name="Gold", countries=["pl"], property_name="plan", property_values=["gold", "silver"]
    )
    row = campaign()

    campaigns.take_over(audience_id=campaigns.add_audience(campaign=row, segment=segment).pk)

    assert outcomes(row) == {"pl@example.com": ("queued", "")}


def test_an_audience_is_taken_over_from_where_a_worker_was_stopped(campaign, monkeypatch):
    monkeypatch.setattr("feedback.campaigns.taking_over.PART", 2)
    row = campaign()
    audience = upload(row, "email", *(f"{number}@example.com" for number in range(5)), **STATED)
    stopped = iter([None, None, RuntimeError("killed")])
    real = campaigns.taking_over._take_part

    def take(audience, part):
        if (error := next(stopped, None)) is not None:
            raise error
        return real(audience, part)

    with monkeypatch.context() as patch:
        patch.setattr("feedback.campaigns.taking_over._take_part", take)
        with pytest.raises(RuntimeError):
            campaigns.take_over(audience_id=audience.pk)
    assert len(outcomes(row)) == 4

    campaigns.take_over(audience_id=audience.pk)
    campaigns.take_over(audience_id=audience.pk)

    assert [state for state, _code in outcomes(row).values()] == ["queued"] * 5


def test_a_dry_run_says_who_and_why_not_and_stores_nothing(campaign, person):
    person("bounced@example.com", mail_bounced_at=timezone.now())
    lines = ["new@example.com", "bounced@example.com", "NEW@example.com", "x"]
    audience = upload(campaign(), "email", *lines, **STATED)
    before = contents()

    judged = list(campaigns.dry_run(audience=audience))

    assert [(each.entry.line, each.code) for each in judged] == [
        (2, "eligible"),
        (3, "bounced"),
        (4, "same_mailbox"),
        (5, "invalid_email"),
    ]
    assert campaigns.counts_of(judged)["eligible"] == 1
    assert contents() == before
    assert not Invitation.objects.exists()


def test_a_dry_run_says_what_taking_over_then_does(campaign, person):
    person("b@example.com", permitted=False)
    audience = upload(campaign(), "email", "a@example.com", "b@example.com")

    tried = campaigns.counts_of(campaigns.dry_run(audience=audience))
    campaigns.take_over(audience_id=audience.pk)

    assert tried == {"no_permission": 2}
    assert [code for _state, code in outcomes(audience.campaign).values()] == ["no_permission"] * 2


@pytest.mark.parametrize("part", [1, 500])
def test_a_mailbox_gets_its_mail_though_somebody_else_there_gets_none(campaign, person, monkeypatch, part):
    monkeypatch.setattr("feedback.campaigns.taking_over.PART", part)
    person("shared@example.com", subject_key="id:1", external_id="1", permitted=False)
    person("shared@example.com", subject_key="id:2", external_id="2")
    person("shared@example.com", subject_key="id:3", external_id="3")
    audience = upload(campaign(), "id", "1", "2", "3")

    tried = [each.code for each in campaigns.dry_run(audience=audience)]
    campaigns.take_over(audience_id=audience.pk)

    assert tried == ["no_permission", "eligible", "same_mailbox"]
    mails = CampaignMail.objects.order_by("pk").values_list("state", "code")
    assert list(mails) == [("skipped", "no_permission"), ("queued", ""), ("skipped", "same_mailbox")]


def test_people_are_judged_as_of_the_planned_beginning(campaign, survey, person):
    survey.first_survey_delay_days = 31
    survey.save()
    person("new@example.com", customer_since=timezone.now() - timedelta(days=25))
    soon, later = (campaign(starts_at=timezone.now() + timedelta(days=days)) for days in (1, 10))

    for row in (soon, later):
        campaigns.take_over(audience_id=upload(row, "email", "new@example.com").pk)

    assert outcomes(soon) == {"new@example.com": ("skipped", "too_new")}
    assert outcomes(later) == {"new@example.com": ("queued", "")}


@pytest.mark.parametrize(
    ("lines", "permission", "code"),
    [
        (["name", "Anna"], {}, "no_identifier"),
        (["email"], {}, "no_rows"),
        (["email,email", "a@example.com,b@example.com"], {}, "duplicate_headers"),
        (["email", "a@example.com"], {**STATED, "given_on": date(2999, 1, 1)}, "in_the_future"),
        (["email", "a@example.com"], {**STATED, "evidence": " "}, "no_evidence"),
    ],
)
def test_what_cannot_be_used_is_refused(campaign, lines, permission, code):
    with pytest.raises(ValidationError) as caught:
        upload(campaign(), *lines, **permission)

    assert caught.value.code == code
    assert not CampaignAudience.objects.exists()


def test_a_file_that_nobody_came_back_for_is_removed_after_30_days(campaign):
    audience = upload(campaign(), "email", "anna@example.com")
    late = timezone.now() + timedelta(days=30)

    with time_machine.travel(late - timedelta(minutes=1)):
        run_campaigns()
    audience.refresh_from_db()
    assert (audience.state, bool(audience.content)) == ("waiting", True)
    with time_machine.travel(late + timedelta(minutes=1)):
        run_campaigns()
    audience.refresh_from_db()
    assert (audience.state, bytes(audience.content)) == ("failed", b"")
    assert audience.failure


def test_what_a_file_was_called_is_forgotten_after_30_days_whether_or_not_it_was_taken_over(campaign):
    taken_over, cancelled = campaign(), campaign()
    campaigns.take_over(audience_id=upload(taken_over, "email", "anna@example.com", **STATED).pk)
    upload(cancelled, "email", "anna@example.com")
    campaigns.cancel(campaign=cancelled)
    names = CampaignAudience.objects.order_by("pk").values_list("file_name", flat=True)

    with time_machine.travel(timezone.now() + timedelta(days=29)):
        run_campaigns()
    assert list(names.all()) == ["people.csv", "people.csv"]
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        run_campaigns()

    assert list(names.all()) == ["", ""]
    assert list(CampaignAudience.objects.order_by("pk").values_list("state", flat=True)) == ["done", "failed"]


@pytest.mark.parametrize(
    "moment",
    ["0001-01-01T00:00:00+01:24", "9999-12-31T23:59:59-02:00", "0001-01-01", "1899-12-31", "2101-01-01", "2026-02-30"],
)
def test_a_date_at_the_end_of_the_calendar_is_the_problem_of_its_row_alone(campaign, moment):
    row = campaign()
    audience = upload(row, "email,customer since", f"a@example.com,{moment}", "b@example.com,1900-01-01", **STATED)

    campaigns.take_over(audience_id=audience.pk)

    assert outcomes(row) == {2: ("skipped", "invalid_date"), "b@example.com": ("queued", "")}


@pytest.mark.parametrize("error", [DataError, OverflowError, KeyError])
def test_an_audience_that_breaks_its_worker_is_closed_and_says_where(campaign, monkeypatch, error):
    monkeypatch.setattr("feedback.campaigns.taking_over.PART", 2)
    row = campaign()
    audience = upload(row, "email", *(f"{number}@example.com" for number in range(5)), **STATED)

    def describe(campaign, judged, *, at):
        if any(each.address == "3@example.com" for each in judged):
            raise error
        return real(campaign, judged, at=at)

    real = campaigns.taking_over._store_people
    monkeypatch.setattr("feedback.campaigns.taking_over._store_people", describe)
    with pytest.raises(error):
        campaigns.take_over(audience_id=audience.pk)

    audience.refresh_from_db()
    assert (audience.state, bytes(audience.content)) == ("failed", b"")
    assert "after number 2" in audience.failure
    assert outcomes(row) == {"0@example.com": ("queued", ""), "1@example.com": ("queued", "")}


def test_a_database_that_is_away_for_a_moment_closes_nothing(campaign, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError

    audience = upload(campaign(), "email", "a@example.com", **STATED)
    monkeypatch.setattr("feedback.campaigns.taking_over._store_people", away)
    with pytest.raises(OperationalError):
        campaigns.take_over(audience_id=audience.pk)

    audience.refresh_from_db()
    assert (audience.state, bool(audience.content)) == ("waiting", True)


def test_a_cancelled_campaign_takes_nobody_over(campaign):
    row = campaign()
    audience = upload(row, "email", "a@example.com", **STATED)
    campaigns.cancel(campaign=row)

    campaigns.take_over(audience_id=audience.pk)

    audience.refresh_from_db()
    assert (audience.state, bytes(audience.content), outcomes(row)) == ("failed", b"", {})
