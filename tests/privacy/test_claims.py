"""Codes and tokens that came with a request become proofs in the background, where records bear them out."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from feedback.models import Respondent
from privacy.claims import check_claims, unchecked_request_ids
from privacy.encryption import new_token
from privacy.identity import receipt_code_hash
from privacy.intake import file_request
from privacy.lifecycle import State
from privacy.models import IdentityProof, RightsRequest
from privacy.subjects import subject_of
from privacy.tasks import queue_work_of
from tests.factories import make_invitation, make_product, make_respondent, make_response, make_survey
from tests.privacy.test_intake import make_content

pytestmark = pytest.mark.django_db
CODE = "ABCD-EFGH-JKMN-PQRS"


def kinds(request):
    return [proof.kind for proof in request.proofs.all()]


def test_a_receipt_code_that_fits_an_answer_proves_that_answer():
    survey = make_survey()
    answered = make_response(survey=survey, receipt_hash=receipt_code_hash(CODE))
    make_response(survey=survey)
    asked = file_request(content=make_content(controller=survey.product.controller, receipt_code="abcd efghjkmn pqrs"))

    check_claims(request_id=asked.pk)
    check_claims(request_id=asked.pk)

    asked = RightsRequest.objects.get(pk=asked.pk)
    assert (asked.state, kinds(asked)) == (State.VERIFIED, ["receipt"])
    assert subject_of(asked).records == (("feedback.Response", (answered.pk,)),)
    assert asked.claims_checked_at is not None


def test_the_link_of_an_invitation_proves_whom_it_was_for():
    token = new_token()
    invitation = make_invitation(token=token, channel="email")
    controller = invitation.product.controller
    asked = file_request(content=make_content(controller=controller, email="", invitation_token=token,
                                              reply_channel="post", postal_address="Long Street 1"))  # fmt: skip

    check_claims(request_id=asked.pk)

    assert kinds(asked) == ["invitation"]
    assert subject_of(asked).people == (invitation.respondent_id,)


def ask_in_the_name_of(client, survey, **who):
    """Ask for an invitation as any script can; return its token."""
    answer = client.post(
        f"/api/v1/products/{survey.product.public_key}/eligibility",
        {"context": {"channel": "web"}, **who},
        content_type="application/json",
    )
    return answer.json()["invitation"]


def test_naming_somebody_gets_a_token_that_proves_nothing(client):
    survey = make_survey()
    token = ask_in_the_name_of(client, survey, user={"email": "anna@example.com"})
    asked = file_request(content=make_content(controller=survey.product.controller, invitation_token=token))

    check_claims(request_id=asked.pk)

    assert kinds(asked) == []
    assert client.post(f"/privacy/object/{token}/").status_code == 404
    assert client.post(f"/i/{token}/unsubscribe/").status_code == 404


def test_the_token_of_an_anonymous_visitor_proves_what_that_visitor_did(client):
    survey = make_survey()
    anna = make_respondent(product=survey.product)
    token = ask_in_the_name_of(client, survey, anonymous_id="visitor-of-a-page-1")
    visitor = Respondent.objects.exclude(pk=anna.pk).get()
    Respondent.objects.update(person=anna)
    asked = file_request(content=make_content(controller=survey.product.controller, invitation_token=token))

    check_claims(request_id=asked.pk)

    assert subject_of(asked).people == (visitor.pk,)


@pytest.mark.parametrize("claim", [{"receipt_code": CODE}, {"invitation_token": "nonsense"}])
def test_a_claim_that_fits_nothing_proves_nothing_and_is_not_checked_again(claim):
    asked = file_request(content=make_content(**claim))

    check_claims(request_id=asked.pk)

    asked = RightsRequest.objects.get(pk=asked.pk)
    assert (asked.state, kinds(asked)) == (State.AWAITING_CONFIRMATION, [])
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        assert unchecked_request_ids() == []


def test_a_code_of_another_companys_product_proves_nothing():
    make_response(receipt_hash=receipt_code_hash(CODE))
    asked = file_request(content=make_content(receipt_code=CODE))

    check_claims(request_id=asked.pk)

    assert kinds(asked) == []


def test_a_claim_whose_message_was_lost_is_found_after_a_minute():
    asked = file_request(content=make_content(receipt_code=CODE))
    file_request(content=make_content())

    assert unchecked_request_ids() == []
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        assert unchecked_request_ids() == [asked.pk]


def test_filing_queues_the_check(django_capture_on_commit_callbacks):
    answered = make_response(receipt_hash=receipt_code_hash(CODE))
    with django_capture_on_commit_callbacks(execute=True):
        asked = file_request(content=make_content(controller=answered.product.controller, receipt_code=CODE))
        queue_work_of(asked)

    assert kinds(asked) == ["receipt"]


def test_an_account_that_the_product_vouches_for_is_proved_at_once_and_its_mailbox_is_not():
    product = make_product()
    asked = file_request(content=make_content(controller=product.controller, product=product, account="4711"))

    assert asked.source == "product"
    assert (asked.state, kinds(asked)) == (State.VERIFIED, ["signed"])
    assert [proof.identifier for proof in asked.proofs.all()] == ["4711"]
    assert [message.kind for message in asked.messages.all()] == ["confirmation"]


def test_the_mailbox_of_an_agent_does_not_stand_for_whom_they_act_for():
    survey = make_survey()
    agent = make_response(survey=survey).respondent
    type(agent).objects.filter(pk=agent.pk).update(email="agent@example.com")
    asked = file_request(
        content=make_content(
            controller=survey.product.controller, email="agent@example.com", acts_for_another=True, mandate="my mother"
        )
    )
    IdentityProof.objects.create(request=asked, kind="mailbox", identifier="agent@example.com")

    assert subject_of(asked).is_nobody
