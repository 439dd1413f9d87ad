from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from feedback.models import FollowUp
from feedback.periods import Bucket, Period, choose_span
from feedback.rates import Rates
from feedback.reports import (
    latest_comments,
    latest_today,
    open_follow_ups,
    open_rights_requests,
    report_scores,
    visible_products,
)
from privacy.models import Membership, RightsRequest
from surveys.scales import Metric
from tests.factories import (
    make_controller,
    make_invitation,
    make_product,
    make_response,
    make_staff,
    make_survey,
)

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 31)
MARCH = choose_span("this_month", today=TODAY)


def on(day, month=3, hour=12):
    return datetime(2026, month, day, hour, tzinfo=UTC)


def answer(survey, *scores, at=None, **overrides):
    for score in scores:
        make_response(survey=survey, score=score, answered_at=at or on(10), **overrides)


def asked(survey, how_many=1, **overrides):
    for _ in range(how_many):
        make_invitation(survey=survey, **{"shown_at": on(10), **overrides})


def make_request(controller, *, due_on, **overrides):
    return RightsRequest.objects.create(
        **{
            "controller": controller,
            "language": "pl",
            "received_at": timezone.now(),
            "received_on": due_on - timedelta(days=30),
            "target_on": due_on,
            "due_on": due_on,
            "due_extended_on": due_on + timedelta(days=60),
            **overrides,
        }
    )


# --- Scores -----------------------------------------------------------------------------------------------------------


def test_all_products_together_pool_their_answers():
    controller = make_controller()
    big, small = (
        make_survey(metric=Metric.CSAT, product=make_product(controller=controller, name=name)) for name in "ab"
    )
    answer(big, *[5] * 8, *[1] * 2)
    answer(small, 1, 1)
    user = make_staff("reviewer")
    Membership.objects.create(user=user, controller=controller)

    [report] = report_scores(user=user, products=visible_products(user), span=MARCH)

    assert report.metric == Metric.CSAT
    assert report.together.counts.n == 12
    assert report.together.value.value == Fraction(800, 12)
    assert [(product.name, figures.value.value) for product, figures in report.products] == [("a", 80), ("b", 0)]


def test_the_period_is_compared_with_the_one_before():
    survey = make_survey()
    answer(survey, *[10] * 40)
    answer(survey, *[0] * 40, at=on(10, month=2))
    user = make_staff("reviewer", product=survey.product)

    [report] = report_scores(user=user, products=[survey.product], span=MARCH)

    assert report.together.value.value == 100
    assert report.together.value_before.value == -100
    assert report.together.difference.change == 200
    assert report.together.difference.is_significant


def test_answers_of_the_period_before_count_also_where_a_product_has_none_now():
    first = make_survey(metric=Metric.NPS)
    second = make_survey(metric=Metric.NPS, product=make_product(controller=first.product.controller))
    answer(first, 10)
    answer(second, 0, at=on(10, month=2))
    user = make_staff("reviewer")
    Membership.objects.create(user=user, controller=first.product.controller)

    [report] = report_scores(user=user, products=visible_products(user), span=MARCH)

    assert report.together.value.value == 100
    assert report.together.value_before.value == -100
    assert {product.pk: figures.value for product, figures in report.products}[second.product_id] is None


def test_all_time_is_compared_with_nothing():
    survey = make_survey()
    answer(survey, 10)
    user = make_staff("reviewer", product=survey.product)
    span = choose_span("all", today=TODAY, known=Period(date(2026, 3, 1), date(2026, 3, 11)))

    [report] = report_scores(user=user, products=[survey.product], span=span)

    assert report.together.before is None
    assert report.together.difference is None


def test_a_trend_has_a_step_per_bucket_and_gaps_where_nobody_answered():
    survey = make_survey()
    answer(survey, 10, 10, at=on(2))
    answer(survey, 0, at=on(4))
    user = make_staff("reviewer", product=survey.product)

    [report] = report_scores(user=user, products=[survey.product], span=MARCH)

    assert report.bucket == Bucket.DAY
    assert len(report.trend) == 31
    assert [step.value and step.value.value for step in report.trend[:4]] == [None, 100, None, -100]
    assert report.trend[1].value.n == 2


def test_the_first_bucket_of_a_period_that_begins_within_a_week_is_not_lost():
    survey = make_survey()
    answer(survey, 10, at=datetime(2026, 1, 1, 12, tzinfo=UTC))  # a Thursday
    user = make_staff("reviewer", product=survey.product)

    [report] = report_scores(user=user, products=[survey.product], span=choose_span("90d", today=TODAY))

    assert report.bucket == Bucket.WEEK
    assert report.trend[0].period == Period(date(2026, 1, 1), date(2026, 1, 5))
    assert report.trend[0].value.n == 1


def test_metrics_without_answers_and_invitations_are_left_out():
    survey = make_survey(metric=Metric.CES)
    user = make_staff("reviewer", product=survey.product)

    assert report_scores(user=user, products=[survey.product], span=MARCH) == []

    asked(survey)
    [report] = report_scores(user=user, products=[survey.product], span=MARCH)
    assert report.together.value is None
    assert report.together.in_app == Rates(shown=1)


