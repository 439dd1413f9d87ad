"""Measure how near the product comes to what Django and PostgreSQL can do on this machine."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.bench import asking, campaigns, rights, scripts, seeding, staff_pages  # noqa: F401  each registers its benchmarks
from config.bench.load import UnexpectedAnswerError
from config.bench.registry import BENCHMARKS, table, write
from config.bench.workplace import workplace
from config.processes import ProgramStoppedError


class Command(BaseCommand):
    help = "Run the benchmarks in a database of their own, print a table and write var/bench.json."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rounds", type=int, default=5, help="rounds of each comparison (5)")
        parser.add_argument("--requests", type=int, default=1500, help="requests of each member of a round (1500)")
        parser.add_argument("--seeded", type=int, default=100_000, help="responses of history in the tables (100000)")
        parser.add_argument(
            "--respondents", type=int, default=1_000_000, help="people in the tables for the large comparison (1000000)"
        )
        parser.add_argument(
            "--responses", type=int, default=1_000_000, help="responses behind the pages of staff (1000000)"
        )
        parser.add_argument(
            "--rights-responses",
            type=int,
            default=10_000_000,
            help="responses in the tables when somebody uses their rights (10000000)",
        )
        parser.add_argument("--mails", type=int, default=10_000, help="mails of the smaller campaign (10000)")
        parser.add_argument("--only", default="", help="run the benchmarks whose name contains this")

    def handle(
        self,
        *args: Any,
        rounds: int,
        requests: int,
        seeded: int,
        respondents: int,
        responses: int,
        mails: int,
        only: str,
        **options: Any,
    ) -> None:
        if settings.IS_PRODUCTION:
            raise CommandError("benchmarks fill a database with made-up people; refused in production")
        chosen = [each for each in BENCHMARKS if only in each.__name__]
        if not chosen:
            raise CommandError(f"no benchmark's name contains “{only}”")
        try:
            size = {"rounds": rounds, "requests": requests, "seeded": seeded}
            size |= {"respondents": respondents, "responses": responses}
            size["rights_responses"] = options["rights_responses"]
            size["mails"] = mails
            with workplace(**size, report=self.stderr.write) as work:
                measurements = [line for each in chosen for line in each(work)]
        except (ProgramStoppedError, TimeoutError, UnexpectedAnswerError) as error:
            raise CommandError(str(error)) from error
        path = settings.VAR / "bench.json"
        write(measurements, path)
        self.stdout.write(table(measurements))
        self.stdout.write(f"Written to {path}")
