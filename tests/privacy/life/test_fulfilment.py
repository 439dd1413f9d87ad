"""Carrying out a plan: in order, again and again until it is done, and never what was not approved."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from feedback.models import Respondent, Response
from privacy import fulfilment
from privacy.audit import verify
from privacy.delivery import RETRIES
from privacy.fulfilment import acknowledge, due_task_ids, exempt, retry, run_task
from privacy.models import RequestTask, RightsRequest
from privacy.performing import Result
from privacy.planning import plan_at_once
from privacy.tasks import run_due_tasks, watch_requests
from tests.factories import make_recipient, make_response, make_staff
from tests.privacy.life.cases import begin, make_case, make_officer, state_of, work

pytestmark = pytest.mark.django_db

State = RightsRequest.State
Kind = RequestTask.Kind


def correct_the_comment(case):
    corrections, answer = case.items.get(right="rectification").corrections, Response.objects.last()
    corrections.create(dataset="feedback.Response", record_number=answer.pk, column="comment", value="Better")


def break_down(monkeypatch, kind):
    def fail(task):
        raise OSError("anna@example.com")

    monkeypatch.setitem(fulfilment.PERFORMERS, kind, fail)


def test_an_approved_erasure_runs_to_its_answer(performed):
    case = make_case("erasure")
    begin(case)

    work(case)

    assert state_of(case) == State.RESPONDING
    assert case.items.get().outcome == "done"
    assert not Respondent.including_restricted.exists()
    assert not Response.including_restricted.exists()
    assert not fulfilment.tasks_of(case).exclude(state__in=RequestTask.SETTLED).exists()
    assert case.events.filter(action="task_done").count() == len(performed)


def test_running_a_task_twice_gives_the_same_end(performed):
    """Invariant 7: the second run changes nothing, and a worker that comes too late does nothing."""
    case = make_case("erasure")
    begin(case)
    ids = work(case)
    before = list(RequestTask.objects.values("pk", "state", "affected", "settled_at"))

    assert not any(run_task(task_id=task_id) for task_id in ids)
    assert list(RequestTask.objects.values("pk", "state", "affected", "settled_at")) == before

    RequestTask.objects.update(state="planned", next_attempt_at=timezone.now())
    RightsRequest.objects.filter(pk=case.pk).update(state=State.IN_PROGRESS)
    work(case)
    assert set(RequestTask.objects.filter(kind="erase").values_list("state", flat=True)) == {"nothing_found"}
    assert state_of(case) == State.RESPONDING


def test_no_task_runs_before_it_is_proved_who_asks(performed):
    """Invariant 1: access, portability, rectification, erasure and restriction wait, whatever state is written down."""
    for right in ("access", "portability", "rectification", "erasure", "restriction"):
        case = make_case(right)
        if right == "rectification":
            correct_the_comment(case)
        begin(case)
        case.proofs.all().delete()
        assert due_task_ids(case) == []
        assert not any(run_task(task_id=task.pk) for task in fulfilment.tasks_of(case))
    assert performed == []


def test_an_objection_runs_at_once_in_whatever_open_state(performed):
    """Invariant 1: it waits for nobody's decision."""
    case = make_case("objection", "access", state=State.VERIFIED)
    plan_at_once(case)

    work(case)

    assert performed == [("object", "")]
    assert state_of(case) == State.VERIFIED


def test_what_was_approved_is_what_is_done(performed):
    """Invariant 9: a record that came since the approval sends the request back to its triage, and nothing is gone."""
    case = make_case("erasure")
    begin(case)
    response = Response.objects.get()
    make_response(survey=response.survey, respondent=response.respondent)

    assert work(case) == []

    assert (state_of(case), performed) == (State.TRIAGE, [])
    assert Response.objects.count() == 2
    assert case.approvals.get().decision == "outdated"
    moves = list(case.events.filter(action="advanced").values_list("from_state", "to_state"))
    assert moves[-2:] == [("in_progress", "awaiting_approval"), ("awaiting_approval", "triage")]

    begin(case)
    work(case)
    assert state_of(case) == State.RESPONDING


def test_an_erasure_that_began_goes_on_to_its_end(performed, monkeypatch):
    """Invariant 9 is asked before the first record goes, and not of what is left afterwards."""
    case = make_case("erasure")
    begin(case)
    while due := due_task_ids(case):
        task = RequestTask.objects.get(pk=due[0])
        if task.dataset == "feedback.Response":
            break
        run_task(task_id=task.pk)
    break_down(monkeypatch, Kind.ERASE)
    run_task(task_id=task.pk)
    monkeypatch.setitem(fulfilment.PERFORMERS, Kind.ERASE, lambda task: Result.of(1))
    RequestTask.objects.filter(pk=task.pk).update(next_attempt_at=timezone.now())

    work(case)

    assert state_of(case) == State.RESPONDING


def test_a_task_that_fails_is_tried_again_with_growing_waits_and_then_given_up(performed, monkeypatch):
    case = make_case("restriction")
    begin(case)
    break_down(monkeypatch, Kind.RESTRICT)
    task = RequestTask.objects.get()

    with time_machine.travel(timezone.now(), tick=False) as clock:
        for wait in RETRIES:
            assert run_task(task_id=task.pk)
            clock.shift(wait - timedelta(seconds=1))
            assert not run_task(task_id=task.pk)
            clock.shift(timedelta(seconds=1))
        assert run_task(task_id=task.pk)

    task.refresh_from_db()
    assert (task.state, task.attempts, task.reason) == ("failed", len(RETRIES) + 1, "OSError")
    assert state_of(case) == State.PARTIALLY_FAILED
    assert case.alarms.get().kind == "failure"
    assert "anna" not in str(list(case.events.values()))


