"""Which groups are named as movers: never one so small that it could give somebody away."""

from datetime import UTC, date, datetime

import pytest

from feedback.metrics import Counts
from feedback.movers import Dimension, Group, choose_movers, find_movers
from feedback.periods import Period
from surveys.scales import BandProfile, Metric
from tests.factories import make_respondent, make_response, make_survey


def counts(promoters=0, detractors=0):
    return Counts(Metric.NPS, {(BandProfile.STANDARD, 10): promoters, (BandProfile.STANDARD, 0): detractors})


def group(name, now, before, dimension=Dimension.TAG, people=None):
    return Group(dimension, name, counts(*now), counts(*before), people or (sum(now), sum(before)))


TOTAL = group("", (100, 100), (100, 100))


def names(*groups, total=TOTAL):
    return [one.name for one in choose_movers(groups, total=total)]


def test_significant_moves_come_first_and_then_the_farthest():
    chance, small, far = (
        group("chance", (5, 0), (3, 2)),
        group("small", (30, 10), (20, 20)),
        group("far", (40, 0), (0, 40)),
    )

    assert chance.difference.change > small.difference.change
    assert (chance.difference.is_significant, small.difference.is_significant) == (False, True)
    assert names(chance, small, far) == ["far", "small", "chance"]


def test_three_are_named_at_most():
    assert len(names(*(group(f"group {number}", (20, 0), (0, 20)) for number in range(5)))) == 3


def test_fewer_than_five_people_in_either_period_are_not_named():
    assert names(group("a", (4, 0), (0, 20)), group("b", (20, 0), (0, 4)), group("c", (5, 0), (0, 5))) == ["c"]


def test_a_group_that_leaves_fewer_than_five_others_is_not_named():
    total = group("", (12, 12), (12, 12))

    assert names(group("a", (10, 10), (0, 12)), total=total) == []
    assert names(group("b", (10, 9), (0, 12)), total=total) == ["b"]


def test_people_are_counted_and_not_their_answers():
    often = group("often", (20, 0), (0, 20), people=(20, 4))
    alone = group("all but one", (90, 0), (0, 90), people=(50, 50))

    assert names(often) == []
    assert names(alone, total=group("", (95, 100), (100, 100), people=(54, 60))) == []


@pytest.mark.django_db
@pytest.mark.parametrize(("persons", "named"), [(1, False), (5, True)])
def test_somebody_who_answers_five_times_is_one_person(persons, named):
    survey = make_survey()
    period, previous = Period(date(2026, 6, 1), date(2026, 7, 1)), Period(date(2026, 5, 1), date(2026, 6, 1))
    germans = [make_respondent(product=survey.product) for _ in range(persons)]
    for month, score in ((5, 0), (6, 10)):
        for number in range(5):
            at = datetime(2026, month, 10, tzinfo=UTC)
            german = germans[number % persons]
            make_response(survey=survey, respondent=german, score=score, country="DE", answered_at=at)
            make_response(survey=survey, score=5, country="PL", answered_at=at)

    found = find_movers(product=survey.product, period=period, previous=previous)[Metric.NPS]

    assert ("DE" in [one.name for one in found]) is named


def test_a_group_of_everybody_is_not_named():
    total = group("", (20, 0), (0, 20))

    assert names(group("all", (20, 0), (0, 20)), total=total) == []


def test_what_stayed_as_it_was_did_not_move():
    assert names(group("same", (10, 10), (20, 20))) == []
