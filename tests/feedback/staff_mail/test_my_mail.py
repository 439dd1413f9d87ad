"""“My mail”: everybody's own page, and nobody else's."""

from datetime import time

import pytest
from django.contrib import admin
from django.core import mail
from django.test import TestCase
from django.urls import reverse

from config.roles import ROLES
from feedback.models import MailPreference, Notice, StaffMail, Subscription
from feedback.staff_mail_delivery import due_mail_ids
from tests.factories import make_product, make_staff

pytestmark = pytest.mark.django_db
NOTICES = ["alert", "assigned", "mention", "reminder", "escalation", "reply"]


@pytest.fixture
def page():
    return reverse("feedback_my_mail")


def choice(**overrides):
    return {"notices": NOTICES, "time_zone": "Europe/Warsaw", "language": "en", **overrides}


@pytest.mark.parametrize("role", [*ROLES, None])
def test_everybody_who_works_here_has_the_page_and_its_entry(client, page, role):
    client.force_login(make_staff(role, product=make_product()))

    assert client.get(page).status_code == 200
    assert page in client.get(reverse("admin:index")).content.decode()


def test_nobody_else_has_it(client, page):
    assert client.get(page).status_code == 302
    client.force_login(make_staff(is_staff=False))
    assert client.get(page).status_code == 302


def test_a_choice_is_stored_and_shown_again(client, page, hire, response):
    user = hire("analyst")
    client.force_login(user)
    digest = f"{response.product_id}:weekly"

    answer = client.post(
        page,
        choice(notices=["mention"], digests=[digest], quiet_from="22:00", quiet_until="07:30", language="pl"),
    )

    assert answer.status_code == 302
    stored = MailPreference.objects.get(user=user)
    assert set(stored.muted) == set(NOTICES) - {"mention"}
    assert (stored.quiet_from, stored.quiet_until, stored.language) == (time(22), time(7, 30), "pl")
    assert list(Subscription.objects.values_list("user", "product", "notice")) == [
        (user.pk, response.product_id, "weekly")
    ]
    shown = client.get(page).context["form"]
    assert (shown["notices"].value(), shown["digests"].value()) == (["mention"], [digest])


def test_what_was_not_chosen_any_more_is_gone(client, page, hire, response):
    user = hire("analyst", quiet_from=time(22), quiet_until=time(7))
    Subscription.objects.create(user=user, product=response.product, notice="daily")
    client.force_login(user)

    client.post(page, choice())

    assert not Subscription.objects.exists()
    assert MailPreference.objects.get(user=user).quiet_from is None


def test_a_choice_is_ones_own_only(client, page, hire):
    other = hire("analyst", muted=["reply"])
    client.force_login(make_staff(is_superuser=True))

    client.post(page, choice(notices=[], user=other.pk))

    assert MailPreference.objects.get(user=other).muted == ["reply"]
    assert not set(admin.site._registry) & {MailPreference, Subscription, StaffMail}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"quiet_from": "22:00"}, "quiet_until"),
        ({"quiet_until": "07:00"}, "quiet_from"),
        ({"quiet_from": "07:00", "quiet_until": "07:00"}, "quiet_until"),
        ({"quiet_from": "25:00", "quiet_until": "07:00"}, "quiet_from"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"language": "tlh"}, "language"),
        ({"notices": ["daily"]}, "notices"),
        ({"digests": ["999999:daily"]}, "digests"),
    ],
)
def test_a_mistake_is_said_beside_its_field_and_changes_nothing(client, page, hire, wrong, field):
    user = hire("analyst")
    client.force_login(user)

    answer = client.post(page, choice(**wrong))

    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert MailPreference.objects.get(user=user).time_zone == "Europe/Warsaw"
    assert not Subscription.objects.exists()


def test_nobody_subscribes_to_a_product_they_do_not_see_or_without_the_right_to_figures(client, page, hire):
    for user, key in ((hire("analyst"), f"{make_product().pk}:daily"), (hire("privacy_officer"), None)):
        client.force_login(user)
        key = key or f"{user.memberships.get().product_id}:daily"
        client.post(page, choice(digests=[key]))

    assert not Subscription.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_digest_can_be_had_at_once_even_in_quiet_hours_and_on_an_empty_day(client, page, hire, response):
    user = hire("analyst", quiet_from=time(0), quiet_until=time(23, 59))
    client.force_login(user)

    for _press in range(2):
        assert client.post(page, {"preview": f"{response.product_id}:daily"}).status_code == 302

    assert [message.to for message in mail.outbox] == [[user.email]]
    assert not Subscription.objects.exists()
    assert StaffMail.objects.get().notice == Notice.DAILY


def test_a_queue_that_is_down_loses_no_digest(client, page, hire, response, monkeypatch):
    def refuse(*args):
        raise ConnectionError("no broker")

    monkeypatch.setattr("feedback.tasks.send_staff_mail.delay", refuse)
    client.force_login(hire("analyst"))

    with TestCase.captureOnCommitCallbacks(execute=True):
        answer = client.post(page, {"preview": f"{response.product_id}:daily"})

    assert answer.status_code == 302
    assert due_mail_ids() == [StaffMail.objects.get().pk]


@pytest.mark.parametrize("key", ["", "x", "0:daily", "1:alert", "999999:weekly"])
def test_a_preview_of_something_else_is_not_found(client, page, hire, key):
    client.force_login(hire("analyst"))

    assert client.post(page, {"preview": key}).status_code == 404
    assert mail.outbox == []


def test_a_preview_without_an_address_says_so(client, page, response):
    client.force_login(make_staff("analyst", product=response.product))

    answer = client.post(page, {"preview": f"{response.product_id}:daily"}, follow=True)

    assert "no e-mail address" in answer.content.decode()
    assert not StaffMail.objects.exists()