def test_nothing_is_complete_while_a_task_has_failed(performed, monkeypatch):
    """Invariant 2, and the failure of others that this is judged by: “complete” with an eraser that failed."""
    case = make_case("restriction")
    begin(case)
    RequestTask.objects.update(state="failed", reason="OSError")
    RightsRequest.objects.filter(pk=case.pk).update(state=State.PARTIALLY_FAILED)
    officer = make_officer(case.controller)

    fulfilment.go_on(case)
    assert RightsRequest.objects.get().state == State.PARTIALLY_FAILED
    with pytest.raises(ValidationError) as refusal:
        fulfilment.advance(request=case, to=State.IN_PROGRESS, actor="staff", user=officer)
    assert refusal.value.code == "failed_tasks"

    retry(request=case, user=officer)
    work(case)
    assert state_of(case) == State.RESPONDING


def test_a_worker_that_died_is_followed_by_another_after_a_while(performed):
    case = make_case("restriction")
    begin(case)
    task = RequestTask.objects.get()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        assert fulfilment._claim(task.pk)
        assert due_task_ids() == []
        assert not run_task(task_id=task.pk)

        clock.shift(fulfilment.LEASE)

        assert due_task_ids() == [task.pk]
        assert run_task(task_id=task.pk)
    assert performed == [("restrict", "")]


def test_one_task_of_each_request_is_due_at_a_time(performed):
    cases = [make_case("erasure"), make_case("access")]
    for case in cases:
        begin(case)

    due = RequestTask.objects.filter(pk__in=due_task_ids())

    assert {(task.item.request, task.kind) for task in due} == {(cases[0], "suppress"), (cases[1], "package")}


def test_the_answer_waits_for_recipients_who_confirm_or_are_given_up_with_a_reason(performed, monkeypatch):
    case = make_case("restriction")
    make_recipient(controller=case.controller, name="One")
    make_recipient(controller=case.controller, name="Other")
    begin(case)
    monkeypatch.setitem(
        fulfilment.PERFORMERS, Kind.TELL_RECIPIENT, lambda task: Result(state=RequestTask.State.SENT, affected=1)
    )
    officer = make_officer(case.controller)
    work(case)
    assert state_of(case) == State.IN_PROGRESS
    one, other = RequestTask.objects.filter(kind="tell_recipient").order_by("pk")

    with pytest.raises(PermissionDenied):
        acknowledge(task=one, user=make_officer(make_case().controller))
    acknowledge(task=one, user=officer)
    with pytest.raises(ValidationError):
        exempt(task=other, reason=" ", user=officer)
    exempt(task=other, reason="Wound up in May.", user=officer)

    other.refresh_from_db()
    assert (state_of(case), other.state, other.reason) == (State.RESPONDING, "exempt", "Wound up in May.")
    with pytest.raises(ValidationError) as refusal:
        exempt(task=RequestTask.objects.get(kind="restrict"), reason="x", user=officer)
    assert refusal.value.code == "not_sent"


def test_a_request_goes_on_without_a_recipient_who_could_not_be_told(performed, monkeypatch):
    case = make_case("restriction")
    for name in ("One", "Other"):
        make_recipient(controller=case.controller, name=name)
    begin(case)
    break_down(monkeypatch, Kind.TELL_RECIPIENT)
    monkeypatch.setattr(fulfilment, "RETRIES", ())
    work(case)
    tellings = RequestTask.objects.filter(kind="tell_recipient")
    tellings.filter(state="planned").update(state="failed", reason="OSError")
    assert state_of(case) == State.PARTIALLY_FAILED
    one, other = tellings
    officer = make_officer(case.controller)

    exempt(task=one, reason="Wound up in May.", user=officer)
    assert state_of(case) == State.PARTIALLY_FAILED
    exempt(task=other, reason="Wound up in June.", user=officer)

    assert state_of(case) == State.RESPONDING
    assert case.events.filter(action="advanced", from_state="partially_failed", to_state="in_progress").exists()


def test_tasks_are_tried_again_only_by_officers_and_only_where_one_failed(performed):
    case = make_case("access")
    begin(case)

    with pytest.raises(PermissionDenied):
        retry(request=case, user=make_staff())
    with pytest.raises(ValidationError) as refusal:
        retry(request=case, user=make_officer(case.controller))
    assert refusal.value.code == "nothing_failed"


def test_the_trail_of_a_whole_case_is_whole(performed):
    case = make_case("erasure", state=State.RECEIVED)
    fulfilment.advance(request=case, to=State.TRIAGE, actor="staff")
    begin(case)
    work(case)

    assert verify(RightsRequest.objects.get())


def test_the_schedule_finds_what_is_due_and_one_task_leads_to_the_next(performed, django_capture_on_commit_callbacks):
    case = make_case("erasure", "objection")
    begin(case)

    with django_capture_on_commit_callbacks(execute=True):
        run_due_tasks()

    assert state_of(case) == State.RESPONDING
    assert performed[0] == ("object", "")


def test_the_schedule_warns_lapses_and_closes():
    late, waits = make_case("access", received_at=timezone.now() - timedelta(days=40)), make_case("access")
    fulfilment.advance(request=waits, to=State.NEEDS_INFORMATION, actor="staff")
    RightsRequest.objects.filter(pk=waits.pk).update(waits_until=timezone.now())

    watch_requests()

    assert late.alarms.filter(kind="overdue").exists()
    assert state_of(waits) == State.LAPSED
