from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core import mail as outbox
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from feedback import campaigns
from feedback.campaigns.claiming import LEASE
from feedback.campaigns.sending import Sender, _leave
from feedback.models import Campaign, CampaignAudience, CampaignMail, CampaignWording, Invitation, Respondent
from privacy.admin.histories import translate
from tests.factories import make_invitation, make_staff
from tests.feedback.campaigns.conftest import outcomes, upload

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["reviewer", "administrator"])
def staff(request, client, product):
    """A browser in which somebody who may run campaigns is logged in."""
    client.force_login(make_staff(request.param, product=product))
    return client


def page(campaign, name="change", *args):
    return reverse(f"admin:feedback_campaign_{name}", args=[campaign.pk, *args])


def file_of(*lines):
    return SimpleUploadedFile("people.csv", "\n".join(lines).encode())


def text_of(answer):
    return " ".join(answer.content.decode().split())


def test_a_campaign_is_written_filled_tried_and_started(staff, survey, product, django_capture_on_commit_callbacks):
    fields = {"product": product.pk, "survey": survey.pk, "name": "Spring", "pace": 6000}
    hours = {"window_from": 0, "window_until": 24}
    assert staff.post(reverse("admin:feedback_campaign_add"), {**fields, **hours}).status_code == 302
    campaign = Campaign.objects.get()
    assert campaign.wordings.count() == 2

    lines = ("email", "anna@example.com", "nobody")
    permission = {"basis": "consent", "evidence": "form 7", "given_on": "2026-01-31"}
    answer = staff.post(page(campaign, "audience"), {"file": file_of(*lines), **permission}, follow=True)
    assert "This person may be asked now." in text_of(answer)
    assert "invalid_email" in text_of(answer)
    assert "anna@example.com" not in answer.content.decode()
    assert not Respondent.objects.exists()

    with django_capture_on_commit_callbacks(execute=True):
        assert staff.get(page(campaign, "step", "start")).status_code == 200
        answer = staff.post(page(campaign, "step", "start"), follow=True)

    campaign.refresh_from_db()
    assert campaign.state == "running"
    assert outcomes(campaign)["anna@example.com"] == ("queued", "")
    with django_capture_on_commit_callbacks(execute=True):
        staff.post(page(campaign, "step", "pause"))
        staff.post(page(campaign, "step", "resume"))
    assert outcomes(campaign)["anna@example.com"] == ("sent", "")
    shown = text_of(staff.get(page(campaign)))
    assert 'value="100"' in shown
    assert "Sent without those that came back, as a share of sent." in shown
    assert staff.post(page(campaign, "step", "cancel"), follow=True).status_code == 200


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({}, "Choose a segment or a file."),
        ({"file": ("email", "a@example.com"), "basis": "consent"}, "A permission needs its basis"),
        ({"file": ("name", "Anna")}, "The file needs a column"),
    ],
)
def test_an_audience_that_cannot_be_used_is_refused(staff, campaign, said, problem):
    row = campaign()
    said = {name: file_of(*value) if name == "file" else value for name, value in said.items()}

    assert problem in text_of(staff.post(page(row, "audience"), said))
    assert not row.audiences.exists()


def test_wording_with_code_in_it_is_refused(staff, campaign):
    row = campaign()
    first, second = row.wordings.all()
    form = {"name": "Spring", "pace": 60, "window_from": 8, "window_until": 11}
    management = {"wordings-TOTAL_FORMS": 2, "wordings-INITIAL_FORMS": 2}
    lines = {
        f"wordings-{number}-{name}": value
        for number, wording in enumerate((first, second))
        for name, value in {
            **{"id": wording.pk, "campaign": row.pk, "language": wording.language},
            **{"subject": "{{ 7|add:7 }}", "intro": "Hello"},
        }.items()
    }

    answer = staff.post(page(row), {**form, **management, **lines})

    assert "Curly brackets are only for what will be replaced" in text_of(answer)
    assert not CampaignWording.objects.filter(subject__contains="add").exists()


def test_the_preview_shows_the_mail_in_each_language_in_a_frame(staff, campaign):
    row = campaign()

    answer = staff.get(page(row, "preview", "pl"))
    frame = staff.get(page(row, "frame", "pl"))

    assert "Dzień dobry Anna Nowak" in text_of(answer)
    assert "sandbox" in text_of(answer)
    assert "Na ile prawdopodobne" in frame.content.decode()
    assert frame["X-Frame-Options"] == "SAMEORIGIN"
    assert staff.get(page(row, "preview", "xx")).status_code == 404


