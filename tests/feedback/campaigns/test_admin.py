from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from feedback import campaigns
from feedback.campaigns.claiming import LEASE
from feedback.campaigns.sending import Sender, _leave
from feedback.models import Campaign, CampaignMail, CampaignWording, Respondent
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


def test_a_mail_of_which_nobody_knows_is_shown_and_settled(staff, started, person):
    campaign = started(person())
    (mail,) = campaigns.claim(campaign_id=campaign.pk)
    Sender(campaign)._prepare(mail)
    _leave(mail)
    campaigns.recover(now=timezone.now() + LEASE)

    assert "Of 1 mail nobody knows" in text_of(staff.get(page(campaign)))
    assert "It was sent" in text_of(staff.get(page(campaign, "mails") + "?state=unknown"))
    staff.post(page(campaign, "settle", mail.pk), {"sent": ""})

    assert CampaignMail.objects.get().state == "sent"


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


def test_progress_is_told_to_the_bar(staff, started, person):
    campaign = started(person(), person("b@example.com"))
    campaigns.send_batch(campaign_id=campaign.pk, most=1)

    assert staff.get(page(campaign, "progress")).json() == {
        **{"percent": 50, "text": "1 of 2 people", "done": False, "state": "running"},
    }


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
    for name, args in (("step", ("start",)), ("audience", ()), ("dry_run", (audience.pk,))):
        assert client.post(page(row, name, *args)).status_code == 403
