"""Build the widget's scripts of their sources and translations, or check that somebody did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from feedback.widget import building

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    help = "Build the widget's scripts of their sources and translations into the files that are served."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is out of date")
        parser.add_argument(
            "--folder", type=Path, default=building.BUILT, help="where to put them; default: %(default)s"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        scripts, folder = building.build(), options["folder"]
        if options["check"]:
            if names := building.differing(scripts, folder):
                raise CommandError(f"Not what its sources make in {folder}: {', '.join(names)}. Run make widget.")
            self.stdout.write("The widget's scripts are what their sources make.")
            return
        for name in building.write(scripts, folder):
            self.stdout.write(f"{folder / name} changed")
