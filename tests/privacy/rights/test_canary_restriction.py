"""One person with a random word everywhere is restricted: nobody below data protection hears any of the words."""

from __future__ import annotations

import pytest
from django.core import mail
from django.utils import timezone

from feedback.identity import identify
from feedback.invitations import Moment, ask
from feedback.models import Respondent, Response
from feedback.products import load_product
from feedback.tallies import find_drift
from privacy.inventory import Mark
from privacy.models import Membership
from privacy.restriction import mark
from privacy.subjects import Subject
from tests.config.addresses import addresses_of_lists
from tests.config.test_every_address import details, shown
from tests.config.test_permission_matrix import rows  # noqa: F401  a fixture
from tests.factories import make_response, make_staff
from tests.privacy.canary import Canary
from tests.privacy.rights.test_canary_erasure import in_mail, owe_mail, plant, send_everything

pytestmark = pytest.mark.django_db
# Below data protection; what the others see of anybody at all is told beside every address.
SEE_PEOPLE = ("agent", "privacy_officer", "reviewer")


@pytest.fixture
def restricted(rows):  # noqa: F811
    """The person of every row that staff have pages of."""
    subject, canary = Subject(people=(rows["feedback.respondent"].pk,)), Canary()
    canary.plant(subject)
    mark(subject, Mark.RESTRICTED)
    return canary


def log_in(client, rows, role):  # noqa: F811
    user = make_staff(role)
    Membership.objects.create(user=user, controller=rows["privacy.controller"])
    client.force_login(user)


@pytest.mark.parametrize("role", SEE_PEOPLE)
def test_no_page_of_staff_below_data_protection_has_a_word_of_a_restricted_person(client, rows, restricted, role):  # noqa: F811
    log_in(client, rows, role)

    assert shown(client, details(rows).values(), {restricted.prefix}) == {}


def test_data_protection_officers_hear_them(client, rows, restricted):  # noqa: F811
    log_in(client, rows, "data_protection_officer")
    lists = addresses_of_lists(rows)

    for page in ("admin:feedback_response_change", "admin:feedback_followup_change"):
        assert shown(client, [lists[page]], {restricted.prefix})


def test_nothing_is_mailed_about_a_restricted_person(rows):  # noqa: F811
    subject, canary = plant(rows["surveys.survey"])
    mark(subject, Mark.RESTRICTED)
    owe_mail(rows["surveys.survey"], subject)

    send_everything()

    assert in_mail(canary) == []


def test_the_same_mail_goes_out_about_somebody_who_is_not_restricted(rows):  # noqa: F811
    subject, canary = plant(rows["surveys.survey"])
    owe_mail(rows["surveys.survey"], subject)

    send_everything()

    assert in_mail(canary) != []
    assert mail.outbox


def test_measures_do_not_count_a_restricted_person(rows, restricted):  # noqa: F811
    other = make_response(survey=rows["surveys.survey"])

    assert list(Response.objects.counted()) == [other]
    assert find_drift() == []


def test_asking_tells_nothing_of_a_restricted_person(rows, restricted):  # noqa: F811
    known = Respondent.including_restricted.get(pk=rows["feedback.respondent"].pk)
    product = load_product(known.product.public_key)
    Respondent.including_restricted.filter(pk=known.pk).update(subject_key=f"mail:{known.email}")

    answer = ask(product=product, person=identify(email=known.email), moment=Moment())

    assert answer.code == "restricted"
    assert not restricted.heard_in(repr(answer))
    assert answer.next_check_at > timezone.now()
