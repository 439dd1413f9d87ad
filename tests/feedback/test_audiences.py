"""The people an audience has are those whom the decision lets through."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedback import audiences
from feedback.audiences import Count, count_people, people_in
from feedback.models import Respondent
from surveys.targeting import OF_THE_MOMENT, OPERATORS, WITHOUT_VALUES, Recognition, Rule, Subject, Visitor, holds
from tests.factories import make_product, make_respondent

pytestmark = pytest.mark.django_db

STORED = {subject: operators for subject, operators in OPERATORS.items() if subject not in OF_THE_MOMENT}
TEXTS = (
    *("pro", "PRO", "Pro ", "ß", "SS", "ẞ", "straße", "łódź", "ŁÓDŹ", "ς", "σ", "Σ", "i", "I", "İ", "ı"),
    *("ﬁ", "fi", "FI", "ŉ", "ǆ", "ǅ", "ᾳ", "ᾼ", "ΐ", "true", "FALSE", "%", "_", "\\", "a%b"),
    *("1", "0", "10", "10.0", "010", "-1.5", "1e3", "NaN", "٣", " 10", "10\n"),
    *("2026-01-01", "2026-01-02", "2026-01-01T23:30:00+02:00", "2026-01-01 10:00"),
    *("2026-13-01", "2026-02-30", "20260101", "", " ", "null", "anon:", "日本", "😀"),
    *("'; DROP TABLE feedback_respondent; --", '"', "[]", "{}", "a" * 500),
)
LANGUAGES = ("", "pl", "PL", "pl-PL", "pl_PL", "pls", "en", "pt-br", "pt_BR", "pt")
COUNTRIES = ("", "PL", "pl", "DE", "FR")
NAMES = ("plan", "Plan", "1", "-1", "a.b", "a b", "%s", "{json}", "'", "ż")

texts = st.sampled_from(TEXTS) | st.text(st.sampled_from("aAßςΣiIıİłŁ1.- "), max_size=5)
values = (
    texts
    | st.none()
    | st.booleans()
    | st.integers(-100, 100)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.sampled_from([10, 10.0, -1.5, 0.1, 1e-7, 1e15, 0, -0.0])
    | st.lists(texts, max_size=2)
    | st.dictionaries(st.sampled_from(["plan"]), texts, max_size=1)
)
moments = st.integers(0, 120).map(lambda hours: datetime(2025, 12, 30, tzinfo=UTC) + timedelta(hours=hours))
people = st.fixed_dictionaries(
    {
        "properties": st.dictionaries(st.sampled_from(NAMES), values, max_size=3),
        "company": texts.map(lambda text: text[:200]),
        "country": st.sampled_from(COUNTRIES),
        "language": st.sampled_from(LANGUAGES),
        "customer_since": st.none() | moments,
        "is_known": st.booleans(),
    }
)  # fmt: skip
wanted = {
    Subject.LANGUAGE: st.sampled_from(LANGUAGES[1:]),
    Subject.COUNTRY: st.sampled_from(COUNTRIES[1:]),
    Subject.KNOWN: st.sampled_from(Recognition.values),
    Subject.CUSTOMER_SINCE: st.sampled_from(["2025-12-31", "2026-01-01", "2026-01-02"]),
}
present = texts.filter(bool)


@st.composite
def rules(draw):
    subject = draw(st.sampled_from(list(STORED)))
    operator = draw(st.sampled_from(STORED[subject]))
    how_many = st.lists(wanted.get(subject, present), min_size=1, max_size=3)
    return Rule(
        subject,
        draw(st.sampled_from(NAMES)) if subject == Subject.PROPERTY else "",
        operator,
        () if operator in WITHOUT_VALUES else tuple(draw(how_many)),
    )


def store(product, somebody, number):
    is_known, columns = somebody["is_known"], {name: value for name, value in somebody.items() if name != "is_known"}
    key = f"id:{number}" if is_known else f"anon:{number}"
    return Respondent(product=product, subject_key=key, first_seen_at=timezone.now(), **columns)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(everybody=st.lists(people, min_size=1, max_size=15), several=st.lists(rules(), min_size=1, max_size=6))
def test_sql_and_the_decision_agree_about_everybody(django_db_blocker, everybody, several):
    product = make_product()
    stored = Respondent.objects.bulk_create(store(product, each, number) for number, each in enumerate(everybody))

    for chosen in [*([rule] for rule in several), several[:2]]:
        in_sql = set(people_in(product=product, rules=chosen).values_list("subject_key", flat=True))
        in_python = {
            row.subject_key
            for row, each in zip(stored, everybody, strict=True)
            if all(holds(rule, Visitor(**each)) for rule in chosen)
        }
        assert in_sql == in_python, chosen


def test_sql_and_the_decision_agree_about_every_pair_of_telling_values():
    product = make_product()
    tellings = [*TEXTS, None, True, False, 0, 1, 10, 10.0, -1.5, 0.1, 1e-7, 1e15, ["pro"], [], {"pro": 1}]
    everybody = [
        {"properties": {"plan": each}, "company": each[:200] if isinstance(each, str) else "", "is_known": True}
        for each in tellings
    ]
    stored = Respondent.objects.bulk_create(store(product, each, number) for number, each in enumerate(everybody))
    people = [(row.subject_key, Visitor(**each)) for row, each in zip(stored, everybody, strict=True)]
    wrong = []
    for subject, name in ((Subject.PROPERTY, "plan"), (Subject.COMPANY, "")):
        for operator in set(STORED[subject]) - WITHOUT_VALUES:
            for text in filter(bool, TEXTS):
                rule = Rule(subject, name, operator, (text,))
                in_sql = set(people_in(product=product, rules=[rule]).values_list("subject_key", flat=True))
                wrong += [(rule, visitor) for key, visitor in people if holds(rule, visitor) != (key in in_sql)]

    assert wrong == []


def test_sql_knows_every_operator_of_what_is_stored():
    product = make_product()
    make_respondent(product=product, properties={"1": "2026-01-01", "n": 1})
    for subject, operators in STORED.items():
        for operator in operators:
            wants = () if operator in WITHOUT_VALUES else ("1",)
            people_in(product=product, rules=[Rule(subject, "1", operator, wants)]).count()


def test_a_name_that_looks_like_a_number_is_no_place_in_a_list():
    product = make_product()
    make_respondent(product=product, properties={"0": "a"})
    make_respondent(product=product, properties={"x": ["a"]})

    assert people_in(product=product, rules=[Rule("property", "0", "is", ("a",))]).count() == 1


def test_only_people_of_the_product_who_may_be_asked_are_counted():
    product = make_product()
    anna = make_respondent(product=product, country="PL")
    make_respondent(product=product, country="PL", objected_at=timezone.now())
    make_respondent(product=product, country="PL", restricted_at=timezone.now())
    make_respondent(product=product, country="DE")
    make_respondent(country="PL")
    make_respondent(product=product, country="PL", person=anna)

    counted = count_people(product=product, rules=[Rule("country", "", "is", ("PL",))])

    assert counted == Count(1, is_more=False, not_counted=())


def test_rules_of_the_moment_are_named_and_not_counted():
    product = make_product()
    make_respondent(product=product, country="PL")
    url, event = Rule("url", "", "matches", ("*/pay",)), Rule("event", "", "is", ("paid",))

    counted = count_people(product=product, rules=[url, Rule("country", "", "is", ("PL",)), event])

    assert counted == Count(1, is_more=False, not_counted=(url, event))


def test_counting_ends_where_the_exact_number_no_longer_matters(monkeypatch):
    monkeypatch.setattr(audiences, "COUNT_UP_TO", 3)
    product = make_product()
    for expected in (
        Count(1, False, ()),
        Count(2, False, ()),
        Count(3, False, ()),
        Count(3, True, ()),
        Count(3, True, ()),
    ):
        make_respondent(product=product)
        assert count_people(product=product, rules=[]) == expected


def test_a_count_that_takes_too_long_is_given_up_and_harms_nothing(monkeypatch):
    monkeypatch.setattr(audiences, "LONGEST_COUNT", 50)
    monkeypatch.setitem(audiences.COLUMNS, Subject.COMPANY, "(SELECT company FROM pg_sleep(1))")
    product = make_product()
    make_respondent(product=product, company="Acme")
    began = timezone.now()

    assert count_people(product=product, rules=[Rule("company", "", "is", ("ACME",))]).people is None
    assert timezone.now() - began < timedelta(seconds=0.9)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() != ("50ms",)
