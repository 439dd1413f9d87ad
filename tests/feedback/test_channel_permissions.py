from datetime import date

import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone, translation

from feedback.channel_permissions import record_permission, withdraw_permission
from feedback.models import ChannelPermission
from tests.factories import make_permission, make_respondent, make_staff

pytestmark = pytest.mark.django_db
ADD = reverse("admin:feedback_channelpermission_add")
GIVEN = {"basis": "consent", "evidence": "form 7, version 2", "given_on": "2026-01-31"}


@pytest.fixture
def person(survey):
    return make_respondent(product=survey.product, subject_key="id:anna")


@pytest.fixture
def desk(client, person):
    client.force_login(make_staff("reviewer", product=person.product))
    return client


def test_a_permission_is_recorded_from_the_persons_page(desk, person):
    page = desk.get(reverse("admin:feedback_respondent_change", args=[person.pk])).content.decode()
    assert f"{ADD}?respondent={person.pk}" in page

    desk.post(f"{ADD}?respondent={person.pk}", GIVEN)

    with translation.override("pl"):
        assert LogEntry.objects.get().get_change_message() == "Dodano."
    permission = ChannelPermission.objects.get()
    assert (permission.respondent, permission.channel, permission.evidence) == (person, "email", "form 7, version 2")
    page = desk.get(reverse("admin:feedback_respondent_change", args=[person.pk])).content.decode()
    assert "consent, since Jan. 31, 2026: form 7, version 2" in page


@pytest.mark.parametrize(
    ("given", "code"),
    [({"evidence": "  "}, "no_evidence"), ({"given_on": date(2100, 1, 1)}, "in_the_future")],
)
def test_a_permission_needs_evidence_and_a_day_that_has_come(person, given, code):
    with pytest.raises(ValidationError) as refused:
        record_permission(
            respondent=person, **{"basis": "consent", "evidence": "form 7", "given_on": date(2026, 1, 31), **given}
        )

    assert [error.code for errors in refused.value.error_dict.values() for error in errors] == [code]
    assert not ChannelPermission.objects.exists()


def test_a_second_permission_is_refused_while_one_is_in_force(desk, person):
    make_permission(respondent=person)

    page = desk.post(f"{ADD}?respondent={person.pk}", GIVEN)

    assert "A permission is in force already." in page.content.decode()
    assert ChannelPermission.objects.count() == 1


def test_nobody_who_asked_not_to_be_contacted_is_given_a_permission(person):
    person.email = "anna@example.com"
    person.save()
    make_respondent(product=person.product, subject_key="id:two", email=person.email, do_not_contact=True)

    with pytest.raises(ValidationError) as refused:
        record_permission(respondent=person, basis="consent", evidence="form 7", given_on=date(2026, 1, 31))

    assert refused.value.code == "do_not_contact"


def test_a_permission_is_withdrawn_once_and_stays_on_record(person):
    permission = make_permission(respondent=person)

    assert withdraw_permission(permission=permission)
    permission.refresh_from_db()
    ended = permission.withdrawn_at
    assert not withdraw_permission(permission=permission)

    permission.refresh_from_db()
    assert permission.withdrawn_at == ended
    assert record_permission(respondent=person, basis="customer", evidence="contract", given_on=date(2026, 2, 1))


def test_withdrawing_asks_first(desk, person):
    permission = make_permission(respondent=person)
    address = reverse("admin:feedback_channelpermission_withdraw", args=[permission.pk])

    desk.get(address)
    assert ChannelPermission.objects.get().withdrawn_at is None
    desk.post(address, headers={"accept-language": "pl"})
    assert ChannelPermission.objects.get().withdrawn_at is not None
    assert LogEntry.objects.count() == 1


def test_people_of_other_products_get_none(desk):
    assert desk.post(f"{ADD}?respondent={make_respondent().pk}", GIVEN).status_code == 404


@pytest.mark.parametrize("number", ["", "x", "0", "²"])
def test_a_number_of_nobody_is_not_found(desk, number):
    assert desk.get(f"{ADD}?respondent={number}").status_code == 404


def test_permissions_of_restricted_people_are_left_out(person):
    permission = make_permission(respondent=person)
    type(person).objects.filter(pk=person.pk).update(restricted_at=timezone.now())

    assert not ChannelPermission.objects.exists()
    assert ChannelPermission.including_restricted.get() == permission
