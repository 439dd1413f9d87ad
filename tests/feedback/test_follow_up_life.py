"""What happens between a flag and its end: clock, contacts, notes, moves, and who must be left alone."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from feedback.follow_up import (
    Bar,
    assign,
    bar_of,
    bars_of,
    change_status,
    clock_of,
    flag,
    log_contact,
    mark_contacted,
    possible_teams,
    schedule_of,
    set_priority,
    write_note,
)
from feedback.models import Contact, FollowUp, Respondent, Response, RootCause, StaffMail, Team, WorkingHours
from privacy.models import Suppression
from privacy.suppression import suppress
from tests.factories import make_product, make_respondent, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db

WARSAW = ZoneInfo("Europe/Warsaw")
FRIDAY = datetime(2026, 3, 6, 15, tzinfo=WARSAW)
TUESDAY = datetime(2026, 3, 10, 15, tzinfo=WARSAW)


@pytest.fixture
def survey():
    return make_survey()


@pytest.fixture
def reviewer(survey):
    return make_staff("reviewer", product=survey.product)


@pytest.fixture
def agent(survey):
    return make_staff("agent", product=survey.product)


@pytest.fixture
def follow_up(survey, reviewer):
    return flag(response=make_response(survey=survey, score=2), reason="Angry", by=reviewer)


def code_of(error):
    return error.value.code


def refused(code, work, **arguments):
    with pytest.raises(ValidationError) as error:
        work(**arguments)
    assert code_of(error) == code
    return error.value


# --- Clock ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "priority", "has_date"),
    [(0, "normal", True), (6, "low", True), (7, "normal", False), (10, "normal", False), (9, "high", True)],
)
def test_detractors_and_urgent_cases_have_a_date(survey, reviewer, score, priority, has_date):
    with time_machine.travel(FRIDAY, tick=False):
        response = make_response(survey=survey, score=score)
        opened = flag(response=response, reason="Angry", by=reviewer, priority=priority)

    assert opened.due_at == (TUESDAY if has_date else None)


def test_the_date_counts_the_hours_of_the_product(survey, reviewer):
    WorkingHours.objects.create(product=survey.product, days=[0, 5], opens=time(10), closes=time(14))

    with time_machine.travel(FRIDAY, tick=False):
        opened = flag(response=make_response(survey=survey, score=2), reason="Angry", by=reviewer)

    assert opened.due_at == datetime(2026, 3, 9, 14, tzinfo=WARSAW)


def test_the_date_and_what_is_soon_are_as_the_product_sets_them(survey, reviewer):
    WorkingHours.objects.create(product=survey.product, first_contact_hours=24, remind_hours=2)
    with time_machine.travel(FRIDAY, tick=False):
        opened = flag(response=make_response(survey=survey, score=2), reason="Angry", by=reviewer)

    def urgency(before):
        return clock_of(opened, schedule=schedule_of(survey.product), now=opened.due_at - before).urgency

    assert opened.due_at == datetime(2026, 3, 9, 15, tzinfo=WARSAW)
    assert urgency(timedelta(hours=3)) == "later"
    assert urgency(timedelta(hours=2)) == "soon"


def test_nothing_is_due_soon_where_nobody_is_reminded(survey, reviewer):
    WorkingHours.objects.create(product=survey.product, remind_hours=0)
    with time_machine.travel(FRIDAY, tick=False):
        opened = flag(response=make_response(survey=survey, score=2), reason="Angry", by=reviewer)

    for before, urgency in ((timedelta(hours=1), "later"), (timedelta(0), "later"), (-timedelta(hours=1), "overdue")):
        assert clock_of(opened, schedule=schedule_of(survey.product), now=opened.due_at - before).urgency == urgency


@pytest.mark.parametrize("wrong", [{"first_contact_hours": 0}, {"first_contact_hours": 721}, {"remind_hours": 241}])
def test_hours_beyond_reason_cannot_be_stored(survey, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        WorkingHours.objects.create(product=survey.product, **wrong)


@pytest.mark.parametrize(
    ("now", "words", "urgency"),
    [
        ("2026-03-06 15:00", "due in 2 working days", "later"),
        ("2026-03-09 15:00", "due in 1 working day", "later"),
        ("2026-03-09 16:00", "due in 7 working hours", "later"),
        ("2026-03-10 11:00", "due in 4 working hours", "soon"),
        ("2026-03-10 14:30", "due within the working hour", "soon"),
        ("2026-03-10 15:30", "overdue by less than a working hour", "overdue"),
        ("2026-03-10 17:00", "overdue by 2 working hours", "overdue"),
        ("2026-03-12 16:00", "overdue by 2 working days", "overdue"),
    ],
)
def test_the_clock_says_how_long_there_is_in_words(survey, reviewer, now, words, urgency):
    with time_machine.travel(FRIDAY, tick=False):
        opened = flag(response=make_response(survey=survey, score=2), reason="Angry", by=reviewer)

    moment = datetime.fromisoformat(now).replace(tzinfo=WARSAW)
    clock = clock_of(opened, schedule=schedule_of(survey.product), now=moment)

    assert (clock.words, clock.urgency) == (words, urgency)


def test_what_is_overdue_since_the_door_closed_is_overdue_at_night(survey, follow_up):
    follow_up.due_at = datetime(2026, 3, 10, 17, tzinfo=WARSAW)

    clock = clock_of(follow_up, schedule=schedule_of(survey.product), now=follow_up.due_at + timedelta(hours=3))

    assert clock.urgency == "overdue"


def test_no_clock_runs_once_the_person_was_contacted_or_the_work_ended(survey, reviewer, follow_up):
    schedule, now = schedule_of(survey.product), timezone.now()
    assert clock_of(follow_up, schedule=schedule, now=now)

    contacted = mark_contacted(follow_up=follow_up, at=now)
    assert clock_of(contacted, schedule=schedule, now=now) is None

    FollowUp.objects.update(contacted_at=None)
    dismissed = change_status(follow_up=follow_up, to="dismissed", by=reviewer, note="spam")
    assert clock_of(dismissed, schedule=schedule, now=now) is None


def test_high_priority_starts_a_clock_and_no_priority_stops_one(survey, reviewer):
    with time_machine.travel(FRIDAY - timedelta(days=20)):
        opened = flag(response=make_response(survey=survey, score=9), reason="Kind words", by=reviewer)

    with time_machine.travel(FRIDAY, tick=False):
        set_priority(follow_up=opened, priority="high", by=reviewer)
    set_priority(follow_up=opened, priority="low", by=reviewer)

    stored = FollowUp.objects.get()
    assert (stored.due_at, stored.priority) == (TUESDAY, "low")
    refused("invalid_priority", set_priority, follow_up=opened, priority="urgent", by=reviewer)
    change_status(follow_up=opened, to="dismissed", by=reviewer, note="spam")
    refused("not_open", set_priority, follow_up=opened, priority="high", by=reviewer)


def test_reopening_gives_somebody_who_was_never_contacted_a_new_date(reviewer, follow_up):
    change_status(follow_up=follow_up, to="dismissed", by=reviewer, note="spam")
    FollowUp.objects.update(escalated_at=timezone.now())

    with time_machine.travel(FRIDAY, tick=False):
        reopened = change_status(follow_up=follow_up, to="open", by=reviewer)

    assert (reopened.due_at, reopened.escalated_at) == (TUESDAY, None)


# --- Moves ------------------------------------------------------------------------------------------------------------


def test_every_move_is_kept_with_who_made_it(survey, reviewer, agent):
    opened = flag(response=make_response(survey=survey), reason="Keyword", by=None)
    for to in ("open", "in_progress", "resolved", "closed", "open"):
        change_status(follow_up=opened, to=to, by=agent, note="Refunded", root_cause="Fees")
    refused("not_possible", change_status, follow_up=opened, to="closed", by=agent, note="Refunded")

    moves = list(opened.status_changes.values_list("from_status", "to_status", "by"))

    assert moves == [
        ("", "new", None),
        ("new", "open", agent.pk),
        ("open", "in_progress", agent.pk),
        ("in_progress", "resolved", agent.pk),
        ("resolved", "closed", agent.pk),
        ("closed", "open", agent.pk),
    ]
    assert opened.flagged_by is None


def test_closing_names_a_root_cause_of_the_product(survey, reviewer, follow_up):
    fees = RootCause.objects.create(product=survey.product, name="Fees")
    foreign = RootCause.objects.create(product=make_product(), name="Fees")
    for to in ("open", "in_progress", "resolved"):
        change_status(follow_up=follow_up, to=to, by=reviewer)
    closing = {"follow_up": follow_up, "to": "closed", "by": reviewer, "note": "Refunded"}

    for root_cause in (None, "", "  "):
        refused("root_cause_required", change_status, **closing, root_cause=root_cause)
    refused("foreign_root_cause", change_status, **closing, root_cause=foreign)
    refused("too_long", change_status, **closing, root_cause="x" * 81)
    assert FollowUp.objects.get().status == "resolved"

    change_status(**closing, root_cause="fees")
    assert FollowUp.objects.get().root_cause == fees
    assert RootCause.objects.count() == 2


def test_a_new_root_cause_is_kept_for_the_next_one(survey, reviewer, follow_up):
    for to in ("open", "in_progress", "resolved", "closed"):
        change_status(follow_up=follow_up, to=to, by=reviewer, note="Refunded", root_cause="Slow transfers")

    assert RootCause.objects.get().product == survey.product
    assert FollowUp.objects.get().root_cause.name == "Slow transfers"


def test_dismissing_needs_no_root_cause(reviewer, follow_up):
    change_status(follow_up=follow_up, to="dismissed", by=reviewer, note="spam")

    assert FollowUp.objects.get().root_cause is None


def test_a_team_of_the_product_can_have_it(survey, reviewer, agent, follow_up):
    team = Team.objects.create(product=survey.product, name="Care")
    foreign = Team.objects.create(product=make_product(), name="Care")

    assign(follow_up=follow_up, to=None, team=team, by=reviewer)

    assert (FollowUp.objects.get().team, FollowUp.objects.get().owner) == (team, None)
    assert list(possible_teams(survey.product)) == [team]
    refused("foreign_team", assign, follow_up=follow_up, to=None, team=foreign, by=reviewer)
    response = make_response(survey=survey)
    refused("foreign_team", flag, response=response, reason="Angry", by=None, team=foreign)
    assert flag(response=response, reason="Angry", by=None, team=team, owner=agent).team == team


def test_whoever_gets_it_from_somebody_else_is_told(survey, reviewer, agent, follow_up):
    assign(follow_up=follow_up, to=agent, by=agent)
    assert not StaffMail.objects.exists()

    assign(follow_up=follow_up, to=None, by=reviewer)
    assign(follow_up=follow_up, to=agent, by=reviewer)
    assign(follow_up=follow_up, to=agent, by=reviewer)

    assert list(StaffMail.objects.values_list("user", "notice", "follow_up")) == [(agent.pk, "assigned", follow_up.pk)]


# --- Contacts ---------------------------------------------------------------------------------------------------------


def test_the_first_contact_stops_the_clock(agent, follow_up):
    earlier = timezone.now()
    log_contact(follow_up=follow_up, kind="call", text=" Promised a refund ", by=agent)
    first = FollowUp.objects.get().contacted_at

    log_contact(follow_up=follow_up, kind="other", text="Met at the branch", by=agent)
    assert FollowUp.objects.get().contacted_at == first
    log_contact(follow_up=follow_up, kind="call", text="Called before, logged late", by=agent, at=earlier)

    assert FollowUp.objects.get().contacted_at == earlier
    kept = Contact.objects.order_by("pk").values_list("kind", "actor", "text")
    assert kept[0] == ("call", agent.pk, "Promised a refund")
    assert len(kept) == 3


def test_a_contact_is_logged_whole_and_at_a_time_that_can_be(agent, follow_up):
    call = {"follow_up": follow_up, "kind": "call", "text": "Spoke", "by": agent}
    now = timezone.now()

    refused("text_required", log_contact, **{**call, "text": " \0 "})
    refused("too_long", log_contact, **{**call, "text": "x" * 10_001})
    refused("invalid_kind", log_contact, **{**call, "kind": "email_out"})
    refused("in_the_future", log_contact, **call, at=now + timedelta(hours=1))
    refused("before_the_answer", log_contact, **call, at=now - timedelta(days=1))

    assert not Contact.objects.exists()
    assert FollowUp.objects.get().contacted_at is None


# --- Notes ------------------------------------------------------------------------------------------------------------


def test_a_note_tells_whom_it_mentions(survey, reviewer, follow_up):
    anna = make_staff("agent", product=survey.product, username="anna.k")
    make_staff("agent", product=make_product(), username="stranger")
    make_staff("agent", product=survey.product, username="gone", is_active=False)
    make_staff("administrator", product=survey.product, username="admin")
    text = f"@Anna.K. please call; @{reviewer.username} knows. Not @stranger, @gone, @admin, @nobody or a@b.example"

    note, mentions = write_note(follow_up=follow_up, text=text, by=reviewer)

    assert set(note.mentions.all()) == {anna, reviewer}
    assert list(mentions.unknown) == ["admin", "gone", "nobody", "stranger"]
    assert list(StaffMail.objects.values_list("user", "notice", "key")) == [(anna.pk, "mention", f"mention:{note.pk}")]


def test_notes_are_bounded(reviewer, follow_up):
    refused("text_required", write_note, follow_up=follow_up, text="  ", by=reviewer)
    refused("too_long", write_note, follow_up=follow_up, text="x" * 4001, by=reviewer)
    assert not follow_up.notes.exists()
    write_note(follow_up=follow_up, text="x" * 4000, by=reviewer)
    assert follow_up.notes.count() == 1


# --- Who must be left alone -------------------------------------------------------------------------------------------

WISHES = [
    ({"objected_at": timezone.now()}, Bar.OBJECTED),
    ({"restricted_at": timezone.now()}, Bar.RESTRICTED),
    ({"do_not_contact": True}, Bar.DO_NOT_CONTACT),
]


@pytest.mark.parametrize(("wish", "bar"), WISHES)
def test_a_wish_to_be_left_alone_bars_every_step_that_means_contact(survey, reviewer, agent, follow_up, wish, bar):
    other = make_response(survey=survey, respondent=make_response(survey=survey).respondent)
    Respondent.objects.update(**wish)

    assert bar_of(follow_up.response) == bar
    error = refused("may_not_be_contacted", flag, response=other, reason="Angry", by=None)
    assert str(bar.label) in error.messages[0]
    refused("may_not_be_contacted", change_status, follow_up=follow_up, to="open", by=agent)
    refused("may_not_be_contacted", log_contact, follow_up=follow_up, kind="call", text="Spoke", by=agent)
    dismissed = change_status(follow_up=follow_up, to="dismissed", by=agent, note="Left alone")
    refused("may_not_be_contacted", change_status, follow_up=dismissed, to="open", by=agent)


def test_a_restricted_response_bars_contact(agent, follow_up):
    Response.objects.update(restricted_at=timezone.now())

    assert bar_of(Response.including_restricted.get()) == Bar.RESTRICTED
    refused("may_not_be_contacted", change_status, follow_up=follow_up, to="open", by=agent)


@pytest.mark.parametrize(
    ("reason", "bar"),
    [("erased", Bar.ERASED), ("objected", Bar.OBJECTED), ("by_staff", Bar.SUPPRESSED)],
)
@pytest.mark.parametrize("key", ["id:K-1", "mail:anna@example.com", "tel:+48501234567"])
def test_whoever_is_on_the_list_of_the_product_is_barred(survey, key, reason, bar):
    person = make_respondent(
        product=survey.product, subject_key="id:K-1", external_id="K-1", email="anna@example.com", phone="+48501234567"
    )
    response = make_response(survey=survey, respondent=person)
    suppress(product=make_product(), subject_keys=[key], reason=Suppression.Reason(reason))
    assert bar_of(response) is None

    suppress(product=survey.product, subject_keys=[key], reason=Suppression.Reason(reason))

    assert bar_of(response) == bar
    refused("may_not_be_contacted", flag, response=response, reason="Angry", by=None)


def test_the_wish_of_a_person_holds_for_their_device(survey):
    person = make_respondent(product=survey.product, objected_at=timezone.now())
    device = make_respondent(product=survey.product, subject_key="anon:1", person=person)

    assert bar_of(make_response(survey=survey, respondent=device)) == Bar.OBJECTED


def test_many_are_looked_up_in_as_many_queries_as_one(survey, reviewer, django_assert_num_queries):
    for _ in range(5):
        flag(response=make_response(survey=survey), reason="Angry", by=reviewer)
    Respondent.objects.filter(pk=FollowUp.objects.first().respondent_id).update(do_not_contact=True)
    rows = list(FollowUp.objects.select_related("response", "respondent"))

    with django_assert_num_queries(1):
        bars = bars_of(rows)

    assert sorted(str(bar) for bar in bars.values()) == ["None"] * 4 + ["do_not_contact"]


# --- Two at once ------------------------------------------------------------------------------------------------------


def in_threads(*calls):
    barrier = Barrier(len(calls))

    def run(call):
        try:
            barrier.wait()
            return call()
        except ValidationError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.django_db(transaction=True)
def test_a_rule_and_people_who_flag_at_once_open_one_follow_up_with_one_change(survey, reviewer):
    response = make_response(survey=survey, score=1)

    results = in_threads(
        *[lambda by=by: flag(response=Response.objects.get(), reason="Angry", by=by) for by in (None, reviewer, None)]
    )

    assert sorted(str(result) for result in results)[:2] == ["already_open"] * 2
    assert FollowUp.objects.get().response == response
    assert FollowUp.objects.get().status_changes.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_move_that_two_people_make_at_once_is_kept_once(survey, agent, follow_up):
    def start():
        return change_status(follow_up=follow_up, to="open", by=agent)

    results = in_threads(start, start, start)

    assert results.count("not_possible") == 2
    assert follow_up.status_changes.filter(to_status="open").count() == 1


@pytest.mark.django_db(transaction=True)
def test_calls_logged_while_the_case_is_dismissed_leave_no_contact_after_its_end(survey, agent, follow_up):
    def call():
        return log_contact(follow_up=follow_up, kind="call", text="Spoke", by=agent)

    def end():
        return change_status(follow_up=follow_up, to="dismissed", by=agent, note="spam")

    results = in_threads(call, end, call)

    assert "not_possible" not in results
    assert Contact.objects.count() == 2 - results.count("not_open")
    assert FollowUp.objects.get().status == "dismissed"
    assert (FollowUp.objects.get().contacted_at is None) == (not Contact.objects.exists())
