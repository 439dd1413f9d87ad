"""The plan: which tasks in which order, and when it is no longer the same."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from feedback.models import Response
from privacy.deciding import propose, see_document, set_outcome
from privacy.models import RequestItem, RightsRequest
from privacy.planning import (
    found_records,
    inventory_version,
    make_plan,
    plan_at_once,
    plan_due_objections,
    plan_hash,
)
from privacy.subjects import tables_about_people
from tests.factories import make_controller, make_recipient, make_response, make_survey
from tests.privacy.life.cases import ANNA, make_case, make_officer, state_of
from tests.privacy.life.test_deciding import code

pytestmark = pytest.mark.django_db

State = RightsRequest.State


def kinds(tasks):
    return [task.kind for task in tasks]


def test_an_erasure_first_remembers_whom_not_to_ask_and_then_deletes_children_before_their_parents():
    tasks = make_plan(make_case("erasure"))

    assert kinds(tasks)[:2] == ["suppress", "erase"]
    order = [task.dataset for task in tasks if task.kind == "erase"]
    assert set(order) == {table.model for table in tables_about_people()}
    assert order.index("feedback.ScoreChange") < order.index("feedback.Response") < order.index("feedback.Invitation")
    assert order[-1] == "feedback.Respondent"


def test_who_wants_no_fingerprint_to_stay_gets_none():
    case = make_case("erasure")
    case.items.update(leaves_suppression=False)

    assert "suppress" not in kinds(make_plan(case))


def test_copies_come_before_corrections_and_both_before_deletion():
    tasks = make_plan(make_case("erasure", "rectification", "portability", "access", "restriction", "objection"))

    firsts = list(dict.fromkeys(kinds(tasks)))
    assert firsts == ["object", "restrict", "package", "rectify", "suppress", "erase"]
    assert kinds(tasks).count("package") == 2
    assert [task.position for task in tasks] == list(range(1, len(tasks) + 1))


def test_each_recipient_of_the_data_is_told_once():
    case = make_case("erasure")
    told = make_recipient(controller=case.controller, datasets=["feedback.Respondent", "feedback.Response"])
    make_recipient(controller=case.controller, datasets=[])
    make_recipient(controller=make_controller())

    assert [task.recipient for task in make_plan(case) if task.kind == "tell_recipient"] == [told]


def test_a_correction_is_told_to_those_who_have_what_was_corrected():
    case = make_case("rectification")
    case.items.get().corrections.create(dataset="feedback.Response", record_number=1, column="comment", value="x")
    concerned = make_recipient(controller=case.controller, datasets=["feedback.Response"])
    make_recipient(controller=case.controller, datasets=["feedback.Invitation"])

    assert [task.recipient for task in make_plan(case)] == [None, concerned]


def test_making_a_plan_twice_makes_it_once_and_keeps_what_was_done():
    case = make_case("access", "erasure")
    first = make_plan(case)
    for task in first[:2]:
        task.state, task.attempts, task.settled_at = "done", 1, timezone.now()
        task.save()

    again = make_plan(case)

    assert [(task.kind, task.dataset) for task in again] == [(task.kind, task.dataset) for task in first]
    assert (again[1].pk, again[1].kind, again[1].state) == (first[1].pk, "suppress", "done")
    # but for copies, which would lack what came since
    assert (again[0].pk, again[0].state, again[0].attempts, again[0].settled_at) == (first[0].pk, "planned", 0, None)


def test_a_right_that_was_decided_gets_no_tasks():
    case = make_case("access", "erasure")
    make_plan(case)
    case.items.filter(right="erasure").update(outcome=RequestItem.Outcome.EXCEPTION_17_3_E)

    assert kinds(make_plan(case)) == ["package"]


def test_nothing_is_planned_about_nobody():
    assert make_plan(make_case("access", "erasure", known=False)) == []


def test_an_agents_own_mailbox_proves_nothing_about_whom_they_act_for():
    case = make_case("access", known=False, acts_for_another=True, mandate="For my mother")
    user = make_officer(case.controller)
    no_data = {"item": case.items.get(), "outcome": "no_data", "explanation": ""}

    assert code(propose, request=case, user=user) == "not_verified"
    assert code(set_outcome, **no_data, user=user) == "not_verified"

    see_document(request=case, document="passport", email=ANNA, user=user)
    set_outcome(**no_data, user=user)


def test_no_correction_is_carried_out_that_nobody_entered():
    case, unknown = make_case("rectification"), make_case("rectification", known=False)
    user = make_officer(case.controller)

    assert code(propose, request=case, user=user) == "no_corrections"
    propose(request=unknown, user=make_officer(unknown.controller))

    assert (state_of(case), state_of(unknown)) == (State.TRIAGE, State.RESPONDING)
    assert unknown.items.get().outcome == "no_data"


def test_an_objection_is_planned_as_soon_as_it_is_proved():
    case, stranger = make_case("objection", "access"), make_case("objection", proved=False)

    planned = plan_due_objections()

    assert [(task.item.request, task.kind) for task in planned] == [(case, "object")]
    assert plan_due_objections() == plan_at_once(case) == []
    assert not stranger.items.get().tasks.exists()


def test_the_hash_of_a_plan_changes_with_records_and_with_nothing_else():
    case = make_case("erasure")
    make_plan(case)
    before = plan_hash(case)
    response = Response.objects.get()

    Response.objects.update(score=1, comment="changed")
    make_plan(case)
    make_response(survey=make_survey())
    assert plan_hash(case) == before

    with translation.override("pl"):
        assert plan_hash(case) == before

    make_response(survey=response.survey, respondent=response.respondent)
    assert plan_hash(case) != before


def test_the_hash_of_a_plan_changes_with_its_tasks_and_the_declarations(monkeypatch):
    case = make_case("erasure")
    make_plan(case)
    before, version = plan_hash(case), inventory_version()

    case.items.update(leaves_suppression=False)
    make_plan(case)
    assert plan_hash(case) != before
    assert inventory_version() == version

    tables = list(tables_about_people())
    monkeypatch.setattr("privacy.planning.tables_about_people", lambda: iter(tables[:-1]))
    assert inventory_version() != version


def test_keys_are_read_in_a_stream():
    case = make_case("erasure")
    make_plan(case)
    with CaptureQueriesContext(connection) as queries:
        plan_hash(case)

    keys = [query["sql"] for query in queries if "feedback_response" in query["sql"] and "ORDER BY" in query["sql"]]
    assert keys
    assert all("comment" not in sql for sql in keys)


def test_the_records_found_are_counted():
    counts = {table.model: count for table, count in found_records(make_case("access"))}

    assert (counts["feedback.Respondent"], counts["feedback.Response"], counts["feedback.Note"]) == (1, 1, 0)
    assert not any(count for _table, count in found_records(make_case("access", proved=False)))
