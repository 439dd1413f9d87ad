"""Filters and search of the list of responses."""

import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from feedback import triage, word_search
from feedback.models import Response
from privacy.admin.paging import CappedPaginator
from tests.factories import make_respondent, make_response
from tests.feedback.response_admin.looking import LIST, text_of

pytestmark = pytest.mark.django_db


def found(client, **query):
    answer = client.get(LIST, query)
    assert answer.status_code == 200
    return set(answer.context["cl"].result_list)


def test_every_filter_narrows_the_list(client, login, survey, response):
    reviewer = login("reviewer")
    plain = make_response(survey=survey, score=10, channel="email", language="pl")
    test = make_response(survey=survey, is_test=True)
    suspect = make_response(survey=survey, is_suspect=True)
    triage.exclude(responses=[plain], reason="spam", by=reviewer)
    triage.add_tag(responses=[response], name="fees", by=reviewer)
    triage.archive(responses=[test], by=reviewer)

    assert found(client, product__id__exact=survey.product_id) == {response, plain, test, suspect}
    assert found(client, metric__exact="ces") == set()
    assert found(client, band="detractor") == {response}
    assert found(client, channel__exact="email") == {plain}
    assert found(client, language="pl") == {plain}
    assert found(client, has_comment="yes") == {response}
    assert found(client, has_comment="no") == {plain, test, suspect}
    assert found(client, tag="fees") == {response}
    assert found(client, triage__exact="archived") == {test}
    assert found(client, counted="counted") == {response}
    assert found(client, counted="excluded") == {plain}
    assert found(client, counted="test") == {test}
    assert found(client, counted="suspect") == {suspect}
    assert found(client, answered=timezone.now().year, counted="test") == {test}
    assert found(client, answered="7", counted="test") == {test}
    assert found(client, answered="1999") == set()


def test_a_year_leads_to_its_months_and_a_month_to_its_days(client, login, survey):
    login("reviewer")
    at = {
        day: make_response(survey=survey, answered_at=datetime(2026, *day, 12, tzinfo=UTC))
        for day in [(3, 5), (3, 31), (12, 31)]
    }

    assert found(client, answered="2026") == set(at.values())
    assert found(client, answered="2026-03") == {at[3, 5], at[3, 31]}
    assert found(client, answered="2026-03-05") == {at[3, 5]}
    assert found(client, answered="2026-12") == found(client, answered="2026-12-31") == {at[12, 31]}
    year, month = (client.get(LIST, {"answered": chosen}).text for chosen in ("2026", "2026-03"))
    assert "March 2026" in year
    assert "2026-03-05" not in year
    assert "2026-03-05" in month


def test_days_are_those_of_the_product(client, login, survey):
    login("reviewer")
    assert str(survey.product.zone) == "Europe/Warsaw"
    new_year = make_response(survey=survey, answered_at=datetime(2025, 12, 31, 23, 30, tzinfo=UTC))

    for chosen in ("2026", "2026-01", "2026-01-01"):
        assert found(client, answered=chosen) == {new_year}
    for chosen in ("2025", "2025-12", "2025-12-31"):
        assert found(client, answered=chosen) == set()


@pytest.mark.parametrize("nonsense", ["2026-13", "2026-02-30", "0000", "0001", "9999", "9999-12-31", "2026-", "x"])
def test_a_date_that_does_not_exist_narrows_nothing(client, login, response, nonsense):
    login("reviewer")

    assert found(client, answered=nonsense) == {response}


def test_a_row_says_what_was_answered_where_when_and_in_which_band(client, login, survey):
    login("reviewer")
    make_response(
        survey=survey, score=2, channel="email", language="pl", answered_at=datetime(2026, 3, 5, 12, tzinfo=UTC)
    )

    row = re.search(r'<table[^>]*id="result_list".*?</table>', client.get(LIST).text, re.DOTALL)[0]
    words = " ".join(re.sub(r"<[^>]*>", " ", row).split())

    assert re.search(rf"\b0?3/0?5/2026\b.* {survey.product.name} NPS 2 detractor pl e-mail", words), words
    assert re.search(r'class="[^"]*red[^"]*"[^>]*>\s*detractor', row, re.IGNORECASE)


@pytest.mark.parametrize(
    "lookup",
    ["email__startswith", "name__icontains", "comment__contains", "respondent__email", "company", "receipt_hash"],
)
def test_an_address_cannot_ask_about_columns_that_are_no_filters(client, login, response, lookup):
    login("analyst")

    assert client.get(LIST, {lookup: "a"}).status_code == 400


def test_search_finds_words_in_comments_and_never_people(client, login, response):
    login("reviewer")

    assert found(client, q="fees write") == {response}
    assert found(client, q="fee") == {response}
    assert found(client, q="Nowak") == set()
    assert found(client, q="jan.kowalski@example.com") == set()
    assert "not people" in text_of(client.get(LIST, {"q": "jan.kowalski@example.com"}))
    assert found(client, q="a' | b:* & !") == set()


def test_the_list_takes_as_many_queries_for_fifty_rows_as_for_one(client, login, survey):
    reviewer = login("reviewer")
    triage.add_tag(responses=[make_response(survey=survey)], name="fees", by=reviewer)
    client.get(LIST)  # permissions and content types are cached now
    with CaptureQueriesContext(
        connection,
    ) as for_one:
        client.get(LIST)
    person = make_respondent(product=survey.product)
    rows = [make_response(survey=survey, respondent=person, comment="So-so") for _number in range(49)]
    triage.add_tag(responses=rows, name="slow", by=reviewer)

    with CaptureQueriesContext(connection) as for_fifty:
        assert len(client.get(LIST).context["cl"].result_list) == 50

    assert len(for_fifty) == len(for_one)
    assert not [query for query in for_fifty if '."search"' in query["sql"]]


def test_counting_stops_at_the_limit(survey):
    person = make_respondent(product=survey.product)
    for _number in range(4):
        make_response(survey=survey, respondent=person)
    paginator = CappedPaginator(Response.objects.all(), 2)
    paginator.limit = 3

    assert (paginator.count, paginator.is_capped, paginator.num_pages) == (3, True, 2)

    exact = CappedPaginator(Response.objects.all(), 2)
    assert (exact.count, exact.is_capped) == (4, False)


def test_a_search_that_left_old_responses_out_says_so(client, login, survey, response, monkeypatch):
    login("reviewer")
    make_response(survey=survey, comment="Fees again")
    monkeypatch.setattr(word_search, "MOST_FOUND", 1)
    monkeypatch.setattr(word_search, "MOST_READ", 1)

    assert "only the newest 1 comments were searched" in text_of(client.get(LIST, {"q": "fees"}))
    assert "were searched" not in text_of(client.get(LIST, {"q": "again"}))


def test_an_address_cannot_sort_the_list_by_a_column_that_is_not_sortable(client, login, survey, response):
    login("reviewer")
    newest = make_response(survey=survey, score=10)

    rows = [list(client.get(LIST, {"o": order}).context["cl"].result_list) for order in ("4", "-4", "1")]

    assert rows == [[newest, response], [newest, response], [response, newest]]
