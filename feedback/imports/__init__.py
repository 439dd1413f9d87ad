"""Bringing in earlier answers from CSV and XLSX files: reading, recognising, planning, writing, running."""

from feedback.imports.planning import Columns, Preview, explain
from feedback.imports.reading import ENCODINGS, LARGEST_FILE
from feedback.imports.recognising import DateOrder
from feedback.imports.running import (
    choose_columns,
    discard_file,
    may_start,
    preview_run,
    process_run,
    queue_run,
    remove_old_files,
    source_of,
    unfinished_runs,
    upload_file,
)

__all__ = [
    "ENCODINGS",
    "LARGEST_FILE",
    "Columns",
    "DateOrder",
    "Preview",
    "choose_columns",
    "discard_file",
    "explain",
    "may_start",
    "preview_run",
    "process_run",
    "queue_run",
    "remove_old_files",
    "source_of",
    "unfinished_runs",
    "upload_file",
]
