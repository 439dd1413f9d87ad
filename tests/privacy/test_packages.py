"""Packages: what is in an archive, in which words, and that the file is whole or not there."""

from __future__ import annotations

import csv
import html
import io
import json
import secrets
import tracemalloc
import uuid
import zipfile
from datetime import date, timedelta

import jsonschema
import pytest
import time_machine
from django.contrib.auth.models import Group
from django.utils import timezone
from django.utils.translation import override

from feedback.models import Invitation, Response, Tag
from privacy import access, packages
from privacy.access_log import record_access
from privacy.identity import prove, prove_mailbox
from privacy.models import Disclosure, IdentityProof, Package, Recipient, Redaction, RequestEvent, RequestTask, Right
from privacy.notice import purposes
from privacy.packages import archive, keeping
from privacy.packages.tables import neutral
from tests.factories import make_respondent, make_response, make_rights_request, make_staff, make_survey

pytestmark = pytest.mark.django_db
State = RequestTask.State


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.PACKAGES_DIR = tmp_path / "packages"
    return settings.PACKAGES_DIR


@pytest.fixture
def answered():
    survey = make_survey(name="Loyalty")
    anna = make_respondent(product=survey.product, email="anna@example.com", name="Anna", properties={"plan": "gold"})
    return make_response(survey=survey, respondent=anna, score=3, comment="=SUM(A1)", country="PL")


def ask(response, right=Right.ACCESS, **overrides):
    asked = make_rights_request(controller=response.product.controller, email="anna@example.com", **overrides)
    IdentityProof.objects.create(request=asked, kind=IdentityProof.Kind.MAILBOX, identifier="anna@example.com")
    return asked.items.create(right=right)


def task_of(item):
    return RequestTask.objects.create(item=item, position=1, kind=RequestTask.Kind.PACKAGE)


def build(item):
    """Build the package of a right; return its files."""
    assert packages.build(task_of(item)).state == State.DONE
    return opened(item.package)


def opened(package):
    file = packages.open_package(package)
    whole = b"".join(file.read(0, file.size))
    with zipfile.ZipFile(io.BytesIO(whole)) as found:
        assert found.testzip() is None
        return {name: found.read(name).decode() for name in found.namelist()}


def test_a_copy_has_pages_for_people_and_files_for_machines(answered):
    files = build(ask(answered))

    assert {"index.html", "information.html", "information.json", "not_included.json"} < set(files)
    assert {"data.json", "data.schema.json", "csv/feedback.Response.csv"} < set(files)
    record = json.loads(files["data.json"])["datasets"]["feedback.Response"]["records"][0]
    assert (record["record"], record["score"], record["comment"]) == (answered.pk, 3, "=SUM(A1)")
    assert record["answered_at"] == answered.answered_at.isoformat()
    assert (record["survey"], record["respondent"]) == ("Loyalty", answered.respondent_id)


@pytest.mark.parametrize("right", [Right.ACCESS, Right.PORTABILITY])
def test_the_data_are_as_the_schema_in_the_package_says(answered, right):
    files = build(ask(answered, right))
    schema = json.loads(files["data.schema.json"])

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(
        json.loads(files["data.json"])
    )


def test_a_portable_copy_has_what_was_provided_or_observed_and_nothing_else(answered):
    tag = Tag.objects.create(product=answered.product, name="fees")
    answered.tags.add(tag, through_defaults={"added_by": make_staff("reviewer")})

    files = build(ask(answered, Right.PORTABILITY))

    assert {name for name in files if not name.startswith("csv/")} == {"data.json", "data.schema.json"}
    data = json.loads(files["data.json"])["datasets"]
    assert set(data) == {"feedback.Respondent", "feedback.Invitation", "feedback.Response"}
    assert "band" not in data["feedback.Response"]["records"][0]
    assert data["feedback.Respondent"]["records"][0]["properties"] == {"plan": "gold"}


