"""Bodies as a real server meets them: large ones, and ones whose length is wrong."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import socket
import sys

import pytest
from django.conf import settings
from django.db import connection

from config.bench.workplace import database_url
from config.processes import Programs, free_port
from feedback.models import Respondent
from tests.factories import make_invitation
from tests.feedback.conftest import contents

HOST = "127.0.0.1"
ELIGIBILITY = "/api/v1/products/pk_test/eligibility"
RESPONSE = "/api/v1/invitations/token-1/response"
SERVER = (sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws", "--host", HOST)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def port(survey, tmp_path):
    """The port of a server that answers from the tests' database."""
    make_invitation(survey=survey, token="token-1")
    port = free_port(HOST)
    env = {"ODZEW_ENV": settings.ENVIRONMENT, "DATABASE_URL": database_url(connection.settings_dict)}
    with Programs(logs=tmp_path, folder=settings.BASE_DIR) as programs:
        programs.start("web", *SERVER, "--port", str(port), "config.wsgi:application", env=env)
        programs.wait_until_it_listens(HOST, port, seconds=60)
        yield port


def send(port, head, body, *, path=ELIGIBILITY):
    """Send a request as it stands and return the status and the body of the answer."""
    start = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
    with socket.create_connection((HOST, port), timeout=30) as wire:
        wire.sendall(start.encode() + head + b"\r\n\r\n")
        with contextlib.suppress(ConnectionError):  # a server need not read to the end what it refuses
            wire.sendall(body)
        answer = http.client.HTTPResponse(wire)
        answer.begin()
        return answer.status, answer.read()


def test_large_bodies_are_refused_and_the_server_goes_on(port):
    before = contents()

    for path, size in itertools.product((ELIGIBILITY, RESPONSE), (144 * 1024 + 1, 1_000_000, 20_000_000)):
        status, body = send(port, b"Content-Length: %d" % size, b" " * size, path=path)
        assert (status, json.loads(body)["code"]) == (413, "body_too_large")

    assert contents() == before
    assert send(port, b"Content-Length: 2", b"{}")[0] == 200


def test_a_wrong_length_smuggles_nothing_in(port):
    hidden = b"POST /api/v1/invitations/token-1/decline HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    before = contents()

    heads = (b"Content-Length: -5", b"Content-Length: x", b"Content-Length: 5\r\nContent-Length: 2")
    assert [send(port, head, b"{}" + hidden)[0] for head in heads] == [400, 400, 400]
    status, body = send(port, b"Content-Length: %d" % (2 + len(hidden)), b"{}" + hidden)
    assert (status, json.loads(body)["code"]) == (400, "malformed_json")

    assert contents() == before


def chunked(*parts):
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def test_a_body_in_chunks_is_read_as_any_other(port):
    head = b"Transfer-Encoding: chunked"

    assert send(port, head, chunked(b'{"user":{', b'"id":"anna"}}'))[0] == 200
    assert Respondent.objects.get(external_id="anna")

    before = contents()
    for path, part in itertools.product((ELIGIBILITY, RESPONSE), (b" " * 1000, b" " * 100_000)):
        status, body = send(port, head, chunked(*[part] * 150), path=path)
        assert (status, json.loads(body)["code"]) == (413, "body_too_large")
    assert contents() == before
