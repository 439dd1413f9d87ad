"""What staff do to responses, from their page and from the list."""

import pytest
from django.urls import reverse

from feedback import triage
from feedback.models import FollowUp, Response, Tag
from tests.factories import make_response, make_staff
from tests.feedback.response_admin.looking import COMMENT, LIST, do, page, text_of, told

pytestmark = pytest.mark.django_db


def test_flagging_from_the_page_asks_for_a_reason_and_an_assignee(client, login, survey, response):
    reviewer = login("reviewer")
    agent, stranger = make_staff("agent", product=survey.product), make_staff("agent")
    assert do(response, "flag") in text_of(client.get(page(response)))

    asked = client.get(do(response, "flag"))
    assert agent.username in text_of(asked)
    assert stranger.username not in text_of(asked)
    refused = client.post(do(response, "flag"), {"answered": "1", "reason": "", "owner": stranger.pk})
    assert set(refused.context["form"].errors) == {"reason", "owner"}
    assert not FollowUp.objects.exists()

    answer = client.post(do(response, "flag"), {"answered": "1", "reason": "Angry", "owner": agent.pk})

    assert answer.status_code == 302
    follow_up = FollowUp.objects.get()
    assert (follow_up.response, follow_up.owner, follow_up.flagged_by) == (response, agent, reviewer)
    assert told(answer) == ["1 response flagged."]


def test_a_refusal_of_the_domain_becomes_a_message(client, login, survey, response):
    login("reviewer")
    again = make_response(survey=survey, respondent=response.respondent)
    other = make_response(survey=survey)

    answer = client.post(
        LIST,
        {"action": "flag", "_selected_action": [response.pk, again.pk, other.pk], "answered": "1", "reason": "Angry"},
    )

    assert FollowUp.objects.count() == 2
    assert told(answer) == [
        "2 responses flagged.",
        "1 not flagged: Another follow-up of this person is open already.",
    ]


def test_a_list_action_asks_first_and_changes_nothing_until_answered(client, login, response):
    login("reviewer")

    asked = client.post(LIST, {"action": "exclude", "_selected_action": [response.pk]})

    assert asked.status_code == 200
    assert f'value="{response.pk}"' in text_of(asked)
    assert Response.objects.get().excluded_at is None

    client.post(LIST, {"action": "exclude", "_selected_action": [response.pk], "answered": "1", "reason": "spam"})
    assert Response.objects.get().exclusion_reason == "spam"
    client.post(LIST, {"action": "include", "_selected_action": [response.pk], "answered": "1"})
    assert Response.objects.counted().exists()
    client.post(LIST, {"action": "tag", "_selected_action": [response.pk], "answered": "1", "name": "fees"})
    assert [tag.name for tag in Response.objects.get().tags.all()] == ["fees"]
    client.post(LIST, {"action": "archive", "_selected_action": [response.pk], "answered": "1"})
    assert Response.objects.get().triage == "archived"
    client.post(LIST, {"action": "mark-read", "_selected_action": [response.pk], "answered": "1"})
    assert Response.objects.get().triage == "read"


def test_taking_an_exclusion_back_says_what_counts_again_and_what_does_not(client, login, survey, response):
    login("reviewer")
    suspect = make_response(survey=survey, is_suspect=True, suspicion="early")
    client.post(do(suspect, "reject"), {"answered": "1"})
    client.post(do(response, "exclude"), {"answered": "1", "reason": "spam"})
    rows = {"action": "include", "_selected_action": [response.pk, suspect.pk], "answered": "1"}

    first = client.post(LIST, rows)
    client.post(do(suspect, "reject"), {"answered": "1"})
    second = client.post(do(suspect, "include"), {"answered": "1"})

    assert list(Response.objects.counted()) == [response]
    still = "1 is no longer excluded, but a suspect or a test and still does not count."
    assert told(first)[-1] == f"1 response counts again. {still}"
    assert told(second)[-1] == still


def test_opening_the_page_of_a_task_writes_nothing(client, login, response):
    login("reviewer")

    for name in ("flag", "exclude", "include", "tag", "untag", "archive", "mark-read"):
        assert client.get(do(response, name)).status_code == 200

    assert Response.objects.get().triage == "unread"


def test_tags_are_added_and_removed_on_the_page(client, login, response):
    login("reviewer")
    address = reverse("admin:feedback_response_tags", args=[response.pk])

    client.post(address, {"name": "fees"})
    assert [tag.name for tag in response.tags.all()] == ["fees"]
    assert "fees" in text_of(client.get(page(response)))
    client.post(address, {"remove": "fees"})

    assert list(response.tags.all()) == []
    assert Tag.objects.count() == 1
    assert client.get(address).status_code == 405
    assert told(client.post(address, {"name": " "})) != []


def test_a_tag_is_taken_off_many_at_once_in_the_list(client, login, survey, response):
    login("reviewer")
    other, third = make_response(survey=survey), make_response(survey=survey)
    triage.add_tag(responses=[response, other], name="fees", by=None)
    triage.add_tag(responses=[third], name="queue", by=None)
    rows = {"action": "untag", "_selected_action": [response.pk, other.pk]}

    asked = client.post(LIST, rows)
    assert "Take a tag off 2 responses?" in text_of(asked)
    assert asked.context["form"].fields["name"].choices == [("fees", "fees")]
    assert response.tags.exists()
    refused = client.post(LIST, {**rows, "answered": "1", "name": "queue"})
    assert set(refused.context["form"].errors) == {"name"}
    done = client.post(LIST, {**rows, "answered": "1", "name": "fees"})

    assert told(done) == ["2 responses lost the tag."]
    assert not response.tags.exists()
    assert not other.tags.exists()
    assert [tag.name for tag in third.tags.all()] == ["queue"]
    assert Tag.objects.count() == 2


@pytest.mark.parametrize("role", ["analyst", "agent"])
def test_who_may_not_triage_cannot_change_anything(client, login, response, role):
    login(role)

    for name in ("flag", "exclude", "include", "tag", "untag", "archive", "mark-read"):
        assert client.post(do(response, name), {"answered": "1", "reason": "x", "name": "x"}).status_code == 403
        client.post(LIST, {"action": name, "_selected_action": [response.pk], "answered": "1", "reason": "x"})
    assert client.post(reverse("admin:feedback_response_tags", args=[response.pk]), {"name": "x"}).status_code == 403
    client.post(page(response), {"comment": "changed", "score": 10})
    client.post(reverse("admin:feedback_response_delete", args=[response.pk]), {"post": "yes"})

    unchanged = Response.objects.get()
    assert (unchanged.triage, unchanged.excluded_at, unchanged.comment, unchanged.score) == ("unread", None, COMMENT, 2)
    assert not FollowUp.objects.exists()
    assert "/do/" not in text_of(client.get(page(response)))


def test_nobody_edits_or_deletes_an_answer(admin_client, response):
    admin_client.post(page(response), {"comment": "changed", "score": 10})

    assert admin_client.post(reverse("admin:feedback_response_delete", args=[response.pk])).status_code == 403
    assert admin_client.get(reverse("admin:feedback_response_add")).status_code == 403
    assert Response.objects.get().comment == COMMENT