def test_figures_need_the_permission_and_the_product():
    mine, other = make_survey(), make_survey()
    answer(mine, 10)
    analyst = make_staff("reviewer", product=mine.product)
    officer = make_staff("privacy_officer", product=mine.product)

    with pytest.raises(PermissionDenied):
        report_scores(user=officer, products=[mine.product], span=MARCH)
    with pytest.raises(PermissionDenied):
        report_scores(user=analyst, products=[mine.product, other.product], span=MARCH)
    assert visible_products(analyst) == [mine.product]


def test_today_is_the_latest_day_of_the_products():
    now = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
    new_york, warsaw = make_product(time_zone="America/New_York"), make_product(time_zone="Europe/Warsaw")

    assert latest_today([new_york], now=now) == date(2026, 3, 31)
    assert latest_today([new_york, warsaw], now=now) == date(2026, 4, 1)
    assert latest_today([], now=now) == date(2026, 3, 31)


# --- Comments ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["analyst", "reviewer"])
def test_comments_are_masked_for_everybody(role):
    survey = make_survey()
    make_response(survey=survey, answered_at=on(10), comment="Write to jan@example.com")
    user = make_staff(role, product=survey.product)

    [excerpt] = latest_comments(user=user, products=[survey.product], period=MARCH.period)

    assert excerpt.text == "Write to [e-mail]"


def test_a_comment_is_masked_before_it_is_cut():
    survey = make_survey()
    comment = "x" * 380 + " mail jan.kowalski@example.com"
    make_response(survey=survey, answered_at=on(10), comment=comment)
    analyst = make_staff("analyst", product=survey.product)

    [excerpt] = latest_comments(user=analyst, products=[survey.product], period=MARCH.period)

    assert len(excerpt.text) <= 400
    assert "jan" not in excerpt.text


def test_only_comments_on_counted_answers_of_the_period_and_products_are_shown_latest_first():
    survey, other = make_survey(), make_survey()
    for day in range(1, 8):
        make_response(survey=survey, answered_at=on(day), comment=f"day {day}")
    make_response(survey=survey, answered_at=on(9))
    make_response(survey=survey, answered_at=on(9), comment="test", is_test=True)
    make_response(survey=survey, answered_at=on(9), comment="restricted", restricted_at=timezone.now())
    make_response(survey=survey, answered_at=on(20, month=2), comment="before")
    make_response(survey=other, answered_at=on(9), comment="not mine")
    reviewer = make_staff("reviewer", product=survey.product)

    excerpts = latest_comments(user=reviewer, products=[survey.product, other.product], period=MARCH.period)

    assert [excerpt.text for excerpt in excerpts] == ["day 7", "day 6", "day 5", "day 4", "day 3"]


def test_who_may_not_see_responses_sees_no_comments():
    survey = make_survey()
    administrator = make_staff("administrator", product=survey.product)

    assert latest_comments(user=administrator, products=[survey.product], period=MARCH.period) is None


# --- Open work --------------------------------------------------------------------------------------------------------


def test_open_follow_ups_are_counted_and_those_waiting_longest_listed():
    survey, other = make_survey(), make_survey()
    for at in (survey, survey, survey, survey, survey, survey, other):
        response = make_response(survey=at)
        FollowUp.objects.create(response=response, respondent=response.respondent, product=at.product, reason="why")
    done = FollowUp.objects.filter(product=survey.product).latest("pk")
    FollowUp.objects.filter(pk=done.pk).update(status="closed", closed_at=timezone.now(), closing_note="done")
    agent = make_staff("agent", product=survey.product)

    queue = open_follow_ups(user=agent, products=[survey.product, other.product])

    assert queue.count == 5
    assert done not in queue.oldest
    assert [one.pk for one in queue.oldest] == sorted(one.pk for one in queue.oldest)
    analyst = make_staff("analyst", product=survey.product)
    assert open_follow_ups(user=analyst, products=[survey.product]) is None


def test_open_rights_requests_are_counted_and_the_next_one_due_named():
    controller, other = make_controller(), make_controller()
    extended = make_request(controller, due_on=date(2026, 3, 1), extended_at=timezone.now(), extension_reason="complex")
    soon = make_request(controller, due_on=date(2026, 4, 7))
    make_request(controller, due_on=date(2026, 1, 7), state="closed")
    make_request(other, due_on=date(2026, 1, 7))
    officer = make_staff("privacy_officer")
    Membership.objects.create(user=officer, controller=controller)

    queue = open_rights_requests(user=officer, now=on(1))

    assert (queue.count, queue.next_due, queue.is_overdue) == (2, soon, False)
    assert extended.current_due_on > soon.current_due_on
    # At 22:30 UTC on the day it is due, the next day has begun in Warsaw.
    assert open_rights_requests(user=officer, now=datetime(2026, 4, 7, 22, 30, tzinfo=UTC)).is_overdue
    assert not open_rights_requests(user=officer, now=datetime(2026, 4, 7, 21, 30, tzinfo=UTC)).is_overdue
    assert open_rights_requests(user=make_staff("reviewer"), now=on(1)) is None
    assert open_rights_requests(user=make_staff("privacy_officer"), now=on(1)).count == 0
