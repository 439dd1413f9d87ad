"""``manage.py import_responses``: what it prints where, and how it ends."""

import io

import pytest
from django.core.management import CommandError, call_command

from feedback.models import ImportRun, Response
from tests.factories import make_controller
from tests.feedback.import_files import csv_file, reviews, xlsx_file

pytestmark = pytest.mark.django_db


@pytest.fixture
def run_command(tmp_path):
    """Run the command on a file with this content; returns what it printed to the two outputs."""

    def run_command(content, *arguments, **options):
        path = tmp_path / "answers.csv"
        path.write_bytes(content)
        out, err = io.StringIO(), io.StringIO()
        call_command(
            "import_responses",
            str(path),
            *arguments,
            **{
                **{"product_column": "product", "score_column": "score", "comment_column": "comment"},
                **{"date_column": "date", "metric": "csat", "stdout": out, "stderr": err, **options},
            },
        )
        return out.getvalue(), err.getvalue()

    return run_command


def test_the_report_goes_to_one_output_and_the_progress_to_the_other(run_command):
    make_controller()
    rows = reviews(600)
    rows[0][1] = "ten"

    out, err = run_command(csv_file(rows))

    assert out.splitlines() == [
        "599 imported, 0 already there, 1 in error",
        "line 2: invalid_score: The score is not a whole number from 1 to 5.",
    ]
    assert err.splitlines()[-1] == "600 of 600 rows"
    assert Response.objects.count() == 599


def test_a_second_time_finds_everything_there(run_command):
    make_controller()
    run_command(csv_file(reviews(10)))

    out, _err = run_command(xlsx_file(reviews(10)))

    assert out == "0 imported, 10 already there, 0 in error\n"


def test_a_dry_run_says_what_would_happen_and_keeps_no_file(run_command):
    make_controller()

    out, _err = run_command(csv_file(reviews(10)), "--dry-run")

    assert out == "10 would be imported, 0 already there, 0 in error\n"
    assert not Response.objects.exists()
    assert bytes(ImportRun.objects.get().content) == b""


@pytest.mark.parametrize(
    ("content", "options", "code"),
    [
        (csv_file(reviews(1)), {"score_column": "points"}, "missing_column"),
        (b"", {}, "empty_file"),
        (b"comment,score,date,product\n", {}, "no_rows"),
        (b"PK\x03\x04", {}, "not_xlsx"),
        (
            "comment,score,date,product\nżółw,1,2025-01-01,A\n".encode("cp1250"),
            {"encoding": "utf-8-sig"},
            "undecodable",
        ),
    ],
)
def test_a_file_that_cannot_be_used_ends_the_command_with_one_line_and_leaves_no_run(
    run_command, content, options, code
):
    make_controller()

    with pytest.raises(CommandError) as error:
        run_command(content, **options)

    assert str(error.value).endswith(f"({code})")
    assert "\n" not in str(error.value)
    assert not ImportRun.objects.exists()


def test_a_file_that_breaks_off_ends_the_command_with_one_line(run_command):
    make_controller()

    with pytest.raises(CommandError, match="line 5 is never closed"):
        run_command(csv_file(reviews(3)) + b'"open,')


def test_a_missing_file_ends_the_command_with_one_line(tmp_path):
    make_controller()

    with pytest.raises(CommandError, match=r"none\.csv: No such file"):
        call_command(
            "import_responses", str(tmp_path / "none.csv"), product_column="p", score_column="s", date_column="d",
            metric="nps",
        )  # fmt: skip


def test_the_controller_is_named_where_there_are_several(run_command):
    with pytest.raises(CommandError, match="There is no controller yet"):
        run_command(csv_file(reviews(1)))
    make_controller(name="One")
    make_controller(name="Two")

    with pytest.raises(CommandError, match="--controller, one of: One, Two"):
        run_command(csv_file(reviews(1)))
    with pytest.raises(CommandError, match="no controller Three"):
        run_command(csv_file(reviews(1)), controller="Three")
    run_command(csv_file(reviews(1)), controller="Two")

    assert Response.objects.get().product.controller.name == "Two"
