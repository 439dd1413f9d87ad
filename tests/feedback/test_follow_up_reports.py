"""How well the loop is closed: shares and medians worked out by hand."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from feedback.follow_up import change_status, flag, log_contact
from feedback.follow_up.reporting import report_loop
from feedback.models import FollowUp, Respondent, Response
from feedback.periods import Period
from tests.factories import make_product, make_respondent, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)  # 10:00 in Warsaw; first contacts are due on Wednesday at 10:00
LATE = timedelta(days=3)
IN_TIME = timedelta(days=1)
LATER = timedelta(days=10)
MARCH = Period(MONDAY.date().replace(day=1), MONDAY.date().replace(month=4, day=1))
NOW = MONDAY + timedelta(days=20)


@pytest.fixture
def survey():
    return make_survey()


@pytest.fixture
def reviewer(survey):
    return make_staff("reviewer", product=survey.product)


@pytest.fixture
def case(survey, reviewer):
    """Open a case on that Monday, contact the person after a while, settle it, and let them answer again."""

    def case(*, score=2, contacted=None, settle=False, again=None, at=MONDAY, person=None):
        person = person or make_respondent(product=survey.product)
        with time_machine.travel(at, tick=False):
            answer = make_response(survey=survey, respondent=person, score=score)
            opened = flag(response=answer, reason="Angry", by=reviewer)
        if contacted:
            with time_machine.travel(at + contacted, tick=False):
                log_contact(follow_up=opened, kind="call", text="Spoke", by=reviewer)
        if settle:
            for hours, to in ((1, "open"), (3, "in_progress"), (10, "resolved")):
                with time_machine.travel(at + timedelta(hours=hours), tick=False):
                    change_status(follow_up=opened, to=to, by=reviewer)
        if again is not None:
            make_response(survey=survey, respondent=person, score=again, answered_at=at + LATER)
        return opened

    return case


def report(user, survey, **overrides):
    return report_loop(**{"user": user, "products": [survey.product], "period": MARCH, "now": NOW, **overrides})


def test_the_share_of_detractors_contacted_in_time(survey, reviewer, case):
    for contacted in (IN_TIME, IN_TIME, LATE, None):
        case(contacted=contacted)
    case(score=9, contacted=IN_TIME)
    change_status(follow_up=case(), to="dismissed", by=reviewer, note="spam")

    found = report(reviewer, survey)

    assert found.opened == 6
    assert (found.in_time.part, found.in_time.whole) == (2, 4)
    assert float(found.in_time.estimate.value) == 50


def test_who_still_has_time_is_not_counted_yet(survey, reviewer, case):
    case(contacted=IN_TIME)
    case()

    found = report(reviewer, survey, now=MONDAY + timedelta(hours=30))

    assert (found.in_time.part, found.in_time.whole) == (1, 1)


def test_recovered_are_those_whose_next_answer_was_a_band_higher(survey, reviewer, case):
    for score, again in ((2, 9), (2, 7), (2, 6), (7, 9), (7, 8), (9, 10)):
        case(score=score, settle=True, again=again)
    case(score=2, settle=True)
    case(score=2, again=10)

    found = report(reviewer, survey).recovered

    assert (found.part, found.whole) == (3, 5)


@pytest.mark.parametrize("logged_in", ["between", "before", "elsewhere"])
def test_who_logged_in_meanwhile_is_the_same_person(survey, reviewer, case, logged_in):
    product = survey.product
    person = make_respondent(product=product, external_id="K-1")
    first, second = make_respondent(product=product, person=person), make_respondent(product=product, person=person)
    who, later = {"between": (first, person), "before": (person, first), "elsewhere": (first, second)}[logged_in]
    case(score=2, settle=True, person=who)
    make_response(survey=survey, respondent=make_respondent(product=product), score=3, answered_at=MONDAY + LATER)
    make_response(survey=survey, respondent=later, score=9, answered_at=MONDAY + LATER)

    found = report(reviewer, survey).recovered

    assert (found.part, found.whole) == (1, 1)


def test_only_the_next_counted_answer_says_whether_somebody_recovered(survey, reviewer, case):
    opened = case(score=2, settle=True, again=3)
    make_response(survey=survey, respondent=opened.respondent, score=10, answered_at=MONDAY + timedelta(days=12))
    excluded = case(score=2, settle=True, again=10)
    Response.objects.filter(respondent=excluded.respondent, score=10).update(
        excluded_at=timezone.now(), exclusion_reason="spam"
    )

    found = report(reviewer, survey).recovered

    assert (found.part, found.whole) == (0, 1)


def test_the_median_time_in_each_status(survey, reviewer, case):
    case(settle=True)
    other = case()
    with time_machine.travel(MONDAY + timedelta(hours=4), tick=False):
        change_status(follow_up=other, to="open", by=reviewer)

    stays = {stay.status.value: (stay.n, stay.median) for stay in report(reviewer, survey).stays}

    assert stays == {
        "new": (2, timedelta(hours=2.5)),
        "open": (1, timedelta(hours=2)),
        "in_progress": (1, timedelta(hours=7)),
        "waiting": (0, None),
        "resolved": (0, None),
    }


def test_a_case_belongs_to_the_days_and_products_of_its_opening(survey, reviewer, case):
    case(at=datetime(2026, 2, 28, 22, 59, tzinfo=UTC))  # 23:59 in Warsaw
    case(at=datetime(2026, 2, 28, 23, 1, tzinfo=UTC))
    other = make_product()

    assert report(reviewer, survey).opened == 1
    assert report(reviewer, survey, products=[other]).opened == 0
    assert report(make_staff("reviewer", product=other), survey).opened == 0


def test_restricted_people_are_not_counted(survey, reviewer, case):
    case(contacted=IN_TIME)
    Response.objects.update(restricted_at=timezone.now())
    Respondent.objects.update(restricted_at=timezone.now())

    assert report(reviewer, survey).opened == 0


def test_groups_under_five_are_hidden_without_identity_rights(survey, case):
    analyst = make_staff("analyst", product=survey.product)
    for _ in range(4):
        case(contacted=IN_TIME, settle=True, again=9)
    small = report(analyst, survey)
    assert (small.in_time.is_hidden, small.in_time.part, small.in_time.estimate) == (True, 0, None)
    assert small.recovered.is_hidden
    assert [(stay.n, stay.median) for stay in small.stays if stay.is_hidden] == [(4, None)] * 3

    case(contacted=IN_TIME, settle=True, again=9)
    large = report(analyst, survey)
    assert (large.in_time.part, large.recovered.part) == (5, 5)


def test_figures_are_for_those_who_may_see_them(survey):
    assert report(make_staff("privacy_officer", product=survey.product), survey) is None


def test_the_number_of_queries_does_not_grow(survey, reviewer, case):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            report(reviewer, survey)
        return len(captured)

    case(contacted=IN_TIME, settle=True, again=9)
    queries()  # the permissions of the user are read once
    before = queries()
    for _ in range(5):
        case(contacted=IN_TIME, settle=True, again=9)

    assert queries() == before


def test_the_dashboard_shows_them(client, survey, case):
    now = timezone.now()
    for _ in range(4):
        case(at=now - timedelta(days=6), contacted=timedelta(hours=1), settle=True)
    client.force_login(make_staff("analyst", product=survey.product))
    page = client.get(reverse("admin:index")).content.decode()
    assert "Closing the loop" in page
    assert "too few" in page

    client.force_login(make_staff("reviewer", product=survey.product))
    page = client.get(reverse("admin:index")).content.decode()
    assert "100.0\N{NO-BREAK SPACE}%" in page
    assert "2\N{NO-BREAK SPACE}hours" in page
    assert FollowUp.objects.count() == 4


def test_the_dashboard_says_what_an_empty_report_means(client, survey):
    make_response(survey=survey)
    client.force_login(make_staff("reviewer", product=survey.product))

    assert "No follow-up was opened in this period." in client.get(reverse("admin:index")).content.decode()
