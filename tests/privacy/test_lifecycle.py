from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.utils import timezone

from privacy.audit import verify
from privacy.lifecycle import State, advance, lapse_due_requests
from privacy.models import Answer, RequestEvent, RightsRequest
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
fulfilled: closed responding
partly_refused: closed responding
refused: closed responding
no_data: closed responding
lapsed: received
withdrawn:
closed:
"""
NEXT = {row.partition(":")[0]: row.partition(":")[2].split() for row in TABLE.split("\n") if row}


def test_the_table_names_every_state():
    assert set(NEXT) == set(State.values)


def make_ready(request, after):
    """Make every condition of a state true, so that the table alone decides."""
    now, user = timezone.now(), make_staff()
    if after == State.PARTIALLY_FAILED:
        item = request.items.create(right="access")
        item.tasks.create(position=1, kind="package", state="failed", reason="OSError")
    if after == State.AWAITING_APPROVAL:
        request.items.create(right="access", outcome="excessive", explanation="The tenth one this week.")
        request.approvals.create(subject="refusal", plan_hash=b"", asked_by=user, asked_at=now)
    came_back = after == State.RESPONDING
    Answer.objects.create(request=request, written_at=now, accepted_at=now, bounced_at=now if came_back else None)
    outcomes = {State.PARTLY_REFUSED: ["done", "excessive"], State.REFUSED: ["excessive"], State.NO_DATA: ["no_data"]}
    for right, outcome in zip(("access", "erasure"), outcomes.get(after, []), strict=False):
        request.items.create(right=right, outcome=outcome, explanation="Why")
    if after == State.NO_DATA:
        request.proofs.create(kind="mailbox")


@pytest.mark.django_db
@pytest.mark.parametrize("after", State.values)
@pytest.mark.parametrize("before", State.values)
def test_a_request_moves_as_the_table_says_and_no_other_way(before, after):
    request = make_rights_request(state=before)
    make_ready(request, State(after))

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
    make_ready(request, State(end))

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


# --- Waiting for the person -------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "waits", "days"),
    [("received", State.AWAITING_CONFIRMATION, 14), ("triage", State.NEEDS_INFORMATION, 30)],
)
def test_a_request_that_waits_for_the_person_for_too_long_lapses(before, waits, days):
    with time_machine.travel(datetime(2026, 6, 10, 12, tzinfo=UTC), tick=False) as clock:
        request = make_rights_request(state=before)
        advance(request=request, to=waits, actor=STAFF)
        clock.shift(timedelta(days=days) - timedelta(seconds=1))
        assert lapse_due_requests() == []
        clock.shift(timedelta(seconds=1))
        assert lapse_due_requests() == [request]
        assert lapse_due_requests() == []

    lapsed = RightsRequest.objects.get()
    assert (lapsed.state, lapsed.waits_until) == (State.LAPSED, None)
    assert verify(lapsed) is (before == "received")  # the trail of a request that began elsewhere is not whole


@pytest.mark.django_db
def test_a_request_that_went_on_waits_for_nobody():
    request = make_rights_request(state=State.TRIAGE)
    advance(request=request, to=State.NEEDS_INFORMATION, actor=STAFF)

    advance(request=request, to=State.TRIAGE, actor=PERSON)

    assert RightsRequest.objects.get().waits_until is None
