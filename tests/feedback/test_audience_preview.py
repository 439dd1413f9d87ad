"""The number of people beside an audience's rules: for the right eyes, before they are saved, and never too precise."""

import pytest
from django.urls import reverse

from surveys.models import AudienceRule
from tests.factories import make_draft, make_product, make_respondent, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def survey():
    return make_draft(product=make_product())


@pytest.fixture
def count(client, survey):
    """Ask for the preview as somebody of a role; returns what the page says."""

    def count(*rules, role="administrator", status=200, **who):
        client.force_login(make_staff(role, product=survey.product, **who))
        data = {"audience-TOTAL_FORMS": len(rules), "audience-INITIAL_FORMS": 0, "name": "ignored"}
        for number, rule in enumerate(rules):
            data |= {f"audience-{number}-{name}": value for name, value in rule.items()}
        answer = client.post(reverse("feedback_audience_preview", args=[survey.pk]), data)
        assert answer.status_code == status
        return answer.content.decode()

    return count


def people(survey, number, **columns):
    for _number in range(number):
        make_respondent(product=survey.product, **columns)


COUNTRY = {"subject": "country", "operator": "is", "values": "pl"}


def test_rules_are_counted_before_they_are_saved(survey, count):
    people(survey, 6, country="PL")
    people(survey, 7, country="DE")

    text = count(COUNTRY)

    assert "About 5 people match." in text
    assert "country is PL" in text
    assert not AudienceRule.objects.exists()


def test_rules_marked_for_deletion_are_left_out(survey, count):
    people(survey, 6, country="PL")
    people(survey, 7, country="DE")

    assert "About 10 people match." in count({**COUNTRY, "DELETE": "on"})


@pytest.mark.parametrize("number", [0, 1, 4])
def test_small_groups_are_told_to_those_only_who_may_see_people(survey, count, number):
    people(survey, number, country="PL")
    people(survey, 9, country="DE")
    AudienceRule.objects.create(survey=survey, subject="country", operator="is", values=["PL"])

    assert "Fewer than 5 people match." in count(role="analyst")
    exact = "1 person matches." if number == 1 else f"{number} people match."
    assert exact in count(role="reviewer")


def test_nobody_is_found_by_subtraction(survey, count):
    people(survey, 11, country="PL", properties={"salary": "low"})
    people(survey, 1, country="PL", properties={"salary": "high"})
    salary = {"subject": "property", "name": "salary", "values": "high"}

    everybody, others = count(COUNTRY), count(COUNTRY, {**salary, "operator": "is_not"})

    assert "About 10 people match." in everybody
    assert "About 10 people match." in others
    assert "Fewer than 5 people match." in count({**salary, "operator": "is"})


def test_the_page_says_what_the_number_leaves_out(count):
    assert "Devices that are linked to somebody are not counted again. Suppressed people are counted" in count()


def test_those_who_may_not_change_the_survey_count_what_is_saved(survey, count):
    people(survey, 6, country="PL")
    people(survey, 7, country="DE")

    assert "13 people match." in count(COUNTRY, role="reviewer")


def test_rules_of_the_moment_are_named(survey, count):
    people(survey, 6)

    text = count({"subject": "url", "operator": "matches", "values": "*/pay*"})

    assert "About 5 people match." in text
    assert "Not counted, because only the moment of asking can tell: page address matches */pay*." in text


def test_mistakes_are_told_instead_of_a_number(survey, count):
    text = count(COUNTRY, {**COUNTRY, "values": "Poland"})

    assert "Rule 2: Two capital letters" in text
    assert "match" not in text.replace("matches", "")


def test_what_was_written_is_escaped(survey, count):
    text = count({"subject": "property", "name": "<b>x</b>", "operator": "is", "values": "<script>"})

    assert "<b>x" not in text
    assert "<script>" not in text


def test_people_of_other_products_are_not_counted(client, survey, count):
    count()
    foreign = make_draft(product=make_product())

    assert client.post(reverse("feedback_audience_preview", args=[foreign.pk])).status_code == 404
    assert client.get(reverse("feedback_audience_preview", args=[survey.pk])).status_code == 405


@pytest.mark.parametrize("role", ["agent", "privacy_officer"])
def test_roles_without_surveys_count_nobody(count, role):
    count(role=role, status=403)


def test_visitors_are_sent_to_the_login(client, survey):
    answer = client.post(reverse("feedback_audience_preview", args=[survey.pk]))

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("admin:login"))
