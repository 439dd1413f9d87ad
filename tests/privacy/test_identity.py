import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection

from feedback.intake import receipt_code
from privacy.audit import verify
from privacy.encryption import token_digest
from privacy.identity import (
    Standing,
    confirm_mailbox,
    look_up_confirmation,
    mailbox_hash,
    mint_token,
    normalised_mailbox,
    receipt_code_hash,
)
from privacy.intake import file_request
from privacy.lifecycle import State, advance
from privacy.models import IdentityProof, RequestEvent, RequestToken, RightsRequest
from tests.factories import make_response, make_rights_request
from tests.privacy.test_intake import make_content

CONFIRM = RequestToken.Purpose.CONFIRM_MAILBOX


def make_filed(**content):
    request = file_request(content=make_content(**content))
    return request, mint_token(request=request, purpose=CONFIRM)


def current(request):
    return RightsRequest.objects.get(pk=request.pk)


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        (" Anna@Example.COM ", "anna@example.com"),
        ("anna@żółw.example", "anna@xn--w-uga1v8h.example"),
        ("anna@" + "x" * 64 + ".example", "anna@" + "x" * 64 + ".example"),
    ],
)
def test_mailboxes_are_compared_without_case_blanks_and_spelling_of_the_domain(written, compared):
    assert normalised_mailbox(written) == compared
    assert mailbox_hash(written) == mailbox_hash(compared)


@pytest.mark.parametrize("typed", ["K3QW-A2BC-7XYZ-MNOP", "k3qwa2bc7xyzmnop", " K3QW A2BC 7XYZ MNOP "])
def test_a_receipt_code_may_be_typed_as_people_type(typed):
    assert receipt_code_hash(typed) == token_digest("K3QW-A2BC-7XYZ-MNOP")


@pytest.mark.django_db
def test_the_code_that_a_response_shows_leads_to_its_response():
    submission_id = uuid.uuid4()
    response = make_response(submission_id=submission_id, receipt_hash=token_digest(receipt_code(submission_id)))

    typed = receipt_code(submission_id).lower().replace("-", " ")

    assert receipt_code_hash(typed) == bytes(response.receipt_hash)


@pytest.mark.django_db
def test_only_the_digest_of_a_token_is_stored():
    _request, token = make_filed()

    stored = RequestToken.objects.get()

    assert bytes(stored.digest) == token_digest(token)
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM privacy_requesttoken t")
        assert token not in cursor.fetchone()[0]


@pytest.mark.django_db
def test_confirming_proves_the_mailbox_and_verifies_the_request():
    request, token = make_filed()
    assert look_up_confirmation(token=token).standing is Standing.OPEN

    assert confirm_mailbox(token=token).standing is Standing.CONFIRMED

    proof = IdentityProof.objects.get(request=request)
    assert (proof.kind, proof.level) == (IdentityProof.Kind.MAILBOX, 1)
    assert bytes(proof.identifier_hash) == mailbox_hash("anna@example.com")
    assert current(request).state == State.VERIFIED
    assert RequestToken.objects.get().used_at is not None
    assert "mailbox_confirmed" in request.events.values_list("action", flat=True)
    assert verify(current(request))


@pytest.mark.django_db
def test_confirming_again_is_friendly_and_changes_nothing():
    request, token = make_filed()
    confirm_mailbox(token=token)
    events = request.events.count()

    assert confirm_mailbox(token=token).standing is Standing.ALREADY_CONFIRMED
    assert look_up_confirmation(token=token).standing is Standing.ALREADY_CONFIRMED
    assert IdentityProof.objects.count() == 1
    assert request.events.count() == events


@pytest.mark.django_db
def test_a_second_link_of_a_confirmed_request_is_already_confirmed():
    request, token = make_filed()
    other = mint_token(request=request, purpose=CONFIRM)
    confirm_mailbox(token=token)

    assert confirm_mailbox(token=other).standing is Standing.ALREADY_CONFIRMED
    assert IdentityProof.objects.count() == 1