def test_looking_at_the_preview_loads_no_picture_that_counts(staff, campaign, product):
    product.tracks_opens = True
    product.save()

    assert "<img" not in staff.get(page(campaign(), "frame", "pl")).content.decode()


def test_a_dry_run_answers_for_everybody_in_a_file_without_names(staff, campaign, person):
    person("known@example.com", external_id="7", subject_key="id:7", objected_at="2026-01-01T00:00:00Z")
    row = campaign()
    strangers = [f"stranger-{number}@example.com" for number in range(210)]
    audience = upload(
        *(row, "email", "known@example.com", *strangers),
        **{"basis": "consent", "evidence": "form 7", "given_on": date(2026, 1, 31)},
    )
    address = page(row, "dry_run", audience.pk)

    shown, file = staff.get(address), staff.get(f"{address}?csv").getvalue().decode("utf-8-sig")

    assert "These are the first of them." in text_of(shown)
    lines = list(csv.reader(io.StringIO(file)))
    assert len(lines) == 212
    assert lines[1][:3] == ["2", str(Respondent.objects.get().pk), "no"]
    assert lines[1][4] == "opted_out"
    assert lines[211][::2] == ["212", "yes", "eligible"]
    assert "@" not in file


@pytest.mark.parametrize(("people", "is_cut"), [(4, False), (5, True)])
def test_the_page_of_a_dry_run_says_of_how_many_it_tells_and_its_file_tells_of_all(
    staff, campaign, monkeypatch, people, is_cut
):
    monkeypatch.setattr("feedback.campaigns.MOST_TRIED", 4)
    row = campaign()
    audience = upload(row, "email", *(f"{number}@example.com" for number in range(people)))
    address = page(row, "dry_run", audience.pk)

    shown, file = staff.get(address), staff.get(f"{address}?csv").getvalue().decode("utf-8-sig")

    assert ("This page tells of the first 4 entries only" in text_of(shown)) is is_cut
    assert "<strong>4</strong> This person did not permit" in text_of(shown)
    assert len(file.splitlines()) == 1 + people


