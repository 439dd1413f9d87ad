"""What officers decide, and that a second person decides about what cannot be undone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction

from feedback.models import Response
from privacy.audit import verify
from privacy.deciding import (
    ask_for_information,
    decide_approval,
    extend,
    note,
    propose,
    refuse,
    see_document,
    set_outcome,
    start,
)
from privacy.identity import normalised_mailbox
from privacy.lifecycle import advance
from privacy.models import Approval, RightsRequest
from privacy.subjects import subject_of
from tests.factories import make_response, make_rights_request, make_staff
from tests.privacy.life.cases import ANNA, PERSON, make_case, make_dpo, make_officer, state_of

pytestmark = pytest.mark.django_db

State = RightsRequest.State
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)  # due on 7 April, extended until 5 June


@pytest.fixture
def case():
    return make_case("erasure")


@pytest.fixture
def officer(case):
    return make_officer(case.controller)


@pytest.fixture
def dpo(case):
    return make_dpo(case.controller)


def code(action, /, **arguments):
    """Return the code with which an action is refused; of a form's field, that of the field."""
    with pytest.raises(ValidationError) as refusal, transaction.atomic():
        action(**arguments)
    error = refusal.value
    return error.code if not hasattr(error, "error_dict") else next(iter(error.error_dict.values()))[0].code


# --- Triage -----------------------------------------------------------------------------------------------------------


def test_a_verified_request_is_taken_into_triage(officer):
    verified = make_case(state=State.VERIFIED)
    user = make_officer(verified.controller)

    start(request=verified, user=user)

    assert state_of(verified) == State.TRIAGE
    assert verified.events.get().user == user
    with pytest.raises(PermissionDenied):
        start(request=verified, user=officer)


def test_a_question_waits_thirty_days_for_its_answer(case, officer):
    assert code(ask_for_information, request=case, text=" ", user=officer) == "required"

    message = ask_for_information(request=case, text="Which product is it about?", user=officer)

    assert (message.kind, message.text) == ("information_needed", "Which product is it about?")
    assert state_of(case) == State.NEEDS_INFORMATION
    assert case.waits_until is not None
    assert "Which" not in str(list(case.events.values()))


def test_a_document_that_was_seen_proves_who_asks(officer):
    case = make_case("access", proved=False, state=State.AWAITING_CONFIRMATION)

    proof = see_document(
        request=case, document="passport", email=" Anna@Example.com", user=make_officer(case.controller)
    )

    assert (proof.level, proof.identifier) == (4, normalised_mailbox(ANNA))
    assert state_of(case) == State.VERIFIED
    assert not subject_of(case).is_nobody


def test_a_late_proof_reopens_a_lapsed_request_with_its_reference_and_dates():
    case = make_case("access", proved=False, state=State.LAPSED)
    kept = (case.reference, case.received_at, case.due_on)

    see_document(request=case, document="identity card", email=ANNA, user=make_officer(case.controller))

    case = RightsRequest.objects.get()
    assert (case.state, case.reference, case.received_at, case.due_on) == (State.VERIFIED, *kept)


def test_a_closed_request_takes_no_proof():
    case = make_case("access", proved=False, state=State.CLOSED)

    user = make_officer(case.controller)
    assert code(see_document, request=case, document="passport", email=ANNA, user=user) == "not_open"


def test_a_note_is_kept_and_the_trail_says_that_there_is_one(case, officer):
    note(request=case, text="She called.", user=officer)

    assert case.notes.get().text == "She called."
    assert case.events.get().action == "noted"
    assert code(note, request=case, text="", user=officer) == "required"


# --- Outcomes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "outcome", "expected"),
    [
        ("access", "done", "unknown_outcome"),
        ("access", "nonsense", "unknown_outcome"),
        ("access", "exception_17_3_b", "not_for_this_right"),
        ("erasure", "compelling_grounds", "not_for_this_right"),
        ("objection", "compelling_grounds", "not_for_this_right"),  # to contact: absolute
        ("access", "excessive", "required"),
        ("access", "no_data", "data_found"),
    ],
)
def test_outcomes_that_do_not_fit_are_refused(right, outcome, expected):
    case = make_case(right)
    user = make_officer(case.controller)

    assert code(set_outcome, item=case.items.get(), outcome=outcome, explanation="", user=user) == expected
    assert case.items.get().outcome == ""


