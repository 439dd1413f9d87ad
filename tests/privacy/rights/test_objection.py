"""Objecting to contact holds at once and absolutely, proved or not; objecting to analysis restricts."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone

from feedback.correspondence import send_contact, write
from feedback.follow_up import flag
from feedback.identity import identify
from feedback.invitations import Moment, ask
from feedback.models import Contact, FollowUp, Respondent, Response
from feedback.products import load_product
from privacy.answering import finish_and_close_due_requests
from privacy.encryption import new_token, token_digest
from privacy.identity import prove
from privacy.intake import file_request
from privacy.models import RequestTask, RightsRequest, Suppression
from privacy.objection import object_to_contact, objections_to_put_into_effect, stop_contact
from privacy.suppression import suppressions_of
from privacy.tasks import stop_contacts
from tests.factories import (
    make_invitation,
    make_product,
    make_respondent,
    make_response,
    make_rights_request,
    make_staff,
    make_survey,
)
from tests.privacy.rights.asking import KINDS, make_proved_request, make_task
from tests.privacy.test_intake import make_content

pytestmark = pytest.mark.django_db
ANNA = "anna@example.com"


@pytest.fixture
def survey():
    return make_survey()


@pytest.fixture
def anna(survey):
    return make_respondent(product=survey.product, external_id="anna", subject_key="id:anna", email=ANNA)


def objecting(survey, to="contact", **overrides):
    request = make_proved_request(identifier=ANNA, controller=survey.product.controller, **overrides)
    return make_task(request, "object", right="objection", objects_to=to)


def code_for(survey, **known_as):
    return ask(product=load_product(survey.product.public_key), person=identify(**known_as), moment=Moment()).code


def test_who_objects_is_never_asked_again_by_any_name_and_on_any_device(survey, anna):
    make_respondent(product=survey.product, subject_key="anon:phone", anonymous_id="phone", person=anna)

    assert object_to_contact(objecting(survey)).affected == 2

    for known_as in ({"external_id": "anna"}, {"anonymous_id": "phone"}, {"email": ANNA}):
        assert code_for(survey, **known_as) == "opted_out"


def test_the_wish_outlives_the_record_and_holds_for_products_to_come_across_the_person(survey, anna):
    later = make_product(controller=survey.product.controller)

    object_to_contact(objecting(survey))
    anna.delete()

    for product in (survey.product, later):
        entries = suppressions_of(product=product, subject_keys=[f"mail:{ANNA}"])
        assert entries.get().reason == Suppression.Reason.OBJECTED


def test_mail_that_waits_is_not_sent_and_nobody_can_write_again(survey, anna):
    agent = make_staff("agent", product=survey.product)
    response = make_response(survey=survey, respondent=anna, score=0, email=ANNA)
    case = flag(response=response, reason="Angry", by=make_staff("reviewer", product=survey.product))
    waiting = write(follow_up=case, by=agent, subject="Hello", text="Hello Anna")

    object_to_contact(objecting(survey))

    assert not send_contact(contact_id=waiting.pk)
    assert mail.outbox == []
    assert Contact.objects.get().failure == Contact.Failure.MAY_NOT_BE_CONTACTED
    with pytest.raises(ValidationError) as refused:
        write(follow_up=FollowUp.objects.get(), by=agent, subject="Once more", text="Please")
    assert refused.value.code == "may_not_be_contacted"


def test_objecting_to_contact_leaves_the_answers_where_they_count(survey, anna):
    response = make_response(survey=survey, respondent=anna)

    object_to_contact(objecting(survey))

    assert list(Response.objects.counted()) == [response]


def test_objecting_to_analysis_restricts_at_once(survey, anna):
    make_response(survey=survey, respondent=anna)

    object_to_contact(objecting(survey, to="analysis"))

    assert not Response.objects.exists()
    assert Respondent.including_restricted.get().objected_at is None


@pytest.mark.parametrize("to", ["both", ""])
def test_who_objects_to_both_or_does_not_say_gets_both(survey, anna, to):
    object_to_contact(objecting(survey, to=to))

    stored = Respondent.including_restricted.get()
    assert stored.objected_at
    assert stored.restricted_at


def test_objecting_twice_changes_nothing(survey, anna):
    task = objecting(survey)
    object_to_contact(task)
    first = Respondent.objects.get().objected_at

    assert object_to_contact(task).state == RequestTask.State.NOTHING_FOUND
    assert Respondent.objects.get().objected_at == first


def test_an_objection_holds_before_anybody_confirmed_the_mailbox(survey, anna):
    file_request(content=make_content(controller=survey.product.controller, email=ANNA, rights=("objection",)))

    stop_contacts()

    assert code_for(survey, external_id="anna") == "opted_out"
    assert not Suppression.objects.exists()  # what outlives the record takes a proof
    assert not objections_to_put_into_effect().exists()


def test_an_agent_who_objects_for_somebody_stays_reachable(survey, anna):
    request = make_rights_request(controller=survey.product.controller, email=ANNA, acts_for_another=True)

    assert stop_contact(request=request) == 0


def test_an_objection_to_analysis_waits_for_its_proof(survey):
    make_task(make_rights_request(), "object", right="objection", objects_to="analysis")

    assert not objections_to_put_into_effect().exists()


def test_requests_for_other_rights_stop_no_contact(survey, anna):
    file_request(content=make_content(controller=survey.product.controller, email=ANNA, rights=("access",)))

    stop_contacts()

    assert Respondent.objects.get().objected_at is None


def test_a_receipt_is_enough_to_be_left_alone(survey, anna):
    answer = make_response(survey=survey, respondent=anna)
    request = make_proved_request(
        kind=KINDS.RECEIPT, identifier=bytes(answer.receipt_hash).hex(), controller=survey.product.controller
    )

    stop_contact(request=request)

    assert code_for(survey, external_id="anna") == "opted_out"


# --- The link in an invitation ----------------------------------------------------------------------------------------


@pytest.fixture
def token(survey, anna):
    token = new_token()
    expired = timezone.now() - timedelta(days=1)
    make_invitation(survey=survey, respondent=anna, token=token, channel="email", expires_at=expired)
    return token


def test_opening_the_link_shows_what_would_happen_and_changes_nothing(client, survey, anna, token):
    page = client.get(f"/privacy/object/{token}/")

    assert page.status_code == 200
    assert survey.product.name in page.content.decode()
    assert Respondent.objects.get().objected_at is None
    assert not RightsRequest.objects.exists()
    assert page.cookies == {}


def test_pressing_the_button_acts_at_once_also_when_the_invitation_expired(client, survey, anna, token):
    page = client.post(f"/privacy/object/{token}/")

    request = RightsRequest.objects.get()
    assert request.reference in page.content.decode()
    assert (request.state, request.product) == ("fulfilled", survey.product)
    assert (request.items.get().objects_to, request.items.get().outcome) == ("contact", "done")
    assert request.answer.accepted_at
    proof = request.proofs.get()
    assert (proof.kind, proof.identifier) == ("invitation", token_digest(token).hex())
    assert [event.action for event in request.events.all()] == [
        *("filed", "invitation_proved", "advanced", "contact_stopped", "advanced", "advanced"),
        *("answer_written", "answer_delivered", "advanced"),
    ]
    assert code_for(survey, external_id="anna") == "opted_out"
    anna.delete()
    assert code_for(survey, email=ANNA) == "suppressed"


def test_pressing_it_again_makes_no_second_request(client, anna, token):
    pages = [client.post(f"/privacy/object/{token}/") for _ in range(2)]
    pages.append(client.get(f"/privacy/object/{token}/"))

    reference = RightsRequest.objects.get().reference
    assert all(reference in page.content.decode() for page in pages)


def test_pressing_it_again_stops_contact_again_once_the_first_request_is_closed(client, survey, anna, token):
    client.post(f"/privacy/object/{token}/")
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        finish_and_close_due_requests()
    closed = RightsRequest.objects.get()
    assert (closed.state, closed.proofs.get().identifier) == ("closed", "")
    Respondent.objects.update(objected_at=None)

    client.post(f"/privacy/object/{token}/")

    assert Respondent.objects.get().objected_at
    assert RightsRequest.objects.count() == 2


@pytest.mark.parametrize(("right", "objects_to"), [("objection", "analysis"), ("access", "")])
def test_a_request_for_something_else_with_the_same_invitation_is_no_objection_to_contact(
    client, survey, anna, token, right, objects_to
):
    proof = token_digest(token).hex()
    other = make_rights_request(controller=survey.product.controller, state="triage")
    prove(request=other, kind=KINDS.INVITATION, identifier=proof)
    other.items.create(right=right, objects_to=objects_to)

    client.post(f"/privacy/object/{token}/")

    filed = RightsRequest.objects.exclude(pk=other.pk).get()
    assert filed.state == "fulfilled"
    assert Respondent.objects.get().objected_at


def test_the_link_of_a_device_speaks_for_the_person_behind_it(client, survey, anna):
    device = make_respondent(product=survey.product, subject_key="anon:1", person=anna)
    make_invitation(survey=survey, respondent=device, token="of-a-device")

    client.post("/privacy/object/of-a-device/")

    assert {one.objected_at is None for one in Respondent.objects.all()} == {False}


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_link_says_so(client, method):
    page = getattr(client, method)("/privacy/object/unknown/")

    assert page.status_code == 404
    assert "right=objection" in page.content.decode()


def test_the_page_speaks_polish(client, token):
    assert 'lang="pl"' in client.get(f"/privacy/object/{token}/?lang=pl").content.decode()
