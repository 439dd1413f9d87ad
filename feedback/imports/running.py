"""The life of an import: uploaded, columns chosen, queued, run part by part, finished or failed."""

from __future__ import annotations

import logging
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from feedback.imports.planning import Columns, Plan, Preview, RowError, preview_plan
from feedback.imports.reading import open_source, refuse
from feedback.imports.recognising import guess_columns
from feedback.imports.writing import Destinations, catalogue_for, write_part
from feedback.models import ImportRun
from surveys.scales import Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from django.contrib.auth.models import User

    from feedback.imports.planning import Answer, Catalogue
    from feedback.imports.reading import Source
    from privacy.models import Controller

logger = logging.getLogger(__name__)

PART: Final = 500
KEEP_FILES_FOR: Final = timedelta(days=30)  # as the inventory declares
State = ImportRun.State


def upload_file(
    *, controller: Controller, file_name: str, content: bytes, by: User | None = None, encoding: str = ""
) -> ImportRun:
    """Keep a file whose columns are to be chosen; nothing is kept of one that cannot be used.

    Args:
        by: who brings it in; ``None`` on the command line.
        encoding: of a text file; empty: detected.

    Raises:
        ValidationError: with a code of ``reading.PROBLEMS``.
    """
    source = open_source(content, encoding=encoding)
    if next(source.rows(), None) is None:
        raise refuse("no_rows")
    return ImportRun.objects.create(
        controller=controller,
        file_name=file_name[-255:],
        content=content,
        mapping=guess_columns(source.headers),
        created_by=by,
    )


def choose_columns(*, run: ImportRun, columns: Columns, metric: str) -> ImportRun:
    """Say which columns of the file hold what, and on which scale its scores are.

    Raises:
        ValidationError: ``missing_column``, ``already_started``, ``file_removed`` or a code of ``reading.PROBLEMS``.
    """
    columns.positions(source_of(run, encoding=columns.encoding).headers)
    with transaction.atomic():
        run = _locked(run.pk)
        _check_may_start(run)
        run.mapping, run.metric = columns.stored(), Metric(metric)
        run.save(update_fields=["mapping", "metric"])
    return run


def preview_run(run: ImportRun) -> Preview:
    """Count what importing the whole file would come to, with the first rows as they would be imported.

    Raises:
        ValidationError: as ``planning.preview_plan``.
    """
    plan, catalogue = _plan(run)
    return preview_plan(plan, catalogue)


@transaction.atomic
def queue_run(*, run_id: int, is_dry_run: bool) -> ImportRun:
    """Say that a file is to be imported, or tried; what an earlier try reported is forgotten.

    The caller enqueues the task, and the schedule enqueues it again should the message be lost.

    Raises:
        ValidationError: ``already_started``, ``file_removed`` or ``no_columns``.
    """
    run = _locked(run_id)
    _check_may_start(run)
    if not run.metric:
        raise ValidationError(_("Choose the columns first."), code="no_columns")
    run.errors.all().delete()
    run.state, run.is_dry_run, run.finished_at = State.QUEUED, is_dry_run, None
    run.total_rows = run.done_rows = run.imported = run.already_there = run.in_error = 0
    run.save(update_fields=[*_PROGRESS, "state", "is_dry_run", "finished_at"])
    return run


_PROGRESS: Final = ("total_rows", "done_rows", "imported", "already_there", "in_error")


def process_run(*, run_id: int, report_progress: Callable[[ImportRun], None] | None = None) -> ImportRun:
    """Import a queued file, or what is left of one whose worker was killed.

    Running it twice, also at once, imports each row once: whoever finds that another worker moved the run steps aside.

    Args:
        report_progress: called with the run after each part.
    """
    begun = _begin(run_id)
    if begun is None:
        return ImportRun.objects.defer("content").get(pk=run_id)
    try:
        plan, catalogue = _plan(begun)
        total = preview_plan(plan, catalogue, sample=0).total
    except ValidationError as error:
        return _fail(run_id, " ".join(error.messages))
    ImportRun.objects.filter(pk=run_id, state=State.RUNNING).update(total_rows=total)
    try:
        is_done = _write_parts(begun, plan, report_progress)
    except (DataError, IntegrityError):
        # Running it again would meet the same row: what went in stays, and the report says that it stopped.
        logger.exception("import %s stopped at a row that the database refuses", run_id)
        return _fail(run_id, _("The database refused a row; the rows before it were imported."))
    if is_done:
        return _finish(run_id)
    return ImportRun.objects.defer("content").get(pk=run_id)


