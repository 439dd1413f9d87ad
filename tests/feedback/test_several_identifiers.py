"""People met under several identifiers: whatever is stored under one that a request names, counts."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from feedback.identity import identify
from feedback.invitations import Moment
from feedback.invitations import ask as ask_in_domain
from feedback.models import Invitation, Respondent
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


@pytest.mark.django_db(transaction=True)
def test_tabs_that_name_different_identifiers_at_the_same_instant_reserve_one_invitation(survey):
    product, errors = load_product("pk_test"), []
    people = [identify(external_id="7", email="anna@example.com"), identify(email="anna@example.com")] * 3
    people += [identify(email="anna@example.com", phone="+48600700800")]
    for _round in range(6):
        Respondent.including_restricted.all().delete()
        for key in KEYS:
            make_respondent(product=survey.product, subject_key=key, reservations=0)
        gate = threading.Barrier(len(people))

        def run(person, gate=gate):
            try:
                gate.wait(timeout=20)
                ask_in_domain(product=product, person=person, moment=Moment())
            except Exception as error:  # noqa: BLE001  shown below
                errors.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=run, args=[person]) for person in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)

        assert not errors
        assert not any(thread.is_alive() for thread in threads)
        assert Invitation.objects.count() == 1
