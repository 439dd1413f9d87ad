"""The figures of the dashboard as a file: for whom, of what, and what is written down about it."""

import csv
import io
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from privacy.models import AccessLogEntry, Membership
from tests.factories import make_controller, make_invitation, make_product, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db

FILE = reverse("feedback_score_file")
SPRING = {"period": "custom", "from": "2026-03-01", "to": "2026-04-30"}


@pytest.fixture
def controller():
    return make_controller()


def survey_of(controller, name):
    return make_survey(product=make_product(controller=controller, name=name))


def answer(survey, *scores, month=3):
    for score in scores:
        make_response(survey=survey, score=score, answered_at=datetime(2026, month, 10, 12, tzinfo=UTC))


def member(client, role, controller):
    user = make_staff(role)
    Membership.objects.create(user=user, controller=controller)
    client.force_login(user)
    return user


def rows(answer):
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def of(table, **wanted):
    [row] = [row for row in table if all(row[name] == value for name, value in wanted.items())]
    return row


def test_each_product_has_a_row_for_the_period_and_one_for_each_month(client, controller):
    bank, shop = survey_of(controller, "Bank"), survey_of(controller, "Shop")
    answer(bank, *[0] * 6, *[10] * 2)
    answer(bank, *[10] * 5, month=4)
    answer(bank, *[10] * 7, month=1)
    answer(shop, *[8] * 5)
    make_invitation(survey=bank, shown_at=datetime(2026, 3, 10, tzinfo=UTC))
    member(client, "analyst", controller)

    got = client.get(FILE, SPRING)
    table = rows(got)

    assert got["Content-Disposition"] == 'attachment; filename="scores-2026-03-01-2026-04-30.csv"'
    assert "no-store" in got["Cache-Control"]
    whole = of(table, product="Bank", row="period")
    assert (whole["metric"], whole["first day"], whole["last day"]) == ("NPS", "2026-03-01", "2026-04-30")
    assert (whole["answers"], whole["value"]) == ("13", "7.6923")
    assert (whole["promoters"], whole["passives"], whole["detractors"]) == ("7", "0", "6")
    assert (whole["answers before"], whole["value before"]) == ("7", "100.0000")
    assert (whole["shown in apps"], whole["answered in apps"]) == ("1", "0")
    march = of(table, product="Bank", row="month", **{"first day": "2026-03-01"})
    assert (march["answers"], march["value"]) == ("8", "-50.0000")  # a number below zero is no formula
    assert of(table, product="products together", row="period")["answers"] == "18"
    april = of(table, product="Shop", row="month", **{"first day": "2026-04-01"})
    assert (april["answers"], april["value"]) == ("0", "")


def test_few_answers_are_too_few_for_whoever_does_not_see_identities(client, controller):
    few, many = survey_of(controller, "Few"), survey_of(controller, "Many")
    answer(few, *[0] * 4)
    answer(many, *[10] * 8)
    answer(many, *[10] * 3, month=4)
    member(client, "administrator", controller)

    table = rows(client.get(FILE, SPRING))

    for row in (of(table, product="Few", row="period"), of(table, product="Many", **{"first day": "2026-04-01"})):
        assert row["answers"] == "too few"
        assert {row[name] for name in list(row)[6:]} == {""}
    assert of(table, product="products together", row="period")["answers"] == "11"

    member(client, "reviewer", controller)

    table = rows(client.get(FILE, SPRING))
    assert of(table, product="Few", row="period")["value"] == "-100.0000"
    assert of(table, product="products together", row="period")["answers"] == "15"


def test_a_name_that_a_spreadsheet_would_run_is_text(client, controller):
    answer(survey_of(controller, "=1+1"), *[10] * 5)
    member(client, "analyst", controller)

    assert {row["product"] for row in rows(client.get(FILE, SPRING))} == {"'=1+1"}


def test_the_file_holds_the_chosen_product_only_and_is_recorded_for_it(client, controller):
    bank, shop = survey_of(controller, "Bank"), survey_of(controller, "Shop")
    for survey in (bank, shop):
        answer(survey, *[10] * 5)
    user = member(client, "analyst", controller)

    table = rows(client.get(FILE, {**SPRING, "product": bank.product_id}))

    assert {row["product"] for row in table} == {"Bank"}
    [entry] = AccessLogEntry.objects.all()
    assert (entry.user, entry.product, entry.controller) == (user, bank.product, controller)
    assert (entry.purpose, entry.record_kind, entry.record_number) == ("export", "feedback.Tally", None)
    member(client, "data_protection_officer", controller)
    assert "many in a file" in client.get("/admin/privacy/accesslogentry/").content.decode()


@pytest.mark.parametrize("query", [{"period": "fortnight"}, {"product": "987654"}])
def test_a_choice_that_cannot_be_taken_gives_no_file_of_something_else(client, controller, query):
    answer(survey_of(controller, "Bank"), *[10] * 5)
    member(client, "analyst", controller)

    got = client.get(FILE, query, follow=True)

    assert got.redirect_chain[0][0].startswith("/admin/?")
    assert 'role="alert"' in got.content.decode()
    assert not AccessLogEntry.objects.exists()


def test_the_dashboard_links_to_the_file_of_what_it_shows(client, controller):
    bank = survey_of(controller, "Bank")
    answer(bank, *[10] * 5)
    member(client, "analyst", controller)
    query = f"?product={bank.product_id}&amp;period=custom&amp;from=2026-03-01&amp;to=2026-04-30"

    assert f'href="{FILE}{query}"' in client.get("/admin/", {**SPRING, "product": bank.product_id}).content.decode()
    assert FILE not in client.get("/admin/", {"period": "last_month"}).content.decode()


def test_who_may_not_see_figures_gets_no_file(client, controller):
    answer(survey_of(controller, "Bank"), *[10] * 5)
    member(client, "privacy_officer", controller)

    assert client.get(FILE, SPRING).status_code == 403
    assert not AccessLogEntry.objects.exists()
