from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

from feedback.imports.recognising import (
    DateOrder,
    DateReading,
    RowProblem,
    find_date_order,
    fold_name,
    guess_columns,
    recognise_channel,
    recognise_language,
    recognise_moment,
    recognise_person,
    recognise_score,
    tidy_text,
)
from surveys.scales import Metric, scale_of

WARSAW = ZoneInfo("Europe/Warsaw")
NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
DAY_FIRST, MONTH_FIRST = DateOrder.DAY_FIRST, DateOrder.MONTH_FIRST


def problem_of(call, *args):
    with pytest.raises(RowProblem) as problem:
        call(*args)
    return problem.value.code


def moment(cell, order=DAY_FIRST, first_day=WINDOWS_EPOCH):
    return recognise_moment(cell, order, first_day)


def resolved(cell, zone=WARSAW, now=NOW):
    return moment(cell).resolve(zone, now)


# --- Scores -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", [9, 9.0, "9", " 9 ", "9.0", "9.00", "09", "+9", "9\u00a0"])
def test_a_whole_number_in_the_scale_is_a_score(cell):
    assert recognise_score(cell, scale_of(Metric.NPS)) == 9


def test_zero_is_a_score_of_nps():
    assert [recognise_score(cell, scale_of(Metric.NPS)) for cell in (0, "0", 0.0)] == [0, 0, 0]


@pytest.mark.parametrize(
    "cell", ["9,5", "9.5", 9.5, "ten", 11, "11", -1, "-1", True, "9/10", "٩", "1e1", date(2025, 1, 9), 10**30, "NaN"]
)
def test_anything_else_is_no_score(cell):
    assert problem_of(recognise_score, cell, scale_of(Metric.NPS)) == "invalid_score"


@pytest.mark.parametrize("cell", [None, "", "  "])
def test_an_empty_score_is_a_skip_not_a_zero(cell):
    assert problem_of(recognise_score, cell, scale_of(Metric.NPS)) == "missing_score"


def test_the_scale_is_that_of_the_metric():
    assert problem_of(recognise_score, 0, scale_of(Metric.CSAT)) == "invalid_score"
    assert problem_of(recognise_score, 6, scale_of(Metric.CSAT)) == "invalid_score"
    assert recognise_score(7, scale_of(Metric.CES)) == 7


# --- Dates ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    [
        "2025-12-31",
        "2025/12/31",
        "31.12.2025",
        "31/12/2025",
        "31-12-2025",
        "31 December 2025",
        "Dec 31, 2025",
        "31st Dec 2025",
        "31 grudnia 2025",
        "2025-12-31 00:00:00",
        "46022",
        46022,
        46022.0,
        date(2025, 12, 31),
        datetime(2025, 12, 31),  # noqa: DTZ001  cells have no zone
    ],
)
def test_a_date_is_read_in_every_usual_form(cell):
    assert moment(cell).day == date(2025, 12, 31)
    assert moment(cell).key == "2025-12-31"


def test_days_and_months_follow_the_order_of_the_column_but_never_with_dots():
    assert moment("3/4/2025", DAY_FIRST).day == date(2025, 4, 3)
    assert moment("3/4/2025", MONTH_FIRST).day == date(2025, 3, 4)
    assert moment("3.4.2025", MONTH_FIRST).day == date(2025, 4, 3)
    assert moment("2025/3/4", DAY_FIRST).day == date(2025, 3, 4)


@pytest.mark.parametrize(
    ("cell", "key"),
    [
        ("2025-06-07T12:34:56Z", "2025-06-07T12:34:56+00:00"),
        ("2025-06-07 12:34:56 UTC", "2025-06-07T12:34:56+00:00"),
        ("2025-06-07T12:34:56.789+02:00", "2025-06-07T10:34:56+00:00"),
        ("2025-06-07 12:34 -0500", "2025-06-07T17:34:00+00:00"),
        ("2025-06-07 12:34", "2025-06-07T12:34:00"),
        ("7.6.2025 9:05", "2025-06-07T09:05:00"),
        ("7/6/2025, 2:30 PM", "2025-06-07T14:30:00"),
        ("June 7, 2025 12:01 am", "2025-06-07T00:01:00"),
        (45815.5, "2025-06-07T12:00:00"),
        ("45815.5", "2025-06-07T12:00:00"),
    ],
)
def test_a_time_is_kept_to_the_second_and_its_zone_where_it_has_one(cell, key):
    assert moment(cell).key == key


def test_serial_numbers_count_from_the_workbooks_first_day():
    assert moment(1000, first_day=MAC_EPOCH).day - moment(1000).day == timedelta(days=1462)


@pytest.mark.parametrize(
    "cell",
    ["yesterday", "2025-02-29", "31/04/2025", "12/31/2025", "25:00", "31.12.25", "2025-06-07 25:00", "7 foo 2025",
     "2025-06-07 13:30 PM", True, timedelta(days=1), 0, -5, 10**9, "2025-13-01", "03/04", "x" * 10_000],
)  # fmt: skip
def test_what_is_no_date_is_refused(cell):
    assert problem_of(moment, cell) == "invalid_date"


@pytest.mark.parametrize("cell", [None, "", " "])
def test_a_date_is_required(cell):
    assert problem_of(moment, cell) == "missing_date"


