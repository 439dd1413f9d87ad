"""Pages beside the lists that have nothing to show say what to do next, as far as the reader may do it."""

import pytest
from django.urls import reverse

from tests.factories import make_staff
from tests.feedback.response_admin.looking import LIST, page, person, text_of

THEMES = reverse("admin:feedback_tag_themes")


@pytest.mark.parametrize(("role", "adds_rules"), [("reviewer", True), ("analyst", False)])
def test_without_tags_the_themes_lead_to_responses_and_rules(client, login, survey, role, adds_rules):
    login(role)

    shown = text_of(client.get(THEMES))

    assert "No tags yet." in shown
    assert f'href="{LIST}?product__id__exact={survey.product_id}"' in shown
    assert (f'href="{reverse("admin:feedback_rule_add")}?product={survey.product_id}"' in shown) is adds_rules


def test_without_a_product_the_themes_say_whom_to_ask(client, db):
    client.force_login(make_staff("analyst"))

    assert "You do not belong to any product yet" in text_of(client.get(THEMES))


def test_a_person_of_one_answer_has_a_history_that_says_what_to_do_next(client, login, response):
    login("reviewer")

    shown = text_of(client.get(person(response)))

    assert "Nobody has followed up with this person. Flag an answer for follow-up on its page." in shown
    assert shown.count(f'href="{page(response)}"') >= 2
    assert "No device was linked to this person. One is when" in shown
