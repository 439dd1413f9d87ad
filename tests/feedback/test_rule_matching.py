"""Which responses a rule matches: a pure decision, and the same one in SQL."""

import itertools

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from feedback.models import Rule, Tag
from feedback.rules import Conditions, Facts, candidates, conditions_of, has_keyword, matches
from feedback.rules.applying import facts_of
from feedback.triage import add_tag
from tests.factories import make_response, make_survey

DETRACTOR = Facts(metric="nps", band="detractor", channel="web", score=2, comment="Za wysokie opłaty!")


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (Conditions(), True),
        (Conditions(metrics=frozenset({"nps", "ces"})), True),
        (Conditions(metrics=frozenset({"ces"})), False),
        (Conditions(bands=frozenset({"detractor"})), True),
        (Conditions(bands=frozenset({"passive", "promoter"})), False),
        (Conditions(channels=frozenset({"web", "link"})), True),
        (Conditions(channels=frozenset({"email"})), False),
        (Conditions(lowest_score=2, highest_score=2), True),
        (Conditions(lowest_score=3), False),
        (Conditions(highest_score=1), False),
        (Conditions(lowest_score=0, highest_score=6), True),
        (Conditions(with_comment=True), True),
        (Conditions(with_contact_permission=True), False),
        (Conditions(with_tag=7), False),
        (Conditions(keywords=("kolejka", "opłat*")), True),
        (Conditions(keywords=("kolejka",)), False),
        (Conditions(bands=frozenset({"detractor"}), keywords=("kolejka",)), False),
    ],
)
def test_every_condition_that_is_set_has_to_hold(conditions, expected):
    assert matches(conditions, DETRACTOR) is expected


def test_a_score_of_zero_is_a_score():
    zero = Facts(metric="nps", band="detractor", channel="web", score=0)

    assert matches(Conditions(lowest_score=0, highest_score=0), zero)
    assert not matches(Conditions(lowest_score=1), zero)
    assert not matches(Conditions(with_comment=True), zero)


def test_tags_and_contact_permission_are_seen():
    facts = Facts(metric="nps", band="passive", channel="web", score=8, tags=frozenset({7}), contact_permission=True)

    assert matches(Conditions(with_tag=7, with_contact_permission=True), facts)
    assert not matches(Conditions(with_tag=8), facts)


@pytest.mark.parametrize(
    ("keyword", "comment", "expected"),
    [
        ("fee", "The FEE is too high", True),
        ("fee", "The fees are too high", False),
        ("fee*", "The fees are too high", True),
        ("fee*", "Too much coffee", False),
        ("fee", "fee", True),
        ("fee", "(fee)…", True),
        ("fee", "fee_charged", True),
        ("fee", "fee2", False),
        ("fee", "", False),
        ("hidden fee", "A hidden\n fee!", True),
        ("hidden fee", "A hidden, fee", True),
        ("hidden fee", "fee hidden", False),
        ("hidden fee", "hidden bank fee", False),
        ("hidd* fee*", "hiddenly fees", True),
        ("e-mail", "no e mail came", True),
        ("e-mail", "no email came", False),
        ("opłata", "OPŁATA za kartę", True),
        ("opłata", "oplata za karte", True),
        ("opłat*", "za duze oplaty", True),
        ("opłat*", "wysokich opłatach", True),
        ("sąd", "pójdę do sądu", False),
        ("sąd*", "pojde do sadu", True),
        ("sad", "pójdę do sądu", False),
        ("sad*", "pójdę do sądu", False),
        ("ŻÓŁW", "zolw", True),
        ("żółw", "z\u0307o\u0301łw", True),  # letters and their marks typed apart
        ("Straße", "STRASSE", True),
        ("плат*", "Высокая ПЛАТА", True),
        ("24", "czynne 24h i 24 godziny", True),
        ("24", "1024", False),
        ("c++", "I like c", True),
        (".*", "anything", False),
        ("a|b", "b", False),
    ],
)
def test_a_keyword_is_found_where_the_help_says(keyword, comment, expected):
    assert has_keyword((keyword,), comment) is expected


@given(st.lists(st.text(max_size=12), min_size=1, max_size=4), st.text(max_size=200))
def test_no_text_and_no_keyword_breaks_the_matching(keywords, comment):
    assert has_keyword(tuple(keywords), comment) in {True, False}


@given(st.text(alphabet="abcąćęłńóśźż", min_size=1, max_size=10), st.text(alphabet="xyz ,.", max_size=20))
def test_a_word_is_found_between_any_punctuation(word, around):
    assert has_keyword((word,), f"{around} {word.upper()}! {around}")


@pytest.mark.django_db
def test_the_database_keeps_exactly_what_matches_but_for_keywords():
    survey = make_survey()
    tag = Tag.objects.create(product=survey.product, name="fees")
    responses = [
        make_response(
            survey=survey,
            score=score,
            channel=channel,
            comment=comment,
            contact_permission=allowed,
            completed_at=timezone.now(),
        )
        for score, channel, comment, allowed in itertools.product(
            (0, 6, 7, 8, 9, 10), ("web", "email"), ("", "why"), (False, True)
        )
    ]
    add_tag(responses=responses[::3], name="fees", by=None)
    tagged = {response.pk for response in responses[::3]}
    for response in responses:
        response.refresh_from_db()
    rules = [
        {"bands": ["detractor"]},
        {"bands": ["passive", "promoter"], "channels": ["email"]},
        {"metrics": ["nps"], "lowest_score": 0, "highest_score": 0},
        {"metrics": ["ces"]},
        {"lowest_score": 7},
        {"highest_score": 8, "with_comment": True},
        {"with_tag": tag},
        {"with_contact_permission": True, "with_tag": tag},
        {},
    ]

    for conditions in rules:
        rule = Rule(product=survey.product, **conditions)
        in_python = {
            response.pk
            for response in responses
            if matches(conditions_of(rule), facts_of(response, frozenset({tag.pk} if response.pk in tagged else ())))
        }
        assert set(candidates(rule).values_list("pk", flat=True)) == in_python, conditions
