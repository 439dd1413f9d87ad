"""A file that still has somebody whose data were erased does not bring them back."""

import pytest

from feedback import imports
from feedback.models import Respondent, Response
from tests.factories import make_product, make_suppression
from tests.feedback.import_files import csv_file, errors, imported

pytestmark = pytest.mark.django_db
HEADERS = ["score", "date", "product", "who", "mail"]
COLUMNS = imports.Columns(product="product", score="score", date="date", respondent="who", email="mail")


def run(product, rows, **options):
    return imported(csv_file(rows, headers=HEADERS), columns=COLUMNS, controller=product.controller, **options)


@pytest.mark.parametrize("key", ["id:anna", "mail:anna@example.com"])
@pytest.mark.parametrize("dry_run", [True, False])
def test_rows_of_an_erased_person_are_refused_by_any_identifier_and_the_others_go_in(key, dry_run):
    product = make_product(name="Alpha")
    make_suppression(product=product, key=key, reason="erased")
    rows = [
        ["5", "2025-01-01", "alpha", "anna", "Anna@example.com"],
        ["4", "2025-01-01", "alpha", "other", "other@example.com"],
    ]

    done = run(product, rows, dry_run=dry_run)

    assert errors(done) == [(2, "erased_person")]
    assert (done.done_rows, done.imported, done.in_error) == (2, 1, 1)
    assert [person.email for person in Respondent.objects.all()] == ([] if dry_run else ["other@example.com"])


@pytest.mark.parametrize("reason", ["objected", "by_staff"])
def test_who_only_does_not_want_to_be_asked_keeps_what_they_answered(reason):
    product = make_product(name="Alpha")
    make_suppression(product=product, key="id:anna", reason=reason)

    run(product, [["5", "2025-01-01", "Alpha", "anna", ""]])

    assert Response.objects.count() == 1


def test_an_erasure_holds_for_its_own_product():
    product, other = make_product(name="Alpha"), make_product()
    make_suppression(product=other, key="id:anna", reason="erased")

    run(product, [["5", "2025-01-01", "Alpha", "anna", ""]])

    assert Response.objects.count() == 1
