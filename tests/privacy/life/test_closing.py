"""When a request closes, and what remains of the person then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.utils import timezone

from feedback.models import Respondent
from privacy.answering import finish_and_close_due_requests
from privacy.identity import mailbox_hash
from privacy.lifting import propose_lifting
from privacy.models import IdentityProof, Package, RightsRequest
from tests.privacy.life.cases import ANNA, make_officer, state_of
from tests.privacy.life.test_answering import answered

pytestmark = pytest.mark.django_db

State = RightsRequest.State


def test_identifiers_stay_until_the_request_is_closed_and_then_only_hashes():
    """Invariant 7."""
    with time_machine.travel(datetime(2026, 3, 5, 12, tzinfo=UTC), tick=False) as clock:
        case = answered("access", "rectification")
        proof = IdentityProof.objects.create(request=case, kind="signed", identifier="4711")
        correction = case.items.get(right="rectification").corrections.create(
            dataset="feedback.Response", record_number=1, column="comment", value="new words"
        )
        clock.shift(timedelta(days=7) - timedelta(seconds=1))
        finish_and_close_due_requests()
        assert state_of(case) == State.FULFILLED
        assert RightsRequest.objects.get().email == ANNA

        clock.shift(timedelta(seconds=1))
        finish_and_close_due_requests()

    case = RightsRequest.objects.get()
    assert (case.state, case.email, bytes(case.email_hash)) == (State.CLOSED, "", mailbox_hash(ANNA))
    assert case.closed_at == datetime(2026, 3, 12, 12, tzinfo=UTC)
    assert set(case.proofs.values_list("identifier", flat=True)) == {""}
    assert bytes(case.proofs.get(kind="mailbox").identifier_hash) == mailbox_hash(ANNA)
    proof.refresh_from_db()
    correction.refresh_from_db()
    assert len(bytes(proof.identifier_hash)) == 32
    assert correction.value == ""


def test_a_request_stays_open_to_its_person_while_a_copy_waits_or_a_restriction_lasts():
    with time_machine.travel(datetime(2026, 3, 5, 12, tzinfo=UTC), tick=False) as clock:
        copy, restriction = answered("access"), answered("restriction")
        item = copy.items.get()
        far = timezone.now() + timedelta(days=9)
        package = Package.objects.create(item=item, file_name="x", size=1, built_at=timezone.now(), expires_at=far)
        restriction.items.get().tasks.create(position=1, kind="restrict", state="done", settled_at=timezone.now())
        clock.shift(timedelta(days=8))
        finish_and_close_due_requests()
        assert state_of(copy) == state_of(restriction) == State.FULFILLED

        clock.shift(timedelta(days=2))
        assert not package.is_available()
        finish_and_close_due_requests()

    assert (state_of(copy), state_of(restriction)) == (State.CLOSED, State.FULFILLED)


def test_of_an_erased_person_the_texts_of_the_request_go_when_it_closes():
    erased, copied = (answered(right, details="My mother's illness") for right in ("erasure", "access"))

    with time_machine.travel(timezone.now() + timedelta(days=8)):
        finish_and_close_due_requests()

    closed = {case.pk: case for case in RightsRequest.objects.filter(state=State.CLOSED)}
    assert (closed[erased.pk].details, closed[erased.pk].answer.text) == ("", "")
    assert closed[copied.pk].details == "My mother's illness"


def object_to_both(case, state="done"):
    """Note that the objection of a case was carried out."""
    objection = case.items.get(right="objection")
    objection.tasks.create(position=0, kind="object", state=state, settled_at=timezone.now())


@pytest.mark.parametrize("state", ["done", "nothing_found"])
def test_the_request_of_somebody_who_is_gone_closes_although_they_objected(state):
    erased, unknown = answered("erasure", "objection", details="Secret"), answered("objection", known=False)
    for case in (erased, unknown):
        object_to_both(case, state)
    Respondent.including_restricted.all().delete()
    with pytest.raises(ValidationError, match="restricts nothing"):
        propose_lifting(request=erased, user=make_officer(erased.controller))

    with time_machine.travel(timezone.now() + timedelta(days=8)):
        finish_and_close_due_requests()

    assert (state_of(erased), state_of(unknown)) == (State.CLOSED, State.CLOSED)
    erased = RightsRequest.objects.get(pk=erased.pk)
    assert (erased.email, erased.details, erased.proofs.get().identifier) == ("", "", "")


def test_an_objection_of_somebody_who_is_there_holds_its_request():
    case = answered("objection")
    object_to_both(case)

    with time_machine.travel(timezone.now() + timedelta(days=8)):
        finish_and_close_due_requests()

    assert state_of(case) == State.FULFILLED
