"""The queue for real: Redis or RabbitMQ as the broker and a Celery worker as a process of its own."""

from __future__ import annotations

import inspect
import os
import shutil
import socket
import subprocess
import sys
import time
import typing
from pathlib import Path

import pytest
from celery import Celery
from django.conf import settings as configured
from django.db import connection
from django_celery_beat.schedulers import DatabaseScheduler

from config.bench.workplace import database_url
from config.celery import SCHEDULE, app
from feedback import tasks
from feedback.models import CampaignMail, TaskFailure
from tests.mail_server import Mailbox

pytestmark = pytest.mark.django_db(transaction=True)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_until(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happens"
        time.sleep(0.1)


@pytest.fixture
def redis(tmp_path):
    """A Redis server of the test's own; returns its URL."""
    program, port = shutil.which("redis-server"), free_port()
    assert program, "redis-server has to be installed"
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(tmp_path)]
    server = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL)
    wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, seconds=20)
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait()


@pytest.fixture
def rabbitmq(tmp_path):
    """A RabbitMQ server of the test's own; returns its URL."""
    program = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # the one on the path changes to a user of its own
    if not program.exists():
        pytest.skip("rabbitmq-server is not installed")
    port, names = free_port(), {"ERL_EPMD_PORT": str(free_port())}
    places = {name: str(tmp_path / name) for name in ("MNESIA_BASE", "LOG_BASE", "ENABLED_PLUGINS_FILE", "CONFIG_FILE")}
    chosen = {**places, "NODENAME": f"odzew{port}@localhost", "NODE_IP_ADDRESS": "127.0.0.1", "NODE_PORT": str(port)}
    chosen |= {"DIST_PORT": str(free_port()), "LOGS": "-"}
    environment = {**os.environ, **names, "HOME": str(tmp_path)}
    environment |= {f"RABBITMQ_{name}": value for name, value in chosen.items()}
    Path(places["ENABLED_PLUGINS_FILE"]).write_text("[].")
    server = subprocess.Popen([program], env=environment, stdout=subprocess.DEVNULL)
    wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, seconds=60)
    yield f"amqp://127.0.0.1:{port}//"
    server.terminate()
    server.wait()
    subprocess.run(["epmd", "-kill"], env=environment, stdout=subprocess.DEVNULL, check=False)


@pytest.fixture
def broker(request):
    return request.getfixturevalue(getattr(request, "param", "redis"))


@pytest.fixture
def worker(broker, settings, serve):
    """Start a worker on the test's database, mail server and broker; returns the mailbox and a way to enqueue."""
    mailbox = serve(Mailbox())
    environment = {
        **os.environ,
        "ODZEW_ENV": "demo",  # where tasks go through the queue
        "DATABASE_URL": database_url(connection.settings_dict),
        "EMAIL_URL": f"smtp://127.0.0.1:{settings.EMAIL_PORT}",
        "CELERY_BROKER_URL": broker,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "config", "worker", "--concurrency", "2", "--loglevel", "warning"],
        cwd=configured.BASE_DIR,
        env=environment,
    )
    yield mailbox, Celery(broker=broker, set_as_current=False).send_task
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.mark.parametrize("broker", ["redis", "rabbitmq"], indirect=True)
def test_a_worker_sends_a_campaign_and_each_mail_once(worker, started, person):
    mailbox, enqueue = worker
    campaign = started(*(person(f"{number}@example.com") for number in range(6)))

    for _run in range(2):  # the schedule does not wait for the run before
        enqueue(SCHEDULE["run campaigns"]["task"])
    wait_until(lambda: CampaignMail.objects.filter(campaign=campaign, state="sent").count() == 6)

    assert sorted(envelope.rcpt_tos[0] for envelope in mailbox.accepted) == [f"{n}@example.com" for n in range(6)]


def test_a_task_that_fails_in_a_worker_is_seen_by_administrators(worker):
    _mailbox, enqueue = worker

    enqueue(tasks.import_responses.name, [0])
    wait_until(TaskFailure.objects.exists)

    failure = TaskFailure.objects.get()
    assert (failure.task, failure.error) == (
        tasks.import_responses.name,
        "feedback.models.importing.ImportRun.DoesNotExist",
    )


def test_the_schedule_sends_what_is_due(started, person, mailoutbox):
    campaign = started(person("a@example.com"))

    tasks.run_campaigns.delay()

    assert [mail.to for mail in mailoutbox] == [["a@example.com"]]
    assert tasks.send_campaign_mails.time_limit > tasks.send_campaign_mails.soft_time_limit > 0
    assert CampaignMail.objects.get(campaign=campaign).state == "sent"


def test_no_task_takes_more_than_the_number_of_a_row_and_none_runs_for_ever():
    ours = {name: task for name, task in app.tasks.items() if name.partition(".")[0] in configured.LOCAL_APPS}
    told = {name: typing.get_type_hints(task.run) for name, task in ours.items()}

    assert len(ours) > 25
    for name, hints in told.items():
        taken = {argument: kind for argument, kind in hints.items() if argument != "return"}
        assert set(inspect.signature(ours[name].run).parameters) == set(taken)
        assert all(argument.endswith("_id") and kind is int for argument, kind in taken.items()), name
        assert (ours[name].time_limit or app.conf.task_time_limit) <= 15 * 60
        assert (ours[name].soft_time_limit or app.conf.task_soft_time_limit) < app.conf.task_time_limit


def test_every_task_of_the_schedule_exists():
    assert {entry["task"] for entry in SCHEDULE.values()} <= set(app.tasks)


def test_a_run_that_nobody_came_to_in_time_is_not_made_up_for(db):
    scheduler = DatabaseScheduler(app)

    kept = {entry.name: entry.model.expire_seconds for entry in scheduler.schedule.values()}

    assert (kept["run campaigns"], kept["apply rules"]) == (60, 20)
