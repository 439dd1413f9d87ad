"""Corrections are the person's text, checked as the column checks it, and leave nothing of the old value."""

from __future__ import annotations

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone

from feedback.follow_up import flag
from feedback.identity import identify
from feedback.invitations import Moment, ask
from feedback.models import FollowUp, Respondent, Response, ResponseTag, ScoreChange, Tag
from feedback.products import load_product
from feedback.tallies import find_drift
from feedback.triage import add_tag
from privacy.inventory import inventory
from privacy.models import RequestItem, RequestTask, Right
from privacy.recipients import tell
from privacy.rectification import correctable_columns, propose_correction, rectify
from privacy.subjects import subject_of
from tests.factories import (
    make_product,
    make_recipient,
    make_respondent,
    make_response,
    make_staff,
    make_survey,
)
from tests.privacy.rights.asking import make_proved_request, make_task

pytestmark = pytest.mark.django_db
State = RequestTask.State
ANNA, ANNE = "anna@example.com", "anne@example.com"


@pytest.fixture
def survey():
    return make_survey()


@pytest.fixture
def anna(survey):
    return make_respondent(product=survey.product, subject_key=f"mail:{ANNA}", email=ANNA, name="Ana")


@pytest.fixture
def item(survey, anna):
    request = make_proved_request(identifier=ANNA, controller=survey.product.controller)
    return RequestItem.objects.create(request=request, right=Right.RECTIFICATION)


def propose(item, row, column, value):
    return propose_correction(item=item, dataset=row._meta.label, record_number=row.pk, column=column, value=value)


def correct(item, row, column, value):
    propose(item, row, column, value)
    return rectify(make_task(item.request, "rectify", right=Right.RECTIFICATION))


def refusal(item, row, column, value):
    """Return the codes with which a proposal is refused."""
    with pytest.raises(ValidationError) as refused:
        propose(item, row, column, value)
    refusals = ValidationError([refused.value]).error_list  # whether or not it names the field
    return {error.code for error in refusals}


def test_a_name_is_corrected_also_where_it_was_copied(survey, anna, item):
    copied = make_response(survey=survey, respondent=anna, name="Ana")
    other = make_response(survey=survey, name="Ana")

    result = correct(item, anna, "name", "Anna")

    assert (result.state, result.affected) == (State.DONE, 1)
    assert Respondent.objects.get(pk=anna.pk).name == "Anna"
    assert Response.objects.get(pk=copied.pk).name == "Anna"
    assert Response.objects.get(pk=other.pk).name == "Ana"


def test_a_corrected_address_recognises_the_person_and_the_request_still_finds_them(survey, anna, item):
    make_response(survey=survey, respondent=anna, email=ANNA)

    correct(item, anna, "email", f" {ANNE.upper()} ")

    stored = Respondent.objects.get(pk=anna.pk)
    assert (stored.email, stored.subject_key) == (ANNE, f"mail:{ANNE}")
    assert Response.objects.get().email == ANNE
    propose(item, stored, "name", "Anne")
    ask(product=load_product(survey.product.public_key), person=identify(email=ANNE), moment=Moment())
    assert Respondent.objects.get(product=survey.product) == stored


def test_a_corrected_address_is_not_proved_by_that(survey, anna, item):
    """Else everything under somebody else's mailbox, at another product, would be the person's."""
    anne = make_respondent(product=make_product(controller=survey.product.controller), email=ANNE)
    recipient = make_recipient(controller=survey.product.controller)

    correct(item, anna, "email", ANNE)
    tell(make_task(item.request, "tell_recipient", right=Right.RECTIFICATION, recipient=recipient))

    assert subject_of(item.request).people == (anna.pk,)
    assert f": {ANNA}\n" in mail.outbox[0].body  # by which the recipient knows the person
    assert f": {ANNE}\n" in mail.outbox[0].body
    assert Respondent.objects.filter(pk=anne.pk).exists()


def test_an_address_of_somebody_else_is_not_taken_over(survey, anna, item):
    make_respondent(product=survey.product, subject_key=f"mail:{ANNE}", email=ANNE)
    propose(item, anna, "email", ANNE)

    with pytest.raises(ValidationError) as refused:
        rectify(make_task(item.request, "rectify", right=Right.RECTIFICATION))

    assert refused.value.code == "known_already"
    assert Respondent.objects.get(pk=anna.pk).email == ANNA