def test_what_we_derived_is_labelled_everywhere(answered):
    files = build(ask(answered))

    assert "band" in json.loads(files["data.json"])["datasets"]["feedback.Response"]["derived"]
    assert "band [derived by us]" in files["csv/feedback.Response.csv"]
    assert "derived by us" in files["index.html"]


def test_staff_appear_as_their_role(answered):
    reviewer = make_staff("reviewer", username="jan.kowalski", first_name="Jan", last_name="Kowalski")
    nobody = make_staff(username="ewa.nowak")
    tag = Tag.objects.create(product=answered.product, name="fees")
    answered.tags.add(tag, through_defaults={"added_by": reviewer})
    record_access(user=nobody, purpose="identity", record=answered, controller=answered.product.controller)

    files = build(ask(answered))

    data = json.loads(files["data.json"])["datasets"]
    assert data["feedback.ResponseTag"]["records"][0]["added_by"] == "reviewer"
    assert data["feedback.ResponseTag"]["records"][0]["tag"] == "fees"
    assert data["privacy.AccessLogEntry"]["records"][0]["user"] == "staff"
    assert not any(name in text for text in files.values() for name in ("jan.kowalski", "Kowalski", "ewa.nowak"))


def test_the_account_of_accesses_has_the_reads_of_the_person_alone(answered):
    other = make_response(survey=answered.survey)
    user = make_staff("reviewer")
    for record in (answered, answered.respondent, other):
        record_access(user=user, purpose="identity", record=record, controller=answered.product.controller)

    files = build(ask(answered))

    reads = json.loads(files["data.json"])["datasets"]["privacy.AccessLogEntry"]["records"]
    assert {(read["record_kind"], read["record_number"]) for read in reads} == {
        ("feedback.Response", answered.pk),
        ("feedback.Respondent", answered.respondent_id),
    }
    assert "to see who answered" in files["index.html"]


def test_what_is_about_somebody_else_is_left_out_and_said_to_be(answered):
    item = ask(answered)
    Redaction.objects.create(
        item=item,
        dataset="feedback.Response",
        record_number=answered.pk,
        column="comment",
        redacted_by=make_staff("privacy_officer"),
    )

    files = build(item)

    assert not any("SUM(A1)" in text for text in files.values())
    assert "comment" not in json.loads(files["data.json"])["datasets"]["feedback.Response"]["records"][0]
    assert "[about somebody else]" in files["csv/feedback.Response.csv"]
    entry = next(each for each in json.loads(files["not_included.json"]) if each.get("record"))
    assert (entry["dataset"], entry["record"], entry["column"]) == ("feedback.Response", answered.pk, "comment")


def test_what_is_withheld_has_a_reason_and_backups_their_window(answered, settings):
    left_out = json.loads(build(ask(answered))["not_included.json"])

    by_name = {(each.get("dataset"), each.get("column")): each for each in left_out}
    assert "fingerprint" in by_name["feedback.Response", "receipt_hash"]["reason"]
    backups = next(each for each in left_out if each.get("store") == "backups")
    assert f"{settings.BACKUP_WINDOW_DAYS} days" in backups["reason"]
    assert all(each["reason"] and each["title"] for each in left_out)


def test_recipients_are_named_with_their_safeguard(answered):
    controller = answered.product.controller
    named = Recipient.objects.create(
        controller=controller,
        name="Cloud Inc.",
        kind="processor",
        country="US",
        purposes=["feedback"],
        contact_email="dpo@example.com",
        safeguard="clauses",
        clauses_module="2",
        clauses_on=date(2025, 3, 1),
    )
    Disclosure.objects.create(recipient=named, dataset="feedback.Response", since=date(2025, 3, 1))
    other = Recipient.objects.create(
        controller=controller,
        name="Of others",
        kind="partner",
        country="PL",
        purposes=[],
        contact_email="a@example.com",
    )
    Disclosure.objects.create(recipient=other, dataset="feedback.Note", since=date(2025, 3, 1))

    files = build(ask(answered))

    [told] = json.loads(files["information.json"])["recipients"]
    assert (told["name"], told["country"], told["data"]) == ("Cloud Inc.", "US", ["Responses"])
    assert "module 2" in told["safeguard"]
    assert "Cloud Inc." in files["information.html"]


