"""Who sees which surveys in the admin, and what the list shows."""

import re

import pytest
from django.urls import reverse

from surveys.models import Survey
from tests.factories import make_draft, make_product, make_response, make_staff, make_survey
from tests.surveys.pages import page

pytestmark = pytest.mark.django_db

STEPS = ("publish", "pause", "resume", "archive")


def test_an_analyst_looks_and_changes_nothing(client, analyst, product):
    survey = make_survey(product=product)
    before = Survey.objects.filter(pk=survey.pk).values().get()
    content = client.get(page(survey)).content.decode()

    assert survey.wordings.get(language="pl").question in content
    assert not re.search(r'name="(name|slug|wording-pl-0-question|_save|_publish|_add_language)"', content)
    assert client.get(page(survey, "preview")).status_code == 200
    assert client.post(page(survey), {"name": "X"}).status_code == 403
    for name in STEPS:
        assert page(survey, name) not in content
        assert client.get(page(survey, name)).status_code == 403
        assert client.post(page(survey, name)).status_code == 403
    assert client.get(reverse("admin:surveys_survey_add")).status_code == 403
    assert Survey.objects.filter(pk=survey.pk).values().get() == before


@pytest.mark.parametrize("name", [*STEPS, "preview", "delete"])
def test_a_survey_of_another_product_is_not_there(client, administrator, name):
    survey = make_survey(product=make_product())

    assert client.get(page(survey, name)).status_code == 404
    assert client.post(page(survey, name), {"post": "yes"}).status_code == 404
    survey.refresh_from_db()
    assert survey.state == "live"


def test_a_survey_of_another_product_is_neither_listed_nor_opened(client, administrator, product):
    own, foreign = make_survey(product=product), make_survey()

    assert list(client.get(reverse("admin:surveys_survey_changelist")).context["cl"].queryset) == [own]
    assert list(client.get(reverse("admin:surveys_surveyversion_changelist")).context["cl"].queryset) == [
        own.current_version
    ]
    assert client.get(page(foreign)).status_code == 302  # the admin's way to say that there is nothing here
    assert client.post(page(foreign), {"name": "X"}).status_code == 302


@pytest.mark.parametrize("role", ["agent", "privacy_officer"])
def test_roles_without_surveys_see_none(client, product, role):
    client.force_login(make_staff(role, product=product))
    survey = make_survey(product=product)

    assert client.get(page(survey)).status_code == 403
    assert client.get(page(survey, "preview")).status_code == 404
    assert client.get(reverse("admin:surveys_survey_changelist")).status_code == 403


def test_the_list_needs_as_many_queries_for_ten_surveys_as_for_one(
    client, administrator, product, django_assert_num_queries
):
    address = reverse("admin:surveys_survey_changelist")
    make_response(survey=make_survey(product=product))
    client.get(address)
    # session, user, two of permissions, two of emergency access, filter's products,
    # count, surveys, wording, bands, audience
    with django_assert_num_queries(13):
        client.get(address)
    for _number in range(9):
        make_survey(product=product)
    with django_assert_num_queries(13):
        content = client.get(address).content.decode()

    assert content.count(">live<") + content.lower().count("live") >= 10


def test_the_list_tells_state_version_and_unpublished_changes(client, administrator, product):
    changed, _draft = make_survey(product=product), make_draft(product=product)
    changed.wordings.update(question="Nowe?")

    content = client.get(reverse("admin:surveys_survey_changelist")).content.decode()

    assert "1, unpublished changes" in content
    assert "draft" in content
