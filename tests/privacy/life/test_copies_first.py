"""Copies before deletion: somebody can open a copy, or has fetched it, before what it was made from goes."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone

from feedback.models import Respondent, Response
from privacy.identity import prove_mailbox
from privacy.mailing import due_message_ids, letters_to_post, owe_again, post_message, send_message
from privacy.models import IdentityProof, Package, RequestMessage, RightsRequest
from tests.factories import make_response
from tests.privacy.life.cases import ANNA, begin, make_case, make_officer, state_of, work

pytestmark = pytest.mark.django_db

State = RightsRequest.State


def test_copies_are_built_and_delivered_before_anything_is_deleted(performed):
    """Invariant 8: the mail that the copy is ready must have been accepted, or the copy fetched."""
    case = make_case("access", "erasure")
    begin(case)
    first = work(case)
    assert performed == [("package", "")]
    assert len(first) == 1
    now = timezone.now()
    message = case.messages.get(kind=RequestMessage.Kind.PACKAGE_READY)

    RequestMessage.objects.filter(pk=message.pk).update(sent_at=now, bounced_at=now)
    assert work(case) == []
    RequestMessage.objects.filter(pk=message.pk).update(bounced_at=None)
    work(case)

    assert performed[1] == ("suppress", "")
    assert state_of(case) == State.RESPONDING


def test_a_copy_that_was_fetched_is_delivered(performed):
    """Invariant 8."""
    case = make_case("access", "erasure")
    begin(case)
    work(case)

    Package.objects.update(fetched_at=timezone.now())

    assert work(case)
    assert state_of(case) == State.RESPONDING


def prove_otherwise(case, kind, identifier="4711"):
    case.proofs.all().delete()
    IdentityProof.objects.create(request=case, kind=kind, identifier=identifier)


def test_a_notice_that_went_to_a_mailbox_nobody_proved_deletes_nothing(performed):
    """Invariant 8: nobody could open the copy yet."""
    case = make_case("access", "erasure")
    Respondent.objects.update(external_id="4711")
    prove_otherwise(case, IdentityProof.Kind.SIGNED)
    begin(case)
    work(case)
    send_message(message_id=case.messages.get().pk)
    assert work(case) == []

    prove_mailbox(request=case)

    assert work(case)
    assert state_of(case) == State.RESPONDING


def test_a_posted_letter_is_a_notice_that_opens_the_copy(performed):
    """Invariant 8."""
    case = make_case("access", "erasure", email="", reply_channel="post", postal_address="Long Street 1")
    prove_otherwise(case, IdentityProof.Kind.STAFF, identifier=ANNA)
    begin(case)
    work(case)
    assert work(case) == []

    post_message(message=case.messages.get(), user=make_officer(case.controller))

    assert work(case)


@pytest.mark.parametrize("channel", ["email", "post"])
def test_a_copy_that_was_lost_with_its_notice_is_built_again_before_anything_is_deleted(performed, channel):
    """Invariant 8."""
    case = make_case("access", "erasure", reply_channel=channel, postal_address="Long Street 1")
    begin(case)
    work(case)
    if channel == "email":
        case.messages.update(sent_at=timezone.now(), bounced_at=timezone.now())
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert owe_again(request=case, user=make_officer(case.controller)) == []
        work(case)
        assert performed == [("package", "")] * 2
        notice = case.messages.latest("pk")
        assert (notice.kind, notice.sent_at) == ("package_ready", None)
        assert len(letters_to_post(case)) == (channel == "post")
        case.messages.filter(pk=notice.pk).update(sent_at=timezone.now())

        assert work(case)

    assert state_of(case) == State.RESPONDING


def test_one_of_two_copies_that_letters_tell_of_is_built_again_and_both_are_told_of(performed):
    case = make_case("access", "portability", "erasure", email="", reply_channel="post", postal_address="Long Street 1")
    prove_otherwise(case, IdentityProof.Kind.STAFF, identifier=ANNA)
    begin(case)
    work(case)
    first = Package.objects.earliest("pk")
    Package.objects.filter(pk=first.pk).update(expires_at=timezone.now())
    officer = make_officer(case.controller)

    owe_again(request=case, user=officer)
    work(case)
    assert len(letters_to_post(case)) == 2
    for letter in letters_to_post(case):
        post_message(message=letter, user=officer)

    assert work(case)
    assert state_of(case) == State.RESPONDING


def test_a_copy_that_is_gone_holds_the_erasure_up(performed):
    """Invariant 8: the notice was accepted, and the copy ended while the schedule stood still."""
    case = make_case("access", "erasure")
    begin(case)
    work(case)
    case.messages.update(sent_at=timezone.now())

    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert work(case) == []
        owe_again(request=case, user=make_officer(case.controller))
        work(case)

    assert performed == [("package", "")] * 2


def test_a_lost_copy_is_built_again_after_the_answer_too(performed):
    case = make_case("access")
    begin(case)
    work(case)
    case.messages.update(sent_at=timezone.now(), bounced_at=timezone.now())

    with time_machine.travel(timezone.now() + timedelta(days=8)):
        owe_again(request=case, user=make_officer(case.controller))
        work(case)
        assert Package.objects.get().is_available()

    assert state_of(case) == State.RESPONDING
    assert case.messages.filter(sent_at=None).get().kind == "package_ready"


def test_a_copy_is_built_again_with_what_came_before_the_second_approval(performed):
    """Invariants 8 and 9: what was fetched before lacks a record that will be deleted."""
    case = make_case("access", "erasure")
    begin(case)
    work(case)
    Package.objects.update(fetched_at=timezone.now())
    response = Response.objects.get()
    make_response(survey=response.survey, respondent=response.respondent)
    work(case)
    assert state_of(case) == State.TRIAGE

    begin(case)
    work(case)

    assert performed == [("package", "")] * 2
    assert Response.objects.count() == 2


def test_a_copy_is_built_and_told_of_and_its_week_counts_from_then(settings, tmp_path):
    settings.PACKAGES_DIR = tmp_path
    with time_machine.travel(timezone.now(), tick=False) as clock:
        case = make_case("access")
        begin(case)
        work(case)
        assert state_of(case) == State.RESPONDING
        clock.shift(timedelta(days=2))

        for message_id in due_message_ids():
            send_message(message_id=message_id)

        assert f"/privacy/requests/{case.reference}/package/?lang=en" in mail.outbox[-1].body
        assert Package.objects.get().expires_at == timezone.now() + timedelta(days=7)


def test_a_notice_of_a_copy_that_was_lost_holds_the_erasure_up_until_it_is_sent_again(performed):
    case = make_case("access", "erasure")
    begin(case)
    work(case)
    case.messages.update(failed_at=timezone.now())
    officer = make_officer(case.controller)
    assert work(case) == []

    [again] = owe_again(request=case, user=officer)
    send_message(message_id=again.pk)
    work(case)

    assert state_of(case) == State.RESPONDING
    with pytest.raises(ValidationError) as refusal:
        owe_again(request=case, user=officer)
    assert refusal.value.code == "nothing_lost"
