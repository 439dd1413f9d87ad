"""Runs programs beside this one: each logs to a file of its own, and none of them outlives us."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType, TracebackType

ENDING_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE: Final = 10  # seconds that a program may take to stop by itself
TAIL: Final = 400  # characters of a log that say why a program stopped
SET_PARENT_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG of prctl(2)


class PortUnavailableError(Exception):
    """Nothing can listen on this port; the message says why in one line."""


class ProgramStoppedError(Exception):
    """A program stopped by itself; the message has the end of its log, in one line."""


class StopRequested(BaseException):
    """Ctrl-C, or the request of a process manager, reached us; no error, it travels like KeyboardInterrupt."""


@dataclass
class Program:
    """A running program."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def why_it_stopped(self) -> str:
        """Return one line with the exit code and the end of the log."""
        lines = self.log.read_text(errors="replace").split("\n")
        end = " / ".join(line.strip() for line in lines if line.strip())[-TAIL:]
        return f"{self.name} stopped with exit code {self.process.returncode}; the end of {self.log}: {end}"


class Programs:
    """Programs that run until the end of the block, whatever ends it.

    Args:
        logs: the folder of their logs; each log begins anew with its program.
        folder: where they run.
    """

    def __init__(self, *, logs: Path, folder: Path) -> None:
        self.logs = logs
        self.folder = folder
        self.running: list[Program] = []

    def __enter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, name: str, *command: str, env: dict[str, str]) -> Program:
        """Start a program with these variables beside our own."""
        log = self.logs / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in a terminal reaches us alone, and we stop them in order
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )
        program = Program(name, process, log)
        self.running.append(program)
        return program

    def check(self) -> None:
        """Raise ``ProgramStoppedError`` where a program has stopped."""
        for program in self.running:
            if program.process.poll() is not None:
                raise ProgramStoppedError(program.why_it_stopped())

    def watch(self) -> None:
        """Wait for ever, or until a program stops, which raises ``ProgramStoppedError``."""
        while True:
            self.check()
            time.sleep(0.3)

    def wait_until_it_answers(self, url: str, *, seconds: float) -> None:
        """Wait until the address answers 200.

        Raises:
            ProgramStoppedError: a program stopped meanwhile.
            TimeoutError: the address did not answer in time.
        """
        self._wait_until(lambda: _answers(url), url, seconds)

    def wait_until_it_listens(self, host: str, port: int, *, seconds: float) -> None:
        """Wait until something takes connections on the port; raises as ``wait_until_it_answers``."""
        self._wait_until(lambda: _listens(host, port), f"{host}:{port}", seconds)

    def _wait_until(self, is_there: Callable[[], bool], name: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not is_there():
            self.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} did not answer within {seconds:.0f} seconds, see {self.logs}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Ask the programs to stop, the last one first, and insist where one does not."""
        for program in reversed(self.running):
            if program.process.poll() is None:
                program.process.terminate()
        deadline = time.monotonic() + PATIENCE
        for program in reversed(self.running):
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.process.wait(max(0.1, deadline - time.monotonic()))
            with contextlib.suppress(ProcessLookupError):  # nobody is left where all went well
                os.killpg(program.process.pid, signal.SIGKILL)
            program.process.wait()
        self.running.clear()


def raise_on_ending_signals() -> None:
    """Turn the first Ctrl-C, SIGTERM or SIGHUP into ``StopRequested``; later ones must not disturb the tidying up."""

    def request(number: int, frame: FrameType | None) -> None:
        for each in ENDING_SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise StopRequested

    for each in ENDING_SIGNALS:
        if each != signal.SIGHUP or signal.getsignal(each) != signal.SIG_IGN:  # nohup asked us to ignore it
            signal.signal(each, request)


def check_port(host: str, port: int) -> None:
    """Raise ``PortUnavailableError`` where nothing can listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise PortUnavailableError(f"port {port} needs privileges; choose one above 1023") from error
        except (OSError, OverflowError) as error:
            reason = "is taken" if isinstance(error, OSError) else "does not exist"
            raise PortUnavailableError(f"port {port} {reason}; choose another one") from error


def free_port(host: str) -> int:
    """Return a port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  an address of ours
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def _end_with_parent() -> None:
    """Have the kernel stop the program when we are killed without a chance to do it."""
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
