"""Requests at the same instant, in threads with connections of their own: one person is asked once, whoever wins."""

from __future__ import annotations

import random
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from feedback.identity import identify
from feedback.invitations import Moment, ask
from feedback.models import Invitation, Respondent
from feedback.products import load_product
from tests.factories import make_invitation, make_respondent

pytestmark = pytest.mark.django_db(transaction=True)

ANNA, BOB = {"external_id": "anna"}, {"external_id": "bob"}
PHONE, LAPTOP = {"anonymous_id": "phone"}, {"anonymous_id": "laptop"}
ROUNDS = 6


@pytest.fixture
def product(survey):
    return load_product("pk_test")


def at_once(product, *people):
    """Ask about all of them, each in a thread, and return the codes in their order; raise what one of them raised."""
    codes, errors = [""] * len(people), []
    gate = threading.Barrier(len(people))

    def run(place, person):
        try:
            gate.wait(timeout=20)
            codes[place] = ask(product=product, person=identify(**person), moment=Moment()).code
        except Exception as error:  # noqa: BLE001  shown by the test that started the thread
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    if errors:
        raise errors[0]
    return codes


def forget_everybody():
    Respondent.including_restricted.all().delete()


def own(device, person):
    """Let a device belong to a person who was never asked."""
    product = person.product
    name = device["anonymous_id"]
    return make_respondent(product=product, subject_key=f"anon:{name}", anonymous_id=name, person=person)


@pytest.fixture
def met(survey):
    """Anna and Bob, known, with nothing asked so far."""

    def meet(*names):
        return [
            make_respondent(product=survey.product, subject_key=f"id:{name}", external_id=name, reservations=0)
            for name in names
        ]

    return meet


@pytest.mark.parametrize("times", [2, 8])
@pytest.mark.parametrize("is_met", [True, False])
@pytest.mark.parametrize("who", [ANNA, PHONE, {**ANNA, **PHONE}])
def test_tabs_of_one_person(product, met, who, times, is_met):
    for _ in range(ROUNDS):
        forget_everybody()
        if is_met:
            met("anna")

        assert sorted(at_once(product, *[who] * times)) == ["eligible"] + ["pending"] * (times - 1)
        assert Invitation.objects.count() == 1


@pytest.mark.parametrize("order", [1, -1])
def test_a_person_and_their_anonymous_device(product, met, order):
    for _ in range(ROUNDS):
        forget_everybody()
        own(PHONE, *met("anna"))

        assert sorted(at_once(product, *[PHONE, ANNA, {**PHONE, **ANNA}][::order])) == ["eligible"] + ["pending"] * 2
        assert Invitation.objects.count() == 1


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("is_met", [True, False])
def test_a_log_in_at_the_moment_of_an_anonymous_page_view(product, met, order, is_met):
    for _ in range(ROUNDS):
        forget_everybody()
        if is_met:
            met("anna")

        assert sorted(at_once(product, *[PHONE, {**PHONE, **ANNA}][::order])) == ["eligible", "pending"]
        assert Invitation.objects.count() == 1
        assert Respondent.objects.get(subject_key="anon:phone").person.subject_key == "id:anna"


@pytest.mark.parametrize("is_met", [True, False])
def test_two_people_at_one_device(product, met, is_met):
    for _ in range(ROUNDS):
        forget_everybody()
        if is_met:
            own(PHONE, met("anna", "bob")[0])

        assert sorted(at_once(product, {**PHONE, **ANNA}, {**PHONE, **BOB}, PHONE)) == ["eligible"] + ["pending"] * 2
        assert Invitation.objects.count() == 1


def test_two_devices_of_one_person(product, met):
    for _ in range(ROUNDS):
        forget_everybody()
        (anna,) = met("anna")
        own(PHONE, anna)
        own(LAPTOP, anna)
        keys = [PHONE, LAPTOP, {**PHONE, **ANNA}, {**LAPTOP, **ANNA}]

        assert sorted(at_once(product, *keys)) == ["eligible"] + ["pending"] * 3
        assert Invitation.objects.count() == 1


def test_a_device_linked_by_a_no_at_the_moment_of_its_own_page_view_is_asked_once_at_most(survey, product, met):
    for _ in range(ROUNDS):
        forget_everybody()
        (anna,) = met("anna")
        at = timezone.now() - timedelta(days=1)
        make_invitation(survey=survey, respondent=anna, created_at=at, responded_at=at)

        codes = at_once(product, {**PHONE, **ANNA}, PHONE)

        # The page view came first and nobody knew whose device it is, or it came second and rests as Anna does.
        assert codes[1] in {"eligible", "responded_recently"}
        assert codes[0] in {"responded_recently", "pending"}
        assert ask(product=product, person=identify(**PHONE), moment=Moment()).code in {"pending", "responded_recently"}


def test_requests_that_name_one_person_by_id_or_by_address_ask_once_and_never_deadlock(survey, product):
    dice = random.Random(3)
    mail, phone = {"email": "a@example.com"}, {"phone": "+48600700800"}
    names = [{**ANNA, **mail}, {**ANNA, **phone}, mail, phone, {**mail, **phone}, {**ANNA, **mail, **phone}, ANNA]
    for _ in range(15):
        forget_everybody()
        met = {"product": survey.product, "reservations": 0, **mail, **phone}
        make_respondent(subject_key="id:anna", external_id="anna", **met)
        make_respondent(subject_key="mail:a@example.com", **met)
        make_respondent(subject_key="tel:+48600700800", **met | {"email": ""})

        who = [{**dice.choice(names), **dice.choice([{}, PHONE, LAPTOP])} for _ in range(8)]

        assert sorted(at_once(product, *who)) == ["eligible"] + ["pending"] * 7
        assert Invitation.objects.count() == 1


KEYS = [PHONE, LAPTOP, ANNA, BOB, *({**device, **person} for device in (PHONE, LAPTOP) for person in (ANNA, BOB))]


@pytest.mark.timeout(120)
def test_many_keys_in_any_mixture_never_ask_one_person_twice_and_never_deadlock(product, met):
    dice = random.Random(7)
    for _ in range(25):
        forget_everybody()
        anna, bob = met("anna", "bob")
        own(PHONE, anna)
        own(LAPTOP, bob)

        people = [dice.choice(KEYS) for _ in range(8)]
        codes = at_once(product, *people)

        assert set(codes) <= {"eligible", "pending"}
        asked = [who for who, code in zip(people, codes, strict=True) if code == "eligible"]
        assert Invitation.objects.count() == len(asked)
        for mine in (ANNA, BOB):
            assert sum(mine.items() <= who.items() for who in asked) <= 1
        for device in (PHONE, LAPTOP):
            assert sum(device.items() <= who.items() for who in asked) <= 1
        # Whoever asks next finds somebody asked just now: under the name, at the device, or at one of theirs.
        for who in people:
            assert ask(product=product, person=identify(**who), moment=Moment()).code == "pending"
