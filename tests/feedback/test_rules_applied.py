"""What rules do to responses: what follows, what never does, and that it happens once."""

import logging
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from feedback import follow_up, rules, tasks
from feedback.models import FollowUp, ImportRun, Notice, Response, ResponseTag, Rule, StaffMail, Tag, Team
from feedback.rules import applying
from feedback.triage import add_tag
from tests.factories import make_invitation, make_respondent, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db


@pytest.fixture
def product(survey):
    return survey.product


@pytest.fixture
def reader(product):
    return make_staff("reviewer", product=product)


@pytest.fixture
def complete(survey):
    """Make a response that rules have not seen."""

    def complete(**overrides):
        return make_response(survey=survey, **{"score": 2, "completed_at": timezone.now(), **overrides})

    return complete


def make_rule(product, *, alerts=(), tag=None, **overrides):
    adds = Tag.objects.get_or_create(product=product, name=tag)[0] if tag else None
    rule = Rule.objects.create(product=product, name=f"Rule {uuid.uuid4().hex[:8]}", adds_tag=adds, **overrides)
    rule.alerts.set(alerts)
    return rule


def tags_of(response):
    return set(response.tags.values_list("name", flat=True))


def test_a_matching_response_is_tagged_a_follow_up_opens_and_staff_are_alerted_once(product, reader, complete):
    agent, team = make_staff("agent", product=product), Team.objects.create(product=product, name="Care")
    rule = make_rule(
        product,
        bands=["detractor"],
        tag="unhappy",
        opens_follow_up=True,
        owner=agent,
        team=team,
        priority="high",
        alerts=[reader],
    )
    response = complete()

    for _run in range(3):
        rules.apply_due_rules()

    assert tags_of(response) == {"unhappy"}
    assert ResponseTag.objects.get().added_by is None
    opened = FollowUp.objects.get()
    assert (opened.response, opened.owner, opened.team, opened.priority) == (response, agent, team, "high")
    assert opened.flagged_by is None
    assert rule.name in opened.reason
    mail = StaffMail.objects.exclude(notice=Notice.ASSIGNED).get()
    assert (mail.user, mail.notice, mail.response, mail.product) == (reader, Notice.ALERT, response, product)
    assert mail.key == f"alert:{rule.pk}:{response.pk}"


def test_what_does_not_match_or_is_not_active_changes_nothing(product, reader, complete):
    make_rule(product, bands=["promoter"], tag="happy", opens_follow_up=True, alerts=[reader])
    make_rule(product, is_active=False, tag="asleep", opens_follow_up=True, alerts=[reader])
    make_rule(make_survey().product, tag="elsewhere", opens_follow_up=True, alerts=[reader])
    response = complete()

    rules.apply_due_rules()

    response.refresh_from_db()
    assert response.rules_applied_at
    assert not (ResponseTag.objects.exists())
    assert not (FollowUp.objects.exists())
    assert not (StaffMail.objects.exists())


@pytest.mark.parametrize(
    "never",
    [
        {"is_test": True},
        {"is_suspect": True},
        {"excluded_at": timezone.now(), "exclusion_reason": "spam"},
        {"restricted_at": timezone.now()},
    ],
    ids=["test", "suspect", "excluded", "restricted"],
)
def test_what_does_not_count_triggers_nothing_ever(product, reader, complete, never):
    make_rule(product, tag="any", opens_follow_up=True, alerts=[reader])
    response = complete(comment="secret", **never)

    rules.apply_due_rules()
    undone = {"is_test": False, "is_suspect": False, "excluded_at": None, "restricted_at": None}
    Response.including_restricted.filter(pk=response.pk).update(**undone)
    rules.apply_due_rules()

    assert not (ResponseTag.objects.exists())
    assert not (FollowUp.objects.exists())
    assert not (StaffMail.objects.exists())


def test_nothing_happens_because_of_a_restricted_person(product, reader, survey, complete):
    make_rule(product, keywords=["secret"], tag="any", opens_follow_up=True, alerts=[reader])
    complete(comment="secret", respondent=make_respondent(product=product, restricted_at=timezone.now()))

    rules.apply_due_rules()

    assert not (ResponseTag.objects.exists())
    assert not (FollowUp.objects.exists())
    assert not (StaffMail.objects.exists())


