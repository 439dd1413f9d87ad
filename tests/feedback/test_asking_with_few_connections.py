"""More clients than connections: nothing on the asking path needs a second connection while it holds one."""

from __future__ import annotations

import sys
import uuid

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from config.bench.load import CONNECTIONS, HOST, request, seconds_to_answer
from config.bench.workplace import NO_LIMITS, database_url
from config.processes import Programs, free_port
from feedback.models import Invitation, Respondent, Response
from tests.factories import make_invitation

ROLE, PASSWORD = "odzew_few_connections", uuid.uuid4().hex
ALLOWED = 2
PEOPLE = 60
LIBPQ = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def few_connections():
    """A role that may do all that the product does, over two connections at most; returns its database's settings."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT {ALLOWED}")
        cursor.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {ROLE}")
        cursor.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")
    yield {**connection.settings_dict, "USER": ROLE, "PASSWORD": PASSWORD}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", [ROLE])
        cursor.execute(f"DROP OWNED BY {ROLE}")
        cursor.execute(f"DROP ROLE {ROLE}")


@pytest.fixture
def port(few_connections, tmp_path):
    """The port of the real server: a thread for each of the connections."""
    port = free_port(HOST)
    command = (
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws", "--host", HOST),
        *("--workers", "1", "--blocking-threads", str(ALLOWED), "--log-level", "warning", "--port", str(port)),
        "config.wsgi:application",
    )
    with Programs(logs=tmp_path, folder=settings.BASE_DIR) as programs:
        programs.start(
            "product", *command, env={"ODZEW_ENV": "test", "DATABASE_URL": database_url(few_connections), **NO_LIMITS}
        )
        programs.wait_until_it_listens(HOST, port, seconds=60)
        yield port


def ask(**body):
    return request("POST", "/api/v1/products/pk_test/eligibility", body)


def send(token, path, **body):
    return request("PUT" if path == "response" else "POST", f"/api/v1/invitations/{token}/{path}", body)


def test_four_times_more_clients_than_connections_do_not_stall(survey, port, few_connections):
    assert CONNECTIONS >= 4 * ALLOWED
    tokens = [f"token-{number}" for number in range(PEOPLE)]
    for token in tokens:
        make_invitation(survey=survey, token=token)
    submissions = [str(uuid.uuid4()) for _ in tokens]
    devices = [f"device-{number}" for number in range(PEOPLE)]

    def drive(messages, status, contains=b""):
        assert seconds_to_answer(port, messages, status=status, contains=contains) < 30

    drive([ask(anonymous_id=device) for device in devices], 200, b'"code":"eligible"')
    drive([ask(anonymous_id=device, user={"id": device}) for device in devices], 200, b'"code":"pending"')
    drive([ask(anonymous_id=f"new-{each}", user={"id": f"new-{each}"}) for each in devices], 200, b'"code":"eligible"')
    drive([send(token, "shown") for token in tokens], 204)
    drive([send(token, "snooze") for token in tokens], 204)
    drive([send(token, "decline") for token in tokens], 204)
    scores = [{"submission_id": submission, "seq": 0, "score": 9} for submission in submissions]
    drive([send(token, "response", **body) for token, body in zip(tokens, scores, strict=True)], 201, b'"partial"')
    comments = [{"submission_id": submission, "seq": 1, "comment": "why"} for submission in submissions]
    drive([send(token, "response", **body) for token, body in zip(tokens, comments, strict=True)], 200, b'"complete"')

    assert Invitation.objects.count() == 3 * PEOPLE
    assert Respondent.objects.filter(person__isnull=False).count() == 2 * PEOPLE
    assert Response.objects.filter(score=9, comment="why", state="complete").count() == PEOPLE
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [ROLE])
        assert cursor.fetchone() == (ALLOWED,)  # every thread holds its own, so a second one would have been refused
    with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
        psycopg.connect(**{name: few_connections[key] for name, key in LIBPQ.items() if few_connections[key]})
