from datetime import UTC, datetime

import pytest
import time_machine
from django.core.exceptions import ValidationError

from privacy.audit import verify
from privacy.lifecycle import State, advance
from privacy.models import RequestEvent, RightsRequest
from tests.factories import make_rights_request, make_staff

PERSON, STAFF = RequestEvent.Actor.PERSON, RequestEvent.Actor.STAFF

TABLE = """
received: awaiting_confirmation verified triage
awaiting_confirmation: verified triage lapsed withdrawn
verified: triage
triage: needs_information in_progress awaiting_approval responding
needs_information: triage lapsed withdrawn
in_progress: awaiting_approval partially_failed responding
awaiting_approval: in_progress triage responding
partially_failed: in_progress
responding: fulfilled partly_refused refused no_data
fulfilled: closed
partly_refused: closed
refused: closed
no_data: closed
lapsed: received
withdrawn:
closed:
"""
NEXT = {row.partition(":")[0]: row.partition(":")[2].split() for row in TABLE.split("\n") if row}


def test_the_table_names_every_state():
    assert set(NEXT) == set(State.values)


@pytest.mark.django_db
@pytest.mark.parametrize("after", State.values)
@pytest.mark.parametrize("before", State.values)
def test_a_request_moves_as_the_table_says_and_no_other_way(before, after):
    request = make_rights_request(state=before)

    if after in NEXT[before]:
        advance(request=request, to=State(after), actor=PERSON)
        assert request.state == after
        assert RightsRequest.objects.get(pk=request.pk).state == after
        assert list(RequestEvent.objects.values_list("from_state", "to_state")) == [(before, after)]
    else:
        with pytest.raises(ValidationError) as refusal:
            advance(request=request, to=State(after), actor=PERSON)
        assert refusal.value.code == "illegal_transition"
        assert request.state == before
        assert RightsRequest.objects.get(pk=request.pk).state == before
        assert not RequestEvent.objects.exists()


def test_the_state_cannot_be_assigned():
    request = RightsRequest(state=State.RECEIVED)

    with pytest.raises(AttributeError):
        request.state = State.CLOSED


@pytest.mark.django_db
def test_moves_are_judged_by_the_stored_state_and_not_by_a_stale_copy():
    request = make_rights_request()
    stale = RightsRequest.objects.get(pk=request.pk)
    advance(request=request, to=State.TRIAGE, actor=STAFF)

    with pytest.raises(ValidationError):
        advance(request=stale, to=State.VERIFIED, actor=PERSON)

    assert RightsRequest.objects.get(pk=request.pk).state == State.TRIAGE


@pytest.mark.django_db
def test_the_trail_says_who_moved_a_request():
    request, user = make_rights_request(), make_staff()

    advance(request=request, to=State.TRIAGE, actor=STAFF, user=user)

    event = RequestEvent.objects.get()
    assert (event.actor, event.user, event.action) == (STAFF, user, "advanced")
    assert verify(request)


@pytest.mark.django_db
@pytest.mark.parametrize(("before", "end"), [("fulfilled", "closed"), ("awaiting_confirmation", "withdrawn")])
def test_the_end_of_a_request_is_dated(before, end):
    request = make_rights_request(state=before)

    with time_machine.travel(datetime(2026, 6, 10, tzinfo=UTC), tick=False):
        advance(request=request, to=State(end), actor=STAFF)

    assert RightsRequest.objects.get(pk=request.pk).closed_at == datetime(2026, 6, 10, tzinfo=UTC)


@pytest.mark.django_db
def test_a_lapsed_request_reopens_with_its_reference_and_its_dates():
    request = make_rights_request(state=State.LAPSED)
    kept = ("reference", "received_at", "received_on", "target_on", "due_on", "due_extended_on")
    before = [getattr(request, name) for name in kept]

    advance(request=request, to=State.RECEIVED, actor=PERSON)

    reopened = RightsRequest.objects.get(pk=request.pk)
    assert [getattr(reopened, name) for name in kept] == before
    assert reopened.closed_at is None
