"""Words are found in all comments while few have them, and among the newest responses when many do."""

from datetime import timedelta

import pytest
from django.utils import timezone

from feedback import word_search
from feedback.models import Response
from feedback.word_search import find_words
from tests.factories import make_respondent, make_response, make_survey

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def responses(monkeypatch):
    """Five responses about fees, the newest first, and a sixth, older than all of them, about fees and parking."""
    monkeypatch.setattr(word_search, "MOST_FOUND", 3)
    monkeypatch.setattr(word_search, "MOST_READ", 4)
    survey = make_survey()
    person = make_respondent(product=survey.product)
    comments = ["Fees"] * 5 + ["Fees and parking"]
    return [
        make_response(survey=survey, respondent=person, comment=comment, answered_at=NOW - timedelta(hours=age))
        for age, comment in enumerate(comments)
    ]


def find(words, rows=None):
    everything = Response.objects.all()
    return find_words(words, rows=everything if rows is None else rows, among=everything)


def test_a_rare_word_is_found_however_old(responses):
    found = find("parking")

    assert (list(found.keys), found.read) == ([responses[5].pk], None)


def test_a_common_word_is_found_among_the_newest_and_that_is_told(responses, monkeypatch):
    monkeypatch.setattr(word_search, "MOST_FOUND", 5)
    found = find("fees")

    assert (list(found.keys), found.read) == ([one.pk for one in responses[:4]], 4)


def test_responses_without_a_comment_take_no_place_among_the_newest(responses, monkeypatch):
    monkeypatch.setattr(word_search, "MOST_FOUND", 4)
    Response.objects.filter(pk=responses[1].pk).update(comment="")

    assert list(find("fees").keys) == [responses[index].pk for index in (0, 2, 3, 4)]


def test_a_word_that_many_of_the_newest_comments_have_is_looked_for_no_further_back(responses, monkeypatch):
    monkeypatch.setattr(word_search, "MOST_FOUND", 9)
    assert len(find("fees").keys) == 6

    monkeypatch.setattr(word_search, "COMMON", 4)
    found = find("fees")

    assert (list(found.keys), found.read) == ([one.pk for one in responses[:4]], 4)
    assert find("parking").keys == [responses[5].pk]


def test_one_more_than_the_limit_says_that_there_are_more(responses):
    assert list(find("fees").keys) == [one.pk for one in responses[:4]]


def test_a_common_word_narrowed_by_a_filter_is_looked_for_in_what_the_filter_keeps(responses):
    found = find("fees", Response.objects.filter(pk__in=[responses[0].pk, responses[5].pk]))

    assert (list(found.keys), found.read) == ([responses[0].pk], 4)


def test_where_all_is_among_the_newest_nothing_is_left_out(responses, monkeypatch):
    monkeypatch.setattr(word_search, "MOST_READ", 6)

    assert find("fees").read is None
