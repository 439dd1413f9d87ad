"""What the tasks of a right say about it in the end, and what is carried out once more."""

from __future__ import annotations

import pytest

from feedback.models import Respondent
from privacy import fulfilment
from privacy.deciding import see_document
from privacy.models import RequestTask
from privacy.performing import Result
from privacy.planning import plan_due_objections
from tests.privacy.life.cases import ANNA, make_case, make_officer
from tests.privacy.life.test_fulfilment import begin, correct_the_comment, work

pytestmark = pytest.mark.django_db

Kind = RequestTask.Kind


def test_a_right_for_which_nothing_was_found_ends_without_data(performed, monkeypatch):
    case = make_case("access", "restriction")
    begin(case)
    nothing = Result(state=RequestTask.State.NOTHING_FOUND)
    monkeypatch.setitem(fulfilment.PERFORMERS, Kind.PACKAGE, lambda task: nothing)

    work(case)

    assert dict(case.items.values_list("right", "outcome")) == {"access": "no_data", "restriction": "done"}


def test_a_task_that_changes_nothing_says_nothing_about_whether_there_are_data():
    """An objection restricts before the restriction does."""
    case = make_case("objection", "restriction")
    begin(case)

    work(case)

    assert case.items.get(right="restriction").tasks.get().state == "nothing_found"
    assert set(case.items.values_list("outcome", flat=True)) == {"done"}


def test_a_worker_that_died_after_its_work_leaves_no_answer_without_data(performed, monkeypatch):
    case = make_case("rectification", "erasure")
    correct_the_comment(case)
    begin(case)
    nothing = Result(state=RequestTask.State.NOTHING_FOUND)
    for kind in (Kind.RECTIFY, Kind.ERASE):
        monkeypatch.setitem(fulfilment.PERFORMERS, kind, lambda task: nothing)

    work(case)

    assert set(case.items.values_list("outcome", flat=True)) == {"done"}


@pytest.mark.parametrize("plan", [lambda case: plan_due_objections(), begin])
def test_an_objection_is_carried_out_again_with_a_proof_that_came_later(plan):
    """Whoever acts for another proves their own mailbox first, which leads to nobody."""
    case = make_case("objection", acts_for_another=True, mandate="For my mother")
    plan_due_objections()
    work(case)
    assert fulfilment.tasks_of(case).get().state == "nothing_found"
    assert plan_due_objections() == []

    see_document(request=case, document="passport", email=ANNA, user=make_officer(case.controller))
    plan(case)
    work(case)

    anna = Respondent.including_restricted.get()
    assert anna.objected_at
    assert anna.restricted_at
    assert plan_due_objections() == []
    assert fulfilment.tasks_of(case).get().state == "done"
