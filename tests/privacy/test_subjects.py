"""What somebody proved leads to their records, and to nobody else's."""

from __future__ import annotations

import pytest
from django.utils import timezone

from feedback.models import Respondent, Response
from privacy.encryption import new_token, token_digest
from privacy.inventory import Identifier, inventory
from privacy.models import IdentityProof, Product
from privacy.subjects import Subject, find, rows_of, subject_of, tables_about_people
from tests.factories import (
    make_invitation,
    make_product,
    make_respondent,
    make_response,
    make_rights_request,
    make_survey,
)

pytestmark = pytest.mark.django_db


def found(identifier, value, products=None):
    return find(proved=[(identifier, value)], products=Product.objects.all() if products is None else products)


def rows(label, subject):
    return set(rows_of(inventory.tables[label], subject))


def test_a_mailbox_leads_to_everybody_who_has_it_and_to_their_devices():
    product = make_product()
    anna = make_respondent(product=product, email="anna@example.com")
    device = make_respondent(product=product, subject_key="anon:1", person=anna)
    again = make_respondent(product=make_product(), email="anna@example.com", restricted_at="2026-01-01T00:00Z")
    make_respondent(product=product, email="ann@example.com")

    assert found(Identifier.MAILBOX, "anna@example.com").people == tuple(sorted([anna.pk, device.pk, again.pk]))


def test_only_the_products_that_were_asked_about_are_searched():
    anna = make_respondent(email="anna@example.com")
    make_respondent(email="anna@example.com")

    only = found(Identifier.MAILBOX, "anna@example.com", Product.objects.filter(pk=anna.product_id))

    assert only.people == (anna.pk,)


def test_an_account_is_one_of_the_named_product():
    anna = make_respondent(external_id="4711")
    make_respondent(external_id="4712")

    assert found(Identifier.ACCOUNT, "4711").people == (anna.pk,)


def test_an_invitation_leads_to_the_person_it_was_for():
    token = new_token()
    invitation = make_invitation(token=token, sent_at=timezone.now())
    make_invitation()

    assert found(Identifier.INVITATION, token_digest(token).hex()).people == (invitation.respondent_id,)


def test_a_receipt_leads_to_that_record_and_what_hangs_on_it_alone():
    survey = make_survey()
    anna = make_respondent(product=survey.product)
    answered = make_response(survey=survey, respondent=anna)
    change = answered.score_changes.create(score=3, changed_at=answered.answered_at)
    other = make_response(survey=survey, respondent=anna)
    other.score_changes.create(score=4, changed_at=other.answered_at)

    subject = found(Identifier.RECEIPT, bytes(answered.receipt_hash).hex())

    assert subject.people == ()
    assert rows("feedback.Response", subject) == {answered}
    assert rows("feedback.ScoreChange", subject) == {change}
    assert rows("feedback.Respondent", subject) == set()


def test_the_number_of_a_person_is_not_taken_for_that_of_a_request():
    asked = make_rights_request()
    item = asked.items.create(right="access")

    for subject in (Subject(people=(asked.pk,)), Subject(people=(item.pk, asked.pk))):
        assert rows("privacy.RightsRequest", subject) == set()
        assert rows("privacy.RequestItem", subject) == set()
    assert rows("privacy.RequestItem", Subject(records=(("privacy.RightsRequest", (asked.pk,)),))) == {item}


def test_restricted_records_are_found_too():
    answered = make_response(restricted_at="2026-01-01T00:00Z")
    subject = Subject(people=(answered.respondent_id,))

    assert rows("feedback.Response", subject) == {answered}
    assert not Response.objects.exists()


def test_what_nobody_proved_leads_nowhere():
    make_respondent(email="anna@example.com")
    asked = make_rights_request(email="anna@example.com")

    assert subject_of(asked).is_nobody


def test_a_request_leads_where_its_proofs_do_within_its_controller():
    anna = make_respondent(email="anna@example.com")
    make_respondent(email="anna@example.com")
    asked = make_rights_request(email="anna@example.com", controller=anna.product.controller)
    IdentityProof.objects.create(request=asked, kind=IdentityProof.Kind.MAILBOX, identifier="anna@example.com")

    assert subject_of(asked).people == (anna.pk,)


def test_every_table_about_people_can_be_asked_for_its_rows():
    subject = Subject(people=(make_respondent().pk,))

    labels = [table.model for table in tables_about_people()]
    assert labels[0] == Respondent._meta.label
    assert {"feedback.Response", "feedback.Contact", "feedback.ImprovementMail"} < set(labels)
    assert "privacy.RequestItem" not in labels
    for table in tables_about_people():
        assert len(rows_of(table, subject)) == (table.model == "feedback.Respondent")
