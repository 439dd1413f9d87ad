"""Whom the eligibility endpoint asks, and whom it leaves alone."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from feedback.models import Invitation, Respondent
from feedback.products import forget
from privacy.models import Product
from surveys.models import Survey
from surveys.publishing import change_state
from tests.factories import make_draft, make_invitation, make_product, make_respondent, make_survey

pytestmark = pytest.mark.django_db

ANNA = {"id": "anna", "email": " Anna@Example.COM ", "name": "Anna", "country": "pl", "company": "Acme"}


def test_an_eligible_person_gets_an_invitation_and_the_question(survey, ask):
    answer = ask(user=ANNA, context={"channel": "web", "language": "pl", "url": "https://app.example.com/a?b=c#d"})

    assert (answer["eligible"], answer["code"]) == (True, "eligible")
    assert answer["invitation"]
    assert answer["survey"]["scale"] == {"min": 0, "max": 10}
    assert answer["survey"]["language"] == "pl"
    assert answer["survey"]["question"] == survey.current_version.content["pl"]["question"]
    assert set(answer["survey"]["follow_up"]) == {"detractor", "passive", "promoter"}
    assert answer["survey"]["rest_days"] == {"answered": 90, "declined": 30, "snoozed": 7, "ignored": 7}
    invitation = Invitation.objects.get()
    assert invitation.url == "https://app.example.com/a"
    person = invitation.respondent
    assert (person.subject_key, person.email, person.country) == ("id:anna", "anna@example.com", "PL")


TOLD = {
    **{"email": "anna@example.com", "phone": "+48123456789", "name": "Anna", "company": "Acme", "country": "PL"},
    **{"language": "pl", "properties": {"plan": "basic"}, "created_at": "2020-05-01T00:00:00+00:00"},
}
# Unsigned, an address fills a gap and takes nobody's place.
TOLD_ANEW = {
    **{"name": "Anna B.", "company": "Globex", "country": "DE", "language": "en"},
    **{"properties": {"plan": "gold"}, "created_at": "2021-05-01T00:00:00+00:00"},
}


def told_of(person):
    columns = {"created_at": "customer_since"}
    found = {name: getattr(person, columns.get(name, name)) for name in TOLD}
    return {**found, "created_at": found["created_at"].isoformat() if found["created_at"] else None}


@pytest.mark.parametrize("changed", [None, *TOLD_ANEW])
def test_what_was_told_about_a_person_stays_until_something_else_is_told(survey, ask, changed):
    ask(user={"id": "anna", **TOLD})
    Invitation.objects.update(created_at=timezone.now() - timedelta(days=100))
    later = {changed: TOLD_ANEW[changed]} if changed else {}

    assert ask(user={"id": "anna", **later})["eligible"]

    person = Respondent.objects.get()
    assert told_of(person) == {**TOLD, **later}
    assert (person.reservations, person.invitations.count()) == (2, 2)


@pytest.mark.parametrize("told", TOLD)
def test_each_thing_told_about_somebody_met_before_is_stored(survey, ask, told):
    make_respondent(product=survey.product, subject_key="id:anna", external_id="anna")

    assert ask(user={"id": "anna", told: TOLD[told]})["eligible"]

    assert told_of(Respondent.objects.get())[told] == TOLD[told]


def test_a_question_comes_in_the_language_and_with_the_rests_of_the_moment(survey, ask):
    def question(person, language):
        return ask(user={"id": person}, context={"language": language})["survey"]

    assert question("anna", "pl")["question"] == survey.current_version.content["pl"]["question"]
    assert question("ben", "en")["question"] == survey.current_version.content["en"]["question"]
    Survey.objects.filter(pk=survey.pk).update(decline_days=60)
    forget()
    assert question("carl", "en")["rest_days"]["declined"] == 60


def test_the_second_tab_finds_the_invitation_pending(survey, ask):
    ask(user=ANNA)

    second = ask(user=ANNA)

    assert (second["eligible"], second["code"], second["survey"]) == (False, "pending", None)
    assert Invitation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("already_met", [False, True])
def test_parallel_requests_of_one_person_reserve_one_invitation(survey, client, already_met):
    if already_met:
        make_respondent(product=survey.product, subject_key="id:anna")
    codes = []
    start = threading.Barrier(8)

    def ask_once():
        start.wait()
        try:
            answer = client.post(
                "/api/v1/products/pk_test/eligibility", {"user": {"id": "anna"}}, content_type="application/json"
            )
            codes.append(answer.json()["code"])
        finally:
            connection.close()

    threads = [threading.Thread(target=ask_once) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(codes) == ["eligible"] + ["pending"] * 7
    assert Invitation.objects.count() == 1
    assert Respondent.objects.count() == 1


def test_somebody_unknown_is_remembered_so_that_the_first_delay_can_end(survey, ask):
    Survey.objects.update(first_survey_delay_days=31)

    assert ask(anonymous_id="device-1")["code"] == "too_new"
    assert ask(anonymous_id="device-1")["code"] == "too_new"

    person = Respondent.objects.get()
    assert person.subject_key == "anon:device-1"
    Respondent.objects.update(first_seen_at=timezone.now() - timedelta(days=31))
    assert ask(anonymous_id="device-1")["eligible"]


@pytest.mark.parametrize("nobody", ["Unknown", "unknown", "", "null", "undefined", " anonymous "])
def test_placeholders_for_nobody_never_become_one_shared_person(survey, ask, nobody):
    ask(user={"id": nobody, "email": nobody})
    ask(user={"id": nobody, "email": nobody})

    assert Respondent.objects.count() == 2
    assert not Respondent.objects.filter(subject_key__icontains="unknown").exists()


def test_what_the_device_did_counts_after_the_person_logs_in(survey, ask):
    ask(anonymous_id="device-1")

    assert ask(anonymous_id="device-1", user={"id": "anna"})["code"] == "pending"


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ({"responded_at": timedelta(days=89)}, "responded_recently"),
        ({"declined_at": timedelta(days=29)}, "declined_recently"),
        ({"snoozed_at": timedelta(days=6)}, "snoozed"),
        ({"shown_at": timedelta(days=6)}, "shown_recently"),
        ({"responded_at": timedelta(days=90)}, "eligible"),
        ({"declined_at": timedelta(days=30)}, "eligible"),
        ({"snoozed_at": timedelta(days=7)}, "eligible"),
        ({"shown_at": timedelta(days=7)}, "eligible"),
        ({"sent_at": timedelta(hours=71)}, "pending"),
        ({}, "eligible"),
    ],
)
def test_how_earlier_invitations_ended_decides_when_to_ask_again(survey, ask, outcome, code):
    ago = max(outcome.values(), default=timedelta(hours=1))
    times = {name: timezone.now() - length for name, length in outcome.items()}
    person = make_respondent(product=survey.product, subject_key="id:anna")
    make_invitation(survey=survey, respondent=person, created_at=timezone.now() - ago, **times)

    assert ask(user={"id": "anna"})["code"] == code


def test_three_shows_in_ninety_days_are_enough(survey, ask):
    person = make_respondent(product=survey.product, subject_key="id:anna")
    for days in (80, 50, 20):
        at = timezone.now() - timedelta(days=days)
        make_invitation(survey=survey, respondent=person, created_at=at, shown_at=at)

    answer = ask(user={"id": "anna"})

    assert answer["code"] == "shown_recently"
    assert datetime.fromisoformat(answer["next_check_at"]).date() == (timezone.now() + timedelta(days=10)).date()


@pytest.mark.parametrize("state", [Survey.State.PAUSED, Survey.State.ARCHIVED])
def test_a_survey_that_is_not_live_is_not_asked(survey, ask, state):
    change_state(survey=survey, to=state)

    assert ask(user=ANNA)["code"] == "inactive"


@pytest.mark.parametrize(
    "change",
    [
        {"starts_at": timezone.now() + timedelta(days=1)},
        {"ends_at": timezone.now() - timedelta(days=1)},
        {"channels": ["email"]},
    ],
)
def test_schedule_and_channels_are_respected(survey, ask, change):
    Survey.objects.update(**change)

    assert ask(user=ANNA)["code"] == "inactive"


def test_a_product_that_is_switched_off_asks_nobody(survey, ask):
    Product.objects.update(is_live=False)

    assert ask(user=ANNA)["code"] == "inactive"


def test_blocked_pages_ask_nobody(survey, ask):
    Product.objects.update(blocked_urls=["https://app.example.com/checkout*"])

    assert ask(user=ANNA, context={"url": "https://app.example.com/checkout/2"})["code"] == "url_blocked"
    assert ask(user=ANNA, context={"url": "https://app.example.com/"})["eligible"]


def test_the_highest_priority_goes_first_then_what_was_unasked_for_longest(survey, ask):
    make_survey(product=survey.product, metric="csat", priority=5)

    assert ask(user=ANNA)["survey"]["metric"] == "csat"


def test_a_draft_is_neither_listed_nor_asked(db, client, ask):
    make_draft(product=make_product(public_key="pk_test"))

    assert client.get("/api/v1/products/pk_test/surveys").json()["surveys"] == []
    assert ask(user=ANNA)["code"] == "inactive"


def test_an_answer_that_came_late_in_the_life_of_its_invitation_rests_as_long(survey, ask):
    person = make_respondent(product=survey.product, subject_key="id:anna")
    made, answered = timezone.now() - timedelta(days=110), timezone.now() - timedelta(days=60)
    make_invitation(survey=survey, respondent=person, created_at=made, responded_at=answered)

    assert ask(user={"id": "anna"})["code"] == "responded_recently"
