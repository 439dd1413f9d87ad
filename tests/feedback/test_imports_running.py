"""The life of an import: tried, started, failed, killed and resumed, and who may do what."""

from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.utils import timezone

from feedback import imports, tasks
from feedback.imports import running
from feedback.models import ImportRun, Respondent, Response
from feedback.tallies import find_drift
from privacy.models import Membership, Product
from surveys.scales import Metric
from tests.factories import make_controller, make_product, make_staff
from tests.feedback.import_files import csv_file, errors, imported, outcome, queued, reviews

pytestmark = pytest.mark.django_db

# --- Trying, starting, failing ----------------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing_but_its_report():
    controller, user = make_controller(), make_staff(is_superuser=True)
    imported(csv_file([["old", "5", "2025-01-01", "Alpha"]]), controller=controller)
    rows = [["old", "5", "2025-01-01", "Alpha"], ["new", "5", "2025-01-01", "Beta"], ["x", "x", "x", "x"]]

    tried = imported(csv_file(rows), controller=controller, dry_run=True, by=user)

    assert outcome(tried) == ("finished", 3, 1, 1, 1)
    assert errors(tried) == [(4, "invalid_score")]
    assert Response.objects.count() == Respondent.objects.count() == Product.objects.count() == 1

    imports.queue_run(run_id=tried.pk, is_dry_run=False)
    done = imports.process_run(run_id=tried.pk)

    assert outcome(done) == ("finished", 3, 1, 1, 1)
    assert errors(done) == [(4, "invalid_score")]
    assert Response.objects.count() == 2


def test_the_file_is_removed_when_it_is_imported_and_kept_after_a_dry_run_in_the_admin():
    user, content = make_staff(is_superuser=True), csv_file(reviews(3))

    def kept(**options):
        return bytes(ImportRun.objects.get(pk=imported(content, **options).pk).content)

    assert kept(by=user, dry_run=True) == content
    assert kept(by=user) == b""
    assert kept(dry_run=True) == b""


def test_an_import_runs_once():
    run = imported(csv_file(reviews(3)))

    imports.process_run(run_id=run.pk)
    with pytest.raises(ValidationError) as refusal:
        imports.queue_run(run_id=run.pk, is_dry_run=False)

    assert refusal.value.code == "already_started"
    assert Response.objects.count() == 3


def test_columns_come_before_the_start():
    run = imports.upload_file(controller=make_controller(), file_name="f", content=csv_file(reviews(1)))

    with pytest.raises(ValidationError) as refusal:
        imports.queue_run(run_id=run.pk, is_dry_run=False)

    assert refusal.value.code == "no_columns"


def test_a_column_that_is_not_there_is_refused_and_another_case_is_not():
    run = imports.upload_file(controller=make_controller(), file_name="f", content=csv_file(reviews(1)))

    with pytest.raises(ValidationError, match="“points”") as refusal:
        imports.choose_columns(
            run=run, columns=imports.Columns(product="product", score="points", date="date"), metric="csat"
        )

    assert refusal.value.code == "missing_column"
    imports.choose_columns(
        run=run, columns=imports.Columns(product=" PRODUCT ", score="Score", date="DATE"), metric="nps"
    )


def test_nothing_is_kept_of_a_file_that_cannot_be_used():
    for content, code in ((b"a,b\n", "no_rows"), (b"", "empty_file"), (b"PK\x03\x04", "not_xlsx")):
        with pytest.raises(ValidationError) as refusal:
            imports.upload_file(controller=make_controller(), file_name="f", content=content)
        assert refusal.value.code == code
    assert not ImportRun.objects.exists()


def test_a_file_that_breaks_off_fails_before_a_row_is_written():
    run = imported(csv_file(reviews(700)) + b'"never closed,5,2025-01-01,Alpha\n')

    assert run.state == "failed"
    assert "never closed" in run.failure
    assert not Response.objects.exists()
    assert bytes(ImportRun.objects.get(pk=run.pk).content) == b""


def test_a_column_of_comments_taken_for_products_creates_none():
    rows = [["c", "5", "2025-01-01", f"opinion {number}"] for number in range(51)]

    run = imported(csv_file(rows))

    assert run.state == "failed"
    assert not Product.objects.exists()


def test_a_file_can_be_discarded_until_it_is_started():
    run = imports.upload_file(controller=make_controller(), file_name="f", content=csv_file(reviews(1)))

    imports.discard_file(run_id=run.pk)

    run = ImportRun.objects.get(pk=run.pk)
    assert (run.state, bytes(run.content)) == ("failed", b"")
    with pytest.raises(ValidationError) as refusal:
        imports.discard_file(run_id=run.pk)
    assert refusal.value.code == "already_started"


