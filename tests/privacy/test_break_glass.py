import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from config.break_glass import GRANTED
from feedback.disclosure import disclosed_to
from feedback.follow_up import flag
from feedback.models import Response
from privacy.alerting import due_alert_ids, officers_of, send_alert
from privacy.break_glass import end_access, open_access, open_access_of
from privacy.models import AccessLogEntry, Alert, BreakGlass
from privacy.tasks import send_due_alerts
from tests.factories import make_product, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db
REASON = "The importer mixed up two customers"
NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
PAGE = reverse("admin:privacy_breakglass_add")


@pytest.fixture
def product():
    return make_product(name="Bank", default_language="en")


@pytest.fixture
def administrator(product):
    return make_staff("administrator", product=product)


@pytest.fixture
def officer(product):
    return make_staff("data_protection_officer", product=product, email="dpo@example.com")


@pytest.fixture
def response(product):
    return make_response(survey=make_survey(product=product), comment="Canary comment", name="Canary Person")


def fresh(user):
    """The user as the next request sees them."""
    return type(user).objects.get(pk=user.pk)


def test_an_administrator_sees_personal_data_for_one_hour(administrator, response):
    with time_machine.travel(NOON, tick=False) as clock:
        assert disclosed_to(fresh(administrator), response).identity is False

        open_access(user=administrator, reason=REASON)

        shown = disclosed_to(fresh(administrator), response)
        assert (shown.identity, shown.comment) == (True, True)
        watching = fresh(administrator)
        assert watching.has_perm("feedback.view_identity")
        clock.shift(timedelta(minutes=60))
        assert disclosed_to(fresh(administrator), response).identity is False
        assert not watching.has_perm("feedback.view_identity")


def test_what_it_grants_is_reading_only(administrator):
    before = {perm for perm in GRANTED if fresh(administrator).has_perm(perm)}
    open_access(user=administrator, reason=REASON)
    after = fresh(administrator)

    assert before == set()
    assert {perm for perm in GRANTED if after.has_perm(perm)} == GRANTED
    assert after.has_module_perms("feedback")
    for forbidden in ("feedback.triage_response", "feedback.change_followup", "feedback.view_respondent"):
        assert not after.has_perm(forbidden)


def test_ending_it_closes_everything_at_once(administrator, response):
    open_access(user=administrator, reason=REASON)

    assert end_access(user=administrator) is True

    assert disclosed_to(fresh(administrator), response).identity is False
    assert end_access(user=administrator) is False


@pytest.mark.parametrize("role", ["analyst", "agent", "reviewer", "privacy_officer", "data_protection_officer", None])
def test_only_administrators_open_it(role, product):
    with pytest.raises(PermissionDenied):
        open_access(user=make_staff(role, product=product), reason=REASON)

    assert not BreakGlass.objects.exists()


@pytest.mark.parametrize("reason", ["", "  ", "because"])
def test_it_needs_a_reason(administrator, reason):
    with pytest.raises(ValidationError) as refused:
        open_access(user=administrator, reason=reason)

    assert refused.value.code == "reason_missing"
    assert not BreakGlass.objects.exists()


def test_a_second_one_is_the_first_and_does_not_last_longer(administrator):
    with time_machine.travel(NOON, tick=False) as clock:
        first = open_access(user=administrator, reason=REASON)
        clock.shift(timedelta(minutes=30))

        again = open_access(user=fresh(administrator), reason="Something else entirely")

        assert (again.pk, again.expires_at) == (first.pk, NOON + timedelta(hours=1))


