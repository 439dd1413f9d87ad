"""An import as staff do it: upload, say what the columns hold, look, run it in the background, read the report."""

from __future__ import annotations

import re

import pytest
from celery.contrib.testing.worker import start_worker
from playwright.sync_api import expect

from config.celery import app
from feedback import imports
from feedback.models import ImportRun, Response
from feedback.tallies import find_drift
from privacy.models import Membership, Product
from tests.factories import make_controller, make_staff
from tests.feedback.import_files import csv_file, reviews

pytestmark = pytest.mark.django_db(transaction=True)

MEMORY = "memory://"
ROWS = reviews(160)
ROWS[3][1] = "ten"
ROWS[150][2] = "2999-01-01"


@pytest.fixture
def queue(monkeypatch):
    """A queue in memory, so that tasks wait for a worker instead of running at once."""
    monkeypatch.setattr(app, "_pool", None)  # connections to another queue, which an earlier test may have opened
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    changes = {"task_always_eager": False} | dict.fromkeys(
        ("broker_url", "broker_read_url", "broker_write_url"), MEMORY
    )
    before = {name: getattr(app.conf, name) for name in changes}
    app.conf.update(changes)
    yield
    app.control.purge()
    app.conf.update(before)


@pytest.fixture
def worker(queue):
    """A worker that takes tasks from the queue, in a thread and a database connection of its own."""
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=30):
        yield


@pytest.fixture
def controller():
    return make_controller(name="Bank")


@pytest.fixture
def staff_page(open_page, controller):
    """Log an administrator of the controller in and return their page."""

    def log_in(**options):
        user = make_staff("administrator")
        Membership.objects.create(user=user, controller=controller)
        page = open_page(**options)
        page.goto("/admin/feedback/importrun/")
        page.locator("[name=username]").fill(user.username)
        page.locator("[name=password]").fill("secret")
        page.locator("[type=submit]").first.click()
        expect(page).to_have_url(re.compile(r"/importrun/$"))
        return page

    return log_in


def upload(page, content=None):
    page.goto("/admin/feedback/importrun/add/")
    page.locator("input[type=file]").set_input_files(
        {"name": "reviews.csv", "mimeType": "text/csv", "buffer": content or csv_file(ROWS)}
    )
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("heading", name="What the columns hold")).to_be_visible()


def show_preview(page):
    page.get_by_label("CSAT (1–5)").check()
    page.get_by_role("button", name="Show a preview").click()
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_visible()


def facts(page):
    """Return the numbers that the page shows, by what they count."""
    names, numbers = page.locator(".import-facts dt").all_inner_texts(), page.locator(".import-facts dd")
    return dict(zip(names, [int(number) for number in numbers.all_inner_texts()], strict=True))


def test_from_the_file_to_the_report_and_once_more(worker, staff_page, controller, screenshot):
    page = staff_page()
    upload(page)
    expect(page.get_by_text("Great app, carries my bank").first).to_be_visible()
    expect(page.locator("select[name=score]")).to_have_value("score")
    screenshot("import-columns", page)

    show_preview(page)
    assert facts(page) == {"rows in the file": 160, "can be imported": 158, "in error": 2}
    expect(page.get_by_text("2 products do not exist yet and will be created:")).to_be_visible()
    expect(page.get_by_role("row", name="The score is not a whole number from 1 to 5. 1 5")).to_be_visible()
    screenshot("import-preview", page)
    assert not Response.objects.exists()

    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("imported", exact=True)).to_be_visible()
    assert facts(page) == {"rows in the file": 160, "imported": 158, "already there": 0, "in error": 2}
    expect(page.get_by_role("row", name="5 The score is not a whole number from 1 to 5.")).to_be_visible()
    expect(page.get_by_role("row", name="173 The date is in the future.")).to_be_visible()
    screenshot("import-report", page)
    assert set(Product.objects.values_list("name", "controller")) == {("Alpha", controller.pk), ("Beta", controller.pk)}

    upload(page)
    show_preview(page)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("imported", exact=True)).to_be_visible()
    assert facts(page) == {"rows in the file": 160, "imported": 0, "already there": 158, "in error": 2}
    assert Response.objects.count() == 158
    assert find_drift() == []

    page.goto("/admin/feedback/importrun/")
    expect(page.get_by_text("158 imported, 0 already there, 2 in error")).to_be_visible()
    expect(page.get_by_text("0 imported, 158 already there, 2 in error")).to_be_visible()


def test_the_page_follows_an_import_that_waits_and_moves_on_by_itself(staff_page, controller, screenshot, queue):
    page = staff_page(width=320)
    upload(page)
    show_preview(page)
    page.get_by_role("button", name="Import", exact=True).click()

    expect(page.get_by_role("progressbar", name="Progress of the import")).to_be_visible()
    expect(page.get_by_text("Waiting for a worker to read the file…")).to_be_visible()
    screenshot("import-waiting-320", page)
    run = ImportRun.objects.get()
    assert (run.state, Response.objects.count()) == ("queued", 0)

    imports.process_run(run_id=run.pk)
    expect(page.get_by_text("already there")).to_be_visible()
    assert facts(page)["imported"] == 158
    screenshot("import-report-320", page)


@pytest.mark.parametrize(("width", "scheme", "language"), [(320, "dark", "pl"), (1280, "light", "en")])
def test_a_file_that_cannot_be_read_is_explained_and_nothing_is_stored(
    staff_page, controller, screenshot, width, scheme, language
):
    page = staff_page(width=width, scheme=scheme, language=language)
    page.goto("/admin/feedback/importrun/add/")
    page.locator("input[type=file]").set_input_files(
        {"name": "empty.csv", "mimeType": "text/csv", "buffer": b"comment,score\n"}
    )
    page.locator("#content-main button[type=submit]").click()

    expect(
        page.locator("#content-main").get_by_text(re.compile("nothing below|tylko wiersz nagłówków"))
    ).to_be_visible()
    screenshot(f"import-refused-{width}-{scheme}-{language}", page)
    assert not ImportRun.objects.exists()
