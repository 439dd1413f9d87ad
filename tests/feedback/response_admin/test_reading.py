"""Who sees what of a response."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from feedback.follow_up import change_status, flag
from feedback.models import Response, ScoreChange
from privacy.models import AccessLogEntry
from tests.factories import make_improvement, make_response, make_staff
from tests.feedback.response_admin.looking import COMMENT, LIST, do, page, person, reveal, text_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", ["analyst", "agent", "reviewer", "data_protection_officer"])
def test_the_list_masks_comments_for_everybody(client, login, response, role):
    login(role)

    listed = text_of(client.get(LIST))

    assert "[e-mail]" in listed
    assert "jan.kowalski@example.com" not in listed
    assert "detractor" in listed
    assert "Anna Nowak" not in listed


IDENTITY = ("Anna Nowak", "anna@example.com", "K-777", "+48501234567", "second@example.com")


@pytest.mark.parametrize("role", ["analyst", "agent"])
def test_the_page_hides_the_person_from_those_without_identity(client, login, response, role):
    login(role)

    shown = text_of(client.get(page(response)))

    assert [value for value in (*IDENTITY, "jan.kowalski@example.com", "gold", "ACME") if value in shown] == []
    assert "Fees" in shown


def reads():
    return list(AccessLogEntry.objects.values_list("user", "product", "record_kind", "record_number", "purpose"))


def test_each_view_of_the_page_that_shows_the_person_is_logged(client, login, response):
    reviewer = login("reviewer")

    for _time in range(2):
        client.get(page(response))

    read = (reviewer.pk, response.product_id, "feedback.Response", response.pk, "identity")
    assert reads() == [read] * 2


@pytest.mark.parametrize("role", ["analyst", "agent"])
def test_a_view_that_shows_nobody_is_not_logged_and_neither_is_a_refusal(client, login, response, role):
    login(role)
    client.get(page(response))
    login("reviewer")
    assert client.post(page(response)).status_code == 403

    assert reads() == []


@pytest.mark.parametrize(("role", "is_read"), [("agent", True), ("reviewer", True), ("analyst", False)])
def test_a_view_of_a_case_is_logged_where_it_shows_the_person(client, login, response, role, is_read):
    follow_up = flag(response=response, reason="Angry", by=make_staff("reviewer"))
    user = login(role)

    shown = text_of(client.get(reverse("admin:feedback_followup_change", args=[follow_up.pk])))

    assert ("Anna Nowak" in shown) is is_read
    read = (user.pk, response.product_id, "feedback.FollowUp", follow_up.pk, "follow_up")
    assert reads() == [read] * is_read


@pytest.mark.parametrize("guess", ["kowal", "jan.kow", "jan.kowalski@exampl", "60012", "kowalski@"])
def test_masked_words_cannot_be_guessed_by_searching(client, login, response, guess):
    login("analyst")

    listed = client.get(LIST, {"q": guess}).content.decode()

    assert page(response) not in listed


def test_the_page_shows_the_person_to_a_reviewer(client, login, response):
    login("reviewer")

    shown = text_of(client.get(page(response)))

    assert [value for value in IDENTITY if value not in shown] == []
    assert list(AccessLogEntry.objects.values_list("purpose", "record_number")) == [("identity", response.pk)]


@pytest.mark.parametrize("role", ["reviewer", "data_protection_officer"])
def test_a_masked_comment_is_revealed_by_a_click_that_is_recorded(client, login, response, role):
    user = login(role)
    asked = text_of(client.get(page(response)))
    assert COMMENT not in asked
    assert reveal(response) in asked
    assert client.get(reveal(response)).status_code == 405

    shown = text_of(client.post(reveal(response), follow=True))

    assert COMMENT in shown
    assert reveal(response) not in shown
    logged = AccessLogEntry.objects.get(purpose="comment")
    assert (logged.user, logged.record_number, logged.product) == (user, response.pk, response.product)


def test_what_was_revealed_is_masked_again_after_ten_minutes(client, login, response):
    login("reviewer")
    client.post(reveal(response))

    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        shown = text_of(client.get(page(response)))

    assert COMMENT not in shown


@pytest.mark.parametrize("role", ["analyst", "agent"])
def test_who_may_not_read_comments_cannot_reveal_them(client, login, response, role):
    login(role)

    assert client.post(reveal(response)).status_code == 403
    assert reveal(response) not in text_of(client.get(page(response)))
    assert COMMENT not in text_of(client.get(page(response)))
    assert not AccessLogEntry.objects.exists()


def test_an_agent_sees_the_person_while_the_follow_up_is_open(client, login, response):
    agent = login("agent")
    follow_up = flag(response=response, reason="Angry", by=agent)
    client.post(reveal(response))
    assert [value for value in (*IDENTITY, COMMENT) if value not in text_of(client.get(page(response)))] == []

    change_status(follow_up=follow_up, to="dismissed", by=agent, note="spam")

    assert [value for value in (*IDENTITY, COMMENT) if value in text_of(client.get(page(response)))] == []


def test_an_analyst_does_not_see_follow_ups(client, login, response):
    flag(response=response, reason="Very angry", by=make_staff("reviewer"))
    login("analyst")

    assert "Very angry" not in text_of(client.get(page(response)))
    assert client.get(reverse("admin:feedback_followup_changelist")).status_code == 403


def test_the_page_says_what_was_asked_and_what_came_before(client, login, survey, response):
    make_response(
        survey=survey, respondent=response.respondent, score=9, answered_at=timezone.now() - timedelta(days=90)
    )
    ScoreChange.objects.create(response=response, score=3, changed_at=timezone.now())
    login("reviewer")

    shown = text_of(client.get(page(response)))

    assert "How likely are you to recommend us" in shown
    assert "What should we improve first?" in shown
    assert "2 / 10 · detractor" in shown
    assert "9 · promoter" in shown
    assert "3 until" in shown
    assert survey.name in shown


def test_responses_of_other_products_do_not_exist_and_restricted_ones_are_not_touched(client, login, response):
    foreign, restricted = make_response(), make_response(survey=response.survey)
    Response.objects.filter(pk=restricted.pk).update(restricted_at=timezone.now())
    login("reviewer")

    listed = client.get(LIST).context["cl"].result_list

    assert list(listed) == [response]
    assert client.get(page(foreign)).status_code == 302  # the admin says "perhaps it was deleted"
    for hidden in (foreign, restricted):
        assert client.get(do(hidden, "archive")).status_code == 404
    assert foreign.product.name not in text_of(client.get(LIST))


def test_the_page_reads_the_answer_for_reviewers_only(client, login, response):
    login("analyst")
    client.get(page(response))
    assert Response.objects.get().triage == "unread"

    login("reviewer")
    client.get(page(response))
    assert Response.objects.get().triage == "read"


# --- When it was ------------------------------------------------------------------------------------------------------


def test_times_of_a_response_are_those_of_its_product_wherever_it_is_shown(client, login, response):
    product = response.product
    product.time_zone = "America/New_York"
    product.save()
    when = datetime(2026, 3, 10, 2, 30, tzinfo=UTC)  # the evening before, in New York
    Response.objects.update(answered_at=when, completed_at=when)
    ScoreChange.objects.create(response=response, score=9, changed_at=when)
    follow_up = flag(response=response, reason="Angry", by=make_staff("reviewer"))
    improvement = make_improvement(product=product)
    improvement.responses.add(response)
    login("reviewer")

    for address in (
        *(page(response), person(response), LIST),
        reverse("admin:feedback_followup_change", args=[follow_up.pk]),
        reverse("admin:feedback_improvement_responses", args=[improvement.pk]),
    ):
        shown = text_of(client.get(address))
        assert "10:30 p.m." in shown, address
        assert "2:30 a.m." not in shown, address
    assert "Times are those of America/New_York." in text_of(client.get(page(response)))