def test_files_nobody_came_back_for_are_removed_after_30_days():
    user = make_staff(is_superuser=True)
    old = imports.upload_file(controller=make_controller(), file_name="f", content=csv_file(reviews(1)))
    tried = imported(csv_file(reviews(1)), by=user, dry_run=True)
    new = imports.upload_file(controller=make_controller(), file_name="f", content=csv_file(reviews(1)))
    ImportRun.objects.filter(pk__in=[old.pk, tried.pk]).update(created_at=timezone.now() - timedelta(days=30))

    tasks.resume_imports.delay()

    assert list(ImportRun.objects.exclude(content=b"")) == [new]
    with pytest.raises(ValidationError) as refusal:
        imports.queue_run(run_id=tried.pk, is_dry_run=False)
    assert refusal.value.code == "file_removed"


def test_what_a_file_was_called_is_forgotten_after_30_days_whatever_became_of_it():
    waiting = imports.upload_file(controller=make_controller(), file_name="anna.csv", content=csv_file(reviews(1)))
    discarded = imports.upload_file(controller=make_controller(), file_name="f.csv", content=csv_file(reviews(1)))
    imports.discard_file(run_id=discarded.pk)
    runs = [imported(csv_file(reviews(1))), discarded, waiting]

    with time_machine.travel(waiting.created_at + timedelta(days=30, minutes=-1), tick=False):
        tasks.resume_imports.delay()
    assert not ImportRun.objects.filter(file_name="").exists()
    with time_machine.travel(waiting.created_at + timedelta(days=30, minutes=1), tick=False):
        tasks.resume_imports.delay()

    assert [run.file_name for run in ImportRun.objects.all()] == [""] * 3
    assert {run.shown_name for run in ImportRun.objects.all()} == {f"import {run.pk}" for run in runs}


def test_an_import_that_is_not_through_after_30_days_fails():
    run = queued(csv_file(reviews(1)))

    imports.remove_old_files(now=run.created_at + timedelta(days=30))
    run = imports.process_run(run_id=run.pk)

    assert (run.state, run.failure) == ("failed", "The file has been removed. Upload it again.")
    assert not Response.objects.exists()


# --- Dying and going on -----------------------------------------------------------------------------------------------


class Killed(Exception):
    """The worker is gone."""


def die_after(parts):
    def report(run):
        if run.done_rows == parts * running.PART:
            raise Killed

    return report


def test_a_killed_import_goes_on_where_it_stopped():
    rows = reviews(1200)
    rows[10][1] = rows[1100][1] = "x"
    run = queued(csv_file(rows))

    with pytest.raises(Killed):
        imports.process_run(run_id=run.pk, report_progress=die_after(2))
    half = ImportRun.objects.get(pk=run.pk)
    assert (half.state, half.done_rows, Response.objects.count()) == ("running", 1000, 999)

    tasks.resume_imports.delay()

    run = ImportRun.objects.get(pk=run.pk)
    assert outcome(run) == ("finished", 1200, 1198, 0, 2)
    assert len(errors(run)) == 2
    assert Response.objects.count() == 1198
    assert find_drift() == []


def test_progress_is_reported_part_by_part():
    seen = []

    imports.process_run(
        run_id=queued(csv_file(reviews(1200))).pk,
        report_progress=lambda run: seen.append((run.done_rows, run.imported)),
    )

    assert seen == [(500, 500), (1000, 1000), (1200, 1200)]


# --- Who may what -----------------------------------------------------------------------------------------------------


def test_somebody_who_may_not_add_products_imports_only_into_their_own():
    product = make_product(name="Alpha")
    make_product(name="Gamma", controller=product.controller)
    reviewer = make_staff("reviewer", product=product)
    rows = [["x", "5", "2025-01-01", name] for name in ("ALPHA", "Gamma", "Delta")]

    run = imported(csv_file(rows), controller=product.controller, by=reviewer)

    assert errors(run) == [(3, "unknown_product"), (4, "unknown_product")]
    assert Response.objects.get().product == product
    assert Product.objects.count() == 2


def test_whoever_creates_a_product_by_importing_can_see_it():
    product = make_product(name="Alpha")
    administrator = make_staff("administrator", product=product)

    run = imported(csv_file(reviews(4)), controller=product.controller, by=administrator)

    assert run.imported == 4
    created = Product.objects.get(name="Beta")
    assert created in Product.objects.visible_to(administrator)
    assert Membership.objects.filter(user=administrator, product=created).count() == 1


def test_somebody_of_the_whole_controller_needs_no_membership_of_a_new_product():
    controller = make_controller()
    administrator = make_staff("administrator")
    Membership.objects.create(user=administrator, controller=controller)

    imported(csv_file(reviews(4)), controller=controller, by=administrator)

    assert Membership.objects.filter(user=administrator).count() == 1
    assert Product.objects.visible_to(administrator).count() == 2


def test_a_product_they_cannot_see_is_no_product_to_create():
    product = make_product(name="Alpha")
    make_product(name="Beta", controller=product.controller)
    administrator = make_staff("administrator", product=product)

    run = imported(csv_file(reviews(4)), controller=product.controller, by=administrator)

    assert {code for _line, code in errors(run)} == {"unknown_product"}
    assert (run.imported, Product.objects.count()) == (2, 2)


def test_every_reason_has_words_on_every_scale():
    for metric in Metric:
        assert imports.explain("invalid_score", metric)
