"""People met under several identifiers: whatever is stored under one that a request names, counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from feedback import facts
from feedback.identity import identify
from feedback.invitations import Moment
from feedback.invitations import ask as ask_in_domain
from feedback.models import Invitation, Respondent
from feedback.products import load_product
from surveys.models import AudienceRule
from tests.factories import make_invitation, make_product, make_respondent, make_survey

pytestmark = pytest.mark.django_db

ANNA = {"id": "7", "email": "Anna@example.com", "phone": "+48 600 700 800"}
KEYS = ["mail:anna@example.com", "tel:+48600700800"]
BY_ADDRESS = [{"email": "Anna@example.com"}, {"phone": "+48 600 700 800"}]


def make_known(survey, **overrides):
    """Anna as she is stored under her id, with a phone of hers."""
    person = {"external_id": "7", "email": "anna@example.com", "phone": "+48600700800", **overrides}
    anna = make_respondent(product=survey.product, subject_key="id:7", **person)
    make_respondent(
        product=survey.product, subject_key="anon:her phone", anonymous_id="her phone", email="", person=anna
    )
    return anna


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(("column", "code"), [("objected_at", "opted_out"), ("restricted_at", "restricted")])
def test_an_objection_or_restriction_under_another_identifier_holds(survey, ask, key, column, code):
    make_respondent(product=survey.product, subject_key=key, **{column: timezone.now()})

    assert ask(user=ANNA)["code"] == code
    assert ask(user=ANNA, anonymous_id="phone")["code"] == code
    assert ask(user={"id": "8"})["eligible"]


@pytest.mark.parametrize("key", KEYS)
def test_an_answer_under_another_identifier_counts(survey, ask, key):
    person = make_respondent(product=survey.product, subject_key=key)
    at = timezone.now() - timedelta(days=10)
    make_invitation(survey=survey, respondent=person, created_at=at, shown_at=at, responded_at=at)

    assert ask(user=ANNA)["code"] == "responded_recently"


def test_what_happened_on_the_device_of_another_record_counts(survey, ask, put):
    put(ask(user={"email": "anna@example.com"}, anonymous_id="phone")["invitation"], score=9)

    assert ask(user=ANNA)["code"] == "responded_recently"


def test_whoever_is_being_asked_by_mail_is_not_asked_by_id_and_mail(survey, ask):
    assert ask(user={"email": "anna@example.com"})["eligible"]
    assert ask(user=ANNA)["code"] == "pending"


@pytest.mark.parametrize("address", BY_ADDRESS)
@pytest.mark.parametrize("device", [{}, {"anonymous_id": "phone"}])
def test_whoever_was_asked_by_id_with_an_address_is_recognised_by_the_address_alone(survey, ask, put, address, device):
    put(ask(user=ANNA, **device)["invitation"], score=9)

    assert ask(user=address)["code"] == "responded_recently"
    assert ask(user=address, anonymous_id="elsewhere")["code"] == "responded_recently"
    assert ask(user={"email": "bob@example.com", "phone": "+48 600 700 801"})["eligible"]


@pytest.mark.parametrize("address", BY_ADDRESS)
@pytest.mark.parametrize("device", [{}, {"anonymous_id": "her phone"}, {"anonymous_id": "a new phone"}])
def test_what_was_asked_by_an_address_alone_counts_for_the_id_that_carries_it(survey, ask, put, address, device):
    make_known(survey)
    put(ask(user=address, **device)["invitation"], score=9)

    for user in (address, {"id": "7"}, ANNA):
        assert ask(user=user)["code"] == "responded_recently"
        assert ask(user=user, anonymous_id="elsewhere")["code"] == "responded_recently"
        assert ask(user=user, anonymous_id="her phone")["code"] == "responded_recently"
    if device:
        assert ask(**device)["code"] == "responded_recently"


@pytest.mark.parametrize("address", BY_ADDRESS)
@pytest.mark.parametrize(("column", "code"), [("objected_at", "opted_out"), ("restricted_at", "restricted")])
def test_an_objection_or_restriction_of_an_id_holds_for_the_addresses_it_carries(survey, ask, address, column, code):
    make_known(survey, **{column: timezone.now()})

    assert ask(user=address)["code"] == code


@pytest.mark.parametrize("address", BY_ADDRESS)
def test_naming_an_address_uses_and_changes_nothing_of_the_id_that_carries_it(survey, ask, address):
    anna = make_known(survey, name="Anna", company="Acme", country="PL", properties={"plan": "gold"})
    AudienceRule.objects.create(survey=survey, position=0, subject="company", operator="is", values=["Acme"])
    before = Respondent.objects.filter(pk=anna.pk).values().get()

    assert ask(user=address)["code"] == "not_in_audience"
    assert ask(user={**address, "company": "Acme", "name": "Eve", "properties": {"plan": "none"}})["eligible"]

    after = Respondent.objects.filter(pk=anna.pk).values().get()
    assert after == {**before, "reservations": before["reservations"] + 1}
    assert Invitation.objects.get().respondent != anna


def test_ids_that_share_a_mailbox_are_people_of_their_own_and_the_mailbox_rests_with_each(survey, ask, put):
    put(ask(user={"id": "7", "email": "office@example.com"})["invitation"], score=9)

    assert ask(user={"id": "8", "email": "office@example.com"})["eligible"]
    assert ask(user={"email": "office@example.com"})["code"] == "pending"


def test_an_address_leads_to_nobody_of_another_product(survey, ask):
    other = make_survey(product=make_product(public_key="pk_other"))
    make_known(other, objected_at=timezone.now())

    for address in BY_ADDRESS:
        assert ask(user=address)["eligible"]


@pytest.mark.parametrize("user", [ANNA, BY_ADDRESS[0], {"id": "7"}])
def test_what_counts_for_two_records_happened_once(survey, ask, client, user):
    """Two shows of a survey that may be shown three times in 90 days."""
    make_known(survey)
    for days in (20, 10):
        token = ask(user=BY_ADDRESS[0])["invitation"]
        client.post(f"/api/v1/invitations/{token}/shown")
        at = timezone.now() - timedelta(days=days)
        Invitation.objects.filter(created_at__gt=timezone.now() - timedelta(days=1)).update(created_at=at, shown_at=at)

    assert ask(user=user)["eligible"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("device", [{}, {"anonymous_id": "a new phone"}])
@pytest.mark.parametrize("others", [1, 9])
def test_an_address_takes_as_many_statements_as_an_id(survey, ask, device, others):
    people = [make_respondent(product=survey.product, email="anna@example.com") for _ in range(others)]

    with CaptureQueriesContext(connection) as captured:
        assert ask(user=BY_ADDRESS[0], **device)["eligible"]

    said = [query["sql"].split()[0] for query in captured.captured_queries]
    assert said == ["SELECT", "SELECT", "BEGIN", *["WITH"] * (2 if device else 1), "COMMIT"]
    assert Respondent.objects.filter(pk__in=[each.pk for each in people], reservations=1).count() == others


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("device", [{}, {"anonymous_id": "phone"}])
def test_a_reservation_for_several_records_takes_two_statements_and_moves_all_counters(survey, ask, device):
    for key in KEYS:
        make_respondent(product=survey.product, subject_key=key, reservations=3)

    with CaptureQueriesContext(connection) as captured:
        assert ask(user=ANNA, **device)["eligible"]

    said = [query["sql"].split()[0] for query in captured.captured_queries]
    assert said == ["SELECT", "SELECT", "BEGIN", *["WITH"] * (2 if device else 1), "COMMIT"]
    counters = Respondent.objects.filter(subject_key__in=KEYS).values_list("reservations", flat=True)
    assert list(counters) == [4, 4]


def test_a_decision_made_before_another_tab_reserved_under_another_identifier_is_made_again(survey, ask):
    make_respondent(product=survey.product, subject_key=KEYS[0], reservations=0)
    product, anna = load_product("pk_test"), identify(external_id="7", email="anna@example.com")
    at, version = timezone.now(), survey.current_version
    known = facts.load_person(product, anna, channel="web", at=at)
    assert ask(user={"email": "anna@example.com"})["eligible"]

    row = {"survey": survey.pk, "version": version.pk, "channel": "web", "shown_language": "en", "token_digest": b"1"}
    row |= {"url": "", "device": "", "app_version": "", "is_test": False, "expires_at": at}

    assert not facts.reserve(product, anna, known, at=at, invitation=row)
    assert ask_in_domain(product=product, person=anna, moment=Moment()).code == "pending"
