"""The admin of follow-ups."""

import pytest
from django.urls import reverse

from feedback.follow_up import change_status, flag
from feedback.models import FollowUp
from tests.factories import make_response, make_staff
from tests.feedback.response_admin.looking import COMMENT, text_of, told

pytestmark = pytest.mark.django_db


def work(follow_up, name):
    return reverse(f"admin:feedback_followup_{name}", args=[follow_up.pk])


def test_an_agent_works_a_case_from_new_to_closed(client, login, response):
    agent = login("agent")
    follow_up = flag(response=response, reason="Angry about fees", by=make_staff("reviewer"))
    shown = text_of(client.get(work(follow_up, "change")))
    assert [value for value in ("Anna Nowak", COMMENT, "Angry about fees") if value not in shown] == []
    assert 'value="open"' in shown
    assert 'value="closed"' not in shown

    client.post(work(follow_up, "assign"), {"owner": agent.pk})
    for to in ("open", "in_progress", "resolved"):
        client.post(work(follow_up, "status"), {"to": to})
    refused = client.post(work(follow_up, "status"), {"to": "closed", "note": ""})
    assert told(refused)[-1] == "Say how it ended."
    client.post(work(follow_up, "status"), {"to": "closed", "note": "Called, fee refunded"})

    stored = FollowUp.objects.get()
    assert (stored.status, stored.owner, stored.closing_note) == ("closed", agent, "Called, fee refunded")
    assert "Anna Nowak" not in text_of(client.get(work(follow_up, "change")))


@pytest.mark.parametrize("role", ["reviewer", "analyst"])
def test_who_may_not_work_on_follow_ups_cannot_move_them(client, login, response, role):
    user = login(role)
    follow_up = flag(response=response, reason="Angry", by=user)

    assert client.post(work(follow_up, "status"), {"to": "open"}).status_code == 403
    assert client.post(work(follow_up, "assign"), {"owner": user.pk}).status_code == 403
    assert 'name="to"' not in text_of(client.get(work(follow_up, "change")))
    assert (FollowUp.objects.get().status, FollowUp.objects.get().owner) == ("new", None)


def test_follow_ups_of_other_products_do_not_exist(client, login, response):
    follow_up = flag(response=make_response(), reason="Angry", by=make_staff("reviewer"))
    login("agent")

    assert not client.get(reverse("admin:feedback_followup_changelist")).context["cl"].result_list
    assert client.post(work(follow_up, "status"), {"to": "open"}).status_code == 404
    assert FollowUp.objects.get().status == "new"


def test_a_case_cannot_be_given_to_somebody_who_does_not_see_the_product(client, login, response):
    login("agent")
    follow_up = flag(response=response, reason="Angry", by=make_staff("reviewer"))

    answer = client.post(work(follow_up, "assign"), {"owner": make_staff("agent").pk})

    assert len(told(answer)) == 1
    assert FollowUp.objects.get().owner is None


def test_the_queue_is_filtered_by_owner_and_state(client, login, survey, response):
    agent = login("agent")
    other = make_response(survey=survey)
    mine = flag(response=response, reason="Angry", by=agent, owner=agent)
    nobodys = flag(response=other, reason="Angry", by=agent)
    change_status(follow_up=nobodys, to="dismissed", by=agent, note="spam")
    queue = reverse("admin:feedback_followup_changelist")

    def listed(**query):
        return set(client.get(queue, query).context["cl"].result_list)

    assert listed(whose="mine") == {mine}
    assert listed(whose="nobody") == {nobodys}
    assert listed(whose="others") == set()
    assert listed(open="yes") == {mine}
    assert listed(open="no") == {nobodys}
    assert listed(status__exact="new") == {mine}
    assert listed(product__id__exact=survey.product_id) == {mine, nobodys}
