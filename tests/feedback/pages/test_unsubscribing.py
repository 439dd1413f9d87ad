"""The way out of mails that ask: GET shows, POST acts, at once, and also with a link of long ago."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from feedback.channel_permissions import record_permission
from feedback.explaining import explain
from feedback.invitations import Moment
from feedback.looking_up import person_of
from feedback.models import ChannelPermission, Respondent
from feedback.products import load_product
from tests.factories import make_permission, make_respondent
from tests.feedback.pages.looking import stored

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(nps):
    person = make_respondent(product=nps.product, subject_key="id:anna", external_id="anna", email="anna@example.com")
    make_permission(respondent=person)
    return person


@pytest.fixture
def address(invite, person):
    return invite(respondent=person, sent_at=timezone.now() - timedelta(days=100)) + "unsubscribe/"


def code(person, channel="email"):
    """Return what keeps somebody from being asked; empty where nothing does."""
    product = load_product(person.product.public_key)
    found = explain(product=product, person=person_of(person), moment=Moment(channel=channel), at=timezone.now())
    return found.code


def later(person):
    """Return the answer a month later, when the invitation of the test is no reason any more."""
    person.invitations.update(created_at=timezone.now() - timedelta(days=100))
    return code(person)


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_nothing(english, address, method):
    before = stored(), list(ChannelPermission.objects.values())

    assert getattr(english, method)(address).status_code == 200

    assert (stored(), list(ChannelPermission.objects.values())) == before


def test_the_address_is_the_one_that_mails_name():
    assert reverse("feedback:unsubscribe", args=["personal-token"]) == "/i/personal-token/unsubscribe/"


@pytest.mark.parametrize("body", [{}, {"List-Unsubscribe": "One-Click"}], ids=["button", "mail program"])
def test_a_press_holds_at_once_and_pressing_again_is_as_good(english, address, person, body):
    assert later(person) == "eligible"

    pages = [english.post(address, body) for _time in range(2)]

    assert [page.status_code for page in pages] == [200, 200]
    assert "You will be asked no more by e-mail" in pages[0].content.decode()
    assert ChannelPermission.objects.get().withdrawn_at
    assert person.invitations.get().unsubscribed_at == Respondent.objects.get().unsubscribed_at
    assert code(person) == "no_permission"
    assert "You will be asked no more by e-mail" in english.get(address).content.decode()


def test_only_mail_stops(english, address, person):
    english.post(address)

    person.invitations.update(created_at=timezone.now() - timedelta(days=100))
    assert code(person, channel="web") == "eligible"


def test_a_link_in_an_old_mail_works(english, invite, person):
    old = timezone.now() - timedelta(days=400)
    address = (
        invite(respondent=person, created_at=old, sent_at=old, expires_at=old + timedelta(days=60)) + "unsubscribe/"
    )

    assert english.get(address).status_code == 200
    assert english.post(address).status_code == 200
    assert later(person) == "no_permission"


def test_somebody_whose_data_are_restricted_can_unsubscribe(english, address, person):
    Respondent.objects.update(restricted_at=timezone.now())

    assert english.post(address).status_code == 200
    assert Respondent.including_restricted.get().unsubscribed_at


def test_an_unknown_link_gets_a_friendly_page(english, db):
    for answer in (english.get("/i/nothing/unsubscribe/"), english.post("/i/nothing/unsubscribe/")):
        assert answer.status_code == 404
        assert "This link does not work" in answer.content.decode()


def test_the_same_address_under_another_id_is_the_same_mailbox(english, address, person):
    other = make_respondent(product=person.product, subject_key="id:two", external_id="two", email=person.email)
    make_permission(respondent=other)
    elsewhere = make_respondent(subject_key="id:anna", email=person.email)
    make_permission(respondent=elsewhere)

    english.post(address)

    assert code(other) == "no_permission"
    assert ChannelPermission.objects.filter(withdrawn_at=None).get().respondent == elsewhere


def test_what_is_recorded_of_the_mailbox_later_does_not_bring_the_mails_back(english, address, person):
    english.post(address)
    again = make_respondent(product=person.product, subject_key="id:new", external_id="new", email=person.email)

    for one in (person, again):
        for basis, given_on in (("customer", timezone.localdate()), ("consent", date(2026, 1, 31))):
            with pytest.raises(ValidationError) as refused:
                record_permission(respondent=one, basis=basis, evidence="contract", given_on=given_on)
            assert refused.value.code == "unsubscribed"


def test_a_consent_given_since_then_permits_mails_again(english, address, person):
    english.post(address)

    today = timezone.now().astimezone(person.product.zone).date()
    record_permission(respondent=person, basis="consent", evidence="form 8", given_on=today)

    assert later(person) == "eligible"
    assert "No more questions by e-mail?" in english.get(address).content.decode()


def test_the_page_speaks_the_language_of_the_mail(polish, english, invite, person):
    address = invite(respondent=person, language="pl", sent_at=timezone.now()) + "unsubscribe/"

    assert '<html lang="pl"' in english.get(address).content.decode()
    assert '<html lang="en"' in polish.get(address + "?lang=en").content.decode()


def test_no_search_engine_store_or_other_site_learns_the_address(english, address):
    page = english.get(address)

    assert page["X-Robots-Tag"] == "noindex"
    assert "no-store" in page["Cache-Control"]
    assert page["Referrer-Policy"] == "no-referrer"
    assert not page.cookies


def test_nobody_is_kept_from_leaving_because_others_left_just_now(client, address, person, settings):
    settings.RATE_LIMIT_PER_ADDRESS = 0

    answer = client.post(address, {"List-Unsubscribe": "One-Click"})

    person.refresh_from_db()
    assert (answer.status_code, person.unsubscribed_at is not None) == (200, True)
