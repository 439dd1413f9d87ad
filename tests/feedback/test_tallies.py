from datetime import UTC, date, datetime, time
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone

from feedback.models import Response, Tally
from feedback.periods import Bucket, Period
from feedback.tallies import days_with_answers, find_drift, scores_by_product, scores_by_product_and_bucket
from surveys.scales import Band, BandProfile, Metric
from tests.factories import make_product, make_response, make_survey

pytestmark = pytest.mark.django_db


def noon(day):
    return datetime(2026, 3, day, 12, tzinfo=UTC)


def counts():
    sums = Tally.objects.order_by().values("score").annotate(total=Sum("count")).exclude(total=0)
    return dict(sums.values_list("score", "total"))


def test_a_response_is_counted_when_it_is_written():
    survey = make_survey(metric=Metric.NPS)

    make_response(survey=survey, score=9)
    make_response(survey=survey, score=9)
    make_response(survey=survey, score=0)

    assert counts() == {9: 2, 0: 1}


def test_changing_a_score_moves_the_count():
    response = make_response(score=9)

    Response.objects.filter(pk=response.pk).update(score=3)

    assert counts() == {3: 1}


@pytest.mark.parametrize(
    "change",
    [
        {"is_test": True},
        {"is_suspect": True},
        {"restricted_at": timezone.now()},
        {"excluded_at": timezone.now(), "exclusion_reason": "duplicate"},
    ],
)
def test_what_does_not_count_leaves_the_tally_and_comes_back(change):
    response = make_response(score=9)
    undo = {name: False if value is True else None for name, value in change.items() if name != "exclusion_reason"}

    Response.including_restricted.filter(pk=response.pk).update(**change)
    assert counts() == {}

    Response.including_restricted.filter(pk=response.pk).update(**undo)
    assert counts() == {9: 1}


def test_deleting_the_person_takes_the_counts_along():
    response = make_response(score=9)

    response.respondent.delete()

    assert counts() == {}


def test_one_statement_over_many_rows_counts_each():
    survey = make_survey()
    for score in (1, 1, 2, 10):
        make_response(survey=survey, score=score)

    Response.objects.filter(score__lt=10).update(score=5)

    assert counts() == {5: 3, 10: 1}


def test_the_band_follows_the_score_in_the_database():
    response = make_response(score=9)
    Response.objects.filter(pk=response.pk).update(score=7)

    response.refresh_from_db()

    assert response.band == "passive"


def test_the_database_refuses_a_score_outside_the_scale():
    survey = make_survey(metric=Metric.CSAT)

    with pytest.raises(IntegrityError, match="response_score_in_scale"), transaction.atomic():
        make_response(survey=survey, score=6)


# --- Reading ----------------------------------------------------------------------------------------------------------


def test_scores_are_counted_per_product_and_metric_in_a_half_open_period():
    nps, csat = make_survey(metric=Metric.NPS), make_survey(metric=Metric.CSAT)
    for day, score in ((1, 9), (2, 9), (2, 3), (3, 10)):
        make_response(survey=nps, score=score, answered_at=noon(day))
    make_response(survey=csat, score=4, answered_at=noon(2))

    found = scores_by_product(
        products=[nps.product_id, csat.product_id], period=Period(date(2026, 3, 1), date(2026, 3, 3))
    )

    assert {key: counts.n for key, counts in found.items()} == {
        (nps.product_id, Metric.NPS): 3,
        (csat.product_id, Metric.CSAT): 1,
    }
    assert found[nps.product_id, Metric.NPS].by_band() == {Band.PROMOTER: 2, Band.PASSIVE: 0, Band.DETRACTOR: 1}


def test_only_the_named_products_are_counted():
    mine, other = make_response(score=9), make_response(score=0)

    found = scores_by_product(products=[mine.product_id], period=Period(date(2020, 1, 1), date(2100, 1, 1)))

    assert [key[0] for key in found] == [mine.product_id]
    assert other.product_id != mine.product_id


