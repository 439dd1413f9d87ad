"""``manage.py recount_tallies``: prove that the tallies equal the responses, or make them equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from feedback.tallies import find_drift, repair_tallies

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    help = "Compare the tallies with a recount of the responses and repair them, or only check with --check."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; list the differences and fail when there are any"
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        wrong = find_drift() if check else repair_tallies()
        for drift in wrong:
            self.stdout.write(str(drift))
        if check and wrong:
            raise CommandError(f"{len(wrong)} tallies differ from a recount.")
        self.stdout.write(f"{len(wrong)} tallies repaired." if wrong else "All tallies equal a recount.")
