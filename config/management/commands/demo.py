"""Run everything on this machine, with sample data: web server, worker, scheduler and a shop, until Ctrl-C."""

from __future__ import annotations

import sys
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.urls import Resolver404, resolve

from config.processes import (
    PortUnavailableError,
    Programs,
    ProgramStoppedError,
    StopRequested,
    check_port,
    raise_on_ending_signals,
)
from config.roles import sync_roles
from config.sample import demonstration

HOST: Final = "127.0.0.1"
START_LIMIT: Final = 60  # seconds
# One process, because the demonstration's cache is the process's own; rate limits and the like count in it.
SERVER: Final = (
    *(sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws"),
    *("--workers", "1", "--blocking-threads", "4", "--host", HOST),
)
WORKER: Final = (
    *(sys.executable, "-m", "celery", "--app", "config.celery", "worker", "--beat", "--concurrency", "1"),
    *("--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"),
)
ADDRESSES: Final = {
    "Site": "/",
    "Admin": "/admin/",
    **{f"Share link {slug}": f"/s/{slug}/" for slug in demonstration.SHARE_LINKS},
    "Privacy notice": "/privacy/",
    "Privacy request": "/privacy/request/",
    "API docs": "/api/docs/",
    "Readiness": "/readyz",
}


class Command(BaseCommand):
    help = "Run the demonstration: sample data, web server, worker, scheduler and a shop. Ctrl-C stops everything."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=int, default=8000, help="where the web server listens (8000); the sample shop takes the next"
        )

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        try:
            demonstration.refuse_elsewhere()
            check_ports(port)
            raise_on_ending_signals()
            self.prepare(port)
            with Programs(logs=settings.VAR / "log", folder=settings.BASE_DIR) as programs:
                self.serve(programs, port)
        except StopRequested:
            self.say("Stopped.")
        except (
            demonstration.OutsideTheDemonstrationError,
            PortUnavailableError,
            ProgramStoppedError,
            TimeoutError,
        ) as error:
            sys.exit(f"odzew: {error}")

    def prepare(self, port: int) -> None:
        """Bring the database up to date, make the sample data that are missing, and set the clock to now."""
        from config.sample import clock  # noqa: PLC0415  it can be imported in the demonstration only

        self.say("Preparing the database …")
        for folder in ("broker/queue", "broker/control", "static"):
            (settings.VAR / folder).mkdir(parents=True, exist_ok=True)
        call_command("migrate", verbosity=0, interactive=False)
        sync_roles()
        if demonstration.load():
            self.say("Sample data loaded.")
        demonstration.admit_shop(origins=[f"http://{host}:{port + 1}" for host in (HOST, "localhost")])
        clock.move_back()

    def serve(self, programs: Programs, port: int) -> None:
        """Start the programs, say where everything is, and wait."""
        site, shop = f"http://{HOST}:{port}", f"http://{HOST}:{port + 1}"
        env = {"PUBLIC_URL": site}
        programs.start("web", *SERVER, "--port", str(port), "config.sample.wsgi:application", env=env)
        programs.start("worker", *WORKER, env=env)
        programs.start("shop", *SERVER, "--port", str(port + 1), "config.sample.shop.wsgi:application", env=env)
        programs.wait_until_it_answers(f"{site}/readyz", seconds=START_LIMIT)
        programs.wait_until_it_answers(f"{shop}/en/", seconds=START_LIMIT)
        self.say(introduction(site, shop=shop))
        try:
            programs.watch()
        except StopRequested:
            self.say("Stopping …")
            raise

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def check_ports(port: int) -> None:
    """Raise ``PortUnavailableError`` where the web server's port or the shop's, which is the next, cannot be used."""
    check_port(HOST, port)
    try:
        check_port(HOST, port + 1)
    except PortUnavailableError as error:
        raise PortUnavailableError(f"{error} (the sample shop takes the one after Odzew's)") from error


def introduction(site: str, *, shop: str) -> str:
    """Return where everything is and as whom to log in."""
    lines = ["", f"Odzew is running at {site} (Ctrl-C stops it)", ""]
    lines += [f"  {name:<22}{site}{path}" for name, path in ADDRESSES.items() if _is_routed(path)]
    lines += [
        f"  {'Outbox':<22}{site}/outbox/",
        f"  {'Sample shop':<22}{shop}/",
        "",
        "The shop embeds the widget, and its clock can be moved.",
    ]
    lines += ["", f"Logins, all with the password {demonstration.PASSWORD}", ""]
    lines += [f"  {username:<22}{role}" for username, role in demonstration.roles_of_staff().items()]
    return "\n".join([*lines, ""])


def _is_routed(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True