def test_an_answer_belongs_to_the_day_it_is_where_the_product_is():
    survey = make_survey(product=make_product(time_zone="America/New_York"))
    make_response(survey=survey, answered_at=datetime(2026, 3, 2, 3, 0, tzinfo=UTC))

    assert days_with_answers(products=[survey.product_id]) == Period(date(2026, 3, 1), date(2026, 3, 2))


def test_days_with_answers_are_unknown_where_nobody_answered():
    survey = make_survey()
    assert days_with_answers(products=[survey.product_id]) is None

    make_response(survey=survey).respondent.delete()
    assert days_with_answers(products=[survey.product_id]) is None


@pytest.mark.parametrize(
    ("bucket", "starts"),
    [
        (Bucket.DAY, {(2025, 12, 28), (2025, 12, 29), (2026, 1, 4), (2026, 3, 31), (2026, 4, 1)}),
        (Bucket.WEEK, {(2025, 12, 22), (2025, 12, 29), (2026, 3, 30)}),
        (Bucket.MONTH, {(2025, 12, 1), (2026, 1, 1), (2026, 3, 1), (2026, 4, 1)}),
        (Bucket.QUARTER, {(2025, 10, 1), (2026, 1, 1), (2026, 4, 1)}),
        (Bucket.YEAR, {(2025, 1, 1), (2026, 1, 1)}),
    ],
)
def test_answers_fall_into_the_buckets_of_the_calendar(bucket, starts):
    survey = make_survey()
    days = [date(2025, 12, 28), date(2025, 12, 29), date(2026, 1, 4), date(2026, 3, 31), date(2026, 4, 1)]
    for day in days:
        make_response(survey=survey, answered_at=datetime.combine(day, time(12), UTC))

    found = scores_by_product_and_bucket(
        products=[survey.product_id], period=Period(date(2025, 1, 1), date(2027, 1, 1)), bucket=bucket
    )

    assert {start for _product, start, _metric in found} == {date(*start) for start in starts}
    assert {start for _product, start, _metric in found} == {bucket.start(day) for day in days}
    assert sum(counts.n for counts in found.values()) == 5


def test_scores_keep_the_bands_of_the_version_they_were_given_under():
    survey = make_survey(metric=Metric.CES, band_profile=BandProfile.WOOTRIC)
    make_response(survey=survey, score=5)

    found = scores_by_product(products=[survey.product_id], period=Period(date(2020, 1, 1), date(2100, 1, 1)))

    assert found[survey.product_id, Metric.CES].by_band()[Band.PASSIVE] == 1


# --- Recounting -------------------------------------------------------------------------------------------------------


def test_tallies_that_were_kept_by_the_triggers_equal_a_recount():
    survey = make_survey()
    for score in (0, 5, 9, 9):
        make_response(survey=survey, score=score)
    make_response(survey=survey, is_test=True)
    make_response(survey=survey, restricted_at=timezone.now())

    assert find_drift() == []


def test_a_check_lists_what_differs_and_fails_without_changing_anything():
    make_response(score=9)
    Tally.objects.update(count=7)
    out = StringIO()

    with pytest.raises(CommandError, match="1 tallies differ"):
        call_command("recount_tallies", "--check", stdout=out)

    assert "tallied 7, recounted 1" in out.getvalue()
    assert counts() == {9: 7}


def test_a_repair_corrects_invents_and_empties_tallies():
    survey = make_survey()
    make_response(survey=survey, score=9)
    make_response(survey=survey, score=8)
    Tally.objects.filter(score=9).update(count=5)
    Tally.objects.filter(score=8).delete()
    ghost = Tally.objects.get(score=9)
    ghost.pk, ghost.score, ghost.count = None, 3, 4
    ghost.save()
    out = StringIO()

    call_command("recount_tallies", stdout=out)

    assert counts() == {9: 1, 8: 1}
    assert "3 tallies repaired" in out.getvalue()
    call_command("recount_tallies", "--check", stdout=out)
    assert "All tallies equal a recount." in out.getvalue()
