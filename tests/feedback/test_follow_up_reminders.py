"""Reminders before the first contact is due, and escalation afterwards."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.celery import SCHEDULE
from feedback.follow_up import assign, bars_of, change_status, flag, log_contact, remind_and_escalate, reminding
from feedback.models import FollowUp, MailPreference, Respondent, Response, StaffMail, Team, WorkingHours
from feedback.tasks import watch_follow_ups
from tests.factories import (
    make_product,
    make_respondent,
    make_response,
    make_staff,
    make_suppression,
    make_survey,
)

pytestmark = pytest.mark.django_db

WARSAW = ZoneInfo("Europe/Warsaw")
FRIDAY = datetime(2026, 3, 6, 15, tzinfo=WARSAW)
DUE = datetime(2026, 3, 10, 15, tzinfo=WARSAW)
SOON = DUE - timedelta(hours=4)


def hire(role, **overrides):
    return make_staff(role, **{"email": "staff@example.com", **overrides})


@pytest.fixture
def survey():
    return make_survey()


@pytest.fixture
def owner(survey):
    return hire("agent", product=survey.product)


@pytest.fixture
def reviewer(survey):
    return hire("reviewer", product=survey.product)


@pytest.fixture
def follow_up(survey, owner, reviewer):
    with time_machine.travel(FRIDAY, tick=False):
        opened = flag(response=make_response(survey=survey, score=1), reason="Angry", by=owner, owner=owner)
    assert opened.due_at == DUE
    return opened


def mails(notice):
    return sorted(StaffMail.objects.filter(notice=notice).values_list("user__username", flat=True))


def names(*users):
    return sorted(user.username for user in users)


@pytest.mark.parametrize(
    ("now", "reminded"),
    [
        (SOON - timedelta(minutes=1), False),
        (SOON, True),
        (DUE, True),
        (DUE + timedelta(minutes=1), False),  # escalated instead
    ],
)
def test_the_owner_is_reminded_four_working_hours_before(follow_up, owner, now, reminded):
    remind_and_escalate(now=now)

    assert mails("reminder") == (names(owner) if reminded else [])


def test_nobody_is_reminded_while_nobody_works(follow_up, owner):
    FollowUp.objects.update(due_at=datetime(2026, 3, 9, 11, tzinfo=WARSAW))

    remind_and_escalate(now=datetime(2026, 3, 8, 12, tzinfo=WARSAW))
    assert mails("reminder") == []
    remind_and_escalate(now=datetime(2026, 3, 6, 15, tzinfo=WARSAW))
    assert mails("reminder") == names(owner)


def test_one_occasion_is_one_mail(follow_up, owner, reviewer):
    for minutes in (0, 10, 20):
        remind_and_escalate(now=SOON + timedelta(minutes=minutes))
    assert mails("reminder") == names(owner)

    assert remind_and_escalate(now=DUE + timedelta(minutes=10)) == 1
    assert remind_and_escalate(now=DUE + timedelta(minutes=20)) == 0
    assert mails("escalation") == names(owner, reviewer)


def test_the_team_is_reminded_where_nobody_owns_it(survey, follow_up, owner):
    member, stranger = hire("agent", product=survey.product), hire("agent", product=make_product())
    team = Team.objects.create(product=survey.product, name="Care")
    team.members.set([member, stranger])
    assign(follow_up=follow_up, to=None, team=team, by=owner)

    remind_and_escalate(now=SOON)

    assert mails("reminder") == names(member)


def test_an_owner_who_left_is_not_the_one_to_remind(survey, follow_up, owner):
    member = hire("agent", product=survey.product)
    team = Team.objects.create(product=survey.product, name="Care")
    team.members.set([member])
    assign(follow_up=follow_up, to=owner, team=team, by=owner)
    owner.is_active = False
    owner.save()

    remind_and_escalate(now=SOON)

    assert mails("reminder") == names(member)


def test_escalation_goes_to_owner_team_and_reviewers_of_the_product(survey, follow_up, owner, reviewer):
    member = hire("agent", product=survey.product)
    hire("reviewer", product=make_product())
    hire("analyst", product=survey.product)
    team = Team.objects.create(product=survey.product, name="Care")
    team.members.set([member, owner])
    assign(follow_up=follow_up, to=owner, team=team, by=owner)

    remind_and_escalate(now=DUE + timedelta(minutes=1))

    assert mails("escalation") == names(owner, member, reviewer)
    assert FollowUp.objects.get().escalated_at == DUE + timedelta(minutes=1)


def test_whoever_was_contacted_in_time_wakes_nobody(follow_up, owner):
    log_contact(follow_up=follow_up, kind="call", text="Spoke", by=owner, at=FRIDAY)

    assert remind_and_escalate(now=SOON) + remind_and_escalate(now=DUE + timedelta(days=1)) == 0
    assert not StaffMail.objects.exists()


def test_what_was_dismissed_or_restricted_wakes_nobody(survey, follow_up, owner, reviewer):
    change_status(follow_up=follow_up, to="dismissed", by=owner, note="spam")
    with time_machine.travel(FRIDAY, tick=False):
        flag(response=make_response(survey=survey, score=1), reason="Angry", by=owner, owner=owner)
    Response.objects.update(restricted_at=DUE)
    Respondent.objects.update(restricted_at=DUE)

    assert remind_and_escalate(now=SOON) + remind_and_escalate(now=DUE + timedelta(days=1)) == 0
    assert not StaffMail.objects.exists()


def test_the_scheduler_watches_every_ten_minutes(follow_up):
    entry = SCHEDULE["remind of follow-ups and escalate those that are overdue"]
    assert (entry["task"], entry["schedule"]) == ("feedback.tasks.watch_follow_ups", 600.0)

    with time_machine.travel(DUE + timedelta(hours=1)):
        assert watch_follow_ups() == 1
        assert watch_follow_ups() == 0


@pytest.mark.parametrize("wish", [{"objected_at": DUE}, {"do_not_contact": True}, {"restricted_at": DUE}])
def test_nobody_is_urged_to_contact_whoever_must_be_left_alone(follow_up, wish):
    Respondent.objects.update(**wish)

    assert remind_and_escalate(now=SOON) + remind_and_escalate(now=DUE + timedelta(days=1)) == 0
    assert not StaffMail.objects.exists()


@pytest.mark.parametrize("wish", [{"objected_at": DUE}, {"do_not_contact": True}, {"restricted_at": DUE}])
def test_nobody_is_urged_to_contact_a_device_whose_person_must_be_left_alone(follow_up, wish):
    device = Respondent.objects.filter(pk=follow_up.respondent_id)
    device.update(subject_key="anon:device", person=make_respondent(product=follow_up.product, **wish))

    assert remind_and_escalate(now=SOON) + remind_and_escalate(now=DUE + timedelta(days=1)) == 0
    assert not StaffMail.objects.exists()


@pytest.mark.parametrize("is_device", [False, True])
def test_nobody_is_urged_to_contact_whoever_is_on_the_list(follow_up, is_device):
    person = follow_up.respondent
    if is_device:
        person = make_respondent(product=follow_up.product)
        device = Respondent.objects.filter(pk=follow_up.respondent_id)
        device.update(subject_key="anon:device", person=person)
    make_suppression(product=follow_up.product, key=person.subject_key, reason="erased")

    assert remind_and_escalate(now=SOON) + remind_and_escalate(now=DUE + timedelta(days=1)) == 0
    assert not StaffMail.objects.exists()
    assert FollowUp.objects.get().escalated_at is None


def test_the_list_is_asked_as_often_for_ten_people_as_for_one(survey, follow_up, owner):
    def leave_alone(number):
        for _ in range(number):
            response = make_response(survey=survey, score=1)
            with time_machine.travel(FRIDAY, tick=False):
                flag(response=response, reason="Angry", by=owner, owner=owner)
            make_suppression(product=survey.product, key=response.respondent.subject_key)

    def statements(now):
        with CaptureQueriesContext(connection) as asked:
            remind_and_escalate(now=now)
        return len(asked)

    leave_alone(1)
    remind_and_escalate(now=SOON)  # the mail to the owner of the one who may be contacted is owed
    few = statements(SOON)
    leave_alone(9)
    assert statements(SOON) == few


def test_what_was_reminded_of_is_not_looked_at_again(survey, follow_up, owner, reviewer, monkeypatch):
    looked_at = []
    monkeypatch.setattr(reminding, "bars_of", lambda found: looked_at.extend(found) or bars_of(found))
    member = hire("agent", product=survey.product)
    team = Team.objects.create(product=survey.product, name="Care")
    team.members.set([member])

    for minutes in (0, 10):
        remind_and_escalate(now=SOON + timedelta(minutes=minutes))
    assert looked_at == [follow_up]

    assign(follow_up=follow_up, to=None, team=team, by=owner)
    for minutes in (20, 30):
        remind_and_escalate(now=SOON + timedelta(minutes=minutes))
    assert mails("reminder") == names(owner, member)

    other = hire("agent", product=survey.product)
    assign(follow_up=follow_up, to=other, team=team, by=owner)
    for minutes in (40, 50):
        remind_and_escalate(now=SOON + timedelta(minutes=minutes))
    assert mails("reminder") == names(owner, member, other)
    assert looked_at == [follow_up] * 3

    FollowUp.objects.update(due_at=DUE + timedelta(hours=1))  # promised anew
    remind_and_escalate(now=DUE)
    assert mails("reminder") == names(owner, member, other, other)


def test_many_are_read_in_portions_without_what_they_wrote(survey, follow_up, owner, reviewer, monkeypatch):
    monkeypatch.setattr(reminding, "READ_AT_ONCE", 2)
    for _ in range(4):
        with time_machine.travel(FRIDAY, tick=False):
            flag(response=make_response(survey=survey, score=1), reason="Angry", by=owner, owner=owner)

    with CaptureQueriesContext(connection) as asked:
        remind_and_escalate(now=SOON)

    assert mails("reminder") == names(owner) * 5
    read = [each["sql"] for each in asked if '"due_at" >=' in each["sql"] and "LIMIT 2" in each["sql"]]
    assert len(read) == 3
    assert not [sql for sql in read if "comment" in sql or "search" in sql]
    assert remind_and_escalate(now=DUE + timedelta(minutes=1)) == 5


# --- As the product sets it -------------------------------------------------------------------------------------------


def test_the_product_says_how_long_before_the_owner_is_reminded(follow_up, owner):
    WorkingHours.objects.create(product=follow_up.product, remind_hours=6)

    remind_and_escalate(now=DUE - timedelta(hours=6, minutes=1))
    assert mails("reminder") == []
    remind_and_escalate(now=DUE - timedelta(hours=6))
    assert mails("reminder") == names(owner)


def test_a_product_may_have_nobody_reminded(follow_up, owner, reviewer):
    WorkingHours.objects.create(product=follow_up.product, first_contact_hours=1, remind_hours=0)

    for now in (SOON, DUE):
        remind_and_escalate(now=now)
    assert not StaffMail.objects.exists()

    assert remind_and_escalate(now=DUE + timedelta(minutes=1)) == 1


def test_escalation_goes_to_whom_the_product_names_instead_of_the_reviewers(survey, follow_up, owner, reviewer):
    chief = hire("reviewer", product=survey.product)
    WorkingHours.objects.create(product=survey.product).escalate_to.set([chief])

    remind_and_escalate(now=DUE + timedelta(minutes=1))

    assert mails("escalation") == names(owner, chief)


def test_the_reviewers_learn_of_it_where_those_named_no_longer_see_the_product(survey, follow_up, owner, reviewer):
    chief = hire("reviewer", product=survey.product)
    WorkingHours.objects.create(product=survey.product).escalate_to.set([chief])
    chief.memberships.all().delete()

    remind_and_escalate(now=DUE + timedelta(minutes=1))

    assert mails("escalation") == names(owner, reviewer)


@pytest.fixture
def left_alone(follow_up, owner, reviewer):
    """A follow-up that nobody works on and nobody watches."""
    for user in (owner, reviewer):
        user.memberships.all().delete()
    return follow_up


def test_what_nobody_would_learn_of_is_tried_again_until_somebody_does(survey, left_alone):
    assert remind_and_escalate(now=DUE + timedelta(minutes=1)) == 0
    assert FollowUp.objects.get().escalated_at is None
    assert not StaffMail.objects.exists()

    reviewer = hire("reviewer", product=survey.product)
    assert remind_and_escalate(now=DUE + timedelta(hours=1)) == 1
    assert mails("escalation") == names(reviewer)
    assert FollowUp.objects.get().escalated_at == DUE + timedelta(hours=1)


def test_administrators_of_the_product_learn_of_what_nobody_else_would(survey, left_alone):
    administrator = hire("administrator", product=survey.product)
    hire("administrator", product=make_product())

    assert remind_and_escalate(now=DUE + timedelta(minutes=1)) == 1
    assert mails("escalation") == names(administrator)


def test_whoever_wants_no_mail_of_what_is_overdue_is_not_enough(survey, follow_up, owner, reviewer):
    administrator = hire("administrator", product=survey.product)
    MailPreference.objects.create(user=owner, muted=["escalation"])
    MailPreference.objects.create(user=reviewer, muted=["escalation", "reminder"])

    assert remind_and_escalate(now=DUE + timedelta(minutes=1)) == 1
    assert administrator.username in mails("escalation")


def test_what_everybody_is_deaf_to_is_told_once_somebody_listens(follow_up, owner, reviewer):
    for user in (owner, reviewer):
        MailPreference.objects.create(user=user, muted=["escalation"])

    for minutes in (1, 11):
        assert remind_and_escalate(now=DUE + timedelta(minutes=minutes)) == 0
    assert not StaffMail.objects.exists()

    MailPreference.objects.filter(user=reviewer).update(muted=[])
    assert remind_and_escalate(now=DUE + timedelta(hours=1)) == 1
    assert mails("escalation") == names(reviewer)


def test_whoever_has_no_address_is_not_told(survey, follow_up, owner, reviewer):
    User.objects.update(email="")
    assert remind_and_escalate(now=DUE + timedelta(minutes=1)) == 0

    administrator = hire("administrator", product=survey.product)
    assert remind_and_escalate(now=DUE + timedelta(minutes=11)) == 1
    assert mails("escalation") == names(administrator)


@pytest.mark.parametrize("outcome", ["dropped_at", "failed_at"])
def test_a_mail_that_never_arrived_told_nobody(follow_up, owner, reviewer, outcome):
    assert remind_and_escalate(now=DUE + timedelta(minutes=1)) == 1
    FollowUp.objects.update(escalated_at=None)
    StaffMail.objects.filter(user=owner).update(**{outcome: DUE})
    assert remind_and_escalate(now=DUE + timedelta(minutes=11)) == 1  # the reviewer's is on its way

    FollowUp.objects.update(escalated_at=None)
    StaffMail.objects.update(**{outcome: DUE})
    assert remind_and_escalate(now=DUE + timedelta(minutes=21)) == 0
    assert FollowUp.objects.get().escalated_at is None


@pytest.mark.django_db(transaction=True)
def test_two_workers_escalate_once(follow_up, reviewer):
    barrier = Barrier(2)

    def work(_number):
        try:
            barrier.wait()
            return remind_and_escalate(now=DUE + timedelta(hours=1))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(work, range(2))) == 1

    assert StaffMail.objects.filter(user=reviewer, notice="escalation").count() == 1
