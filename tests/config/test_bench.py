import json
import os
import shutil
import subprocess
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import environ
import psycopg
import pytest
from django.conf import settings

from config import embedded
from config.bench.load import UnexpectedAnswerError, is_complete, request, seconds_to_answer
from config.bench.registry import BENCHMARKS, Measurement, compare, table, write
from config.bench.rights import SLOWER
from config.bench.workplace import DATABASE, database_url


def test_the_ratio_is_the_median_of_the_rounds_not_the_ratio_of_the_medians():
    measured = compare("thing", [10, 100, 30], [20, 100, 100], unit="requests/s", goal=0.75)

    assert (measured.value, measured.floor, measured.ratio) == (30, 100, 0.5)
    assert measured.met is False


@pytest.mark.parametrize(
    ("measurement", "met"),
    [
        (Measurement(name="a", value=80, unit="/s", floor=100, ratio=0.8, goal=0.75), True),
        (Measurement(name="a", value=74, unit="/s", floor=100, ratio=0.74, goal=0.75), False),
        (Measurement(name="a", value=3, unit="kB", goal=3, more_is_better=False), True),
        (Measurement(name="a", value=4, unit="kB", goal=3, more_is_better=False), False),
        (Measurement(name="a", value=4, unit="kB"), None),
    ],
)
def test_a_goal_is_met_by_the_ratio_or_where_there_is_none_by_the_value(measurement, met):
    assert measurement.met is met


def test_the_report_is_a_list_of_records(tmp_path):
    lines = [Measurement(name="a", value=80, unit="/s", floor=100, ratio=0.8, goal=0.75)]

    write(lines, tmp_path / "var" / "bench.json")

    assert json.loads((tmp_path / "var" / "bench.json").read_text()) == [
        {"name": "a", "value": 80, "unit": "/s", "floor": 100, "ratio": 0.8, "goal": 0.75, "met": True}
    ]
    assert table(lines).splitlines()[1].split() == ["a", "80", "/s", "100", "0.80", "0.75", "yes"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, sent))
        if "refused" in self.path:
            self.send_error(410)
            return
        body = b'{"state":"partial"}'
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen = []
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def put(server, paths, *, contains=b"partial"):
    messages = [request("PUT", path, {"score": 9}) for path in paths]
    return seconds_to_answer(server.server_port, messages, status=201, contains=contains)


def test_every_prepared_request_is_sent_once(server):
    paths = [f"/{number}" for number in range(50)]

    assert put(server, paths) > 0

    assert sorted(server.seen) == sorted((path, b'{"score": 9}') for path in paths)


def test_an_answer_that_did_not_do_the_work_stops_the_measurement(server):
    with pytest.raises(UnexpectedAnswerError, match="410"):
        put(server, ["/1", "/refused", "/3"])
    with pytest.raises(UnexpectedAnswerError, match="partial"):
        put(server, ["/1"], contains=b'"complete"')


def test_an_answer_is_complete_with_its_last_byte_whatever_its_form():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"

    assert not is_complete(head[:-2])
    assert not is_complete(head + b"ab")
    assert is_complete(head + b"abc")
    assert not is_complete(chunked)
    assert is_complete(chunked + b"0\r\n\r\n")


@pytest.mark.parametrize(
    "at",
    [
        {"HOST": "/srv/odzew/var/postgres", "PORT": "5432", "USER": "postgres", "PASSWORD": "", "NAME": "odzew_bench"},
        {"HOST": "db.example.com", "PORT": 5433, "USER": "odzew", "PASSWORD": "p@ss/word:%", "NAME": "odzew_bench"},
    ],
)
def test_servers_are_told_the_database_that_was_made_for_them(at):
    parsed = environ.Env.db_url_config(database_url(at))

    expected = {**at, "PORT": "" if at["HOST"].startswith("/") else at["PORT"]}
    assert {name: parsed[name] for name in expected} == expected


@pytest.fixture
def var():
    """A folder that other users may enter, so that PostgreSQL can run there for root too."""
    path = Path(tempfile.mkdtemp(prefix="odzew-bench-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def test_a_small_run_measures_everything_and_leaves_no_database(var):
    run = subprocess.run(
        [
            *(sys.executable, "manage.py", "bench", "--rounds", "1", "--requests", "40", "--seeded", "60"),
            *("--respondents", "12000", "--responses", "300", "--rights-responses", "2000", "--mails", "60"),
        ],
        cwd=settings.BASE_DIR,
        env={**os.environ, "ODZEW_ENV": "demo", "DATABASE_URL": "", "VAR_DIR": str(var)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    records = json.loads((var / "bench.json").read_text())
    assert {"name", "value", "unit", "floor", "ratio", "goal", "met"} == set(records[0])
    for record in records:
        assert record["value"] > 0
        assert record["name"] in run.stdout
    ratios = [record["name"].split(",")[0] for record in records if record["goal"] == SLOWER and record["ratio"]]
    assert {"access", "erasure"} <= set(ratios)
    assert sum(record["goal"] is not None for record in records) >= len(BENCHMARKS)
    with embedded.server(var):
        at = embedded.connection(var)
        with psycopg.connect(host=at["HOST"], user=at["USER"], dbname="postgres") as database:
            assert not database.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchall()