def test_imported_responses_are_tagged_and_nothing_else(product, reader, complete):
    make_rule(product, tag="old", opens_follow_up=True, alerts=[reader])
    run = ImportRun.objects.create(controller=product.controller, file_name="a.csv", content=b"x")
    by_run, by_key = complete(import_run=run), complete(import_key=b"k" * 32)

    done = rules.apply_due_rules()

    assert tags_of(by_run) == tags_of(by_key) == {"old"}
    assert (done.opened, done.alerted) == (0, 0)
    assert not (FollowUp.objects.exists())
    assert not (StaffMail.objects.exists())


def test_a_person_who_may_not_be_contacted_is_not_and_the_reason_is_recorded(product, complete, caplog):
    caplog.set_level(logging.INFO, logger="feedback.rules")
    make_rule(product, opens_follow_up=True)
    left_alone = make_respondent(product=product, do_not_contact=True)
    busy = make_respondent(product=product)
    earlier = complete(respondent=busy, rules_applied_at=timezone.now())
    follow_up.flag(response=earlier, reason="Called in", by=make_staff("reviewer"))
    first, second = complete(respondent=left_alone, comment="private words"), complete(respondent=busy)

    done = rules.apply_due_rules()

    assert dict(done.not_opened) == {"may_not_be_contacted": 1, "already_open": 1}
    assert FollowUp.objects.get().response == earlier
    said = " ".join(record.getMessage() for record in caplog.records)
    assert f"response {first.pk}: may_not_be_contacted" in said
    assert f"response {second.pk}: already_open" in said
    assert "private words" not in said


def test_two_answers_of_one_person_open_one_follow_up(product, complete):
    make_rule(product, opens_follow_up=True)
    person = make_respondent(product=product)
    complete(respondent=person)
    complete(respondent=person)

    done = rules.apply_due_rules()

    assert (done.opened, dict(done.not_opened)) == (1, {"already_open": 1})


def test_an_owner_who_left_does_not_leave_the_person_waiting(product, complete):
    agent = make_staff("agent", product=product)
    make_rule(product, opens_follow_up=True, owner=agent)
    agent.is_active = False
    agent.save()
    complete()

    rules.apply_due_rules()

    assert FollowUp.objects.get().owner is None


def test_only_staff_who_may_read_it_now_are_alerted(product, reader, complete):
    moved, left = make_staff("reviewer", product=product), make_staff("reviewer", product=product)
    demoted = make_staff("reviewer", product=product)
    make_rule(product, alerts=[reader, moved, left, demoted])
    moved.memberships.all().delete()
    left.is_active = False
    left.save()
    demoted.groups.set([Group.objects.get(name="privacy_officer")])
    complete()

    rules.apply_due_rules()

    assert [mail.user for mail in StaffMail.objects.all()] == [reader]


def test_rules_follow_their_order_and_see_the_tags_of_earlier_ones(product, complete):
    fees = Tag.objects.create(product=product, name="fees")
    make_rule(product, position=2, with_tag=fees, tag="seen after")
    make_rule(product, position=0, with_tag=fees, tag="seen before")
    make_rule(product, position=1, keywords=["fee"], tag="fees")
    by_rule, by_hand = complete(comment="fee"), complete(comment="other")
    add_tag(responses=[by_hand], name="fees", by=make_staff("reviewer"))

    rules.apply_due_rules()

    assert tags_of(by_rule) == {"fees", "seen after"}
    assert tags_of(by_hand) == {"fees", "seen after", "seen before"}


# --- When -------------------------------------------------------------------------------------------------------------


def test_a_score_waits_for_the_text_and_is_looked_at_with_it(product, put, survey):
    make_rule(product, keywords=["fee*"], tag="fees")
    make_invitation(survey=survey, token="token-1")
    submission = str(uuid.uuid4())
    put("token-1", submission_id=submission, score=2)
    assert rules.apply_due_rules().seen == 0

    put("token-1", submission_id=submission, seq=1, comment="Fees!")
    rules.apply_due_rules()

    assert tags_of(Response.objects.get()) == {"fees"}


