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
from feedback.models import Respondent
from feedback.products import load_product
from tests.factories import make_invitation, make_respondent

pytestmark = pytest.mark.django_db

ANNA = {"id": "7", "email": "Anna@example.com", "phone": "+48 600 700 800"}
KEYS = ["mail:anna@example.com", "tel:+48600700800"]


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
