"""Warnings: each once, on its day where the controller is, to the officers who see the request."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.core import mail

from feedback.reports import open_rights_requests
from privacy.alerting import due_alert_ids, send_alert
from privacy.deciding import note, start
from privacy.models import Alert, Answer, Membership, RightsRequest
from privacy.tasks import watch_requests
from privacy.watching import raise_due_alarms, raise_failure, standing_alarms, warned_requests
from tests.factories import make_product, make_rights_request, make_staff
from tests.privacy.life.cases import make_dpo, make_officer

pytestmark = pytest.mark.django_db

State = RightsRequest.State
LIST = "/admin/privacy/rightsrequest/"
RECEIVED = datetime(2026, 3, 5, 12, tzinfo=UTC)  # due on Tuesday 7 April, after Easter


def make_waiting(**overrides):
    return make_rights_request(**{"received_at": RECEIVED, "state": State.TRIAGE, **overrides})


def at(day, hour=12):
    return datetime.fromisoformat(f"{day}T{hour:02}:00+00:00")


def kinds(alarms):
    return [alarm.kind for alarm in alarms]


def test_each_warning_is_raised_once_on_its_day():
    make_waiting()
    raised = {}
    for day in ("21", "22", "23", "26", "31"):
        raised[day] = kinds(raise_due_alarms(at(f"2026-03-{day}")))
    for day in ("01", "02", "03", "07", "08", "09"):
        raised[day] = kinds(raise_due_alarms(at(f"2026-04-{day}")))

    assert {day: found for day, found in raised.items() if found} == {
        "22": ["half"],
        "26": ["target"],
        "01": ["four_fifths"],
        "02": ["two_working_days"],
        "08": ["overdue"],
    }


def test_a_day_begins_where_the_controller_is():
    make_waiting()

    assert raise_due_alarms(datetime(2026, 3, 21, 22, 59, tzinfo=UTC)) == []
    assert kinds(raise_due_alarms(datetime(2026, 3, 21, 23, 0, tzinfo=UTC))) == ["half"]


@pytest.mark.parametrize("day", ["2026-03-05", "2026-03-06", "2026-03-29", "2026-03-31", "2026-04-07", "2026-04-20"])
def test_the_deadline_that_is_reported_is_the_same_on_every_day(client, day):
    """Other products count it from today, or from the last change, and report another one each morning."""
    case = make_waiting()
    officer = make_officer(case.controller)
    with time_machine.travel(at(day, hour=13), tick=False):
        client.force_login(officer)
        watch_requests()
        start(request=make_waiting(controller=case.controller, state=State.VERIFIED), user=officer)
        note(request=case, text="Something has changed.", user=officer)
        pages = [client.get(address).content.decode() for address in (LIST, f"{LIST}{case.pk}/change/")]
        queue = open_rights_requests(user=officer, now=at(day, hour=13))

    assert all("April 7, 2026" in page for page in pages)
    assert queue.next_due.current_due_on == date(2026, 4, 7)
    assert queue.is_overdue is (day > "2026-04-07")


def test_an_answered_request_warns_nobody():
    make_waiting(state=State.FULFILLED)

    assert raise_due_alarms(at("2026-06-01")) == []


def test_a_longer_period_has_warnings_of_its_own():
    case = make_waiting()
    raise_due_alarms(at("2026-04-02"))
    RightsRequest.objects.update(extended_at=at("2026-04-03"), extension_reason="Why")

    assert raise_due_alarms(at("2026-04-08")) == []
    assert standing_alarms(RightsRequest.objects.get()) == []
    assert kinds(raise_due_alarms(at("2026-04-20"))) == ["half"]
    assert kinds(raise_due_alarms(at("2026-06-06"))) == ["overdue"]
    assert case.alarms.filter(key="extended").count() == 4


def test_days_that_went_by_unseen_are_told_of_in_one_mail():
    case = make_waiting()
    make_officer(case.controller, email="officer@example.com")

    raised = raise_due_alarms(at("2026-04-08"))

    assert kinds(raised) == ["overdue"]
    assert case.alarms.count() == 5
    assert Alert.objects.get().request_alarm == raised[0]


def test_officers_who_see_the_request_are_told_and_nobody_else():
    product = make_product()
    case = make_waiting(controller=product.controller, product=product)
    officer = make_officer(product.controller, email="officer@example.com")
    dpo = make_dpo(product.controller, email="dpo@example.com")
    of_product = make_staff("privacy_officer", product=product, email="product@example.com")
    make_staff("privacy_officer", product=make_product(controller=product.controller), email="other@example.com")
    reviewer = make_staff("reviewer", email="reviewer@example.com")
    Membership.objects.create(user=reviewer, controller=product.controller)
    make_officer(product.controller, email="gone@example.com", is_active=False)

    with time_machine.travel(at("2026-03-22"), tick=False):
        raise_due_alarms()
        assert {alert.recipient for alert in Alert.objects.all()} == {officer, dpo, of_product}
        for alert_id in due_alert_ids():
            send_alert(alert_id=alert_id)
    sent = mail.outbox[0]
    assert sent.subject == "Żądanie: minęła połowa terminu"
    assert f"/admin/privacy/rightsrequest/{case.pk}/change/" in sent.body
    assert "7 kwietnia 2026" in sent.body


def test_where_there_is_no_officer_the_privacy_mailbox_is_told():
    case = make_waiting()

    raise_failure(request=case, key="1")

    assert Alert.objects.get().recipient is None


def test_a_failure_is_told_of_once():
    case = make_waiting()

    assert raise_failure(request=case, key="1")
    assert raise_failure(request=case, key="1") is None
    assert raise_failure(request=case, key="2")


def test_a_failure_stands_until_it_is_mended():
    case = make_waiting()
    raise_failure(request=case, key="1")
    assert standing_alarms(case) == []

    task = case.items.create(right="access").tasks.create(position=1, kind="package", state="failed", reason="OSError")
    assert kinds(standing_alarms(case)) == ["failure"]

    task.state = "done"
    task.save()
    assert standing_alarms(case) == []


@pytest.mark.parametrize("lost", ["failed_at", "bounced_at"])
@pytest.mark.parametrize("kind", ["package_ready", "extension", "information_needed"])
def test_mail_that_did_not_arrive_stands_until_it_is_sent_again(kind, lost):
    case = make_waiting()
    raise_failure(request=case, key="mail")
    case.messages.create(kind=kind, **{lost: RECEIVED})
    assert kinds(standing_alarms(case)) == ["failure"]

    case.messages.create(kind=kind)

    assert standing_alarms(case) == []


def test_an_answer_that_was_given_up_stands_until_it_is_delivered_in_another_way():
    case = make_waiting(state=State.RESPONDING)
    raise_failure(request=case, key="mail")
    answer = Answer.objects.create(request=case, written_at=RECEIVED)
    case.messages.create(kind="answer", failed_at=RECEIVED)
    assert kinds(standing_alarms(case)) == ["failure"]

    answer.accepted_at = RECEIVED
    answer.save()

    assert standing_alarms(case) == []


def test_officers_see_what_was_warned_about_the_most_urgent_first():
    late, soon = make_waiting(), make_waiting()
    officer = make_officer(late.controller)
    Membership.objects.create(user=officer, controller=soon.controller)
    raise_due_alarms(at("2026-04-02"))
    RightsRequest.objects.filter(pk=late.pk).update(extended_at=at("2026-04-03"), extension_reason="Why")
    raise_due_alarms(at("2026-04-20"))

    found = [(warned.request, warned.alarm.kind) for warned in warned_requests(officer)]

    assert found == [(soon, "overdue"), (late, "half")]
    assert warned_requests(make_staff("privacy_officer")) == []