@pytest.mark.parametrize("language", ["en", "pl"])
def test_the_person_is_told_all_that_the_law_has_them_told_beside_the_data(answered, language):
    """Art. 15(1)(a) to (h): on a page and for machines, from the inventory."""
    controller = answered.product.controller
    controller.supervisory_authority = "UODO, Warszawa"
    controller.save()

    files = build(ask(answered, language=language))

    told = json.loads(files["information.json"])
    assert set(told) >= {"controller", "purposes", "recipients", "periods", "rights", "complaint", "source"}
    assert told["complaint"]["authority"] == "UODO, Warszawa"
    assert told["automated_decisions"]
    assert len(told["rights"]) == 5
    with override(language):
        rows = purposes(language=language)
    assert [each["purpose"] for each in told["purposes"]] == [row.text for row in rows]
    page = html.unescape(files["information.html"]).casefold()
    categories = [category.name for row in rows for category in row.categories]
    said = [
        told["source"],
        told["periods"],
        "UODO, Warszawa",
        *told["rights"],
        *(row.text for row in rows),
        *categories,
    ]
    assert [text for text in said if text.casefold() not in page] == []


def test_the_package_is_in_the_language_of_the_request(answered):
    files = build(ask(answered, language="pl"))

    assert '<html lang="pl">' in files["index.html"]
    assert json.loads(files["data.json"])["language"] == "pl"


def test_a_table_for_spreadsheets_computes_nothing(answered):
    text = build(ask(answered))["csv/feedback.Response.csv"]

    assert text.startswith("\ufeff")
    [row] = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert (row["comment"], row["score"]) == ("'=SUM(A1)", "3")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "＝1"])
def test_a_cell_that_would_be_computed_is_made_text(text):
    assert neutral(text) == f"'{text}"
    assert neutral(["=1"]) == '["=1"]'
    assert neutral(-1) == -1


def test_the_page_shows_the_first_records_and_points_to_the_rest(answered, monkeypatch):
    monkeypatch.setattr(archive, "SHOWN", 2)
    for score in (5, 6):
        make_response(survey=answered.survey, respondent=answered.respondent, score=score)

    page = build(ask(answered))["index.html"]

    assert "The first 2 are shown here." in page
    assert "3 records" in page
    assert page.count("All of them are in the table") == 2  # responses and invitations


def test_people_of_others_are_in_nobodys_package(answered):
    make_response(survey=answered.survey, respondent=make_respondent(product=answered.product, name="Other"))

    data = json.loads(build(ask(answered))["data.json"])["datasets"]

    assert [record["record"] for record in data["feedback.Response"]["records"]] == [answered.pk]


@pytest.mark.parametrize("acts_for_another", [True, False])
def test_clients_of_one_agent_do_not_see_each_others_requests(answered, acts_for_another):
    mine, other = (
        make_rights_request(
            controller=answered.product.controller, email="agent@example.com", acts_for_another=acts_for_another
        )
        for _client in range(2)
    )
    for asked in (mine, other):
        prove_mailbox(request=asked)
        prove(request=asked, kind=IdentityProof.Kind.SIGNED, identifier=f"client-{asked.pk}")

    keys = dict(access.subject_of_copy(mine).records)["privacy.RightsRequest"]

    assert set(keys) == ({mine.pk} if acts_for_another else {mine.pk, other.pk})


def test_who_is_not_known_gets_no_package(answered, folder):
    item = ask(answered)
    Response.including_restricted.all().delete()
    answered.respondent.delete()

    result = packages.build(task_of(item))

    assert result.state == State.NOTHING_FOUND
    assert not Package.objects.exists()
    assert list(folder.iterdir()) == []


