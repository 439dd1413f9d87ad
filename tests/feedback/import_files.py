"""Files of earlier answers as tests make them, and the shortest way to import one."""

import csv
import io

import openpyxl

from feedback import imports
from tests.factories import make_controller

COLUMNS = imports.Columns(product="product", score="score", comment="comment", date="date")
HEADERS = ["comment", "score", "date", "product"]
COMMENTS = [
    "Great app, carries my bank",
    "ጥሩ መተግበሪያ 👍🏽",
    "Źle działa „nowa” wersja; gorsza, niestety",
    'she said "ok"\nand left',
    "siple too us  ",
    "很好用",
    "",
]


def reviews(count, headers=HEADERS):
    """Rows like those of an app store: several scripts, quotes, line ends, two products, a few exact repetitions."""
    rows = []
    for number in range(count):
        cells = {
            "comment": COMMENTS[number % len(COMMENTS)],
            "score": str(number % 5 + 1),
            "date": f"2025-0{number % 9 + 1}-1{number % 3}",
            "product": "Alpha" if number % 2 else "Beta",
        }
        rows.append([cells.get(header, "Store") for header in headers])
    return rows


def csv_file(rows, headers=HEADERS, encoding="utf-8", delimiter=","):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([headers, *rows])
    return text.getvalue().encode(encoding)


def xlsx_file(rows, headers=HEADERS):
    book, content = openpyxl.Workbook(), io.BytesIO()
    for row in [headers, *rows]:
        book.active.append(row)
    book.save(content)
    return content.getvalue()


def queued(content, *, columns=COLUMNS, metric="csat", controller=None, by=None, dry_run=False):
    run = imports.upload_file(controller=controller or make_controller(), file_name="f.csv", content=content, by=by)
    imports.choose_columns(run=run, columns=columns, metric=metric)
    return imports.queue_run(run_id=run.pk, is_dry_run=dry_run)


def imported(content, **options):
    return imports.process_run(run_id=queued(content, **options).pk)


def outcome(run):
    return run.state, run.total_rows, run.imported, run.already_there, run.in_error


def errors(run):
    return [(error.line, error.code) for error in run.errors.all()]
