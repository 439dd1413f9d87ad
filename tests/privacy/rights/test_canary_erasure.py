"""One person with a random word everywhere is erased: afterwards none of the words is found anywhere."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.utils import timezone

from feedback import correspondence, digests, staff_mail_delivery
from feedback.identity import identify
from feedback.improvements import mailing
from feedback.invitations import Moment, ask
from feedback.models import (
    Contact,
    FollowUp,
    ImprovementMail,
    Respondent,
    StaffMail,
)
from feedback.products import load_product
from feedback.tallies import find_drift
from privacy.erasure import erase, erasure_order, forget_request, suppress_subject
from privacy.models import RequestItem, RightsRequest
from tests.factories import make_survey
from tests.privacy.canary import Canary, fill_request, make_person, unfilled
from tests.privacy.rights.asking import make_proved_request, make_task

pytestmark = pytest.mark.django_db


def plant(survey):
    subject, canary = make_person(survey), Canary()
    canary.plant(subject)
    return subject, canary


@pytest.fixture
def survey():
    return make_survey()


@pytest.fixture
def other(survey):
    """Somebody else, who stays."""
    return plant(survey)[1]


@pytest.fixture
def planted(survey):
    return plant(survey)


@pytest.fixture
def asked(survey, planted):
    """The person's request, with words in everything that was written in it."""
    subject, canary = planted
    address = Respondent.objects.get(pk=subject.people[0]).email
    request = make_proved_request(identifier=address, controller=survey.product.controller)
    RequestItem.objects.create(request=request, right="erasure")
    fill_request(canary, request, staying=False)  # facts stay by rule
    RightsRequest.objects.filter(pk=request.pk).update(email=address)
    return RightsRequest.objects.get(pk=request.pk)


def erase_everything(request):
    suppress_subject(make_task(request, "suppress"))
    for label in erasure_order():
        erase(make_task(request, "erase", dataset=label))
    forget_request(request=request)


def owe_mail(survey, subject):
    """Make every kind of mail about the person due."""
    now = timezone.now()
    rows = {"next_attempt_at": now, "sent_at": None, "failed_at": None}
    Contact.objects.filter(follow_up__respondent__in=subject.people).update(kind="email_out", **rows)
    ImprovementMail.objects.filter(respondent__in=subject.people).update(dropped_at=None, dropped_why="", **rows)
    case = FollowUp.including_restricted.get(respondent__in=subject.people)
    for number, (user, notice) in enumerate(
        (user, notice) for user in User.objects.filter(is_staff=True) for notice in ("alert", "assigned", "escalation")
    ):
        User.objects.filter(pk=user.pk).update(email=f"staff{number}@example.com")
        StaffMail.objects.create(
            user=user,
            notice=notice,
            key=f"canary:{number}",
            product=survey.product,
            response=case.response,
            follow_up=case,
            next_attempt_at=now,
        )


def send_everything():
    for pk in correspondence.due_contact_ids():
        correspondence.send_contact(contact_id=pk)
    for pk in mailing.due_mail_ids():
        mailing.send_mail(mail_id=pk)
    digests.owe_digests(now=timezone.now())
    for pk in staff_mail_delivery.due_mail_ids():
        staff_mail_delivery.send_mail(mail_id=pk)


def in_mail(canary):
    return [str(message.message()) for message in mail.outbox if canary.heard_in(str(message.message()))]


def test_every_personal_text_is_planted_and_heard_before_the_erasure(survey, planted, asked):
    _subject, canary = planted

    assert unfilled(canary) == set()
    found_by = {"privacy.IdentityProof.identifier"}
    assert unfilled(canary, of_requests=True, staying=False) == found_by
    heard = canary.in_database()
    assert len(heard) > 30
    assert {"feedback_response.comment", "feedback_response.search", "feedback_contact.text"} <= heard
    assert {f"privacy_{name} (encrypted)" for name in ("rightsrequest.details", "requestnote.text")} <= heard


def test_after_an_erasure_no_word_of_the_person_is_left_anywhere(survey, other, planted, asked, caplog):
    subject, canary = planted
    owe_mail(survey, subject)
    with caplog.at_level("DEBUG"):
        erase_everything(asked)
        send_everything()

    assert canary.in_database() == set()
    assert canary.in_cache() == set()
    assert canary.in_files() == set()
    assert in_mail(canary) == []
    assert not [
        each for each in caplog.records if each.name != "django.db.backends" and canary.heard_in(each.getMessage())
    ]
    assert find_drift() == []


def test_of_somebody_else_every_word_stays(survey, other, planted, asked):
    before = other.in_database()

    erase_everything(asked)

    assert before
    assert other.in_database() == before


def test_who_was_erased_is_not_stored_again_by_what_pages_tell_about_them(survey, planted, asked):
    subject, canary = planted
    known = Respondent.objects.get(pk=subject.people[0])
    erase_everything(asked)

    for known_as in ({"external_id": known.external_id}, {"email": known.email}):
        ask(product=load_product(survey.product.public_key), person=identify(**known_as), moment=Moment())

    assert canary.in_database() == set()
