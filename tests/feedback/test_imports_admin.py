"""The admin's way of importing: upload, columns, preview, dry run, import, report."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from feedback import imports
from feedback.models import ImportRun, Response
from privacy.models import Membership
from tests.factories import make_controller, make_product, make_staff
from tests.feedback.import_files import COLUMNS, csv_file, queued, reviews

pytestmark = pytest.mark.django_db


def page(name, run=None):
    return reverse(f"admin:feedback_importrun_{name}", args=[run.pk] if run else None)


def upload(client, content, controller, name="answers.csv"):
    return client.post(page("add"), {"file": SimpleUploadedFile(name, content), "controller": controller.pk})


@pytest.fixture
def controller():
    return make_controller()


@pytest.fixture
def staff(client, controller):
    """An administrator of the whole controller, logged in."""
    user = make_staff("administrator")
    Membership.objects.create(user=user, controller=controller)
    client.force_login(user)
    return user


CHOICE = {"metric": "csat", "product": "product", "score": "score", "comment": "comment", "date": "date"}


def test_from_the_file_to_the_report(client, staff, controller, django_capture_on_commit_callbacks):
    rows = reviews(160)
    rows[3][1] = "ten"
    rows[150][2] = "2999-01-01"

    answer = upload(client, csv_file(rows), controller)
    run = ImportRun.objects.get()
    assert answer.url == page("columns", run)

    columns = client.get(answer.url)
    assert columns.context["form"].initial["score"] == "score"
    assert "carries my bank" in columns.content.decode()
    answer = client.post(page("columns", run), CHOICE)
    assert answer.url == page("preview", run)

    preview = client.get(answer.url)
    shown = preview.content.decode()
    assert (preview.context["preview"].good, preview.context["preview"].in_error) == (158, 2)
    assert preview.context["preview"].new_products == {"alpha": "Alpha", "beta": "Beta"}
    assert "2 products do not exist yet and will be created" in shown
    assert "The date is in the future." in shown
    assert "2025-01-10 12:00" in shown
    assert not Response.objects.exists()

    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(page("start", run), {"dry_run": "1"})
    tried = client.get(answer.url).content.decode()
    assert "This was a dry run" in tried
    assert not Response.objects.exists()

    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(page("start", run))
    report = client.get(answer.url)
    assert report.context["errors"] == [
        (5, "The score is not a whole number from 1 to 5."),
        (173, "The date is in the future."),  # 21 comments above it have two lines
    ]
    assert Response.objects.count() == 158
    run.refresh_from_db()
    assert (run.state, run.created_by, bytes(run.content)) == ("finished", staff, b"")


def test_the_report_links_to_the_imported_responses_for_those_who_may_see_them(client, controller):
    user = make_staff(is_superuser=True)
    client.force_login(user)
    imports.process_run(run_id=queued(csv_file([["other", "1", "2025-01-01", "A"]]), controller=controller).pk)
    run = imports.process_run(run_id=queued(csv_file(reviews(3)), controller=controller, by=user).pk)

    shown = client.get(page("change", run)).content.decode()

    address = reverse("admin:feedback_response_changelist") + f"?import_run={run.pk}"
    assert address in shown
    assert client.get(address).context["cl"].result_count == 3


def test_progress_can_be_asked_for_while_the_import_runs(client, staff, controller):
    run = queued(csv_file(reviews(3)), controller=controller, by=staff)

    assert client.get(page("progress", run)).json()["done"] is False
    waiting = client.get(page("change", run)).content.decode()
    assert page("progress", run) in waiting
    ImportRun.objects.filter(pk=run.pk).update(state="running", total_rows=800, done_rows=200)
    assert client.get(page("progress", run)).json() == {
        "state": "running", "done": False, "percent": 25, "text": "200 of 800 rows",
    }  # fmt: skip
    imports.process_run(run_id=run.pk)
    assert client.get(page("progress", run)).json()["state"] == "running"
    ImportRun.objects.filter(pk=run.pk).update(total_rows=0, done_rows=0)
    imports.process_run(run_id=run.pk)
    assert client.get(page("progress", run)).json()["done"] is True


def test_many_rows_in_error_come_in_pages(client, staff, controller):
    rows = [["c", "x", "2025-01-01", "A"] for _ in range(230)]
    run = imports.process_run(run_id=queued(csv_file(rows), controller=controller, by=staff).pk)

    last = client.get(page("change", run), {"p": 3})

    assert [line for line, _reason in last.context["errors"]] == list(range(202, 232))
    assert "Page 3 of 3" in last.content.decode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"a,b\n", "nothing below"),
        (b"a,a\n1,2\n", "same header"),
        (b"PK\x03\x04", "cannot be read"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "Save it as XLSX"),
        (b"a\n" + b"1\n" * 10_500_000, "larger than 20"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_beside_its_field(client, staff, controller, content, words):
    answer = upload(client, content, controller)

    assert answer.status_code == 200
    assert words in " ".join(answer.context["form"].errors["file"])
    assert not ImportRun.objects.exists()


def test_a_file_that_breaks_off_is_refused_at_the_preview_and_can_be_discarded(client, staff, controller):
    upload(client, csv_file(reviews(3)) + b'"open,', controller)
    run = ImportRun.objects.get()
    client.post(page("columns", run), CHOICE)

    refused = client.get(page("preview", run))
    assert refused.context["error"].code == "unclosed_quote"
    client.post(page("discard", run))

    run.refresh_from_db()
    assert (run.state, bytes(run.content)) == ("failed", b"")


def test_columns_are_required_and_must_be_the_files(client, staff, controller):
    upload(client, csv_file(reviews(3)), controller)
    run = ImportRun.objects.get()

    answer = client.post(page("columns", run), {"metric": "nps", "product": "product", "score": "points"})

    assert set(answer.context["form"].errors) == {"score", "date"}
    assert client.get(page("preview", run)).url == page("columns", run)


def test_a_finished_import_cannot_be_started_again(client, staff, controller):
    run = imports.process_run(run_id=queued(csv_file(reviews(3)), controller=controller, by=staff).pk)

    answer = client.post(page("start", run), follow=True)

    assert "already been started" in answer.content.decode()
    assert client.get(page("columns", run)).url == page("change", run)
    assert Response.objects.count() == 3


# --- Who may what -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["analyst", "agent", "privacy_officer", "data_protection_officer"])
def test_only_roles_that_may_add_imports_upload(client, role):
    product = make_product()
    client.force_login(make_staff(role, product=product))

    assert client.get(page("add")).status_code == 403
    assert upload(client, csv_file(reviews(1)), product.controller).status_code == 403
    assert not ImportRun.objects.exists()


def test_a_controller_one_does_not_work_for_is_no_choice(client, staff):
    answer = upload(client, csv_file(reviews(1)), make_controller())

    assert "controller" in answer.context["form"].errors
    assert not ImportRun.objects.exists()


def test_imports_of_other_controllers_are_not_there(client, staff):
    run = imports.process_run(run_id=queued(csv_file(reviews(1))).pk)

    assert client.get(page("change", run)).status_code == 404
    assert client.get(page("progress", run)).status_code == 404
    assert client.get(page("changelist")).context["cl"].result_count == 0


def test_a_colleagues_file_is_closed_and_their_report_open(client, staff, controller):
    colleague = make_staff("administrator")
    waiting = imports.upload_file(
        controller=controller, file_name="f.csv", content=csv_file([["secret", "1", "2025-01-01", "A"]]), by=colleague
    )
    imports.choose_columns(run=waiting, columns=COLUMNS, metric="csat")

    for name in ("columns", "preview"):
        assert client.get(page(name, waiting)).status_code == 404
    for name in ("start", "discard"):
        assert client.post(page(name, waiting)).status_code == 404
    report = client.get(page("change", waiting))
    assert report.status_code == 200
    assert "secret" not in report.content.decode()
    assert ImportRun.objects.get().state == "uploaded"


def test_starting_and_discarding_need_a_post(client, staff, controller):
    run = imports.upload_file(controller=controller, file_name="f", content=csv_file(reviews(1)), by=staff)

    assert client.get(page("start", run)).status_code == 405
    assert client.get(page("discard", run)).status_code == 405


def test_an_import_can_be_neither_changed_nor_deleted(client, staff, controller):
    run = imports.process_run(run_id=queued(csv_file(reviews(1)), controller=controller, by=staff).pk)

    assert client.post(page("delete", run), {"post": "yes"}).status_code == 403
    client.post(page("change", run), {"state": "queued"})

    run.refresh_from_db()
    assert run.state == "finished"


def test_the_list_says_what_became_of_each_file_without_reading_it(
    client, staff, controller, django_assert_max_num_queries
):
    imports.process_run(run_id=queued(csv_file(reviews(1)), controller=controller, by=staff).pk)
    client.get(page("changelist"))

    def budget():
        with django_assert_max_num_queries(12) as queries:
            shown = client.get(page("changelist")).content.decode()
        assert "1 imported, 0 already there, 0 in error" in shown
        assert not any('"feedback_importrun"."content"' in query["sql"] for query in queries.captured_queries)
        return len(queries)

    with_one = budget()
    for _ in range(9):
        imports.process_run(run_id=queued(csv_file(reviews(1)), controller=controller, by=staff).pk)
    assert budget() == with_one


@pytest.mark.django_db(transaction=True)
def test_a_queue_that_is_down_fails_no_request_and_the_run_waits_for_the_schedule(
    client, staff, controller, monkeypatch
):
    run = imports.upload_file(controller=controller, file_name="f.csv", content=csv_file(reviews(1)), by=staff)
    imports.choose_columns(run=run, columns=COLUMNS, metric="csat")

    def refuse(*_arguments, **_options):
        raise ConnectionError

    monkeypatch.setattr("feedback.tasks.import_responses.delay", refuse)
    answer = client.post(page("start", run))

    assert answer.status_code == 302
    assert ImportRun.objects.get().state == ImportRun.State.QUEUED
    assert list(imports.unfinished_runs()) == [run.pk]
