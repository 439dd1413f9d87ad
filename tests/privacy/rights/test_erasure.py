"""Erasing deletes what is stored about a person, whatever happens meanwhile, and nothing about anybody else."""

from __future__ import annotations

import pytest
from django.db import models
from django.utils import timezone

from feedback.eligibility import WHY
from feedback.follow_up import flag
from feedback.identity import identify
from feedback.invitations import Moment, ask
from feedback.models import FollowUp, Invitation, Respondent, Response, ScoreChange
from feedback.products import load_product
from feedback.tallies import find_drift
from privacy import erasure
from privacy.encryption import new_token, token_digest
from privacy.erasure import erase, erasure_order, forget_request, suppress_subject
from privacy.inventory import Erasure, inventory
from privacy.models import Answer, RequestMessage, RequestTask, RightsRequest, Suppression
from privacy.subjects import model_of, tables_about_people
from privacy.suppression import suppressions_of
from tests.factories import (
    make_invitation,
    make_product,
    make_respondent,
    make_response,
    make_staff,
    make_survey,
)
from tests.privacy.rights.asking import KINDS, make_proved_request, make_task

pytestmark = pytest.mark.django_db
State = RequestTask.State
ANNA = "anna@example.com"


def make_answered(survey, **person):
    """Make somebody with a response, a changed score and a follow-up."""
    respondent = make_respondent(product=survey.product, **person)
    response = make_response(survey=survey, respondent=respondent, score=2, email=respondent.email)
    ScoreChange.objects.create(response=response, score=3, changed_at=timezone.now())
    flag(response=response, reason="Angry", by=make_staff("reviewer", product=survey.product))
    return respondent


def erase_all(request):
    return {label: erase(make_task(request, "erase", dataset=label)) for label in erasure_order()}


def left():
    return {table.model: count for table in tables_about_people() if (count := model_of(table)._base_manager.count())}


def test_children_come_before_what_they_hang_on_and_the_person_last():
    order = erasure_order()

    assert set(order) == {table.model for table in tables_about_people()}
    assert order[-1] == "feedback.Respondent"
    for label in order:
        for column in model_of(inventory.tables[label])._meta.concrete_fields:
            parent = column.related_model._meta.label if column.is_relation else label
            if parent in order and parent != label:
                assert order.index(label) < order.index(parent), (label, parent)


def test_everything_of_the_person_is_deleted_table_by_table_and_tallies_follow():
    survey = make_survey()
    anna = make_answered(survey, email=ANNA)
    device = make_respondent(product=survey.product, subject_key="anon:1", person=anna)
    make_response(survey=survey, respondent=device)
    other = make_answered(survey, email="other@example.com")
    request = make_proved_request(identifier=ANNA, controller=survey.product.controller)

    results = erase_all(request)

    assert results["feedback.Response"].affected == 2
    assert results["feedback.Respondent"].affected == 2
    assert results["feedback.ScoreChange"].affected == 1
    assert {result.state for result in results.values()} == {State.DONE, State.NOTHING_FOUND}
    assert list(Respondent.including_restricted.all()) == [other]
    assert Response.including_restricted.get().respondent == other
    assert find_drift() == []


def test_erasing_twice_ends_the_same_way():
    survey = make_survey()
    make_answered(survey, email=ANNA)
    request = make_proved_request(identifier=ANNA, controller=survey.product.controller)
    tasks = [make_task(request, "erase", dataset=label) for label in erasure_order()]
    for task in tasks:
        erase(task)

    again = {erase(task).state for task in tasks}

    assert again == {State.NOTHING_FOUND}
    assert left() == {}


def test_many_rows_go_in_small_transactions(monkeypatch):
    monkeypatch.setattr(erasure, "BATCH", 2)
    survey = make_survey()
    anna = make_respondent(product=survey.product, email=ANNA)
    for _ in range(5):
        make_response(survey=survey, respondent=anna)
    request = make_proved_request(identifier=ANNA, controller=survey.product.controller)

    assert erase(make_task(request, "erase", dataset="feedback.Response")).affected == 5
    assert not Response.including_restricted.exists()


def test_an_interrupted_task_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr(erasure, "BATCH", 2)
    survey = make_survey()
    anna = make_respondent(product=survey.product, email=ANNA)
    for _ in range(5):
        make_response(survey=survey, respondent=anna)
    request = make_proved_request(identifier=ANNA, controller=survey.product.controller)
    task = make_task(request, "erase", dataset="feedback.Response")
    real, calls = models.QuerySet.delete, []

    def fails_at_the_second(rows):
        calls.append(rows)
        if len(calls) == 2:
            raise RuntimeError
        return real(rows)

    with monkeypatch.context() as patch:
        patch.setattr(models.QuerySet, "delete", fails_at_the_second)
        with pytest.raises(RuntimeError):
            erase(task)

    assert Response.including_restricted.count() == 3
    assert erase(task).affected == 3


def test_what_was_written_meanwhile_goes_with_the_person():
    survey = make_survey()
    anna = make_answered(survey, email=ANNA)
    request = make_proved_request(identifier=ANNA, controller=survey.product.controller)
    *before, last = erasure_order()
    for label in before:
        erase(make_task(request, "erase", dataset=label))
    late = make_response(survey=survey, respondent=anna)
    make_respondent(product=survey.product, subject_key="anon:late", person=anna)
    FollowUp.objects.create(response=late, respondent=anna, product=survey.product, reason="Late")

    erase(make_task(request, "erase", dataset=last))

    assert left() == {}


