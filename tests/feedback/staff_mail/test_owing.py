from datetime import UTC, datetime, time

import pytest
import time_machine

from feedback.follow_up import flag
from feedback.models import MailPreference, Notice, StaffMail
from feedback.staff_mail import owe
from tests.factories import make_product, make_response, make_staff

pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 6, 10, 21, 30, tzinfo=UTC)  # 23:30 in Warsaw


def test_the_same_occasion_is_owed_once():
    response = make_response()
    user = make_staff("reviewer", product=response.product)

    first = owe(user=user, notice=Notice.ALERT, key="alert:1:2", response=response)
    again = owe(user=user, notice=Notice.ALERT, key="alert:1:2", response=response)

    assert first == again == StaffMail.objects.get()
    assert (first.product, first.response, first.notice) == (response.product, response, "alert")


def test_the_same_occasion_is_owed_to_each_of_several_people():
    response = make_response()
    for user in (make_staff("reviewer", product=response.product), make_staff("agent", product=response.product)):
        owe(user=user, notice=Notice.ALERT, key="alert:1:2", response=response)

    assert StaffMail.objects.count() == 2


def test_nothing_is_owed_to_accounts_that_are_off_and_to_members_of_other_products():
    response = make_response()
    product = response.product
    for user in (
        make_staff("reviewer", product=product, is_active=False),
        make_staff("reviewer", product=product, is_staff=False),
        make_staff("reviewer", product=make_product()),
        make_staff("reviewer"),
    ):
        assert owe(user=user, notice=Notice.ALERT, key="alert:1:2", response=response) is None

    assert not StaffMail.objects.exists()


def test_a_follow_up_says_which_response_and_product_it_is_about():
    response = make_response()
    agent = make_staff("agent", product=response.product)
    follow_up = flag(response=response, reason="Angry", by=agent)

    mail = owe(user=agent, notice=Notice.ASSIGNED, key="assigned:1", follow_up=follow_up)

    assert (mail.product, mail.response, mail.follow_up) == (response.product, response, follow_up)


def test_mail_waits_for_the_end_of_quiet_hours():
    product = make_product()
    user = make_staff("analyst", product=product)
    MailPreference.objects.create(user=user, quiet_from=time(22), quiet_until=time(7), time_zone="Europe/Warsaw")

    with time_machine.travel(NIGHT, tick=False):
        mail = owe(user=user, notice=Notice.DAILY, key="daily:1:2026-06-09", product=product)

    assert mail.next_attempt_at == datetime(2026, 6, 11, 5, tzinfo=UTC)


def test_mail_is_due_at_once_without_quiet_hours():
    product = make_product()
    with time_machine.travel(NIGHT, tick=False):
        user = make_staff("analyst", product=product)
        mail = owe(user=user, notice=Notice.DAILY, key="daily:1:2026-06-09", product=product)

    assert mail.next_attempt_at == NIGHT
