"""Background work that fails is seen in the admin: what and when, and nothing that an error says about people."""

from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError, connection
from django.urls import reverse
from django.utils import timezone

from config.celery import SCHEDULE, app
from feedback.models import TaskFailure
from tests.factories import make_staff

pytestmark = pytest.mark.django_db

LINE = "Background work has failed"


@app.task(name="tests.broken")
def broken(_who):
    raise ValueError("anna@example.com is wrong")


@app.task(name="tests.stubborn", autoretry_for=(ConnectionError,), max_retries=2, default_retry_delay=0)
def stubborn(fails):
    """Fail this often, and then succeed."""
    if stubborn.request.retries < fails:
        raise ConnectionError


@app.task(name="tests.cut_off")
def cut_off():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.fixture(autouse=True)
def _as_in_a_worker(monkeypatch):
    """A worker keeps errors to itself; tests of other things want to see them."""
    monkeypatch.setitem(app.conf, "task_eager_propagates", False)


@pytest.fixture
def failure():
    broken.delay("Anna")
    return TaskFailure.objects.get()


def test_what_failed_is_remembered_without_what_it_said(failure):
    assert (failure.task, failure.error, failure.times) == ("tests.broken", "builtins.ValueError", 1)
    assert "anna" not in str(list(TaskFailure.objects.values())).lower()
    assert str(failure) == f"failed task {failure.pk}"


def test_the_same_failure_again_is_counted(failure):
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        broken.delay("Bob")

    again = TaskFailure.objects.get()
    assert (again.times, again.first_at) == (2, failure.first_at)
    assert again.last_at - failure.last_at >= timedelta(hours=1)


def test_a_task_that_is_tried_again_has_not_failed():
    stubborn.delay(2)

    assert not TaskFailure.objects.exists()


def test_a_task_that_gives_up_has_failed_once():
    stubborn.delay(3)

    failure = TaskFailure.objects.get()
    assert (failure.task, failure.error, failure.times) == ("tests.stubborn", "builtins.ConnectionError", 1)


@pytest.mark.django_db(transaction=True)
def test_a_task_that_lost_the_database_is_remembered_as_well():
    cut_off.delay()

    assert TaskFailure.objects.get().error.rpartition(".")[2] in {"AdminShutdown", OperationalError.__name__}


def test_a_failure_that_has_not_come_back_for_a_month_is_forgotten(failure):
    forget = app.tasks[SCHEDULE["forget failures of tasks"]["task"]]

    with time_machine.travel(failure.last_at + timedelta(days=30), tick=False):
        broken.delay("Anna")
        forget.delay()
    assert TaskFailure.objects.exists()

    with time_machine.travel(failure.last_at + timedelta(days=60), tick=False):
        forget.delay()
    assert not TaskFailure.objects.exists()


def test_administrators_are_told_on_their_front_page_for_a_day(client, failure):
    client.force_login(make_staff("administrator"))
    listed = reverse("admin:feedback_taskfailure_changelist")

    page = client.get("/admin/").content.decode()
    assert LINE in page
    assert listed in page.partition(LINE)[2]
    assert "builtins.ValueError" in client.get(listed).content.decode()

    with time_machine.travel(failure.last_at + timedelta(days=1), tick=False):
        client.force_login(make_staff("administrator"))
        assert LINE not in client.get("/admin/").content.decode()


@pytest.mark.parametrize("role", ["analyst", "agent", "reviewer", "privacy_officer", "data_protection_officer"])
def test_others_are_not_told(client, failure, role):
    client.force_login(make_staff(role))

    assert LINE not in client.get("/admin/").content.decode()
    assert client.get(reverse("admin:feedback_taskfailure_changelist")).status_code == 403
