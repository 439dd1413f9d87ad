"""Restricted data are kept and not used: marks on every row of the person, honoured by whatever reads."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from feedback.follow_up import flag
from feedback.identity import identify
from feedback.invitations import Moment, UnknownInvitation, ask, find_invitation
from feedback.models import FollowUp, Invitation, Respondent, Response
from feedback.products import load_product
from feedback.tallies import find_drift, repair_tallies
from privacy.encryption import new_token
from privacy.models import RequestMessage, RequestTask
from privacy.restriction import lift, restrict
from tests.factories import make_invitation, make_respondent, make_response, make_staff, make_survey
from tests.privacy.rights.asking import KINDS, make_proved_request, make_task

pytestmark = pytest.mark.django_db
State = RequestTask.State
ANNA = "anna@example.com"


@pytest.fixture
def survey():
    return make_survey()


@pytest.fixture
def anna(survey):
    return make_respondent(product=survey.product, external_id="anna", subject_key="id:anna", email=ANNA)


@pytest.fixture
def asked(survey):
    return make_proved_request(identifier=ANNA, controller=survey.product.controller)


def make_restriction(asked, **overrides):
    return make_task(asked, "restrict", right="restriction", **overrides)


def make_lifting(asked):
    return make_task(asked, "lift", right="restriction")


def tell_of_lifting(asked, **overrides):
    return RequestMessage.objects.create(
        **{"request": asked, "kind": "lifting", "sent_at": timezone.now() - timedelta(days=7), **overrides}
    )


def test_the_person_their_devices_and_all_answers_are_marked_and_nobody_else(survey, anna, asked):
    device = make_respondent(product=survey.product, subject_key="anon:1", person=anna)
    theirs = [make_response(survey=survey, respondent=one) for one in (anna, device)]
    others = make_response(survey=survey)

    result = restrict(make_restriction(asked))

    assert (result.state, result.affected) == (State.DONE, 4)
    assert list(Respondent.objects.all()) == [others.respondent]
    assert list(Response.objects.all()) == [others]
    assert set(Response.including_restricted.filter(restricted_at__isnull=False)) == set(theirs)
    assert find_drift() == []


def test_restricting_twice_keeps_the_first_time(survey, anna, asked):
    restrict(make_restriction(asked))
    first = Respondent.including_restricted.get().restricted_at

    again = restrict(make_restriction(asked, dataset="feedback.Respondent"))

    assert again.state == State.NOTHING_FOUND
    assert Respondent.including_restricted.get().restricted_at == first


def test_a_task_about_one_table_leaves_the_others(survey, anna, asked):
    make_response(survey=survey, respondent=anna)

    assert restrict(make_restriction(asked, dataset="feedback.Response")).affected == 1
    assert Respondent.objects.exists()


def test_a_receipt_restricts_its_own_answer_only(survey, anna):
    answer, other = (make_response(survey=survey, respondent=anna) for _ in range(2))
    by_receipt = make_proved_request(
        kind=KINDS.RECEIPT, identifier=bytes(answer.receipt_hash).hex(), controller=survey.product.controller
    )

    restrict(make_restriction(by_receipt))

    assert list(Response.objects.all()) == [other]


def test_who_is_restricted_is_not_asked_not_even_for_a_test(survey, anna, asked):
    restrict(make_restriction(asked))
    product = load_product(survey.product.public_key)

    answers = [
        ask(product=product, person=identify(external_id="anna"), moment=Moment(forced=forced))
        for forced in (False, True)
    ]

    assert {answer.code for answer in answers} == {"restricted"}
    assert not Invitation.including_restricted.exists()


def test_what_was_answered_on_a_device_is_restricted_once_it_is_known_whose_it_is(survey, anna, asked):
    visitor = make_respondent(product=survey.product, subject_key="anon:device", anonymous_id="device")
    make_response(survey=survey, respondent=visitor)
    make_invitation(survey=survey, respondent=visitor, token="open")
    restrict(make_restriction(asked))
    product = load_product(survey.product.public_key)

    answer = ask(product=product, person=identify(external_id="anna", anonymous_id="device"), moment=Moment())

    assert answer.code == "restricted"
    assert not Respondent.objects.exists()
    assert not Response.objects.exists()
    with pytest.raises(UnknownInvitation):
        find_invitation("open")
    assert find_drift() == []


def test_the_links_of_a_restricted_person_lead_nowhere(survey, anna, asked):
    token = new_token()
    make_invitation(survey=survey, respondent=anna, token=token)

    restrict(make_restriction(asked))

    with pytest.raises(UnknownInvitation):
        find_invitation(token)


def test_nobody_works_on_follow_ups_of_a_restricted_person(survey, anna, asked):
    response = make_response(survey=survey, respondent=anna, score=0)
    flag(response=response, reason="Angry", by=make_staff("reviewer", product=survey.product))

    restrict(make_restriction(asked))

    assert not FollowUp.objects.exists()
    with pytest.raises(ValidationError) as refused:
        flag(response=response, reason="Again", by=make_staff("reviewer", product=survey.product))
    assert refused.value.code == "may_not_be_contacted"


def test_lifting_puts_everything_back(survey, anna, asked):
    response = make_response(survey=survey, respondent=anna)
    restrict(make_restriction(asked))
    tell_of_lifting(asked)

    result = lift(make_lifting(asked))

    assert (result.state, result.affected) == (State.DONE, 2)
    assert list(Response.objects.all()) == [response]
    assert list(Respondent.objects.all()) == [anna]
    assert repair_tallies() == []


@pytest.mark.parametrize(
    "notice",
    [
        None,
        {"sent_at": None},
        {"sent_at": timezone.now() - timedelta(days=6, hours=23)},
        {"bounced_at": timezone.now()},
        {"kind": "answer"},
    ],
    ids=["none", "not sent", "too new", "came back", "another mail"],
)
def test_a_restriction_is_lifted_only_a_week_after_a_notice_arrived(survey, anna, asked, notice):
    restrict(make_restriction(asked))
    if notice is not None:
        tell_of_lifting(asked, **notice)

    with pytest.raises(ValidationError) as refused:
        lift(make_lifting(asked))

    assert refused.value.code == "notice_not_old_enough"
    assert not Respondent.objects.exists()