def test_a_score_nobody_came_back_to_is_looked_at_and_again_when_the_text_comes_later(product, reader, put, survey):
    make_rule(product, bands=["detractor"], opens_follow_up=True, alerts=[reader])
    make_rule(product, keywords=["fee*"], tag="fees", alerts=[reader])
    make_invitation(survey=survey, token="token-1")
    submission = str(uuid.uuid4())
    put("token-1", submission_id=submission, score=2)
    Response.objects.update(answered_at=timezone.now() - timedelta(minutes=31))
    tasks.complete_abandoned_responses()
    tasks.apply_rules()
    assert (FollowUp.objects.count(), StaffMail.objects.count(), ResponseTag.objects.count()) == (1, 1, 0)

    put("token-1", submission_id=submission, seq=1, comment="Fees!")
    tasks.apply_rules()

    assert (FollowUp.objects.count(), StaffMail.objects.count(), ResponseTag.objects.count()) == (1, 2, 1)


def test_a_corrected_score_is_looked_at_again_and_what_was_done_stays_done_once(product, reader, put, survey):
    make_rule(product, bands=["detractor"], opens_follow_up=True, alerts=[reader])
    make_invitation(survey=survey, token="token-1")
    submission = str(uuid.uuid4())
    put("token-1", submission_id=submission, score=9, comment="")
    rules.apply_due_rules()
    assert not FollowUp.objects.exists()

    put("token-1", submission_id=submission, seq=1, score=1)
    rules.apply_due_rules()
    opened = FollowUp.objects.get()
    follow_up.change_status(follow_up=opened, to="dismissed", by=reader, note="A joke")
    put("token-1", submission_id=submission, seq=2, score=0)
    done = rules.apply_due_rules()

    assert (done.seen, done.opened, dict(done.not_opened)) == (1, 0, {"had_one_before": 1})
    assert (FollowUp.objects.count(), StaffMail.objects.count()) == (1, 1)


def test_a_repetition_does_not_make_it_due_again(put, survey):
    make_invitation(survey=survey, token="token-1")
    submission = str(uuid.uuid4())
    put("token-1", submission_id=submission, score=2, comment="why")
    rules.apply_due_rules()

    put("token-1", submission_id=submission, score=2, comment="why")
    put("token-1", submission_id=submission, seq=5)

    assert rules.apply_due_rules().seen == 0


def test_rules_are_applied_several_times_a_minute():
    from config.celery import SCHEDULE  # noqa: PLC0415  the application of the workers

    assert SCHEDULE["apply rules"]["task"] == tasks.apply_rules.name
    assert SCHEDULE["apply rules"]["schedule"] <= 30


def test_who_answers_now_does_not_wait_for_a_large_import(product, reader, complete, monkeypatch):
    monkeypatch.setattr(applying, "BATCH", 3)
    monkeypatch.setattr(applying, "MOST_BATCHES", 1)
    make_rule(product, alerts=[reader])
    for number in range(5):
        complete(import_key=bytes([number]) * 32, completed_at=timezone.now() - timedelta(days=30))
    response = complete()

    rules.apply_due_rules()

    assert StaffMail.objects.get().response == response


# --- What it costs ----------------------------------------------------------------------------------------------------


def statements(call):
    with CaptureQueriesContext(connection) as captured:
        call()
    return [
        sql.partition(" WHERE ")[0] for query in captured.captured_queries if "SAVEPOINT" not in (sql := query["sql"])
    ]


def test_more_responses_in_a_batch_take_no_more_statements(product, complete):
    make_rule(product, keywords=["fee"], tag="fees")
    make_rule(product, bands=["promoter"], tag="happy", opens_follow_up=True)
    complete(comment="fee")
    few = statements(rules.apply_due_rules)
    for _ in range(30):
        complete(comment="fee")

    many = statements(rules.apply_due_rules)
    assert len(many) == len(few), many


def test_nothing_due_takes_one_statement(survey):
    assert len(statements(rules.apply_due_rules)) == 1
