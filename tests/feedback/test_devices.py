"""One person, several devices: whichever key somebody is asked by, the clocks of all they are known under count."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from feedback import facts, products
from feedback.identity import identify
from feedback.invitations import Moment
from feedback.invitations import ask as ask_in_domain
from feedback.models import Invitation, Respondent, Response
from privacy.models import Product, Suppression
from privacy.suppression import suppress
from tests.factories import make_invitation, make_respondent, make_response, make_survey

pytestmark = pytest.mark.django_db

ANNA, BOB = {"user": {"id": "anna"}}, {"user": {"id": "bob"}}
PHONE, LAPTOP = {"anonymous_id": "phone"}, {"anonymous_id": "laptop"}


@pytest.fixture
def end(client, put):
    """End an invitation as its page does: ``answer``, ``decline``, ``snooze`` or ``shown``."""

    def end(token, how):
        if how == "answer":
            assert put(token, score=9).status_code == 201
        else:
            assert client.post(f"/api/v1/invitations/{token}/{how}").status_code == 204

    return end


def make_older(**length):
    """Let time pass: everything that happened so far happened that much earlier."""
    ago = timedelta(**length)
    for invitation in Invitation.including_restricted.all():
        for name in ("created_at", "sent_at", "shown_at", "responded_at", "declined_at", "snoozed_at"):
            if at := getattr(invitation, name):
                setattr(invitation, name, at - ago)
        invitation.save()


def person_of(key):
    return Respondent.including_restricted.select_related("person").get(subject_key=key).person


ENDINGS = [("answer", "responded_recently"), ("decline", "declined_recently"), ("snooze", "snoozed")]
ENDINGS += [("shown", "shown_recently")]


@pytest.mark.parametrize(("how", "code"), ENDINGS)
def test_what_an_anonymous_visitor_did_counts_once_they_log_in(survey, ask, end, how, code):
    end(ask(**PHONE)["invitation"], how)
    make_older(hours=1)

    assert ask(**PHONE, **ANNA)["code"] == code
    assert person_of("anon:phone").subject_key == "id:anna"


@pytest.mark.parametrize(("how", "code"), ENDINGS)
def test_it_counts_on_every_other_device_of_theirs_as_well(survey, ask, end, how, code):
    ask(**LAPTOP, **ANNA)
    Invitation.objects.all().delete()
    end(ask(**PHONE)["invitation"], how)
    make_older(hours=1)
    ask(**PHONE, **ANNA)

    assert ask(**ANNA)["code"] == code
    assert ask(**LAPTOP, **ANNA)["code"] == code
    assert ask(**LAPTOP)["code"] == code


@pytest.mark.parametrize(("how", "code"), ENDINGS)
def test_after_the_log_out_the_device_still_rests(survey, ask, end, how, code):
    end(ask(**PHONE, **ANNA)["invitation"], how)
    make_older(hours=1)

    assert ask(**PHONE)["code"] == code


def test_somebody_who_was_asked_at_home_is_not_asked_again_at_a_device_they_come_to(survey, ask, end):
    end(ask(**ANNA)["invitation"], "answer")
    make_older(days=10)

    assert ask(**PHONE, **ANNA)["code"] == "responded_recently"
    assert person_of("anon:phone").subject_key == "id:anna"  # linked although the answer was no
    assert ask(**PHONE)["code"] == "responded_recently"


def test_a_device_is_linked_by_a_no_to_somebody_never_met(survey, ask):
    type(survey).objects.update(first_survey_delay_days=31)

    assert ask(**PHONE, **ANNA)["code"] == "too_new"

    assert person_of("anon:phone").subject_key == "id:anna"


def test_nobody_is_remembered_or_linked_by_an_identity_that_is_refused(survey, ask):
    Product.objects.update(identity_mode="trusted")

    assert ask(**PHONE, **ANNA)["code"] == "unsigned_identity"
    assert not Respondent.including_restricted.exists()

    assert ask(**PHONE, **ANNA, force=True, test_key="tk_test")["eligible"]
    assert not Respondent.including_restricted.filter(anonymous_id="phone").exists()


def test_a_device_keeps_the_person_who_was_there_first(survey, ask):
    ask(**PHONE, **ANNA)

    assert ask(**PHONE, **BOB)["code"] == "pending"
    assert person_of("anon:phone").subject_key == "id:anna"
    assert ask(**BOB)["eligible"]  # elsewhere, what happened on somebody else's device says nothing about Bob


def test_on_a_shared_device_nobody_is_asked_just_after_the_other_was(survey, ask, end):
    end(ask(**PHONE, **ANNA)["invitation"], "decline")
    make_older(days=31)

    end(ask(**PHONE, **BOB)["invitation"], "decline")

    assert ask(**PHONE, **ANNA)["code"] == "declined_recently"
    assert ask(**PHONE)["code"] == "declined_recently"
    assert ask(**BOB)["code"] == "declined_recently"
    assert ask(**ANNA)["eligible"]


def test_what_two_people_were_asked_in_one_instant_are_two_things_on_the_device_they_share(survey, ask, end):
    with time_machine.travel(timezone.now(), tick=False):
        end(ask(**PHONE, **BOB)["invitation"], "decline")
        end(ask(**LAPTOP, **ANNA)["invitation"], "answer")

    person = identify(anonymous_id="phone", external_id="anna")
    product = products.product_facts(survey.product.public_key)
    known = facts.load_person(product, person, channel="web", at=timezone.now())

    assert sorted(bool(each.declined_at) for each in known.history) == [False, True]


def test_what_a_guest_was_asked_is_forgotten_with_the_device_only_as_far_as_the_device_goes(survey, ask, end):
    ask(**PHONE, **ANNA)
    make_older(days=31)
    end(ask(**PHONE, **BOB)["invitation"], "answer")

    Respondent.objects.get(subject_key="id:anna").delete()

    assert Invitation.objects.get().borrowed_device is None
    assert ask(**BOB)["code"] == "responded_recently"


def test_whoever_is_met_by_a_device_only_is_a_stranger_elsewhere(survey, ask, end):
    end(ask(**PHONE)["invitation"], "decline")

    assert ask(**PHONE)["code"] == "declined_recently"
    assert ask(**LAPTOP)["eligible"]
    assert ask(**ANNA)["eligible"]
    assert Respondent.objects.filter(person__isnull=False).count() == 0


def test_devices_of_another_product_are_others(survey, ask, end):
    other = make_survey()
    Product.objects.filter(pk=other.product_id).update(public_key="pk_other")
    end(ask(**PHONE, **ANNA)["invitation"], "decline")

    assert ask(key="pk_other", **PHONE)["eligible"]
    assert ask(key="pk_other", **LAPTOP, **ANNA)["eligible"]


@pytest.mark.parametrize(("column", "code"), [("objected_at", "opted_out"), ("restricted_at", "restricted")])
def test_an_objection_or_restriction_holds_under_every_key(survey, ask, column, code):
    ask(**PHONE, **ANNA)
    ask(**LAPTOP, **ANNA)
    Invitation.objects.all().delete()
    Respondent.objects.filter(subject_key="id:anna").update(**{column: timezone.now()})

    for key in (ANNA, {**PHONE, **ANNA}, {**LAPTOP, **ANNA}, PHONE, LAPTOP):
        assert ask(**key)["code"] == code


@pytest.mark.parametrize(("column", "code"), [("objected_at", "opted_out"), ("restricted_at", "restricted")])
def test_an_objection_made_on_a_device_before_the_log_in_holds_afterwards(survey, ask, column, code):
    ask(**PHONE)
    Invitation.objects.all().delete()
    Respondent.objects.update(**{column: timezone.now()})

    assert ask(**PHONE, **ANNA)["code"] == code
    assert ask(**ANNA)["code"] == code


@pytest.mark.parametrize(
    ("listed", "user"),
    [
        ("id:anna", {"id": "anna", "email": "a@example.com"}),
        ("mail:a@example.com", {"id": "anna", "email": "A@Example.com"}),
        ("tel:+48221234567", {"phone": "+48 22 123 45 67"}),
    ],
)
def test_people_on_the_list_are_recognised_by_any_identifier_on_any_device(survey, ask, listed, user):
    suppress(product=survey.product, subject_keys=[listed], reason=Suppression.Reason.ERASED)

    assert ask(user=user)["code"] == "suppressed"
    assert ask(user=user, **PHONE)["code"] == "suppressed"
    assert ask(user={"id": "somebody else"})["eligible"]


def test_whoever_is_deleted_takes_their_devices_and_all_that_happened_there_along(survey, ask, end):
    end(ask(**PHONE)["invitation"], "answer")
    ask(**PHONE, **ANNA)
    ask(**LAPTOP, **ANNA)
    kept = make_response(survey=survey)

    Respondent.objects.get(subject_key="id:anna").delete()

    assert list(Respondent.including_restricted.all()) == [kept.respondent]
    assert list(Response.including_restricted.all()) == [kept]
    assert list(Invitation.including_restricted.all()) == [kept.invitation]


def test_a_device_that_was_linked_while_its_anonymous_request_was_under_way_is_decided_again(survey, ask):
    """Also where the device was not met before: no row, and a row that says whose it is, are not the same."""
    ask(**ANNA)
    product, nobody = products.product_facts("pk_test"), identify(anonymous_id="phone")
    at = timezone.now()
    known = facts.load_person(product, nobody, channel="web", at=at)
    assert ask(**PHONE, **ANNA)["code"] == "pending"

    version = survey.current_version
    row = {"survey": survey.pk, "version": version.pk, "channel": "web", "shown_language": "en", "token_digest": b"1"}
    row |= {"url": "", "device": "", "app_version": "", "is_test": False, "expires_at": at}

    assert not facts.reserve(product, nobody, known, at=at, invitation=row)
    assert ask_in_domain(product=product, person=nobody, moment=Moment()).code == "pending"


SETTINGS, PERSON = "SELECT product.id, product.is_live,", "SELECT list.is_suppressed, member.id,"
RESERVED = "WITH person AS"


@pytest.fixture(params=[1, 10])
def amount(request):
    return request.param


@pytest.fixture
def anna_before(survey, amount):
    """Anna with so many past invitations and so many devices, one of them her phone."""
    anna = make_respondent(product=survey.product, subject_key="id:anna", external_id="anna")
    for number in range(amount):
        key = "phone" if number == 0 else f"device-{number}"
        device = make_respondent(
            product=survey.product, subject_key=f"anon:{key}", anonymous_id=key, person=anna, reservations=1
        )
        for someone in (anna, device):
            at = timezone.now() - timedelta(days=100 + number)
            make_invitation(survey=survey, respondent=someone, created_at=at, shown_at=at, responded_at=at)
    return anna


def statements(call):
    """Return the first words of every statement, transactions included."""
    with CaptureQueriesContext(connection) as captured:
        call()
    return [" ".join(query["sql"].split()[:3]) for query in captured.captured_queries]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("who", "reservation"),
    [
        (ANNA, [RESERVED]),
        ({**PHONE, **ANNA}, ["BEGIN", RESERVED, RESERVED, "COMMIT"]),
        (PHONE, ["BEGIN", "UPDATE feedback_respondent SET", RESERVED, "COMMIT"]),
        ({**LAPTOP, **ANNA}, ["BEGIN", RESERVED, RESERVED, "COMMIT"]),  # a device never met
        (LAPTOP, [RESERVED]),
    ],
)
def test_facts_take_two_statements_and_a_reservation_at_most_two_in_one_transaction(anna_before, ask, who, reservation):
    assert statements(lambda: ask(**who)) == [SETTINGS, PERSON, *reservation]
    assert statements(lambda: ask(**who)) == [SETTINGS, PERSON]


@pytest.mark.django_db(transaction=True)
def test_a_no_links_a_new_device_in_one_statement_and_a_known_one_in_none(anna_before, survey, ask):
    make_invitation(survey=survey, respondent=anna_before, shown_at=timezone.now())

    assert statements(lambda: ask(**LAPTOP, **ANNA)) == [SETTINGS, PERSON, RESERVED]
    assert statements(lambda: ask(**LAPTOP, **ANNA)) == [SETTINGS, PERSON]
    assert statements(lambda: ask(**PHONE)) == [SETTINGS, PERSON]


@pytest.mark.django_db(transaction=True)
def test_guests_cost_no_more(anna_before, ask):
    assert statements(lambda: ask(**PHONE, **BOB)) == [SETTINGS, PERSON, "BEGIN", RESERVED, RESERVED, "COMMIT"]
    assert statements(lambda: ask(**PHONE)) == [SETTINGS, PERSON]