def test_it_can_be_opened_anew_and_alerts_anew(administrator, officer):
    with time_machine.travel(NOON, tick=False) as clock:
        first = open_access(user=administrator, reason=REASON)
        clock.shift(timedelta(hours=2))

        second = open_access(user=fresh(administrator), reason=REASON)

        first.refresh_from_db()
        assert first.ended_at == NOON + timedelta(hours=1)
        assert open_access_of(fresh(administrator)) == second
        assert Alert.objects.filter(recipient=officer).count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_at_once_open_one(administrator):
    opened, barrier = [], threading.Barrier(2)

    def open_one():
        try:
            barrier.wait()
            opened.append(open_access(user=fresh(administrator), reason=REASON).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=open_one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(opened) == 2
    assert len(set(opened)) == BreakGlass.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE privacy_breakglass SET expires_at = expires_at + interval '1 second'",
        "UPDATE privacy_breakglass SET reason = 'nothing happened', ended_at = now()",
        "DELETE FROM privacy_breakglass",
    ],
)
def test_nobody_rewrites_it(administrator, change):
    open_access(user=administrator, reason=REASON)

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_an_ended_one_stays_ended(administrator):
    open_access(user=administrator, reason=REASON)
    end_access(user=administrator)

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        BreakGlass.objects.update(ended_at=None)


def test_the_database_refuses_more_than_an_hour(administrator):
    with pytest.raises(IntegrityError, match="break_glass_ends"), transaction.atomic():
        BreakGlass.objects.create(
            user=administrator, reason=REASON, opened_at=NOON, expires_at=NOON + timedelta(minutes=61)
        )


# --- Alerts -----------------------------------------------------------------------------------------------------------


def test_every_officer_of_the_controllers_concerned_is_owed_one_mail(administrator, officer, product):
    second = make_staff("data_protection_officer", product=product, email="second@example.com")
    make_staff("data_protection_officer", product=make_product(), email="elsewhere@example.com")
    make_staff("data_protection_officer", product=product, email="gone@example.com", is_active=False)
    make_staff("reviewer", product=product, email="reviewer@example.com")

    open_access(user=administrator, reason=REASON)

    assert set(Alert.objects.values_list("recipient", flat=True)) == {officer.pk, second.pk}


def test_a_controller_without_an_officer_is_told_at_its_privacy_mailbox(administrator, product):
    access = open_access(user=administrator, reason=REASON)

    send_alert(alert_id=access.alerts.get().pk)

    assert mail.outbox[0].to == [product.controller.privacy_email]


def test_the_mail_says_who_why_and_until_when(administrator, officer):
    with time_machine.travel(NOON, tick=False):
        open_access(user=administrator, reason=REASON)
        send_due_alerts()

    (message,) = mail.outbox
    assert message.to == ["dpo@example.com"]
    for part in (administrator.username, REASON, "06/10/2026 1 p.m. UTC", "/admin/privacy/breakglass/"):
        assert part in message.body
    assert due_alert_ids() == []


def test_a_mail_that_does_not_go_out_stays_owed(administrator, officer, monkeypatch):
    alert = open_access(user=administrator, reason=REASON).alerts.get()

    def refuse(*_arguments):
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
        assert send_alert(alert_id=alert.pk) is False
    alert.refresh_from_db()
    assert (alert.attempts, alert.sent_at, alert.failed_at) == (1, None, None)

    with time_machine.travel(alert.next_attempt_at + timedelta(seconds=1)):
        assert send_alert(alert_id=alert.pk) is True
        assert send_alert(alert_id=alert.pk) is False
    assert len(mail.outbox) == 1


def test_an_emergency_makes_no_officer(administrator, officer, product):
    open_access(user=administrator, reason=REASON)

    assert list(officers_of(product.controller)) == [officer]


# --- Doors ------------------------------------------------------------------------------------------------------------


def test_a_journey_through_the_pages(client, administrator, officer, response, django_capture_on_commit_callbacks):
    client.force_login(administrator)
    page = reverse("admin:feedback_response_change", args=[response.pk])
    assert client.get(page).status_code == 403

    with django_capture_on_commit_callbacks(execute=True):
        opened = client.post(PAGE, {"reason": REASON}, follow=True)

    assert [message.to for message in mail.outbox] == [["dpo@example.com"]]
    assert "Emergency access to personal data is open until" in opened.content.decode()
    shown = client.get(page).content.decode()
    assert "Canary comment" in shown
    assert "Canary Person" in shown
    ended = client.post(reverse("admin:privacy_breakglass_end"), follow=True).content.decode()
    assert "The emergency access has ended." in ended
    assert "is open until" not in ended
    assert client.get(page).status_code == 403


