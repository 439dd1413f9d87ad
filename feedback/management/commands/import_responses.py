"""Import earlier answers from a CSV or XLSX file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from feedback import imports
from privacy.models import Controller
from surveys.scales import Metric

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from feedback.models import ImportRun

SECONDS_BETWEEN_REPORTS = 1.0


class Command(BaseCommand):
    help = (
        "Import responses from a CSV or XLSX file. Good rows go in, rows in error are listed with line and reason; "
        "the same file a second time changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--metric", required=True, choices=[metric.value for metric in Metric])
        for kind in ("product", "score", "date"):
            parser.add_argument(f"--{kind}-column", required=True, metavar="HEADER")
        for kind in ("comment", "respondent", "email", "language", "channel"):
            parser.add_argument(f"--{kind}-column", default="", metavar="HEADER")
        parser.add_argument("--controller", default="", metavar="NAME", help="needed where there are several")
        parser.add_argument("--encoding", default="", choices=list(imports.ENCODINGS), help="default: detected")
        parser.add_argument(
            "--date-order",
            default="",
            choices=imports.DateOrder.values,
            help="what 3/4/2025 means; default: decided by the whole column",
        )
        parser.add_argument("--dry-run", action="store_true", help="write nothing but the report")

    def handle(self, *args: Any, **options: Any) -> None:
        controller = self._controller(options["controller"])
        path: Path = options["file"]
        columns = imports.Columns(
            **{kind: options[f"{kind}_column"] for kind in imports.Columns.KINDS},
            encoding=options["encoding"],
            date_order=options["date_order"],
        )
        try:
            content = path.read_bytes()
            run = imports.upload_file(
                controller=controller, file_name=path.name, content=content, encoding=columns.encoding
            )
            self._run(run, columns, options)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        except ValidationError as error:
            raise CommandError(f"{path}: {' '.join(error.messages)} ({error.code})") from error

    def _controller(self, name: str) -> Controller:
        controllers = Controller.objects.filter(name=name) if name else Controller.objects.all()
        try:
            return controllers.get()
        except Controller.DoesNotExist as error:
            raise CommandError(f"There is no controller {name}." if name else "There is no controller yet.") from error
        except Controller.MultipleObjectsReturned as error:
            names = ", ".join(Controller.objects.values_list("name", flat=True))
            raise CommandError(f"Say --controller, one of: {names}") from error

    def _run(self, run: ImportRun, columns: imports.Columns, options: dict[str, Any]) -> None:
        try:
            imports.choose_columns(run=run, columns=columns, metric=options["metric"])
        except ValidationError:
            run.delete()
            raise
        imports.queue_run(run_id=run.pk, is_dry_run=options["dry_run"])
        self._reported_at = 0.0
        run = imports.process_run(run_id=run.pk, report_progress=self._report_progress)
        if run.failure:
            raise CommandError(f"{options['file']}: {run.failure}")
        self._report(run)

    def _report_progress(self, run: ImportRun) -> None:
        now = time.monotonic()
        if now - self._reported_at >= SECONDS_BETWEEN_REPORTS or run.done_rows == run.total_rows:
            self._reported_at = now
            self.stderr.write(f"{run.done_rows} of {run.total_rows} rows")

    def _report(self, run: ImportRun) -> None:
        verb = "would be imported" if run.is_dry_run else "imported"
        self.stdout.write(f"{run.imported} {verb}, {run.already_there} already there, {run.in_error} in error")
        for error in run.errors.iterator():
            self.stdout.write(f"line {error.line}: {error.code}: {error.reason}")
