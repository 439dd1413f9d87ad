"""The admin of teams, root causes and working hours."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from feedback.models import RootCause, Team, WorkingHours
from privacy.models import Membership
from tests.factories import make_product, make_staff
from tests.feedback.response_admin.looking import text_of

pytestmark = pytest.mark.django_db


def test_a_team_gets_members_who_can_work_for_it(client, login, survey):
    login("administrator")
    agent, stranger = make_staff("agent", product=survey.product), make_staff("agent", product=make_product())
    add = reverse("admin:feedback_team_add")
    team = {"product": survey.product_id, "name": "Care", "reply_address": "care@example.com"}

    refused = client.post(add, {**team, "members": [agent.pk, make_staff("analyst", product=survey.product).pk]})
    assert refused.status_code == 200
    assert stranger.username not in text_of(refused)
    assert not Team.objects.exists()

    client.post(add, {**team, "members": [agent.pk]})
    stored = Team.objects.get()
    assert (stored.product, list(stored.members.all())) == (survey.product, [agent])


def test_new_working_hours_begin_with_monday_to_friday(client, login, survey):
    login("administrator")

    form = client.get(reverse("admin:feedback_workinghours_add")).context["adminform"].form

    assert [day.data["value"] for day in form["days"].subwidgets if day.data["selected"]] == [0, 1, 2, 3, 4]


def test_a_team_refuses_members_of_another_product_of_the_same_controller(client, survey):
    boss = make_staff("administrator", is_superuser=True)
    client.force_login(boss)
    neighbour = make_staff("agent", product=make_product(controller=survey.product.controller))

    answer = client.post(
        reverse("admin:feedback_team_add"),
        {"product": survey.product_id, "name": "Care", "reply_address": "", "members": [neighbour.pk]},
    )

    assert "do not see the product" in text_of(answer)
    assert not Team.objects.exists()


def test_working_hours_are_checked_and_kept(client, login, survey):
    login("administrator")
    add = reverse("admin:feedback_workinghours_add")
    promise = {"first_contact_hours": "72", "remind_hours": "3"}
    hours = {"product": survey.product_id, "days": ["0", "5"], "opens": "10:00", "closes": "14:00", **promise}

    assert "Later than the beginning." in text_of(client.post(add, {**hours, "closes": "09:00"}))
    assert client.post(add, {**hours, "days": []}).status_code == 200
    assert "only 12 h of work" in text_of(client.post(add, {**hours, "remind_hours": "12"}))
    assert client.post(add, {**hours, "first_contact_hours": "721"}).status_code == 200
    assert not WorkingHours.objects.exists()
    client.post(add, hours)

    kept = WorkingHours.objects.get()
    assert (kept.days, kept.first_contact_hours, kept.remind_hours) == ([0, 5], 72, 3)
    assert "Monday, Saturday" in text_of(client.get(reverse("admin:feedback_workinghours_changelist")))
    assert "48 hours" in text_of(client.get(add))


def test_a_first_contact_within_an_hour_is_promised_without_a_reminder(client, login, survey):
    login("administrator")
    add = reverse("admin:feedback_workinghours_add")
    hours = {"product": survey.product_id, "days": ["0"], "opens": "10:00", "closes": "18:00"}
    hours |= {"first_contact_hours": "3", "remind_hours": "1"}

    assert "only 1 h of work until the first contact is due. With 0" in text_of(client.post(add, hours))
    client.post(add, {**hours, "first_contact_hours": "1", "remind_hours": "0"})

    kept = WorkingHours.objects.get()
    assert (kept.first_contact_hours, kept.remind_hours) == (1, 0)


def test_only_staff_who_see_follow_ups_of_the_product_are_told_of_what_is_overdue(client, login, survey):
    administrator = login("administrator")
    reviewer, stranger = make_staff("reviewer", product=survey.product), make_staff("reviewer", product=make_product())
    add = reverse("admin:feedback_workinghours_add")
    hours = {"product": survey.product_id, "days": ["0"], "opens": "10:00", "closes": "14:00"}
    hours |= {"first_contact_hours": "48", "remind_hours": "4"}

    form = text_of(client.get(add))
    assert (reviewer.username in form, stranger.username in form) == (True, False)
    for blind in (stranger, administrator):
        client.post(add, {**hours, "escalate_to": [blind.pk]})
    assert not WorkingHours.objects.exists()

    client.post(add, {**hours, "escalate_to": [reviewer.pk]})
    assert list(WorkingHours.objects.get().escalate_to.all()) == [reviewer]


def test_a_neighbour_is_not_told_of_what_is_overdue_here(client, survey):
    client.force_login(make_staff("administrator", is_superuser=True))
    neighbour = make_staff("reviewer", product=make_product(controller=survey.product.controller))
    hours = {"product": survey.product_id, "days": ["0"], "opens": "10:00", "closes": "14:00"}
    hours |= {"first_contact_hours": "48", "remind_hours": "4", "escalate_to": [neighbour.pk]}

    answer = client.post(reverse("admin:feedback_workinghours_add"), hours)

    assert "do not see the product or its follow-ups" in text_of(answer)
    assert not WorkingHours.objects.exists()


def of_the_whole_controller(role, survey):
    user = make_staff(role)
    Membership.objects.create(user=user, controller=survey.product.controller)
    return user


def test_saving_working_hours_keeps_whom_the_form_does_not_offer(client, login, survey):
    login("administrator")
    near, gone = (make_staff("reviewer", product=survey.product) for _ in range(2))
    whole = of_the_whole_controller("reviewer", survey)
    kept = WorkingHours.objects.create(product=survey.product)
    kept.escalate_to.set([near, gone, whole])
    change = reverse("admin:feedback_workinghours_change", args=[kept.pk])

    form = text_of(client.get(change))
    assert (near.username in form, whole.username in form) == (True, False)
    assert "1 colleague who is not offered here is named too, and stays." in form
    hours = {"days": ["0"], "opens": "10:00", "closes": "14:00", "first_contact_hours": "48", "remind_hours": "4"}
    client.post(change, {**hours, "escalate_to": [near.pk]})
    assert set(kept.escalate_to.all()) == {near, whole}

    client.post(change, hours)
    assert list(kept.escalate_to.all()) == [whole]

    client.force_login(make_staff("administrator", is_superuser=True))  # sees everybody
    assert "not offered" not in text_of(client.get(change))
    client.post(change, hours)
    assert not kept.escalate_to.exists()


def test_saving_a_team_keeps_whom_the_form_does_not_offer(client, login, survey):
    login("administrator")
    near, whole = make_staff("agent", product=survey.product), of_the_whole_controller("agent", survey)
    team = Team.objects.create(product=survey.product, name="Care")
    team.members.set([near, whole])
    change = reverse("admin:feedback_team_change", args=[team.pk])

    client.post(change, {"name": "Care for you", "reply_address": "", "members": [near.pk]})

    assert Team.objects.get().name == "Care for you"
    assert set(team.members.all()) == {near, whole}
    changed = LogEntry.objects.get().get_change_message()
    assert ("name" in changed.lower(), "members" in changed.lower()) == (True, False)


def test_reviewers_name_root_causes_of_their_products(client, login, survey):
    login("reviewer")
    add = reverse("admin:feedback_rootcause_add")

    client.post(add, {"product": make_product().pk, "name": "Foreign"})
    client.post(add, {"product": survey.product_id, "name": "Fees"})

    assert [cause.name for cause in RootCause.objects.all()] == ["Fees"]


def test_root_causes_differ_in_more_than_capitals(client, login, survey):
    login("reviewer")
    RootCause.objects.create(product=survey.product, name="Fees")
    other = RootCause.objects.create(product=survey.product, name="Queues")
    add = reverse("admin:feedback_rootcause_add")
    change = reverse("admin:feedback_rootcause_change", args=[other.pk])

    for page in (add, change):
        refused = client.post(page, {"product": survey.product_id, "name": "FEES"})
        assert "The product has a root cause of this name already." in refused.text

    assert {cause.name for cause in RootCause.objects.all()} == {"Fees", "Queues"}


def test_a_team_is_not_given_the_name_of_another(client, login, survey):
    login("administrator")
    Team.objects.create(product=survey.product, name="Care")
    other = Team.objects.create(product=survey.product, name="Complaints")

    refused = client.post(reverse("admin:feedback_team_change", args=[other.pk]), {"name": "Care", "reply_address": ""})

    assert refused.context["adminform"].form.errors
    assert {team.name for team in Team.objects.all()} == {"Care", "Complaints"}