def test_a_second_run_replaces_the_first(answered, folder, django_capture_on_commit_callbacks):
    item = ask(answered)
    task = task_of(item)
    packages.build(task)
    first = Package.objects.get()
    first.unlocks.create(at=timezone.now(), until=timezone.now(), digest=b"1" * 32)
    Package.objects.update(fetched_at=timezone.now())

    with django_capture_on_commit_callbacks(execute=True):
        packages.build(task)

    second = Package.objects.get()
    assert second.key != first.key
    assert (second.fetched_at, second.unlocks.count()) == (None, 0)
    assert [path.name for path in folder.iterdir()] == [second.file_name]


def test_a_run_that_fails_half_way_leaves_the_package_there_was(answered, folder, monkeypatch):
    item = ask(answered)
    packages.build(task := task_of(item))
    before = Package.objects.get()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(archive, "write_table", fail)
    with pytest.raises(OSError, match="disk full"):
        packages.build(task)

    assert [path.name for path in folder.iterdir()] == [before.file_name]
    assert "index.html" in opened(Package.objects.get())


def test_the_file_is_noise_and_its_folder_closed(answered, folder):
    build(item := ask(answered))

    sealed = folder / item.package.file_name
    assert b"anna" not in sealed.read_bytes()
    assert sealed.stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0
    assert Package.objects.extra(select={"raw": "key"}).get().raw != item.package.key  # encrypted


def test_after_seven_days_key_and_file_are_gone(answered, folder, django_capture_on_commit_callbacks):
    build(item := ask(answered))
    stray = folder / "left-behind.part"
    stray.write_bytes(b"noise")

    with time_machine.travel(timezone.now() + timedelta(days=7)), django_capture_on_commit_callbacks(execute=True):
        assert not Package.objects.get().is_available()
        assert packages.destroy_expired() == 1
        assert packages.destroy_expired() == 0

    package = Package.objects.get()
    assert (package.key, package.destroyed_at is not None) == ("", True)
    assert list(folder.iterdir()) == []
    assert RequestEvent.objects.filter(request=item.request, action="package_destroyed").count() == 1


def test_the_seven_days_begin_when_the_person_is_told(answered):
    build(item := ask(answered))

    with time_machine.travel(timezone.now() + timedelta(days=5), tick=False):
        assert packages.start_period(request=item.request) == 1
        assert Package.objects.get().expires_at == timezone.now() + keeping.LIFE


def test_roles_are_said_in_words(answered):
    Group.objects.get_or_create(name="data_protection_officer")
    record_access(
        user=make_staff("data_protection_officer"),
        purpose="identity",
        record=answered,
        controller=answered.product.controller,
    )

    assert "data protection officer" in build(ask(answered))["index.html"]


def add_responses(response, number):
    """Let a person have given so many more answers."""
    invitations = Invitation.objects.bulk_create(
        Invitation(
            product=response.product,
            survey=response.survey,
            version=response.version,
            respondent=response.respondent,
            channel="web",
            language="en",
            token_digest=secrets.token_bytes(32),
            created_at=response.answered_at,
            expires_at=response.answered_at,
        )
        for _number in range(number)
    )
    Response.objects.bulk_create(
        Response(
            **{name: getattr(response, name) for name in ("product", "survey", "version", "respondent", "score")},
            **{name: getattr(response, name) for name in ("metric", "band_profile", "answered_at", "answered_on")},
            invitation=invitation,
            submission_id=uuid.uuid4(),
            comment="The same words once more. " * 20,
            receipt_hash=secrets.token_bytes(32),
            received_at=response.answered_at,
            channel="web",
            language="en",
        )
        for invitation in invitations
    )


def test_memory_stays_flat_however_many_records_there_are(answered, monkeypatch):
    monkeypatch.setattr(access, "AT_ONCE", 50)
    peaks = []
    for statements in (1, 9):
        for _statement in range(statements):
            add_responses(answered, 100)
        task = task_of(ask(answered))
        tracemalloc.start()
        packages.build(task)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    # Ten times the records; what is allowed more is chance, not what they weigh, which is more than two megabytes.
    assert peaks[1] - peaks[0] < 300_000, peaks