def test_a_comment_is_replaced_and_the_old_words_are_not_found_any_more(survey, anna, item):
    response = make_response(survey=survey, respondent=anna, comment="Terrible fees", completed_at=timezone.now())
    by_rule, by_staff = (Tag.objects.create(product=survey.product, name=name) for name in ("fees", "angry"))
    ResponseTag.objects.create(response=response, tag=by_rule)
    add_tag(responses=[response], name=by_staff.name, by=make_staff("reviewer", product=survey.product))

    correct(item, response, "comment", "Splendid service")

    stored = Response.objects.get()
    assert stored.comment == "Splendid service"
    assert not Response.objects.search("terrible").exists()
    assert Response.objects.search("splendid").exists()
    assert list(stored.tags.all()) == [by_staff]
    assert stored.rules_applied_at is None


def test_a_score_is_corrected_with_its_band_and_tallies_and_the_old_ones_go(survey, anna, item):
    response = make_response(survey=survey, respondent=anna, score=0)
    ScoreChange.objects.create(response=response, score=3, changed_at=timezone.now())

    correct(item, response, "score", "9")

    stored = Response.objects.get()
    assert (stored.score, stored.band) == (9, "promoter")
    assert not ScoreChange.objects.exists()
    assert find_drift() == []


def test_a_statement_is_added_to_what_staff_wrote(survey, anna, item):
    response = make_response(survey=survey, respondent=anna, score=0)
    case = flag(response=response, reason="Rude on the phone", by=make_staff("reviewer", product=survey.product))

    correct(item, case, "reason", "I was polite")

    reason = FollowUp.objects.get().reason
    assert reason.startswith("Rude on the phone")
    assert "I was polite" in reason


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("email", "no address", "invalid"),
        ("name", "x" * 201, "max_length"),
        ("properties", "{", "invalid"),
        ("subject_key", "id:other", "not_correctable"),
        ("first_seen_at", "2020-01-01", "not_correctable"),
        ("product", "1", "not_correctable"),
        ("nothing", "1", "not_correctable"),
    ],
)
def test_what_the_column_refuses_is_refused_at_once(anna, item, column, value, code):
    assert refusal(item, anna, column, value) == {code}


@pytest.mark.parametrize("score", ["11", "-1", "nine", ""])
def test_a_score_outside_its_scale_is_refused(survey, anna, item, score):
    response = make_response(survey=survey, respondent=anna)

    assert refusal(item, response, "score", score)
    assert not item.corrections.exists()


def test_records_of_others_cannot_be_corrected(survey, item):
    assert refusal(item, make_respondent(product=survey.product), "name", "Mine") == {"unknown_record"}


def test_staff_and_requests_are_out_of_reach(item):
    assert refusal(item, make_staff(), "first_name", "Anna") == {"not_correctable"}
    assert refusal(item, item.request, "details", "Anna") == {"not_correctable"}


def test_correcting_twice_corrects_once_and_what_is_gone_needs_nothing(anna, item):
    gone = make_respondent(product=anna.product, email=ANNA, subject_key="id:gone")
    propose(item, anna, "name", "Anna")
    propose(item, anna, "name", "Hanna")
    propose(item, gone, "name", "Anna")
    gone.delete()
    task = make_task(item.request, "rectify", right=Right.RECTIFICATION)

    assert rectify(task).affected == 1
    assert Respondent.objects.get().name == "Hanna"
    Respondent.objects.update(name="Later")
    assert rectify(task).state == State.NOTHING_FOUND
    assert Respondent.objects.get().name == "Later"


def test_what_can_be_corrected_is_what_the_inventory_says():
    columns = {
        label: correctable_columns(inventory.tables[label]) for label in ("feedback.Respondent", "feedback.FollowUp")
    }

    assert {"email", "phone", "name", "properties", "customer_since"} < set(columns["feedback.Respondent"])
    assert columns["feedback.FollowUp"] == ["reason", "closing_note"]
