import pytest
from django.core.exceptions import ValidationError
from django.db.models import Sum
from django.utils import timezone

from feedback import triage
from feedback.models import Response, ResponseTag, Tag, Tally
from tests.factories import make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db


@pytest.fixture
def reviewer():
    return make_staff("reviewer")


def counted():
    return Tally.objects.aggregate(count=Sum("count"))["count"]


def test_an_excluded_response_leaves_the_measures_with_a_reason(reviewer):
    survey = make_survey()
    spam, honest = make_response(survey=survey, score=0), make_response(survey=survey, score=10)

    assert triage.exclude(responses=[spam], reason=" spam ", by=reviewer) == 1

    spam.refresh_from_db()
    assert (spam.exclusion_reason, spam.excluded_by) == ("spam", reviewer)
    assert not Response.objects.counted().filter(pk=spam.pk).exists()
    assert {tally.score: tally.count for tally in Tally.objects.exclude(count=0)} == {10: 1}
    assert list(Response.objects.counted()) == [honest]


def test_excluding_again_keeps_the_first_reason(reviewer):
    response = make_response()
    triage.exclude(responses=[response], reason="spam", by=reviewer)

    assert triage.exclude(responses=[response], reason="other", by=reviewer) == 0

    assert Response.objects.get().exclusion_reason == "spam"


def test_an_included_response_counts_again(reviewer):
    response = make_response()
    triage.exclude(responses=[response], reason="spam", by=reviewer)
    assert counted() == 0

    assert triage.include(responses=[response], by=reviewer) == triage.Included(counting=1)

    response.refresh_from_db()
    assert (response.excluded_at, response.excluded_by, response.exclusion_reason) == (None, None, "")
    assert counted() == 1
    assert triage.include(responses=[response], by=reviewer) == triage.Included()


@pytest.mark.parametrize(("reason", "code"), [(" ", "reason_required"), ("x" * 301, "too_long")])
def test_excluding_needs_a_reason_and_otherwise_changes_nothing(reviewer, reason, code):
    response = make_response()

    with pytest.raises(ValidationError) as error:
        triage.exclude(responses=[response], reason=reason, by=reviewer)

    assert error.value.code == code
    assert counted() == 1


def test_a_tag_is_made_once_per_product(reviewer):
    survey, other = make_survey(), make_survey()
    responses = [make_response(survey=survey), make_response(survey=survey), make_response(survey=other)]

    assert triage.add_tag(responses=responses, name="  long   queues ", by=reviewer) == 3
    assert triage.add_tag(responses=responses, name="Long Queues", by=reviewer) == 0

    assert {(tag.product_id, tag.name) for tag in Tag.objects.all()} == {
        (survey.product_id, "long queues"),
        (other.product_id, "long queues"),
    }
    for response in responses:
        assert [tag.product_id for tag in response.tags.all()] == [response.product_id]
    assert set(ResponseTag.objects.values_list("added_by", flat=True)) == {reviewer.pk}


def test_a_tag_is_taken_off_and_stays_for_others(reviewer):
    survey = make_survey()
    first, second = make_response(survey=survey), make_response(survey=survey)
    triage.add_tag(responses=[first, second], name="fees", by=reviewer)

    assert triage.remove_tag(responses=[first], name="FEES", by=reviewer) == 1

    assert list(first.tags.all()) == []
    assert [tag.name for tag in second.tags.all()] == ["fees"]


@pytest.mark.parametrize(("name", "code"), [(" ", "name_required"), ("x" * 61, "too_long")])
def test_a_tag_needs_a_short_name(reviewer, name, code):
    with pytest.raises(ValidationError) as error:
        triage.add_tag(responses=[make_response()], name=name, by=reviewer)

    assert error.value.code == code
    assert not Tag.objects.exists()


def test_reading_and_archiving_say_how_many_changed(reviewer):
    first, second = make_response(), make_response()

    assert triage.mark_read(responses=[first], by=reviewer) == 1
    assert triage.mark_read(responses=[first, second], by=reviewer) == 1
    assert triage.archive(responses=[first, second], by=reviewer) == 2
    assert triage.archive(responses=[first], by=reviewer) == 0

    assert set(Response.objects.values_list("triage", flat=True)) == {"archived"}
    assert counted() == 2


def test_responses_of_restricted_people_are_left_alone(reviewer):
    response = make_response()
    Response.objects.update(restricted_at=timezone.now())

    assert triage.archive(responses=[response], by=reviewer) == 0
    assert triage.add_tag(responses=[response], name="fees", by=reviewer) == 0

    assert Response.including_restricted.get().triage == "unread"
