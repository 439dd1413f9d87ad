"""Programs that run side by side: their ports, their ends and what is said about both."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings as configured

from config.management.commands.demo import check_ports
from config.processes import PortUnavailableError, Programs, ProgramStoppedError, check_port


@pytest.fixture
def programs(tmp_path):
    with Programs(logs=tmp_path / "log", folder=tmp_path) as programs:
        yield programs


def test_a_taken_port_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(PortUnavailableError, match=f"port {port} is taken"):
            check_port("127.0.0.1", port)


def test_a_taken_port_of_the_shop_is_named_with_its_reason():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(
            PortUnavailableError, match=rf"port {port} is taken; .*\(the sample shop takes the one after"
        ):
            check_ports(port - 1)


def test_a_port_that_does_not_exist_is_named():
    with pytest.raises(PortUnavailableError, match="port 70000 does not exist"):
        check_port("127.0.0.1", 70_000)


def test_a_port_that_needs_privileges_is_named(monkeypatch):
    """Who lacks them differs from machine to machine; in a container often nobody."""

    def refuse(_socket, _address):
        raise PermissionError

    monkeypatch.setattr(socket.socket, "bind", refuse)

    with pytest.raises(PortUnavailableError, match="port 80 needs privileges"):
        check_port("127.0.0.1", 80)


def test_a_program_that_stops_is_reported_with_the_end_of_its_log(programs):
    programs.start("lasting", sys.executable, "-c", "import time; time.sleep(60)", env={})
    lasting = programs.running[0].process
    programs.start("failing", sys.executable, "-c", "print('why'); print('it failed'); raise SystemExit(3)", env={})

    with pytest.raises(ProgramStoppedError) as stopped:
        programs.watch()

    assert str(stopped.value).startswith("failing stopped with exit code 3; the end of ")
    assert str(stopped.value).endswith("failing.log: why / it failed")
    programs.stop()
    assert lasting.poll() is not None


def test_a_program_that_does_not_want_to_stop_is_killed_with_its_children(programs, monkeypatch):
    monkeypatch.setattr("config.processes.PATIENCE", 0.5)
    deaf = "import signal, subprocess, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    program = programs.start(
        "deaf",
        sys.executable,
        "-u",
        "-c",
        deaf + "print(subprocess.Popen(['sleep', '60']).pid); time.sleep(60)",
        env={},
    )
    while not program.log.read_text():
        time.sleep(0.05)
    child = int(program.log.read_text())

    programs.stop()

    assert program.process.poll() == -signal.SIGKILL
    assert ends(child)


def test_programs_stop_with_the_process_that_was_killed(tmp_path):
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from config.processes import Programs\n"
            "with Programs(logs=Path(sys.argv[1]), folder=Path(sys.argv[1])) as programs:\n"
            "    print(programs.start('child', 'sleep', '60', env={}).process.pid, flush=True)\n"
            "    programs.watch()\n",
            str(tmp_path),
        ],
        cwd=configured.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )
    child = int(parent.stdout.readline())
    assert is_alive(child)

    parent.kill()
    parent.communicate()

    assert ends(child)


def ends(pid):
    """Tell whether a process ends within a few seconds; signals take effect when the machine gets round to it."""
    deadline = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_alive(pid)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