def test_an_objection_to_analysis_can_be_outweighed():
    case = make_case("objection")
    case.items.update(objects_to="analysis")
    user = make_officer(case.controller)

    set_outcome(item=case.items.get(), outcome="compelling_grounds", explanation="Safety.", user=user)

    assert case.items.get().explanation == "Safety."


def test_no_data_is_told_only_after_proof():
    case = make_case("access", known=False, proved=False)
    user = make_officer(case.controller)
    assert code(set_outcome, item=case.items.get(), outcome="no_data", explanation="", user=user) == "not_verified"

    see_document(request=case, document="passport", email=ANNA, user=user)
    set_outcome(item=case.items.get(), outcome="no_data", explanation="", user=user)

    assert case.items.get().outcome == "no_data"


def test_an_outcome_can_be_taken_back_while_in_triage(case, officer):
    item = case.items.get()
    set_outcome(item=item, outcome="excessive", explanation="The tenth this week.", user=officer)

    set_outcome(item=item, outcome="", explanation="", user=officer)

    item.refresh_from_db()
    assert (item.outcome, item.explanation, item.decided_at) == ("", "", None)
    advance(request=case, to=State.NEEDS_INFORMATION, actor=PERSON)
    assert code(set_outcome, item=item, outcome="withdrawn", explanation="", user=officer) == "not_in_triage"


# --- The second person ------------------------------------------------------------------------------------------------


def test_an_erasure_waits_for_a_second_person_and_then_begins(case, officer, dpo):
    [approval] = propose(request=case, user=officer)
    assert (state_of(case), approval.subject) == (State.AWAITING_APPROVAL, "erasure")

    decide_approval(approval=approval, decision="approved", user=dpo)

    assert state_of(case) == State.IN_PROGRESS
    assert Approval.objects.get().decided_by == dpo


def test_a_copy_needs_no_second_person():
    case = make_case("access")

    assert propose(request=case, user=make_officer(case.controller)) == []
    assert state_of(case) == State.IN_PROGRESS


def test_nothing_is_planned_before_it_is_proved_who_asks(officer):
    """Invariant 1."""
    case = make_case("access", proved=False)

    assert code(propose, request=case, user=make_officer(case.controller)) == "not_verified"
    assert state_of(case) == State.TRIAGE
    assert not case.items.get().tasks.exists()


@pytest.mark.parametrize(
    ("objects_to", "asked"),
    [
        ("contact", {"acts_for_another": True, "mandate": "For my mother"}),
        ("contact", {"email": "", "email_hash": None, "source": "phone"}),
        ("analysis", {}),
        ("both", {}),
        ("", {}),
    ],
)
def test_an_objection_is_not_called_done_while_nobody_knows_whose_it_is(objects_to, asked):
    """An agent's own mailbox leads to nobody, and neither does a letter or a call that names none."""
    is_agent = "mandate" in asked
    case = make_case("objection", proved=is_agent, **asked)
    case.items.update(objects_to=objects_to)
    officer = make_officer(case.controller)

    assert code(propose, request=case, user=officer) == "not_verified"
    assert (case.items.get().outcome, state_of(case)) == ("", State.TRIAGE)

    see_document(request=case, document="power of attorney", email=ANNA, user=officer)
    propose(request=case, user=officer)
    assert state_of(case) == State.IN_PROGRESS


def test_an_objection_of_somebody_unknown_is_closed_as_such_by_two_people():
    case = make_case("objection", acts_for_another=True, mandate="For my mother")
    officer = make_officer(case.controller)
    set_outcome(item=case.items.get(), outcome="unidentifiable", explanation="Whose mandate is it?", user=officer)

    (asked,) = propose(request=case, user=officer)
    decide_approval(approval=asked, decision="approved", user=make_dpo(case.controller))

    assert (case.items.get().outcome, state_of(case)) == ("unidentifiable", State.RESPONDING)


