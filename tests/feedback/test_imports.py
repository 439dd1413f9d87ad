"""Files of earlier answers, from bytes to responses: what is written, about whom, once only, and what is not."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Sum
from django.utils import timezone

from feedback import imports
from feedback.models import ImportRowError, ImportRun, Invitation, Respondent, Response, Tally
from feedback.tallies import find_drift
from privacy.models import Membership, Product
from surveys.models import Survey
from surveys.scales import Metric
from tests.factories import make_controller, make_draft, make_product, make_respondent, make_staff
from tests.feedback.import_files import (
    COMMENTS,
    csv_file,
    errors,
    imported,
    outcome,
    queued,
    reviews,
    xlsx_file,
)

pytestmark = pytest.mark.django_db

# --- What is written --------------------------------------------------------------------------------------------------


def test_every_row_of_a_real_looking_file_becomes_a_response():
    run = imported(csv_file(reviews(800)))

    assert outcome(run) == ("finished", 800, 800, 0, 0)
    assert Response.objects.count() == Invitation.objects.count() == Respondent.objects.count() == 800
    assert set(Response.objects.values_list("comment", flat=True)) == {comment.strip() for comment in COMMENTS}
    assert [Response.objects.filter(product__name=name).count() for name in ("Alpha", "Beta")] == [400, 400]


REVIEWS_BY_SCORE = {"Alpha": (48, 16, 21, 40, 275), "Beta": (33, 17, 12, 23, 315)}


def test_the_dashboard_shows_what_was_imported(client):
    rows = [
        [COMMENTS[place % len(COMMENTS)], str(score), "2026-03-01", name]
        for name, counts in REVIEWS_BY_SCORE.items()
        for score, count in enumerate(counts, start=1)
        for place in range(count)
    ]
    controller = make_controller()
    products = [make_product(name=name, controller=controller) for name in REVIEWS_BY_SCORE]
    user = make_staff("analyst", product=products[0])
    Membership.objects.create(user=user, controller=controller, product=products[1])

    run = imported(csv_file(rows), controller=controller)
    client.force_login(user)
    shown = client.get("/admin/", {"period": "all"}).text

    assert outcome(run) == ("finished", 800, 800, 0, 0)
    assert "CSAT products together 81.6 %" in " ".join(re.sub(r"<[^>]*>", " ", shown).split())


def test_tallies_match_after_an_import():
    imported(csv_file(reviews(800)))

    assert find_drift() == []
    assert Tally.objects.aggregate(total=Sum("count"))["total"] == 800


def test_an_imported_answer_is_back_dated_complete_and_nobodys():
    product = make_product(name="Beta", time_zone="America/New_York", default_language="pl")
    before = timezone.now()

    run = imported(csv_file([["Nice", "4", "2025-03-09", "beta "]]), controller=product.controller)

    response = Response.objects.get()
    noon = datetime(2025, 3, 9, 16, tzinfo=UTC)
    assert (response.product, response.score, response.comment, response.band) == (product, 4, "Nice", "promoter")
    assert (response.answered_at, response.completed_at, response.answered_on.isoformat()) == (noon, noon, "2025-03-09")
    assert response.received_at >= before
    assert (response.state, response.triage, response.channel, response.language) == ("complete", "read", "link", "pl")
    assert response.import_run == run
    assert not response.respondent.is_known
    assert (response.respondent.first_seen_at, response.respondent.do_not_contact) == (noon, False)
    invitation = response.invitation
    assert (invitation.created_at, invitation.responded_at, invitation.expires_at) == (noon, noon, noon)
    assert (invitation.shown_at, invitation.sent_at, invitation.survey_id) == (None, None, response.survey_id)


def test_fresh_answers_wait_to_be_read():
    yesterday = (timezone.now() - timedelta(days=1)).date().isoformat()

    imported(csv_file([["new", "4", yesterday, "A"], ["old", "4", "2024-01-01", "A"]]))

    assert dict(Response.objects.values_list("comment", "triage")) == {"new": "unread", "old": "read"}


def test_imported_answers_hang_on_a_survey_that_nobody_is_ever_asked():
    controller = make_controller()
    imported(csv_file(reviews(4)), controller=controller)
    imported(csv_file([["again", "1", "2025-01-01", "Alpha"]]), controller=controller)
    imported(csv_file([["other", "1", "2025-01-01", "Alpha"]]), controller=controller, metric="ces")

    surveys = Survey.objects.filter(product__name="Alpha")
    assert sorted((survey.name, survey.state) for survey in surveys) == [
        ("Imported CES", "archived"),
        ("Imported CSAT", "archived"),
    ]
    assert not Survey.objects.askable(at=timezone.now()).exists()
    assert all(survey.current_version.content["pl"]["question"] for survey in surveys)


def test_a_survey_of_staff_that_has_the_name_is_left_alone():
    product = make_product(name="Alpha")
    draft = make_draft(product=product, name="Imported CSAT", metric=Metric.CSAT)

    imported(csv_file([["x", "1", "2025-01-01", "Alpha"]]), controller=product.controller)

    draft.refresh_from_db()
    assert draft.state == "draft"
    assert Response.objects.get().survey.name == "Imported CSAT (2)"


def test_a_product_whose_language_has_no_shipped_wording_is_a_row_in_error():
    product = make_product(name="Alpha", default_language="de")

    run = imported(csv_file([["x", "1", "2025-01-01", "Alpha"]]), controller=product.controller)

    assert errors(run) == [(2, "no_wording")]


def test_language_and_channel_come_from_columns():
    columns = imports.Columns(product="p", score="s", date="d", language="l", channel="c")

    run = imported(
        b"p,s,d,l,c\nA,5,2025-01-01,en-GB,web\nA,4,2025-01-01,,\nA,4,2025-01-01,??,\nA,4,2025-01-01,,fax\n",
        columns=columns,
    )

    assert sorted(Response.objects.values_list("language", "channel")) == [("en", "web"), ("pl", "link")]
    assert errors(run) == [(4, "invalid_language"), (5, "invalid_channel")]


# --- People -----------------------------------------------------------------------------------------------------------

PEOPLE = imports.Columns(product="p", score="s", date="d", respondent="id", email="mail")


def test_rows_of_one_person_share_a_respondent_first_seen_at_the_earliest():
    content = b"p,s,d,id,mail\nA,5,2025-03-01,k-1,a@x.pl\nA,4,2025-01-01,k-1,\nB,4,2025-01-01,k-1,\nA,1,2025-01-01,,\n"

    imported(content, columns=PEOPLE)

    known = Respondent.objects.get(product__name="A", subject_key="id:k-1")
    assert known.responses.count() == 2
    assert known.first_seen_at == datetime(2025, 1, 1, 11, tzinfo=UTC)
    assert Respondent.objects.count() == 3
    assert set(known.responses.values_list("name", "email")) == {("k-1", "a@x.pl"), ("k-1", "")}


def test_rows_join_somebody_who_is_already_here_and_leave_their_details_alone():
    product = make_product(name="A")
    person = make_respondent(product=product, subject_key="mail:ala@x.pl", email="ala@x.pl", name="Ala")

    imported(b"p,s,d,id,mail\nA,5,2025-03-01,Unknown,ALA@x.pl\n", columns=PEOPLE, controller=product.controller)

    person.refresh_from_db()
    assert Respondent.objects.get() == person
    assert (person.name, person.first_seen_at.year, person.responses.count()) == ("Ala", 2025, 1)


def test_answers_of_a_restricted_person_arrive_restricted():
    product = make_product(name="A")
    make_respondent(product=product, subject_key="id:k-1", restricted_at=timezone.now())

    run = imported(b"p,s,d,id,mail\nA,5,2025-03-01,k-1,\n", columns=PEOPLE, controller=product.controller)

    assert run.imported == 1
    assert not Response.objects.exists()
    assert not Response.including_restricted.counted().exists()
    assert not Tally.objects.exclude(count=0).exists()
    assert find_drift() == []


# --- Once and only once -----------------------------------------------------------------------------------------------


def test_the_same_file_twice_changes_nothing():
    controller, content = make_controller(), csv_file(reviews(60))
    imported(content, controller=controller)
    before = list(Response.objects.order_by("pk").values())

    again = imported(content, controller=controller)

    assert outcome(again) == ("finished", 60, 0, 60, 0)
    assert list(Response.objects.order_by("pk").values()) == before
    assert Respondent.objects.count() == Invitation.objects.count() == 60


def test_two_identical_rows_are_two_peoples_answers():
    controller, row = make_controller(), ["Good", "5", "2025-01-01", "Alpha"]
    imported(csv_file([row, row]), controller=controller)

    more = imported(csv_file([row, row, row]), controller=controller)

    assert outcome(more) == ("finished", 3, 1, 2, 0)
    assert Respondent.objects.count() == 3


def test_the_same_answers_in_another_order_encoding_and_format_are_recognised():
    controller = make_controller()
    rows = [["Żółw – dobre", "5", "2025-01-01", "Alpha"], ["dwa\nwiersze", "4", "2025-02-01 10:30:00", "Alpha"]]
    imported(csv_file(rows), controller=controller)

    turned = ["product", "date", "extra", "score", "comment"]
    order = [[row[3].upper(), row[2], "", row[1], row[0]] for row in reversed(rows)]
    again = imported(csv_file(order, turned, "cp1250", ";"), controller=controller)
    typed = [
        ["Żółw – dobre", 5, datetime(2025, 1, 1), "Alpha"],  # noqa: DTZ001  cells have no zone
        ["dwa_x000D_\nwiersze", 4.0, datetime(2025, 2, 1, 10, 30), "Alpha"],  # noqa: DTZ001
    ]
    workbook = imported(xlsx_file(typed), controller=controller)

    assert (outcome(again), outcome(workbook)) == (("finished", 2, 0, 2, 0),) * 2
    assert Response.objects.count() == 2


def test_the_same_words_on_another_scale_are_another_answer():
    controller, content = make_controller(), csv_file([["x", "5", "2025-01-01", "Alpha"]])
    imported(content, controller=controller)

    assert imported(content, controller=controller, metric="ces").imported == 1


# --- Rows in error ----------------------------------------------------------------------------------------------------


def test_good_rows_go_in_while_bad_rows_are_reported_with_line_and_reason():
    rows = [
        ["two\nlines", "5", "2025-01-01", "A"],
        ["x", "9,5", "2025-01-01", "A"],
        ["x", "", "2025-01-01", "A"],
        ["x", "6", "2025-01-01", "A"],
        ["x", "5", "someday", "A"],
        ["x", "5", "2999-01-01", "A"],
        ["x", "5", "1980-01-01", "A"],
        ["x", "5", "", "A"],
        ["x", "5", "2025-01-01", " "],
        ["x", "5", "2025-01-01", "A" * 201],
        ["x" * 10_001, "5", "2025-01-01", "A"],
        ["x, shifted", "5", "2025-01-01", "A", "too many"],
        ["x" * 10_000, "5", "2025-01-01", "A"],
    ]

    run = imported(csv_file(rows))

    assert outcome(run) == ("finished", 13, 2, 0, 11)
    assert errors(run) == [
        *((4, "invalid_score"), (5, "missing_score"), (6, "invalid_score"), (7, "invalid_date"), (8, "future_date")),
        *((9, "date_too_early"), (10, "missing_date"), (11, "missing_product"), (12, "product_too_long")),
        *((13, "comment_too_long"), (14, "too_many_cells")),
    ]
    assert run.errors.get(line=4).reason == "The score is not a whole number from 1 to 5."
    assert {len(comment) for comment in Response.objects.values_list("comment", flat=True)} == {9, 10_000}


def test_reasons_never_quote_the_row():
    run = imported(csv_file([["Jan Kowalski", "Kowalski", "Kowalski", "A"]]))

    assert not ImportRowError.objects.filter(run=run, reason__contains="Kowalski").exists()
    assert run.in_error == 1


def test_nul_and_half_characters_are_removed_and_everything_else_stays():
    content = b"comment,score,date,product\na\0b \xed\xa0\xbd c,5,2025-01-01,A\0lpha\n"

    imported(content)

    assert Response.objects.get().comment == "ab  c"
    assert Product.objects.get(name="Alpha")


@pytest.mark.parametrize(
    ("dates", "days", "doubt"),
    [
        (["03/04/2025", "31/12/2024"], {"2025-04-03", "2024-12-31"}, ""),
        (["03/04/2025", "12/31/2024"], {"2025-03-04", "2024-12-31"}, ""),
        (["03/04/2025", "05/06/2025"], {"2025-04-03", "2025-06-05"}, "ambiguous"),
    ],
)
def test_the_order_of_day_and_month_holds_for_the_whole_column(dates, days, doubt):
    run = queued(csv_file([["x", "5", day, "A"] for day in dates]))

    assert imports.preview_run(ImportRun.objects.get(pk=run.pk)).dates.doubt == doubt
    imports.process_run(run_id=run.pk)

    assert {day.isoformat() for day in Response.objects.values_list("answered_on", flat=True)} == days


def test_the_order_of_day_and_month_can_be_chosen():
    columns = imports.Columns(product="product", score="score", date="date", date_order="month_first")

    imported(csv_file([["x", "5", "03/04/2025", "A"]]), columns=columns)

    assert Response.objects.get().answered_on.isoformat() == "2025-03-04"
