import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from config import embedded

HOLD = """
import sys
from pathlib import Path
from config import embedded
try:
    with embedded.server(Path(sys.argv[1])):
        print("up", flush=True)
        sys.stdin.read()
except embedded.EmbeddedServerError as error:
    sys.exit(f"odzew: {error}")
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may not run PostgreSQL itself")


@pytest.fixture
def folder():
    """A folder that other users may enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="odzew-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def hold(var):
    """Start a process that uses the server until its standard input closes."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(var)],
        cwd=settings.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def var():
    """A cluster for the tests that only need one; making it takes a second."""
    path = Path(tempfile.mkdtemp(prefix="odzew-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@contextlib.contextmanager
def held(var):
    process = hold(var)
    try:
        assert process.stdout.readline() == "up\n", process.stderr.read()
        yield process
    finally:
        process.communicate(timeout=30)


def query(var, sql):
    at = embedded.connection(var)
    with psycopg.connect(
        host=at["HOST"], port=at["PORT"], user=at["USER"], dbname=at["NAME"], autocommit=True
    ) as database:
        cursor = database.execute(sql)
        return cursor.fetchall() if cursor.description else None


def is_running(var):
    try:
        return query(var, "SELECT 1") == [(1,)]
    except psycopg.OperationalError:
        return False


def test_a_second_process_joins_and_the_last_one_stops_the_server(var):
    with held(var):
        with held(var) as second:
            assert is_running(var)
        assert second.returncode == 0
        assert is_running(var)

    assert not is_running(var)
    assert not (var / "postgres" / "postmaster.pid").exists()


def test_a_killed_process_does_not_keep_the_server_running(var):
    with held(var):
        killed = hold(var)
        assert killed.stdout.readline() == "up\n"
        killed.kill()
        killed.communicate()

    assert not is_running(var)


def test_data_outlive_the_server(var):
    with held(var):
        query(var, "CREATE TABLE kept (number integer)")
        query(var, "INSERT INTO kept VALUES (7)")

    with held(var):
        assert query(var, "SELECT number FROM kept") == [(7,)]


def test_little_is_written_for_each_commit(var):
    with held(var):
        assert query(var, "SHOW wal_compression") != [("off",)]
        assert query(var, "SHOW max_wal_size") == [("4GB",)]


def test_the_server_keeps_tables_in_a_part_of_the_memory(var):
    with held(var):
        ((kept,),) = query(var, "SELECT setting::bigint * 8192 FROM pg_settings WHERE name = 'shared_buffers'")
    assert kept == max(128, min(embedded.memory() // 4, 1024)) * 2**20


def test_a_container_has_the_memory_it_is_given(tmp_path, monkeypatch):
    everything = embedded.memory()
    monkeypatch.setattr(embedded, "MEMORY_OF_CONTAINER", tmp_path / "memory.max")
    (tmp_path / "memory.max").write_text("max\n")
    assert embedded.memory() >= everything
    (tmp_path / "memory.max").write_text(f"{300 * 2**20}\n")
    assert embedded.memory() == 300


def test_a_server_left_behind_by_a_crash_of_the_machine_starts_again(var):
    with held(var):
        query(var, "CREATE TABLE crashed (number integer)")
        postmaster = int((var / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(postmaster, signal.SIGQUIT)  # stops at once, without a checkpoint
        while is_running(var):
            pass

    with held(var):
        assert query(var, "SELECT count(*) FROM crashed") == [(0,)]


def test_a_path_too_long_for_a_socket_still_works(folder):
    deep = folder / ("long" * 15) / ("path" * 15)
    deep.mkdir(parents=True)
    assert len(str(deep)) > embedded.LONGEST_SOCKET_FOLDER

    with held(deep):
        assert is_running(deep)

    shutil.rmtree(embedded.connection(deep)["HOST"])


def test_only_the_project_folder_is_written_and_only_its_owner_reads_the_data(folder):
    before = stat.S_IMODE(folder.stat().st_mode)
    var = folder / "var"

    with held(var):
        pass

    assert [path.name for path in folder.iterdir()] == ["var"]
    assert stat.S_IMODE(folder.stat().st_mode) == before
    assert stat.S_IMODE((var / "postgres").stat().st_mode) == 0o700


@as_root
def test_a_closed_parent_folder_is_named_and_left_closed(folder):
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    var = closed / "project" / "var"
    var.parent.mkdir(mode=0o755)

    process = hold(var)
    output, errors = process.communicate(timeout=30)

    assert process.returncode == 1
    assert output == ""
    assert len(errors.splitlines()) == 1
    assert f"{closed} is closed to other users" in errors
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_command_stops_the_server(folder, end):
    var = folder / "var"
    command = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "-v0", "-c", "print('up', flush=True); input()"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "VAR_DIR": str(var), "ODZEW_ENV": "demo"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stdout.readline() == "up\n"
    assert is_running(var)

    command.send_signal(end)
    command.communicate(timeout=30)

    assert command.returncode != 0
    assert not is_running(var)


@as_root
def test_the_server_does_not_run_as_root(var):
    with held(var):
        postmaster = (var / "postgres" / "postmaster.pid").read_text().splitlines()[0]
        assert Path(f"/proc/{postmaster}").stat().st_uid != 0