def test_the_file_of_a_dry_run_is_made_while_it_is_sent(
    staff, campaign, person, survey, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr("feedback.campaigns.taking_over.PART", 50)
    monkeypatch.setattr("feedback.exports.PART", 1)
    make_invitation(survey=survey, respondent=person("0@example.com"), snoozed_at=timezone.now())
    row = campaign()
    audience = upload(row, "email", *(f"{number}@example.com" for number in range(200)))

    lines = iter(staff.get(page(row, "dry_run", audience.pk) + "?csv").streaming_content)

    _headers, first = csv.reader(next(lines).decode().splitlines())
    assert (first[2], first[4]) == ("yes", "later")
    for _line in range(49):
        next(lines)
    with django_assert_num_queries(1 + 50):
        for _line in range(50):
            next(lines)


def test_mails_are_listed_without_saying_whose_they_are(staff, started, person):
    campaign = started(person(name="Anna Kowalska"), person("b@example.com", permitted=False))
    campaigns.send_batch(campaign_id=campaign.pk)

    shown = staff.get(page(campaign, "mails")).content.decode()
    filtered = text_of(staff.get(page(campaign, "mails") + "?state=skipped"))

    assert "example.com" not in shown
    assert "Kowalska" not in shown
    assert "no_permission" in filtered
    assert filtered.count("known person") == 1


def test_a_wrong_audience_is_taken_off_a_draft_after_a_question(staff, campaign):
    row = campaign()
    wrong, right = upload(row, "email", "a@example.com"), upload(row, "email", "b@example.com")
    assert page(row, "remove", wrong.pk) in text_of(staff.get(page(row)))
    assert "Remove the audience: people.csv" in text_of(staff.get(page(row, "remove", wrong.pk)))
    assert CampaignAudience.objects.count() == 2

    answer = staff.post(page(row, "remove", wrong.pk), follow=True)

    assert CampaignAudience.objects.get() == right
    assert "The audience was removed." in text_of(answer)
    assert history() == ["The audience was removed."]


@pytest.mark.parametrize(
    ("begun", "taken"), [({"state": "cancelled"}, {}), ({"state": "paused"}, {}), ({}, {"state": "done"})]
)
def test_an_audience_that_was_taken_over_or_of_a_campaign_that_began_stays(staff, campaign, begun, taken):
    row = campaign()
    audience = upload(row, "email", "a@example.com")
    CampaignAudience.objects.update(**taken)
    Campaign.objects.update(**begun, **({"version": row.survey.current_version} if begun else {}))

    assert page(row, "remove", audience.pk) not in text_of(staff.get(page(row)))
    answer = staff.post(page(row, "remove", audience.pk), follow=True)

    assert CampaignAudience.objects.get() == audience
    assert "This is not possible now" in text_of(answer)


@pytest.fixture
def unknown(started, person):
    """A campaign of two mails of which nobody knows whether they were sent."""
    campaign = started(person("a@example.com"), person("b@example.com"))
    sender = Sender(campaign)
    for mail in campaigns.claim(campaign_id=campaign.pk):
        sender._prepare(mail)
        _leave(mail)
    campaigns.recover(now=timezone.now() + LEASE)
    return campaign


def numbers():
    return list(CampaignMail.objects.order_by("pk").values_list("pk", flat=True))


def history():
    entries = list(LogEntry.objects.order_by("pk"))
    translate(entries)
    return [entry.change_message for entry in entries]


def test_a_mail_of_which_nobody_knows_is_shown_and_settled(staff, unknown):
    assert "Of 2 mails nobody knows" in text_of(staff.get(page(unknown)))
    assert "It was sent" in text_of(staff.get(page(unknown, "mails") + "?state=unknown"))

    answer = staff.post(page(unknown, "settle", numbers()[0]), {"sent": ""}, follow=True)

    assert outcomes(unknown) == {"a@example.com": ("sent", ""), "b@example.com": ("unknown", "unknown_outcome")}
    assert "Settled as sent: 1." in text_of(answer)
    assert history() == ["Settled as sent: 1."]


def test_whoever_was_at_the_link_is_settled_as_sent_and_counted_so(staff, unknown):
    Invitation.objects.filter(campaign_mails=numbers()[0]).update(opened_at=timezone.now())

    staff.post(page(unknown, "settle_shown"), {"mail": numbers(), "again": ""})

    assert set(history()) == {"Settled as sent: 1.", "Settled as not sent: 1."}


def test_a_mail_that_was_not_sent_goes_out_at_once(staff, unknown, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        staff.post(page(unknown, "settle", numbers()[0]), {"again": ""})

    assert [message.to for message in outbox.outbox] == [["a@example.com"]]
    assert history() == ["Settled as not sent: 1."]


def test_what_somebody_else_settled_meanwhile_is_said_not_to_be_possible(staff, unknown):
    CampaignMail.objects.update(state="sent", sent_at=timezone.now())

    answer = staff.post(page(unknown, "settle", numbers()[0]), {"again": ""}, follow=True)

    assert "This is not possible now" in text_of(answer)
    assert history() == []


@pytest.mark.parametrize(("button", "state"), [("sent", "sent"), ("again", "queued")])
def test_all_mails_that_are_shown_are_settled_after_a_question(staff, unknown, button, state):
    assert page(unknown, "settle_shown") in text_of(staff.get(page(unknown, "mails") + "?state=unknown"))
    asked = text_of(staff.get(page(unknown, "settle_shown")))
    assert "Nobody knows of 2 mails whether they were sent." in asked
    assert all(f'name="mail" value="{number}"' in asked for number in numbers())

    answer = staff.post(page(unknown, "settle_shown"), {"mail": numbers(), button: ""}, follow=True)

    assert set(CampaignMail.objects.values_list("state", flat=True)) == {state}
    words = "sent" if button == "sent" else "not sent"
    assert f"Settled as {words}: 2." in text_of(answer)
    assert history() == [f"Settled as {words}: 2."]


def test_mails_that_were_not_shown_and_those_of_other_campaigns_are_not_settled(staff, unknown, campaign):
    first, second = numbers()

    staff.post(page(unknown, "settle_shown"), {"mail": [first, "x", "9" * 30], "sent": ""})
    staff.post(page(campaign(), "settle_shown"), {"mail": [second], "sent": ""})

    assert outcomes(unknown) == {"a@example.com": ("sent", ""), "b@example.com": ("unknown", "unknown_outcome")}


def test_a_campaign_on_its_way_keeps_what_it_says(staff, started, person):
    campaign = started(person())

    staff.post(page(campaign), {"name": "Other", "pace": 7, "window_from": 9, "window_until": 10})

    campaign.refresh_from_db()
    assert (campaign.name, campaign.pace, campaign.window_from) == ("Spring", 7, 9)


def test_saving_the_pace_takes_back_nothing_that_happened_meanwhile(staff, started, person, monkeypatch):
    campaign, check = started(person()), Campaign.clean

    def pause_and_check(self):
        Campaign.objects.update(state="paused")
        check(self)

    monkeypatch.setattr(Campaign, "clean", pause_and_check)

    assert staff.post(page(campaign), {"pace": 60, "window_from": 0, "window_until": 24}).status_code == 302

    campaign.refresh_from_db()
    assert (campaign.state, campaign.pace) == ("paused", 60)


def test_a_step_that_is_not_possible_says_so(staff, campaign):
    row = campaign()

    answer = staff.post(page(row, "step", "start"), follow=True)

    assert "Choose an audience first." in text_of(answer)
    assert "This is not possible now" in text_of(staff.get(page(row, "step", "resume")))


def test_how_far_it_is_can_be_asked_for_alone(staff, started, person):
    campaign = started(person(), person("b@example.com"))
    campaigns.send_batch(campaign_id=campaign.pk, most=1)
    CampaignMail.objects.create(
        campaign=campaign,
        respondent=Respondent.objects.first(),
        kind="reminder",
        state="queued",
        next_attempt_at=timezone.now(),
    )

    shown = text_of(staff.get(page(campaign, "progress")))

    assert shown.startswith('<div class="mb-6" data-state="running" data-moves>')
    assert 'value="50"' in shown
    assert ("1 of 2 people</p>" in shown, "1 reminder waiting" in shown) == (True, True)


def test_a_campaign_that_nobody_was_taken_over_for_yet_shows_that_it_moves(staff, campaign):
    row = campaign()
    upload(row, "email", "a@example.com")
    campaigns.start(campaign=row)

    shown = text_of(staff.get(page(row)))

    assert "data-moves" in shown
    assert "0 of 0 people – more are being taken over from the audience" in shown


@pytest.mark.parametrize("role", ["analyst", "agent", "privacy_officer"])
def test_others_do_not_see_campaigns(client, product, campaign, role):
    row = campaign()
    client.force_login(make_staff(role, product=product))

    for name, args in (("change", ()), ("mails", ()), ("preview", ("en",)), ("audience", ()), ("progress", ())):
        assert client.get(page(row, name, *args)).status_code in {403, 404}


def test_the_data_protection_officer_reads_and_changes_nothing(client, product, campaign):
    row = campaign()
    audience = upload(row, "email", "a@example.com")
    client.force_login(make_staff("data_protection_officer", product=product))

    assert client.get(page(row)).status_code == 200
    assert client.get(page(row, "mails")).status_code == 200
    for name, args in (("step", ("start",)), ("audience", ()), ("dry_run", (audience.pk,)), ("remove", (audience.pk,))):
        assert client.post(page(row, name, *args)).status_code == 403


def test_times_of_a_campaign_are_typed_and_shown_by_the_clock_of_its_product(staff, survey, product):
    product.time_zone = "America/New_York"
    product.save()
    fields = {"product": product.pk, "survey": survey.pk, "name": "Spring", "pace": 60}
    when = {"starts_at_0": "2030-01-15", "starts_at_1": "08:00", "window_from": 8, "window_until": 9}

    staff.post(reverse("admin:feedback_campaign_add"), {**fields, **when})
    campaign = Campaign.objects.get()

    assert campaign.starts_at == datetime(2030, 1, 15, 13, tzinfo=UTC)
    assert 'value="08:00:00"' in text_of(staff.get(page(campaign)))
    moved = {**fields, **when, "starts_at_1": "09:30", "wordings-TOTAL_FORMS": 0, "wordings-INITIAL_FORMS": 0}
    assert staff.post(page(campaign), moved).status_code == 302
    campaign.refresh_from_db()
    assert campaign.starts_at == datetime(2030, 1, 15, 14, 30, tzinfo=UTC)


def test_a_wider_window_holds_for_mails_that_wait_already(staff, started, person):
    campaign = started(person("anna@example.com"), person("jan@example.com"), window_from=8, window_until=9)
    tomorrow = timezone.now() + timedelta(days=1)
    CampaignMail.objects.update(next_attempt_at=tomorrow, attempts=1)  # claimed when the window had closed
    CampaignMail.objects.filter(respondent__email="jan@example.com").update(failures=1)

    staff.post(page(campaign), {"pace": 60, "window_from": 0, "window_until": 24})

    planned = dict(CampaignMail.objects.values_list("respondent__email", "next_attempt_at"))
    assert planned["anna@example.com"] <= timezone.now()
    assert planned["jan@example.com"] == tomorrow  # its server asked for time