def test_an_objection_to_contact_needs_no_more_than_the_mailbox_it_names():
    """Art. 21(2) and (3): it is absolute, also before anybody proved anything."""
    case = make_case("objection", proved=False)
    case.items.update(objects_to="contact")

    propose(request=case, user=make_officer(case.controller))

    assert state_of(case) == State.IN_PROGRESS


def test_whoever_is_unknown_is_told_so_without_any_task():
    case = make_case("access", "erasure", known=False)

    propose(request=case, user=make_officer(case.controller))

    assert state_of(case) == State.RESPONDING
    assert set(case.items.values_list("outcome", flat=True)) == {"no_data"}


def test_a_refusal_needs_a_code_a_text_and_a_second_person(case, officer, dpo):
    """Invariant 5."""
    assert code(refuse, request=case, outcome="excessive", explanation="", user=officer) == "required"

    refuse(request=case, outcome="excessive", explanation="The tenth request this week.", user=officer)
    assert state_of(case) == State.AWAITING_APPROVAL
    assert code(advance, request=case, to=State.RESPONDING, actor=PERSON) == "not_approved"

    decide_approval(approval=case.approvals.get(), decision="approved", user=dpo)
    assert state_of(case) == State.RESPONDING


def test_nobody_approves_what_they_asked_for(case, dpo):
    """Invariant 5; the database holds it too."""
    [approval] = propose(request=case, user=dpo)

    assert code(decide_approval, approval=approval, decision="approved", user=dpo) == "own_case"
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.update(decided_by=dpo)
    assert state_of(case) == State.AWAITING_APPROVAL


def test_nobody_approves_a_case_they_worked_on_or_made(case, officer, dpo):
    """Invariant 5: whoever wrote the reason, saw the document or is the person who asks is no second person."""
    set_outcome(item=case.items.get(), outcome="excessive", explanation="Again.", user=dpo)
    [approval] = propose(request=case, user=officer)
    assert code(decide_approval, approval=approval, decision="approved", user=dpo) == "own_case"

    herself = make_dpo(case.controller, email="ANNA@example.com")
    assert code(decide_approval, approval=approval, decision="approved", user=herself) == "own_case"

    witness = make_dpo(case.controller)
    see_document(request=case, document="passport", email=ANNA, user=witness)
    assert code(decide_approval, approval=approval, decision="approved", user=witness) == "own_case"


def test_officers_do_not_decide(case, officer):
    [approval] = propose(request=case, user=officer)

    with pytest.raises(PermissionDenied):
        decide_approval(approval=approval, decision="approved", user=make_officer(case.controller))


def test_what_is_sent_back_needs_a_word_and_goes_to_triage(officer):
    case = make_case("erasure", "access")
    user, dpo = make_officer(case.controller), make_dpo(case.controller)
    set_outcome(item=case.items.get(right="access"), outcome="third_party_rights", explanation="Why.", user=user)
    first, other = propose(request=case, user=user)
    assert {first.subject, other.subject} == {"erasure", "refusal"}
    assert code(decide_approval, approval=first, decision="sent_back", user=dpo) == "required"
    assert code(decide_approval, approval=first, decision="nonsense", user=dpo) == "unknown_decision"

    decide_approval(approval=first, decision="sent_back", user=dpo, note="Look again.")

    assert state_of(case) == State.TRIAGE
    assert set(case.approvals.values_list("decision", flat=True)) == {"sent_back", "outdated"}
    assert code(decide_approval, approval=other, decision="approved", user=dpo) == "already_decided"


def test_an_approval_of_records_that_changed_is_outdated(case, officer, dpo):
    """Invariant 9."""
    [approval] = propose(request=case, user=officer)
    response = Response.objects.get()
    make_response(survey=response.survey, respondent=response.respondent)

    decided = decide_approval(approval=approval, decision="approved", user=dpo)

    assert decided.decision == "outdated"
    assert state_of(case) == State.TRIAGE