def test_the_form_says_what_is_missing_and_opens_nothing(client, administrator):
    client.force_login(administrator)

    page = client.post(PAGE, {"reason": "because"})

    assert "Say what happened and what you need to see." in page.content.decode()
    assert not BreakGlass.objects.exists()


def test_every_record_that_was_listed_or_opened_is_logged(client, administrator, response):
    others = [make_response(survey=response.survey) for _ in range(2)]
    open_access(user=administrator, reason=REASON)
    client.force_login(administrator)

    client.get(reverse("admin:feedback_response_changelist"))
    client.get(reverse("admin:feedback_response_change", args=[response.pk]))

    logged = AccessLogEntry.objects.filter(purpose="emergency", user=administrator)
    assert set(logged.values_list("record_kind", flat=True)) == {Response._meta.label}
    numbers = list(logged.values_list("record_number", flat=True))
    assert sorted(number for number in numbers if number) == sorted([response.pk, *[o.pk for o in others], response.pk])
    assert {entry.product for entry in logged if entry.record_number} == {response.product}


def logged_numbers(client, user, address, data=None):
    """Open an emergency access and a page; return the numbers of the records that were logged, by their kind."""
    open_access(user=user, reason=REASON)
    client.force_login(user)
    page = (client.get(address) if data is None else client.post(address, data)).content.decode()
    entries = AccessLogEntry.objects.filter(purpose="emergency", user=user)
    return page, set(entries.values_list("record_kind", "record_number"))


def test_the_preview_of_a_rule_is_logged_with_the_responses_that_it_shows(client, administrator, response):
    response.completed_at = response.answered_at
    response.save()
    address = reverse("admin:feedback_rule_preview", args=[response.product_id])

    page, logged = logged_numbers(client, administrator, address, {"keywords": "canary", "with_comment": "on"})

    assert "Canary comment" in page
    assert logged == {("feedback.Response", None), ("feedback.Response", response.pk)}


def test_the_board_is_logged_with_every_case_on_it(client, administrator, response):
    case = flag(response=response, reason="Canary reason", by=make_staff("reviewer", product=response.product))

    page, logged = logged_numbers(client, administrator, reverse("admin:feedback_followup_board"))

    assert "Canary reason" in page
    assert logged == {("feedback.FollowUp", None), ("feedback.FollowUp", case.pk)}


def test_nothing_is_logged_without_an_emergency(client, officer, response):
    client.force_login(officer)

    client.get(reverse("admin:feedback_response_change", args=[response.pk]))

    assert not AccessLogEntry.objects.filter(purpose="emergency").exists()


def test_officers_look_back_on_it_and_administrators_on_their_own(client, administrator, officer, product):
    mine = open_access(user=administrator, reason=REASON)
    colleague = open_access(user=make_staff("administrator", product=product), reason="Another emergency altogether")
    elsewhere = open_access(user=make_staff("administrator", product=make_product()), reason="Not their business")

    assert set(BreakGlass.objects.visible_to(officer)) == {mine, colleague}
    assert set(BreakGlass.objects.visible_to(administrator)) == {mine}
    client.force_login(officer)
    listed = client.get(reverse("admin:privacy_breakglass_changelist")).content.decode()
    assert REASON in listed
    assert "Not their business" not in listed
    told = client.get(reverse("admin:privacy_breakglass_change", args=[mine.pk])).content.decode()
    assert str(officer) in told
    assert elsewhere.pk
    assert client.get(PAGE).status_code == 403
    assert client.post(reverse("admin:privacy_breakglass_end")).status_code == 403