def test_who_proved_an_invitation_is_found_until_the_end():
    token = new_token()
    survey = make_survey()
    asked = make_invitation(survey=survey, token=token, channel="email")
    make_invitation(survey=survey, respondent=asked.respondent)
    request = make_proved_request(
        kind=KINDS.INVITATION, identifier=token_digest(token).hex(), controller=survey.product.controller
    )

    results = erase_all(request)

    assert results["feedback.Invitation"].affected == 1  # the proof itself goes with the person
    assert results["feedback.Respondent"].affected == 1
    assert left() == {}


def test_a_receipt_erases_its_record_and_leaves_the_rest():
    survey = make_survey()
    anna = make_answered(survey, email=ANNA)
    kept = make_response(survey=survey, respondent=anna)
    erased = Response.objects.exclude(pk=kept.pk).get()
    request = make_proved_request(
        kind=KINDS.RECEIPT, identifier=bytes(erased.receipt_hash).hex(), controller=survey.product.controller
    )

    erase_all(request)

    assert list(Response.including_restricted.all()) == [kept]
    assert not ScoreChange.objects.exists()
    assert list(Respondent.including_restricted.all()) == [anna]


def test_who_borrowed_the_device_keeps_their_invitation():
    survey = make_survey()
    anna = make_respondent(product=survey.product, email=ANNA)
    device = make_respondent(product=survey.product, subject_key="anon:1", person=anna)
    borrowed = make_invitation(survey=survey, borrowed_device=device)
    request = make_proved_request(identifier=ANNA, controller=survey.product.controller)

    erase_all(request)

    borrowed.refresh_from_db()
    assert borrowed.borrowed_device is None
    assert Invitation.including_restricted.count() == 1


# --- Suppression ------------------------------------------------------------------------------------------------------


def test_an_erased_person_is_not_asked_again_by_any_identifier_they_had():
    product = make_survey().product
    make_respondent(product=product, external_id="4711", email=ANNA, phone="+48601987654")
    request = make_proved_request(identifier=ANNA, controller=product.controller)

    result = suppress_subject(make_task(request, "suppress"))
    erase_all(request)

    assert result.affected == 3
    for known_as in ({"external_id": "4711"}, {"email": ANNA}, {"phone": "+48601987654"}):
        answer = ask(product=load_product(product.public_key), person=identify(**known_as), moment=Moment())
        assert answer.code == "suppressed"
        assert answer.why == WHY["suppressed"]
    assert left() == {}


def test_nothing_stays_where_the_person_does_not_want_it():
    product = make_product()
    make_respondent(product=product, email=ANNA)
    request = make_proved_request(identifier=ANNA, controller=product.controller)

    result = suppress_subject(make_task(request, "suppress", leaves_suppression=False))

    assert result.state == State.EXEMPT
    assert result.reason
    assert not Suppression.objects.exists()


def test_the_address_that_came_with_an_answer_is_recognised_too():
    survey = make_survey()
    anna = make_respondent(product=survey.product, email=ANNA)
    make_response(survey=survey, respondent=anna, email="anna@old.example")
    request = make_proved_request(identifier=ANNA, controller=survey.product.controller)

    suppress_subject(make_task(request, "suppress"))

    assert suppressions_of(product=survey.product, subject_keys=["mail:anna@old.example"]).exists()


# --- Requests ---------------------------------------------------------------------------------------------------------


def test_of_a_request_the_facts_stay_and_what_was_written_goes():
    request = make_proved_request(identifier=ANNA, details="I am Anna", state="closed")
    make_task(request, "erase", dataset="feedback.Response")
    Answer.objects.create(request=request, text="Dear Anna", written_at=timezone.now())
    RequestMessage.objects.create(request=request, kind="information_needed", text="Which Anna?")
    fingerprint = request.email_hash

    forget_request(request=request)
    forget_request(request=request)

    request = RightsRequest.objects.get(pk=request.pk)
    assert (request.email, request.details, request.answer.text) == ("", "", "")
    assert request.messages.get().text == ""
    assert request.proofs.get().identifier == ""
    assert bytes(request.email_hash) == fingerprint
    assert request.items.get().tasks.exists()


def test_an_erasure_forgets_earlier_requests_of_the_mailbox_that_are_over():
    survey = make_survey()
    request = make_proved_request(identifier=ANNA, controller=survey.product.controller)
    over, lapsed = (
        make_proved_request(identifier=ANNA, controller=request.controller, details="Anna", state=state)
        for state in ("closed", "lapsed")
    )
    running = make_proved_request(identifier=ANNA, controller=request.controller, details="Anna", state="triage")
    foreign = make_proved_request(identifier=ANNA, details="Anna", state="closed")

    erase(make_task(request, "erase", dataset="feedback.Respondent"))

    for one, details in ((over, ""), (lapsed, ""), (running, "Anna"), (foreign, "Anna")):
        assert RightsRequest.objects.get(pk=one.pk).details == details
    assert request.proofs.get().identifier == ANNA


def test_what_is_declared_to_be_blanked_can_be_blank():
    for table in inventory.tables.values():
        for name, column in table.columns.items():
            if column.erasure in (Erasure.BLANK, Erasure.UNLINK):
                field = model_of(table)._meta.get_field(name)
                assert field.null or isinstance(field, models.TextField | models.CharField), f"{table.model}.{name}"


def test_no_table_about_people_keeps_a_row():
    for table in tables_about_people():
        personal = [column for column in table.columns.values() if column.personal]
        assert any(column.erasure == Erasure.DELETE_ROW for column in personal), table.model