@pytest.mark.parametrize(
    ("cells", "reading"),
    [
        (["31/12/2025", "01/02/2025"], DateReading(DAY_FIRST)),
        (["01/02/2025", "12/31/2025"], DateReading(MONTH_FIRST)),
        (["01-02-2025", "12-31-2025"], DateReading(MONTH_FIRST)),
        (["01/02/2025", "03/04/2025"], DateReading(DAY_FIRST, "ambiguous")),
        (["12/31/2025", "12/30/2025", "31/12/2025"], DateReading(MONTH_FIRST, "contradictory")),
        (["12/31/2025", "31/12/2025"], DateReading(DAY_FIRST, "contradictory")),
        (["2025-01-02", "01.02.2025", None, 45000, "", "x"], DateReading(DAY_FIRST)),
        (["02/02/2025"], DateReading(DAY_FIRST)),
    ],
)
def test_the_order_of_day_and_month_is_decided_by_the_whole_column(cells, reading):
    assert find_date_order(cells) == reading


def test_a_date_without_a_time_is_noon_where_the_product_is():
    assert resolved("2025-07-01") == datetime(2025, 7, 1, 10, tzinfo=UTC)
    assert resolved("2025-01-01") == datetime(2025, 1, 1, 11, tzinfo=UTC)
    assert resolved("2025-01-01", ZoneInfo("Pacific/Auckland")) == datetime(2024, 12, 31, 23, tzinfo=UTC)


def test_a_time_without_a_zone_is_in_the_products_and_one_with_a_zone_is_not():
    assert resolved("2025-07-01 09:00") == datetime(2025, 7, 1, 7, tzinfo=UTC)
    assert resolved("2025-07-01 09:00 UTC") == datetime(2025, 7, 1, 9, tzinfo=UTC)
    assert resolved(datetime(2025, 7, 1, 9, tzinfo=timezone(timedelta(hours=-5)))) == datetime(
        2025, 7, 1, 14, tzinfo=UTC
    )


def test_today_is_no_future_date_even_before_noon():
    assert resolved("2026-03-01") == NOW


@pytest.mark.parametrize("cell", ["2026-03-02", "2026-03-01 09:01", "2026-03-01T08:00:01Z", "2999-01-01", "9999-12-31"])
def test_a_future_date_is_refused(cell):
    assert problem_of(resolved, cell) == "future_date"


@pytest.mark.parametrize("cell", ["1989-12-31", "0001-01-01 00:01", 367, "1900-01-01T00:00:01+14:00"])
def test_a_date_before_1990_is_refused(cell):
    assert problem_of(resolved, cell) == "date_too_early"
    assert resolved("1990-01-01").year == 1990


# --- The rest ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        ("  a \r\n b\rc ", "a \n b\nc"),
        ("nul\0l", "null"),
        ("half \ud83d gone", "half  gone"),
        ("pair \ud83d\ude00 joined", "pair 😀 joined"),
        ("line_x000D_\nend", "line\nend"),
        (5.0, "5"),
        (5.5, "5.5"),
    ],
)
def test_text_is_tidied_without_losing_any_of_it(cell, text):
    assert tidy_text(cell) == text


def test_names_of_products_match_in_any_case_and_spacing():
    assert fold_name(" Konto\u00a0 OSOBISTE ") == fold_name("konto osobiste")
    assert fold_name("Z\u0307abka") == fold_name("Żabka")
    assert fold_name("Konto") != fold_name("Konta")


def test_languages_and_channels():
    assert [recognise_language(cell) for cell in ("pl", "PL", "pl-PL", "en_GB", "", None)] == [
        "pl",
        "pl",
        "pl",
        "en",
        "",
        "",
    ]
    assert [recognise_channel(cell) for cell in ("Web", "e-mail", "E-Mail", "mobile", "", None)] == [
        *("web", "email", "email", "mobile", "link", "link"),
    ]
    assert problem_of(recognise_language, "Polish, please") == "invalid_language"
    assert problem_of(recognise_channel, "pigeon") == "invalid_channel"


def test_people_are_known_by_id_before_mailbox_and_nobody_is_nobody():
    assert recognise_person("k-1", "A@Example.com").subject_key == "id:k-1"
    assert recognise_person("", " Ala@Żółw.pl ".strip()).subject_key == "mail:ala@xn--w-uga1v8h.pl"
    assert not recognise_person("Unknown", "null").is_known
    assert problem_of(recognise_person, "", "not an address") == "invalid_email"
    assert problem_of(recognise_person, "", "nobody") == "invalid_email"
    assert problem_of(recognise_person, "", "a" * 250 + "@x.pl") == "invalid_email"


@pytest.mark.parametrize(
    ("headers", "guess"),
    [
        (
            ["review", "rating", "date", "app", "source"],
            {"comment": "review", "score": "rating", "date": "date", "product": "app"},
        ),
        (
            ["Produkt", "Ocena", "Komentarz", "Data", "ID klienta", "E-mail", "Język"],
            {
                **{"product": "Produkt", "score": "Ocena", "comment": "Komentarz", "date": "Data"},
                **{"respondent": "ID klienta", "email": "E-mail", "language": "Język"},
            },
        ),
        (
            ["NPS score", "Open comment", "Survey date"],
            {"score": "NPS score", "comment": "Open comment", "date": "Survey date"},
        ),
        (["a", "b", ""], {}),
    ],
)  # fmt: skip
def test_columns_are_guessed_from_their_headers(headers, guess):
    assert guess_columns(headers) == guess