def test_a_refusal_is_not_outdated_by_a_new_record(case, officer, dpo):
    refuse(request=case, outcome="excessive", explanation="Why.", user=officer)
    response = Response.objects.get()
    make_response(survey=response.survey, respondent=response.respondent)

    assert decide_approval(approval=case.approvals.get(), decision="approved", user=dpo).decision == "approved"


# --- Dates ------------------------------------------------------------------------------------------------------------


def make_due(**overrides):
    return make_case("access", received_at=NOON, **overrides)


def test_the_period_is_extended_once_with_a_reason_and_a_notice():
    """Invariants 3 and 4."""
    case = make_due(state=State.RECEIVED)
    dpo = make_dpo(case.controller)
    with time_machine.travel(NOON, tick=False):
        assert code(extend, request=case, reason="", user=dpo) == "required"
        extend(request=case, reason="Data from eight systems.", user=dpo)
        assert code(extend, request=case, reason="Again", user=dpo) == "already_extended"

    stored = RightsRequest.objects.get()
    assert stored.current_due_on.isoformat() == "2026-06-05"
    assert stored.messages.get().kind == "extension"
    assert stored.events.get().fields == ["extension_reason"]
    assert verify(stored)


@pytest.mark.parametrize(
    ("now", "allowed"),
    [
        (datetime(2026, 4, 7, 21, 59, 59, tzinfo=UTC), True),  # 23:59:59 in Warsaw
        (datetime(2026, 4, 7, 22, 0, 0, tzinfo=UTC), False),
    ],
)
def test_the_period_is_extended_until_its_last_second(now, allowed):
    """Invariant 4."""
    case = make_due()
    dpo = make_dpo(case.controller)

    with time_machine.travel(now, tick=False):
        if allowed:
            extend(request=case, reason="Why", user=dpo)
        else:
            assert code(extend, request=case, reason="Why", user=dpo) == "too_late"

    assert RightsRequest.objects.filter(extended_at__isnull=False).exists() is allowed
    assert case.messages.exists() is allowed


def test_officers_do_not_extend_and_what_is_over_is_not_extended():
    case, over = make_due(), make_due(state=State.CLOSED)

    with pytest.raises(PermissionDenied):
        extend(request=case, reason="Why", user=make_officer(case.controller))
    with time_machine.travel(NOON, tick=False):
        assert code(extend, request=over, reason="Why", user=make_dpo(over.controller)) == "not_open"


@pytest.mark.parametrize("column", ["received_at", "received_on", "target_on", "due_on", "due_extended_on"])
def test_the_database_keeps_the_dates_set_at_receipt(column):
    """Invariant 3, through whatever door."""
    case = make_rights_request(received_at=NOON)
    moved = "2026-03-06T00:00Z" if column == "received_at" else "2026-04-09"

    with pytest.raises(IntegrityError, match="set at its receipt"), transaction.atomic():
        RightsRequest.objects.filter(pk=case.pk).update(**{column: moved})


@pytest.mark.parametrize(("first", "second"), [("2026-03-06T00:00Z", "2026-03-07T00:00Z"), ("2026-03-06T00:00Z", None)])
def test_the_database_lets_a_period_be_extended_once(first, second):
    """Invariants 3 and 4."""
    rows = RightsRequest.objects.filter(pk=make_rights_request(received_at=NOON).pk)
    rows.update(extended_at=first, extension_reason="Why")

    with pytest.raises(IntegrityError, match="extended once"), transaction.atomic():
        rows.update(extended_at=second)


def test_the_database_refuses_an_extension_after_the_first_period():
    """Invariant 4."""
    rows = RightsRequest.objects.filter(pk=make_rights_request(received_at=NOON).pk)

    with pytest.raises(IntegrityError, match="before its first period ends"), transaction.atomic():
        rows.update(extended_at="2026-04-07T22:00:00Z", extension_reason="Why")
    rows.update(extended_at="2026-04-07T21:59:59Z", extension_reason="Why")


def test_a_stranger_decides_nothing(case):
    for action in (start, propose):
        with pytest.raises(PermissionDenied):
            action(request=case, user=make_staff("privacy_officer"))