@pytest.mark.django_db
def test_looking_at_a_link_changes_nothing():
    request, token = make_filed()

    look_up_confirmation(token=token)

    assert RequestToken.objects.get().used_at is None
    assert current(request).state == State.AWAITING_CONFIRMATION
    assert not IdentityProof.objects.exists()


@pytest.mark.django_db
def test_a_link_works_for_seven_days_and_not_a_second_longer():
    with time_machine.travel(datetime(2026, 6, 10, 12, tzinfo=UTC), tick=False) as clock:
        request, token = make_filed()
        clock.shift(timedelta(days=7, seconds=-1))
        assert look_up_confirmation(token=token).standing is Standing.OPEN
        clock.shift(timedelta(seconds=1))
        assert look_up_confirmation(token=token).standing is Standing.EXPIRED
        assert confirm_mailbox(token=token).standing is Standing.EXPIRED

    assert current(request).state == State.AWAITING_CONFIRMATION
    assert not IdentityProof.objects.exists()


@pytest.mark.django_db
def test_an_unknown_link_changes_nothing():
    make_filed()

    confirmation = confirm_mailbox(token="no-such-token")

    assert (confirmation.standing, confirmation.request) == (Standing.UNKNOWN, None)
    assert not IdentityProof.objects.exists()


@pytest.mark.django_db
def test_a_link_made_for_another_purpose_does_not_confirm():
    request, token = make_filed()
    RequestToken.objects.update(purpose="unlock_package")

    assert confirm_mailbox(token=token).standing is Standing.UNKNOWN
    assert current(request).state == State.AWAITING_CONFIRMATION


@pytest.mark.django_db
def test_confirming_one_request_touches_no_other_of_the_same_mailbox():
    first, _token = make_filed()
    duplicate, token = make_filed(controller=first.controller)
    before = RightsRequest.objects.filter(pk=first.pk).values().get()

    confirm_mailbox(token=token)

    assert current(duplicate).state == State.VERIFIED
    assert RightsRequest.objects.filter(pk=first.pk).values().get() == before
    assert not first.proofs.exists()
    assert duplicate.proofs.count() == 1


@pytest.mark.django_db
def test_a_late_proof_reopens_a_lapsed_request():
    request, token = make_filed()
    advance(request=request, to=State.LAPSED, actor=RequestEvent.Actor.SYSTEM)

    assert confirm_mailbox(token=token).standing is Standing.CONFIRMED

    reopened = current(request)
    assert (reopened.state, reopened.reference) == (State.VERIFIED, request.reference)
    assert (reopened.received_on, reopened.due_on) == (request.received_on, request.due_on)
    assert verify(reopened)


@pytest.mark.django_db
def test_a_request_that_staff_already_work_on_only_gains_the_proof():
    request, token = make_filed()
    advance(request=request, to=State.TRIAGE, actor=RequestEvent.Actor.STAFF)

    assert confirm_mailbox(token=token).standing is Standing.CONFIRMED

    assert current(request).state == State.TRIAGE
    assert request.proofs.count() == 1


@pytest.mark.django_db(transaction=True)
def test_confirming_twice_at_the_same_time_proves_once():
    request = make_rights_request(email="anna@example.com", email_hash=mailbox_hash("anna@example.com"))
    tokens = [mint_token(request=request, purpose=CONFIRM) for _token in range(2)]
    standings = []

    def confirm(token):
        try:
            standings.append(confirm_mailbox(token=token).standing)
        finally:
            connection.close()

    threads = [threading.Thread(target=confirm, args=[token]) for token in (*tokens, *tokens)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(standing.name for standing in standings) == ["ALREADY_CONFIRMED"] * 3 + ["CONFIRMED"]
    assert IdentityProof.objects.count() == 1
    assert current(request).state == State.VERIFIED
