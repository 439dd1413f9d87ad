"""A restart of the database costs no visitor an error, and no request a statement."""

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from wsgiref.util import setup_testing_defaults

import pytest
from django.conf import settings
from django.db import connection, connections
from django.http import JsonResponse
from django.urls import path

from config import embedded
from config.wsgi import application
from feedback.prepared import run_prepared


def backend(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return JsonResponse({"pid": cursor.fetchone()[0]})


def prepared(request):
    return JsonResponse({"pid": run_prepared("SELECT pg_backend_pid()", {}).fetchall()[0][0]})


urlpatterns = [path("new/", backend), path("prepared/", prepared)]


@pytest.fixture
def var():
    folder = Path(tempfile.mkdtemp(prefix="odzew-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def thread(var, django_db_blocker):
    """One thread of a web server, with the project's settings but a server of its own that the test may stop."""
    with django_db_blocker.unblock(), ThreadPoolExecutor(1) as executor:
        yield lambda work: executor.submit(work).result(timeout=60)
        executor.submit(connections.close_all).result()


def use(var):
    at = {**settings.DATABASES["default"], **embedded.connection(var)}
    connections["default"] = type(connections["default"])(at, alias="default")


def ask(cursor="new"):
    """Answer one request as granian would have it, and return its status and the process that served it."""
    environ = {"PATH_INFO": f"/{cursor}/"}
    setup_testing_defaults(environ)
    environ["HTTP_HOST"] = "testserver"
    statuses = []
    body = application(environ, lambda status, headers: statuses.append(status))
    content = b"".join(body)
    body.close()
    return statuses[0], content


@pytest.fixture(autouse=True)
def _urls(settings):
    settings.ROOT_URLCONF = __name__


@pytest.mark.parametrize("cursor", ["new", "prepared"])
def test_the_first_request_after_a_restart_is_answered(var, thread, cursor):
    def answer():
        return ask(cursor)

    with embedded.server(var):
        thread(lambda: use(var))
        before = thread(answer)
        assert before[0] == "200 OK"
        assert thread(answer) == before

    with embedded.server(var):
        after = thread(answer)

        assert after[0] == "200 OK"
        assert after != before
        assert thread(answer) == after


def test_a_request_while_the_server_is_away_fails_and_the_next_one_is_answered(var, thread):
    with embedded.server(var):
        thread(lambda: use(var))
        assert thread(ask)[0] == "200 OK"

    assert thread(ask)[0] == "500 Internal Server Error"

    with embedded.server(var):
        assert thread(ask)[0] == "200 OK"


def test_a_request_on_a_kept_connection_sends_its_own_statement_only(var, thread, tmp_path):
    with embedded.server(var), (tmp_path / "trace").open("w+") as trace:
        thread(lambda: use(var))
        thread(ask)
        thread(lambda: connection.connection.pgconn.trace(trace.fileno()))

        assert thread(ask)[0] == "200 OK"

        thread(lambda: connection.connection.pgconn.untrace())
        sent = [line.split("\t") for line in (tmp_path / "trace").read_text().splitlines()]
        assert [fields[3] for fields in sent if fields[1] == "F"] == ["Query"]
