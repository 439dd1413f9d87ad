"""Daily and weekly digests: owed once, saying what the dashboard says, as far as the reader may see it."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core import mail
from django.urls import reverse

from feedback.digests import gather_digest, latest_period, owe_digests
from feedback.follow_up import flag
from feedback.models import FollowUp, MailPreference, Notice, Response, StaffMail, Subscription
from feedback.periods import Period
from feedback.staff_mail_delivery import send_mail
from feedback.triage import add_tag
from privacy.break_glass import open_access
from privacy.models import AccessLogEntry, Membership
from surveys.scales import Metric
from tests.factories import make_product, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 6, 15, 6, tzinfo=UTC)  # 8:00 in Warsaw
SUNDAY_NOON = datetime(2026, 6, 14, 10, tzinfo=UTC)
WARSAW = ZoneInfo("Europe/Warsaw")


@pytest.fixture
def survey():
    return make_survey(metric=Metric.NPS, name="Checkout", product=make_product(name="Bank"))


@pytest.fixture
def product(survey):
    return survey.product


def subscribe(role, product, *notices, **overrides):
    user = make_staff(role, product=product, email=f"{role}@staff.example", **overrides)
    MailPreference.objects.create(user=user, language="en")
    for notice in notices or ("daily",):
        Subscription.objects.create(user=user, product=product, notice=notice)
    return user


def answer(survey, *scores, at=SUNDAY_NOON, **overrides):
    return [make_response(survey=survey, score=score, answered_at=at, **overrides) for score in scores]


def send_all(now):
    with time_machine.travel(now, tick=False):
        owe_digests(now=now)
        for owed in StaffMail.objects.order_by("pk"):
            send_mail(mail_id=owed.pk)
    return [message.body for message in mail.outbox]


# --- Who is owed one --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notice", "now", "zone", "first", "days"),
    [
        ("daily", MONDAY, "Europe/Warsaw", date(2026, 6, 14), 1),
        ("daily", datetime(2026, 6, 15, 4, 59, tzinfo=UTC), "Europe/Warsaw", date(2026, 6, 13), 1),
        ("daily", datetime(2026, 6, 15, 5, tzinfo=UTC), "Europe/Warsaw", date(2026, 6, 14), 1),
        ("daily", datetime(2026, 6, 15, 23, tzinfo=UTC), "Asia/Tokyo", date(2026, 6, 15), 1),
        ("weekly", MONDAY, "Europe/Warsaw", date(2026, 6, 8), 7),
        ("weekly", datetime(2026, 6, 15, 4, 59, tzinfo=UTC), "Europe/Warsaw", date(2026, 6, 1), 7),
        ("weekly", datetime(2026, 6, 21, 20, tzinfo=UTC), "Europe/Warsaw", date(2026, 6, 8), 7),
        ("weekly", datetime(2027, 1, 4, 12, tzinfo=UTC), "UTC", date(2026, 12, 28), 7),
    ],
)
def test_a_digest_covers_yesterday_or_last_iso_week_of_the_product(notice, now, zone, first, days):
    period = latest_period(Notice(notice), now=now, zone=ZoneInfo(zone))

    assert period == Period(first, first + timedelta(days=days))


def test_a_digest_is_owed_once_however_often_the_schedule_runs(survey, product):
    subscribe("analyst", product, "daily", "weekly")

    assert [owe_digests(now=MONDAY + timedelta(minutes=10 * run)) for run in range(3)] == [2, 0, 0]
    assert owe_digests(now=MONDAY + timedelta(days=1)) == 1


def test_missed_runs_are_made_up_for_once(survey, product):
    subscribe("analyst", product, "daily", "weekly")
    owe_digests(now=MONDAY)

    assert owe_digests(now=MONDAY + timedelta(days=9)) == 2

    days = StaffMail.objects.order_by("pk").values_list("notice", "day")
    assert sorted(days)[1:3] == [("daily", date(2026, 6, 23)), ("weekly", date(2026, 6, 8))]
    assert ("weekly", date(2026, 6, 15)) in days


def test_nobody_is_owed_a_digest_of_a_product_they_left_or_from_an_account_that_is_off(survey, product):
    left, off = subscribe("analyst", product), subscribe("agent", product, is_active=False)
    Membership.objects.filter(user=left).delete()

    assert owe_digests(now=MONDAY) == 0
    assert off.subscriptions.exists()


def test_a_day_without_answers_and_without_open_work_makes_no_mail(survey, product):
    subscribe("reviewer", product)

    assert send_all(MONDAY) == []
    assert StaffMail.objects.get().dropped_at is not None


def test_open_work_makes_a_mail_on_an_empty_day(survey, product):
    subscribe("reviewer", product)
    answer(survey, 1, at=SUNDAY_NOON - timedelta(days=20))

    [body] = send_all(MONDAY)

    assert "- 1 unread answer of a detractor" in body
    assert "Nobody answered." in body or "0 answers" in body


def test_who_unsubscribed_after_it_was_owed_gets_none(survey, product):
    subscribe("analyst", product)
    answer(survey, *[9] * 6)
    owe_digests(now=MONDAY)
    Subscription.objects.all().delete()

    assert send_all(MONDAY) == []


# --- What it says -----------------------------------------------------------------------------------------------------


def test_figures_are_those_of_the_dashboard(client, survey, product):
    user = subscribe("analyst", product, "weekly")
    answer(survey, *[10] * 30, *[8] * 6, *[3] * 9)
    answer(survey, *[10] * 5, *[8] * 6, *[3] * 30, at=SUNDAY_NOON - timedelta(days=7))
    answer(survey, *[0] * 10, at=SUNDAY_NOON - timedelta(days=14))
    answer(survey, *[0] * 10, at=MONDAY)
    make_response(survey=survey, score=0, answered_at=SUNDAY_NOON, is_test=True)

    [body] = send_all(MONDAY)

    client.force_login(user)
    link = next(line for line in body.splitlines() if "period=custom" in line)
    with time_machine.travel(MONDAY, tick=False):
        page = client.get(reverse("admin:index") + "?" + link.partition("?")[2])
    [shown] = page.context["dashboard"]["metrics"]
    assert shown["n"] == 45
    assert f"{shown['value']} ({shown['answers']}; {shown['interval']})" in body
    assert shown["comparison"] in body
    assert shown["comparison"].startswith("Significantly higher: +")
    assert shown["before"] in body
    assert "Before, June 1, 2026 – June 7, 2026" in body


def test_a_difference_that_chance_explains_is_called_no_difference(survey, product):
    subscribe("analyst", product)
    answer(survey, 10, 9, 8, 3, 10, 9)
    answer(survey, 10, 9, 8, 3, 10, at=SUNDAY_NOON - timedelta(days=1))

    [body] = send_all(MONDAY)

    assert "No significant difference" in body
    assert "Fewer than 30 answers: read with care." in body


def test_few_answers_are_told_only_to_those_who_may_know_people(survey, product):
    for role in ("analyst", "reviewer"):
        subscribe(role, product)
    answer(survey, 10, 9, 1)

    analyst, reviewer = sorted(send_all(MONDAY), key=lambda body: "too few" not in body)

    assert "Fewer than 5 answers: too few to show." in analyst
    assert "33" not in analyst
    assert "33 (3 answers" in reviewer


def test_what_an_administrator_is_mailed_in_an_emergency_is_logged(survey, product):
    administrator = subscribe("administrator", product)
    [response] = answer(survey, 1, comment="Too slow")
    with time_machine.travel(MONDAY - timedelta(minutes=10), tick=False):
        open_access(user=administrator, reason="The importer mixed up two customers")

    [body] = send_all(MONDAY)

    assert "Too slow" in body
    logged = AccessLogEntry.objects.filter(purpose="emergency", user=administrator, product=product)
    assert list(logged.values_list("record_kind", "record_number")) == [("feedback.Response", response.pk)]
    assert AccessLogEntry.objects.filter(record_number=None, controller=product.controller).count() == 1


def test_nobody_else_s_digest_is_logged(survey, product):
    for role in ("administrator", "reviewer"):
        subscribe(role, product)
    answer(survey, 1, comment="Too slow")

    assert len(send_all(MONDAY)) == 2

    assert not AccessLogEntry.objects.exists()


def test_comments_and_work_are_those_that_the_role_may_see(survey, product):
    [response] = answer(survey, 2, comment="Write to me: anna@example.com, it is slow")
    answer(survey, *[9] * 6)
    answer(survey, 9, comment="Secret", restricted_at=SUNDAY_NOON)
    agent = subscribe("agent", product)
    subscribe("analyst", product)
    subscribe("reviewer", product)
    subscribe("administrator", product)
    with time_machine.travel(SUNDAY_NOON, tick=False):
        flag(response=response, reason="x", by=agent, owner=agent)
    FollowUp.objects.update(due_at=SUNDAY_NOON)

    with time_machine.travel(MONDAY, tick=False):
        send_all(MONDAY)
    by_role = {message.to[0].partition("@")[0]: message.body for message in mail.outbox}

    assert set(by_role) == {"agent", "analyst", "reviewer", "administrator"}
    assert all("Secret" not in body for body in by_role.values())
    for role in ("agent", "analyst", "reviewer"):
        assert "Write to me: [e-mail], it is slow" in by_role[role]
    assert "it is slow" not in by_role["administrator"]
    assert "- 1 follow-up is yours" in by_role["agent"]
    assert "- 0 follow-ups are yours" in by_role["reviewer"]
    assert "- 1 first contact is overdue" in by_role["reviewer"]
    assert "- 1 unread answer of a detractor" in by_role["reviewer"]
    for role in ("analyst", "administrator"):
        assert "Open work" not in by_role[role]


def test_groups_that_moved_most_are_named_with_their_numbers(survey, product):
    subscribe("analyst", product, "weekly")
    before = SUNDAY_NOON - timedelta(days=7)
    slow = answer(survey, *[1] * 12, country="PL") + answer(survey, *[10] * 12, at=before, country="PL")
    answer(survey, *[9] * 12, country="DE")
    answer(survey, *[9] * 12, at=before, country="DE")
    answer(survey, *[1] * 3, country="GB")
    add_tag(responses=slow, name="slow", by=make_staff())

    [body] = send_all(MONDAY)

    assert "- tag: slow: 100 → -100 (12 answers). Significantly lower: -200.0 points" in body
    assert "- country: PL: 100 → -100 (12 answers)" in body
    assert not re.search(r"\bGB\b", body)
    assert "channel:" not in body  # everybody used the same one


def test_gathering_needs_no_more_queries_with_more_rows(survey, product, django_assert_max_num_queries):
    user = subscribe("reviewer", product)
    for number in range(12):
        [response] = answer(survey, number % 11, comment="Slow", country=f"A{chr(65 + number)}")
        add_tag(responses=[response], name=f"tag {number}", by=user)
    assert Response.objects.count() == 12

    user = type(user).objects.get(pk=user.pk)
    with django_assert_max_num_queries(32):
        digest = gather_digest(user=user, product=product, notice=Notice.DAILY, first=date(2026, 6, 14), now=MONDAY)

    assert len(digest.comments) == 5
