"""Whom a survey is for, decided without a database."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from surveys.targeting import OPERATORS, Operator, Quota, Rule, Subject, Visitor, first_mismatch, matches_pattern

WARSAW = timezone(timedelta(hours=2))
LONG = "a" * 20_000


def since(*moment, tzinfo):
    return Visitor(customer_since=datetime(*moment, tzinfo=tzinfo))


def holds(subject, name, operator, values, visitor):
    return first_mismatch([Rule(subject, name, operator, tuple(values))], visitor) is None


@pytest.mark.parametrize(
    ("operator", "values", "value", "expected"),
    [
        # texts
        ("is", ["pro"], "pro", True),
        ("is", ["pro"], "PRO", True),
        ("is", ["STRASSE"], "straße", True),
        ("is", ["ŁÓDŹ"], "łódź", True),
        ("is", ["ΟΔΟΣ"], "οδος", True),
        ("is", ["İZMİR"], "İzmir", False),  # not Turkish: a dotted capital is no small i
        ("is", ["free", "pro"], "pro", True),
        ("is", ["free", "pro"], "business", False),
        ("is", ["pro"], "pro ", False),
        ("is", ["日本"], "日本", True),
        ("is", ["pro"], ["pro"], False),
        ("is", ["pro"], {"pro": 1}, False),
        ("is", ["pro"], None, False),
        ("is", ["None"], None, False),
        ("is", ["pro"], "", False),
        # numbers, and texts that look like some
        ("is", ["10"], 10, True),
        ("is", ["10"], 10.0, True),
        ("is", ["10.0"], 10, True),
        ("is", ["0.1"], 0.1, True),
        ("is", ["10"], "10", True),
        ("is", ["123"], "00123", False),
        ("is", ["10"], "10.0", False),
        ("is", ["ten"], 10, False),
        ("is", ["nan"], float("nan"), False),
        ("is", ["inf"], float("inf"), False),
        ("is", ["0"], 0, True),
        ("is", ["1e3"], 1000, False),
        # yes and no
        ("is", ["true"], True, True),
        ("is", ["TRUE"], True, True),
        ("is", ["false"], False, True),
        ("is", ["1"], True, False),
        ("is", ["0"], False, False),
        ("is", ["true"], "true", True),
        # the opposite: what is missing is not anything
        ("is_not", ["pro"], "pro", False),
        ("is_not", ["pro"], "PRO", False),
        ("is_not", ["free", "pro"], "pro", False),
        ("is_not", ["free", "pro"], "business", True),
        ("is_not", ["pro"], None, True),
        ("is_not", ["pro"], "", True),
        ("is_not", ["pro"], ["pro"], True),
        ("is_not", ["10"], 10.0, False),
        ("is_not", ["1"], True, True),
        # parts of texts
        ("contains", ["ROS"], "prospect", True),
        ("contains", ["ss"], "Straße", True),
        ("contains", ["x", "ros"], "prospect", True),
        ("contains", ["%"], "50 off", False),
        ("contains", ["_"], "ab", False),
        ("contains", ["1"], 10, False),
        ("contains", ["tru"], True, False),
        ("contains", ["a"], ["a"], False),
        ("contains", ["a"], None, False),
        ("contains", ["a"], "", False),
        ("starts_with", ["pro"], "PROspect", True),
        ("starts_with", ["ros"], "prospect", False),
        ("starts_with", ["x", "p"], "prospect", True),
        ("starts_with", ["1"], 10, False),
        ("starts_with", ["a"], None, False),
        # sizes
        ("greater", ["9"], 10, True),
        ("greater", ["10"], 10, False),
        ("greater", ["9"], "10", True),
        ("greater", ["9.5"], 9.6, True),
        ("greater", ["-2"], -1, True),
        ("greater", ["9"], " 10", False),
        ("greater", ["9"], "1e9", False),
        ("greater", ["9"], "٣٣", False),
        ("greater", ["9"], "ten", False),
        ("greater", ["0"], True, False),
        ("greater", ["0"], float("nan"), False),
        ("greater", ["0"], float("inf"), False),
        ("greater", ["0"], None, False),
        ("greater", ["0"], [1], False),
        ("less", ["10"], 9, True),
        ("less", ["10"], 10, False),
        ("less", ["0.3"], 0.1 + 0.2, False),
        ("less", ["10"], "9.99", True),
        ("less", ["1"], False, False),
        ("less", ["10"], None, False),
        ("less", ["10"], "", False),
        # days, as they are written
        ("before", ["2026-01-02"], "2026-01-01", True),
        ("before", ["2026-01-02"], "2026-01-02", False),
        ("before", ["2026-01-02"], "2026-01-01T23:59:59Z", True),
        ("before", ["2026-01-02"], "2026-01-02T00:30:00+02:00", False),
        ("before", ["2026-01-02"], "2026-01-01 10:00", True),
        ("before", ["2026-01-02"], "2026-13-01", False),
        ("before", ["2026-01-02"], "01/01/2026", False),
        ("before", ["2026-01-02"], "2025-01-010", False),
        ("before", ["2026-01-02"], 20250101, False),
        ("before", ["2026-01-02"], True, False),
        ("before", ["2026-01-02"], None, False),
        ("after", ["2026-01-02"], "2026-01-03", True),
        ("after", ["2026-01-02"], "2026-01-02T23:59:59-10:00", False),
        ("after", ["2026-01-02"], "soon", False),
        ("after", ["2026-01-02"], None, False),
        # presence
        ("is_set", [], "x", True),
        ("is_set", [], 0, True),
        ("is_set", [], False, True),
        ("is_set", [], [], True),
        ("is_set", [], "", False),
        ("is_set", [], None, False),
        ("is_not_set", [], "x", False),
        ("is_not_set", [], 0, False),
        ("is_not_set", [], "", True),
        ("is_not_set", [], None, True),
    ],
)
def test_a_property_is_compared(operator, values, value, expected):
    assert holds("property", "plan", operator, values, Visitor(properties={"plan": value})) is expected


@pytest.mark.parametrize(
    ("operator", "expected"), [(each, each in {"is_not", "is_not_set"}) for each in OPERATORS[Subject.PROPERTY]]
)
def test_a_property_that_is_absent_matches_only_what_asks_for_its_absence(operator, expected):
    values = {"before": ["2026-01-01"], "after": ["2026-01-01"], "is_set": [], "is_not_set": []}.get(operator, ["1"])

    assert holds("property", "plan", operator, values, Visitor(properties={"Plan": "1"})) is expected


@pytest.mark.parametrize(
    ("subject", "operator", "values", "visitor", "expected"),
    [
        ("country", "is", ["PL", "DE"], Visitor(country="de"), True),
        ("country", "is", ["PL", "DE"], Visitor(country="FR"), False),
        ("country", "is", ["PL"], Visitor(), False),
        ("country", "is_not", ["PL"], Visitor(), True),
        ("country", "is_not", ["PL"], Visitor(country="PL"), False),
        ("country", "is_set", [], Visitor(country="PL"), True),
        ("country", "is_not_set", [], Visitor(), True),
        ("company", "is", ["ACME"], Visitor(company="Acme"), True),
        ("company", "contains", ["sp. z o.o."], Visitor(company="Modrzew SP. Z O.O."), True),
        ("company", "starts_with", ["modrzew"], Visitor(company="Modrzew Finanse"), True),
        ("company", "is_set", [], Visitor(), False),
        ("language", "is", ["pl"], Visitor(language="pl"), True),
        ("language", "is", ["pl"], Visitor(language="pl-PL"), True),
        ("language", "is", ["pt-br"], Visitor(language="pt_BR"), True),
        ("language", "is", ["pt-br"], Visitor(language="pt"), False),
        ("language", "is", ["pl"], Visitor(language="pls"), False),
        ("language", "is", ["pl"], Visitor(), False),
        ("language", "is_not", ["pl"], Visitor(language="pl-PL"), False),
        ("language", "is_not", ["pl"], Visitor(language="en"), True),
        ("known", "is", ["identified"], Visitor(is_known=True), True),
        ("known", "is", ["identified"], Visitor(), False),
        ("known", "is", ["anonymous"], Visitor(), True),
        ("known", "is", ["anonymous", "identified"], Visitor(is_known=True), True),
        ("url", "matches", ["https://a.example/*"], Visitor(url="https://a.example/x?y=[1]"), True),
        ("url", "matches", ["*/checkout*", "*/basket*"], Visitor(url="https://a.example/Basket"), True),
        ("url", "matches", ["*/checkout"], Visitor(url="https://a.example/checkout/"), False),
        ("url", "matches", ["*"], Visitor(), False),
        ("url", "is", ["https://a.example/"], Visitor(url="https://a.example/"), True),
        ("url", "is", ["https://a.example/*"], Visitor(url="https://a.example/x"), False),
        ("url", "is_not", ["https://a.example/"], Visitor(url="https://a.example/x"), True),
        ("url", "contains", ["?page=[1]"], Visitor(url="https://a.example/?page=[1]"), True),
        ("url", "starts_with", ["https://b."], Visitor(url="https://a.example/?to=https://b.example"), False),
        ("event", "is", ["order.finished"], Visitor(event="order.finished"), True),
        ("event", "is", ["order.finished", "call.ended"], Visitor(event="call.ended"), True),
        ("event", "is", ["order.finished"], Visitor(event="order"), False),
        ("event", "is", ["order.finished"], Visitor(), False),
        ("device", "is", ["phone"], Visitor(device="phone"), True),
        ("device", "is", ["phone"], Visitor(), False),
        ("device", "is_not", ["phone"], Visitor(device="tablet"), True),
        ("customer_since", "before", ["2026-01-01"], since(2025, 12, 31, 23, tzinfo=UTC), True),
        # An hour after midnight in Warsaw is still the day before in UTC.
        ("customer_since", "before", ["2026-07-01"], since(2026, 7, 1, 1, tzinfo=WARSAW), True),
        ("customer_since", "after", ["2026-01-01"], since(2026, 1, 1, 23, tzinfo=UTC), False),
        ("customer_since", "after", ["2026-01-01"], since(2026, 1, 2, tzinfo=UTC), True),
        ("customer_since", "after", ["2026-01-01"], Visitor(), False),
        ("customer_since", "is_set", [], Visitor(), False),
        ("customer_since", "is_not_set", [], Visitor(), True),
    ],
)  # fmt: skip
def test_the_person_and_the_moment_are_compared(subject, operator, values, visitor, expected):
    assert holds(subject, "", operator, values, visitor) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("", "x", False),
        ("*", "", True),
        ("a*", "a", True),
        ("a*b", "ab", True),
        ("a*b", "a", False),
        ("ab*ba", "aba", False),  # beginning and end must not share a character
        ("ab*ba", "abba", True),
        ("*a*a*", "a", False),
        ("*a*a*", "aa", True),
        ("a**b", "axb", True),
        ("a*b*c", "axcxb", False),
        ("a?c", "abc", False),
        ("[ab]", "a", False),
        (".*", "x", False),
    ],
)
def test_only_the_star_of_a_pattern_is_special(pattern, text, expected):
    assert matches_pattern(pattern, text) is expected


def test_no_pattern_takes_long():
    began = time.perf_counter()
    assert not matches_pattern("*a" * 200 + "*b", LONG)
    assert time.perf_counter() - began < 0.5


def test_all_rules_must_hold_and_the_first_that_does_not_is_told():
    country, plan = Rule("country", "", "is", ("PL",)), Rule("property", "plan", "is", ("pro",))

    assert first_mismatch([], Visitor()) is None
    assert first_mismatch([country, plan], Visitor(country="PL", properties={"plan": "pro"})) is None
    assert first_mismatch([country, plan], Visitor(country="PL")) == plan
    assert first_mismatch([country, plan], Visitor()) == country


def test_every_subject_and_operator_that_is_offered_can_be_decided():
    for subject, operators in OPERATORS.items():
        for operator in operators:
            holds(subject, "x", operator, ["1"], Visitor(properties={"x": "1"}))
    assert {operator for operators in OPERATORS.values() for operator in operators} == set(Operator)


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        (Quota("country", "", "PL", 5), True),
        (Quota("country", "", "DE", 5), False),
        (Quota("language", "", "pl", 5), True),
        (Quota("company", "", "ACME", 5), True),
        (Quota("property", "plan", "Pro", 5), True),
        (Quota("property", "seats", "12", 5), True),
        (Quota("property", "absent", "12", 5), False),
    ],
)
def test_a_quota_applies_to_the_people_of_its_segment(quota, expected):
    visitor = Visitor(country="PL", language="pl-PL", company="Acme", properties={"plan": "pro", "seats": 12})

    assert quota.applies_to(visitor) is expected


def test_a_page_view_decides_an_audience_in_microseconds():
    rules = [
        Rule("country", "", "is", ("PL", "DE")),
        Rule("property", "plan", "is_not", ("free",)),
        Rule("property", "seats", "greater", ("10",)),
        Rule("url", "", "matches", ("https://app.example.com/*",)),
    ]
    visitor = Visitor(country="PL", properties={"plan": "pro", "seats": 12}, url="https://app.example.com/home")
    began = time.perf_counter()
    for _repetition in range(1000):
        assert first_mismatch(rules, visitor) is None
    assert time.perf_counter() - began < 0.25
