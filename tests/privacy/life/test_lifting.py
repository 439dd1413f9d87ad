"""Lifting a restriction: a second person agrees, the person has a week's notice, then the data are used again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone

from feedback.models import Respondent
from privacy.answering import finish_and_close_due_requests
from privacy.fulfilment import due_task_ids, run_task
from privacy.inventory import Mark
from privacy.lifting import decide_lifting, plan_due_liftings, propose_lifting
from privacy.mailing import due_message_ids, send_message
from privacy.models import RequestMessage, RightsRequest
from privacy.restriction import lift, mark
from privacy.subjects import subject_of
from tests.privacy.life.cases import ANNA, make_dpo, make_officer, state_of
from tests.privacy.life.test_answering import answered
from tests.privacy.rights.asking import make_proved_request, make_task

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


def make_restricted():
    case = answered("restriction")
    case.items.get().tasks.create(position=1, kind="restrict", state="done", settled_at=timezone.now())
    return case


def test_a_restriction_is_lifted_a_week_after_a_delivered_notice(performed):
    with time_machine.travel(NOON, tick=False) as clock:
        case = make_restricted()
        approval = propose_lifting(request=case, user=make_officer(case.controller))
        assert plan_due_liftings() == []
        decide_lifting(approval=approval, decision="approved", user=make_dpo(case.controller))
        for message_id in due_message_ids():
            send_message(message_id=message_id)
        assert "seven days" in mail.outbox[-1].body

        clock.shift(timedelta(days=7) - timedelta(seconds=1))
        assert plan_due_liftings() == []
        clock.shift(timedelta(seconds=1))
        [task] = plan_due_liftings()
        assert plan_due_liftings() == []
        assert due_task_ids() == [task.pk]
        assert run_task(task_id=task.pk)

        assert performed == [("lift", "")]
        finish_and_close_due_requests()
    assert state_of(case) == RightsRequest.State.CLOSED


def test_a_notice_that_came_back_lifts_nothing():
    with time_machine.travel(NOON, tick=False) as clock:
        case = make_restricted()
        approval = propose_lifting(request=case, user=make_officer(case.controller))
        decide_lifting(approval=approval, decision="approved", user=make_dpo(case.controller))
        RequestMessage.objects.filter(kind="lifting").update(sent_at=NOON, bounced_at=NOON)
        clock.shift(timedelta(days=8))

        assert plan_due_liftings() == []


def test_nobody_lifts_alone():
    case = make_restricted()
    dpo = make_dpo(case.controller)
    approval = propose_lifting(request=case, user=dpo)

    with pytest.raises(ValidationError) as refusal:
        decide_lifting(approval=approval, decision="approved", user=dpo)
    assert refusal.value.code == "own_case"

    decide_lifting(approval=approval, decision="sent_back", user=make_dpo(case.controller), note="Not yet.")
    assert not RequestMessage.objects.filter(kind="lifting").exists()
    assert propose_lifting(request=case, user=dpo).pk != approval.pk


def test_only_what_is_restricted_can_be_lifted_and_proposed_once():
    plain, case = answered("access"), make_restricted()
    for request, expected in ((plain, "not_restricted"), (case, "already_asked")):
        user = make_officer(request.controller)
        if request == case:
            propose_lifting(request=case, user=user)
        with pytest.raises(ValidationError) as refusal:
            propose_lifting(request=request, user=user)
        assert refusal.value.code == expected


def make_restricted_again(case, kind, **of_item):
    """Make another request of the same person whose task restricts their data as well."""
    other = make_proved_request(identifier=ANNA, controller=case.controller, state="fulfilled")
    right = "objection" if kind == "object" else "restriction"
    make_task(other, kind, right=right, state="done", settled_at=timezone.now())
    other.items.update(**{"objects_to": "analysis" if kind == "object" else "", **of_item})
    return other


@pytest.mark.parametrize("outcome", ["", "done"])
def test_nothing_is_lifted_while_an_objection_of_the_person_stands(outcome):
    case = make_restricted()
    objection = make_restricted_again(case, "object", outcome=outcome)

    with pytest.raises(ValidationError) as refusal:
        propose_lifting(request=case, user=make_officer(case.controller))
    assert refusal.value.code == "restricted_elsewhere"

    objection.items.update(outcome="compelling_grounds", explanation="Safety.")
    assert propose_lifting(request=case, user=make_officer(case.controller))


def test_of_two_restrictions_the_last_that_is_lifted_frees_the_data():
    case = make_restricted()
    other = make_restricted_again(case, "restrict", outcome="done")
    mark(subject_of(case), Mark.RESTRICTED)
    for one in (case, other):
        one.messages.create(kind="lifting", sent_at=timezone.now() - timedelta(days=8))

    first = lift(make_task(case, "lift", right="restriction"))
    assert (first.state, bool(first.reason)) == ("exempt", True)
    assert not Respondent.objects.exists()

    assert lift(make_task(other, "lift", right="restriction")).state == "done"
    assert Respondent.objects.exists()
