"""Lifting a restriction: a second person agrees, the person has a week's notice, then the data are used again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone

from privacy.answering import finish_and_close_due_requests
from privacy.fulfilment import due_task_ids, run_task
from privacy.lifting import decide_lifting, plan_due_liftings, propose_lifting
from privacy.mailing import due_message_ids, send_message
from privacy.models import RequestMessage, RightsRequest
from tests.privacy.life.cases import make_dpo, make_officer, state_of
from tests.privacy.life.test_answering import answered

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