@transaction.atomic
def discard_file(*, run_id: int) -> ImportRun:
    """Remove the file of an import that was not started, or was only tried.

    Raises:
        ValidationError: ``already_started`` or ``file_removed``.
    """
    run = _locked(run_id)
    _check_may_start(run)
    return _close(run, State.FAILED, failure=_("The file was discarded."))


def unfinished_runs() -> list[int]:
    """Return the ids of the imports that a worker should be at work on."""
    return list(ImportRun.objects.filter(state__in=[State.QUEUED, State.RUNNING]).values_list("pk", flat=True))


def remove_old_files(*, now: datetime) -> int:
    """Remove files that were uploaded 30 days ago, and what every file of then was called; return how many imports.

    Whoever named a file may have named a person. An import that was not through by then fails.
    """
    old = ImportRun.objects.filter(created_at__lte=now - KEEP_FILES_FOR)
    return old.exclude(file_name="", content=b"").update(file_name="", content=b"")


def source_of(run: ImportRun, *, encoding: str = "") -> Source:
    """Return the run's file, ready to be read.

    Raises:
        ValidationError: ``file_removed`` or a code of ``reading.PROBLEMS``.
    """
    content = bytes(run.content)
    if not content:
        raise _file_removed()
    return open_source(content, encoding=encoding or run.mapping.get("encoding", ""))


def may_start(run: ImportRun) -> bool:
    """Tell whether the run's file was not imported yet; a dry run leaves it to be imported."""
    return run.state == State.UPLOADED or (run.state == State.FINISHED and run.is_dry_run)


def _plan(run: ImportRun) -> tuple[Plan, Catalogue]:
    columns = Columns.from_stored(run.mapping)
    catalogue = catalogue_for(controller=run.controller, by=run.created_by, metric=run.metric)
    plan = Plan(source_of(run), columns, metric=run.metric, catalogue=catalogue, now=timezone.now())
    return plan, catalogue


def _write_parts(
    run: ImportRun, plan: Iterable[Answer | RowError], report_progress: Callable[[ImportRun], None] | None
) -> bool:
    """Write what is left of a plan; return whether this worker wrote the last row."""
    destinations = Destinations(run)
    start = run.done_rows
    for rows in _parts(islice(plan, start, None)):
        written = write_part(begun=run, start=start, rows=rows, destinations=destinations)
        if written is None:
            return False
        start = written.done_rows
        if report_progress:
            report_progress(written)
    return True


def _parts(rows: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(rows)
    while part := list(islice(iterator, PART)):
        yield part


def _locked(run_id: int) -> ImportRun:
    return ImportRun.objects.select_for_update().defer("content").get(pk=run_id)


def _check_may_start(run: ImportRun) -> None:
    if not may_start(run):
        raise ValidationError(_("This file has already been started."), code="already_started")
    if ImportRun.objects.filter(pk=run.pk, content=b"").exists():
        raise _file_removed()


def _file_removed() -> ValidationError:
    return ValidationError(_("The file has been removed. Upload it again."), code="file_removed")


@transaction.atomic
def _begin(run_id: int) -> ImportRun | None:
    run = ImportRun.objects.select_for_update(of=["self"]).select_related("controller", "created_by").get(pk=run_id)
    if run.state not in {State.QUEUED, State.RUNNING}:
        return None
    run.state = State.RUNNING
    run.save(update_fields=["state"])
    return run


@transaction.atomic
def _fail(run_id: int, failure: str) -> ImportRun:
    run = _locked(run_id)
    return _close(run, State.FAILED, failure=failure[:300]) if run.state == State.RUNNING else run


@transaction.atomic
def _finish(run_id: int) -> ImportRun:
    run = _locked(run_id)
    if run.state != State.RUNNING or run.done_rows != run.total_rows:
        return run  # another worker finished it, and it may have been queued again since
    # Somebody at the admin's page may now want to import what they tried; on the command line nobody comes back.
    return _close(run, State.FINISHED, keep_file=run.is_dry_run and run.created_by_id is not None)


def _close(run: ImportRun, state: State, *, failure: str = "", keep_file: bool = False) -> ImportRun:
    run.state, run.failure, run.finished_at = state, failure, timezone.now()
    run.save(update_fields=["state", "failure", "finished_at"])
    if not keep_file:
        ImportRun.objects.filter(pk=run.pk).update(content=b"")
    return run
