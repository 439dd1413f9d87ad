"""Staff pages of restricted rows: a stub that says nothing, but for data protection officers."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from feedback.follow_up import flag
from feedback.models import Response
from privacy.inventory import Mark
from privacy.models import AccessLogEntry
from privacy.restriction import mark
from privacy.subjects import Subject
from tests.factories import make_product, make_respondent, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows():
    survey = make_survey()
    anna = make_respondent(product=survey.product, email="anna@example.com")
    response = make_response(survey=survey, respondent=anna, comment="Secret comment", email="anna@example.com")
    case = flag(response=response, reason="Secret reason", by=make_staff("reviewer", product=survey.product))
    mark(Subject(people=(anna.pk,)), Mark.RESTRICTED)
    return {"response": response, "followup": case}


def open_page(client, rows, kind, user):
    client.force_login(user)
    return client.get(reverse(f"admin:feedback_{kind}_change", args=[rows[kind].pk]))


def test_readers_learn_only_that_something_is_restricted(client, rows):
    for kind in rows:
        page = open_page(client, rows, kind, make_staff("reviewer", product=rows["response"].product))

        assert "The use of this data is restricted" in page.content.decode()
        assert "ecret" not in page.content.decode()
        assert "anna" not in page.content.decode()
    assert not AccessLogEntry.objects.exists()


def test_data_protection_officers_see_it_and_that_it_is_restricted(client, rows):
    for kind, words in {"response": "Secret comment", "followup": "Secret reason"}.items():
        page = open_page(client, rows, kind, make_staff("data_protection_officer", product=rows["response"].product))

        assert words in page.content.decode()
        assert "it may be kept and not used" in page.content.decode()
        assert AccessLogEntry.objects.filter(record_number=rows[kind].pk).exists()


def test_data_protection_officers_reveal_the_comment_and_read_the_history(client, rows):
    response = rows["response"]
    Response.including_restricted.filter(pk=response.pk).update(comment="Secret: jan@example.com")
    assert (
        "jan@example.com"
        not in open_page(
            client, rows, "response", make_staff("data_protection_officer", product=response.product)
        ).content.decode()
    )

    revealed = client.post(reverse("admin:feedback_response_reveal", args=[response.pk]), follow=True)
    history = client.get(reverse("admin:feedback_response_person", args=[response.pk])).content.decode()

    assert "jan@example.com" in revealed.content.decode()
    for words in ("anna@example.com", "Secret: ", "Secret reason"):
        assert words in history
    assert set(AccessLogEntry.objects.values_list("purpose", flat=True)) == {"identity", "comment", "history"}


@pytest.mark.parametrize("name", ["reveal", "person"])
def test_others_read_neither_the_comment_nor_the_history(client, rows, name):
    client.force_login(make_staff("reviewer", product=rows["response"].product))

    page = client.post(reverse(f"admin:feedback_response_{name}", args=[rows["response"].pk]))

    assert page.status_code == 404
    assert not AccessLogEntry.objects.exists()


def test_nothing_is_offered_to_be_done_with_it(client, rows):
    officer = make_staff("data_protection_officer", product=rows["response"].product)
    officer.groups.add(Group.objects.get(name="agent"))

    for kind in rows:
        page = open_page(client, rows, kind, officer).content.decode()
        for step in ("do", "note", "status", "assign", "priority", "contact"):
            assert f"{rows[kind].pk}/{step}/" not in page
        assert "new-tag" not in page


def test_there_is_no_stub_for_staff_of_another_product(client, rows):
    for role in ("reviewer", "data_protection_officer"):
        page = open_page(client, rows, "response", make_staff(role, product=make_product()))

        assert page.status_code == 302


def test_no_list_has_it_not_even_for_data_protection_officers(client, rows):
    client.force_login(make_staff("data_protection_officer", product=rows["response"].product))

    for kind in rows:
        page = client.get(reverse(f"admin:feedback_{kind}_changelist"))
        assert page.context["cl"].result_count == 0
