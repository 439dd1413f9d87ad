"""What asking keeps about people: little on a "no", nothing of whoever is suppressed, and no unsigned replacements."""

from __future__ import annotations

import time
from datetime import timedelta

import jwt
import pytest
from django.utils import timezone

from feedback.models import Respondent
from privacy.models import Product, SigningSecret, Suppression
from privacy.suppression import suppress
from tests.factories import make_respondent

pytestmark = pytest.mark.django_db

ANNA = {"id": "7", "email": "anna@example.com", "phone": "+48600700800", "name": "Anna", "company": "Acme"}
ANNA |= {"country": "PL", "language": "pl", "properties": {"plan": "pro"}, "created_at": "2020-01-01T00:00:00Z"}
TESTING = {"force": True, "test_key": "tk_test"}


def everybody():
    return list(Respondent.including_restricted.order_by("pk"))


def described(person):
    return [person.email, person.phone, person.name, person.company, person.country, person.language, person.properties]


def not_yet(survey):
    type(survey).objects.update(first_survey_delay_days=9000)


def test_a_no_keeps_the_key_the_link_and_the_dates_that_rules_need(survey, ask):
    not_yet(survey)

    ask(user=ANNA, anonymous_id="phone")

    anna, phone = everybody()
    assert (anna.subject_key, anna.external_id, anna.customer_since.year) == ("id:7", "7", 2020)
    assert described(anna) == ["", "", "", "", "", "", {}]
    assert phone.person == anna


def test_where_the_mail_is_the_key_a_no_keeps_it_as_such(survey, ask):
    not_yet(survey)

    ask(user={"email": "anna@example.com", "phone": "+48600700800"})

    assert described(everybody()[0])[:2] == ["anna@example.com", ""]


@pytest.mark.parametrize("switched_off", [{"is_live": False}, {"blocked_urls": ["*"]}])
def test_where_nobody_is_asked_no_attributes_are_kept(survey, ask, switched_off):
    Product.objects.update(**switched_off)

    assert not ask(user=ANNA)["eligible"]

    assert described(everybody()[0]) == ["", "", "", "", "", "", {}]


def test_what_a_no_left_out_is_kept_when_the_person_is_asked(survey, ask):
    not_yet(survey)
    ask(user=ANNA)
    type(survey).objects.update(first_survey_delay_days=0)

    assert ask(user=ANNA)["eligible"]

    assert described(everybody()[0])[:4] == ["anna@example.com", "+48600700800", "Anna", "Acme"]


def test_the_delay_runs_from_the_first_no(survey, ask):
    type(survey).objects.update(first_survey_delay_days=31)
    assert ask(user={"id": "7"})["code"] == "too_new"
    Respondent.objects.update(first_seen_at=timezone.now() - timedelta(days=31))

    assert ask(user={"id": "7"})["eligible"]


def test_whoever_is_suppressed_is_not_stored_again(survey, ask):
    suppress(product=survey.product, subject_keys=["mail:anna@example.com"], reason=Suppression.Reason.ERASED)

    assert ask(user=ANNA, anonymous_id="phone")["code"] == "suppressed"

    assert everybody() == []


def test_whoever_has_no_identifier_is_stored_only_when_asked(survey, ask):
    not_yet(survey)
    ask()
    assert everybody() == []

    ask(anonymous_id="phone")
    assert [person.subject_key for person in everybody()] == ["anon:phone"]


@pytest.mark.parametrize("column", ["objected_at", "restricted_at"])
def test_a_refused_identity_learns_nothing_of_the_person(survey, ask, column):
    make_respondent(product=survey.product, subject_key="mail:anna@example.com", **{column: timezone.now()})
    suppress(product=survey.product, subject_keys=["mail:eve@example.com"], reason=Suppression.Reason.OBJECTED)
    Product.objects.update(identity_mode="trusted")

    answers = [ask(user={"email": f"{name}@example.com"}) for name in ("anna", "eve", "nobody")]

    assert {answer["code"] for answer in answers} == {"unsigned_identity"}
    times = [answer["next_check_at"][:16] for answer in answers]
    assert times[0] == times[1] == times[2]


def signed(product, **claims):
    secret, now = SigningSecret.objects.create(product=product).secret, int(time.time())
    return jwt.encode({"iat": now, "exp": now + 300, **claims}, secret, "HS256")


def test_an_unsigned_call_fills_an_empty_mail_or_phone_and_replaces_none(survey, ask):
    make_respondent(product=survey.product, subject_key="id:7", external_id="7", email="real@example.com")

    assert ask(user={"id": "7", "email": "evil@example.com", "phone": "+48600700800"})["eligible"]

    assert described(everybody()[0])[:2] == ["real@example.com", "+48600700800"]


def test_a_signed_call_replaces_the_mail(survey, ask):
    make_respondent(
        product=survey.product, subject_key="id:7", external_id="7", email="old@example.com", phone="+48600"
    )

    assert ask(identity=signed(survey.product, id="7", email="new@example.com"))["eligible"]

    assert described(everybody()[0])[:2] == ["new@example.com", "+48600"]


def test_a_test_changes_nothing_about_somebody_known(survey, ask):
    make_respondent(product=survey.product, subject_key="id:7", external_id="7", name="Anna")

    assert ask(user={**ANNA, "name": "Tester"}, **TESTING)["eligible"]

    (anna,) = everybody()
    assert described(anna) == ["", "", "Anna", "", "", "", {}]
    assert anna.customer_since is None


def test_not_even_a_test_uses_what_is_restricted(survey, ask):
    make_respondent(product=survey.product, subject_key="id:7", external_id="7", restricted_at=timezone.now())

    assert ask(user=ANNA, **TESTING)["code"] == "restricted"
    assert described(everybody()[0]) == ["", "", "", "", "", "", {}]
