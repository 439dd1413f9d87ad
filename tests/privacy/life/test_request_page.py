"""The page of a request: an officer works it from top to bottom, and sees only what is possible now."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from feedback.models import Respondent
from privacy.admin.requests.steps import STEPS
from privacy.alerting import due_alert_ids, send_alert
from privacy.answering import message_came_back, send_answer
from privacy.fulfilment import due_task_ids, run_task
from privacy.inventory import Mark
from privacy.mailing import due_message_ids, send_message
from privacy.models import AccessLogEntry, RightsRequest
from privacy.restriction import mark
from privacy.subjects import subject_of
from privacy.watching import raise_due_alarms, raise_failure
from tests.factories import make_recipient
from tests.privacy.life.cases import ANNA, make_case, make_dpo, make_officer, state_of

pytestmark = pytest.mark.django_db

State = RightsRequest.State
TO_BE_ANSWERED_IN_APRIL = {
    **{"received_on": date(2026, 3, 5), "target_on": date(2026, 3, 26)},
    **{"due_on": date(2026, 4, 7), "due_extended_on": date(2026, 6, 5)},
}
LIST = "/admin/privacy/rightsrequest/"


@pytest.fixture
def desks(client):
    """Return what opens pages as a member of staff."""

    class Desk:
        def __init__(self, user):
            self.user = user

        def page(self, case):
            client.force_login(self.user)
            return client.get(f"{LIST}{case.pk}/change/").content.decode()

        def open(self, case, step):
            client.force_login(self.user)
            return client.get(f"{LIST}{case.pk}/step/{step}/")

        def take(self, case, step, **filled):
            client.force_login(self.user)
            return client.post(f"{LIST}{case.pk}/step/{step}/", filled)

        def post(self, case, what, **filled):
            client.force_login(self.user)
            return client.post(f"{LIST}{case.pk}/{what}/", filled)

        def buttons(self, case):
            page = self.page(case)
            return [name for name in STEPS if f'{case.pk}/step/{name}/"' in page]

    return Desk


def work(case):
    while ids := due_task_ids(case):
        for task_id in ids:
            run_task(task_id=task_id)
    for message_id in due_message_ids():
        send_message(message_id=message_id)


def test_an_erasure_is_worked_from_triage_to_its_answer_by_two_people(desks, performed):
    case = make_case("erasure", state=State.VERIFIED)
    officer, dpo = desks(make_officer(case.controller)), desks(make_dpo(case.controller))
    assert officer.buttons(case) == ["start", "document", "note"]

    officer.take(case, "start")
    assert officer.buttons(case) == ["propose", "ask", "document", "outcome", "note", "refuse"]
    officer.take(case, "propose")
    assert officer.buttons(case) == ["document", "note"]
    assert "waits for a second person" in officer.page(case)
    assert dpo.buttons(case) == ["decide", "document", "extend", "note"]

    dpo.take(case, "decide", approval=case.approvals.get().pk, decision="approved")
    assert state_of(case) == State.IN_PROGRESS
    work(case)
    assert officer.buttons(case) == ["answer", "note"]
    page = officer.open(case, "answer").content.decode()
    assert "Your data have been deleted." in page

    officer.take(case, "answer", text="Goodbye.")
    work(case)

    assert state_of(case) == State.FULFILLED
    assert "Goodbye." in mail.outbox[-1].body
    page = officer.page(case)
    for part in ("delete the data", "Responses", "approved", "The mail server accepted it", "audit trail"):
        assert part.lower() in page.lower()
    assert ANNA not in page


def test_who_proposed_is_told_that_somebody_else_decides(desks):
    case = make_case("erasure")
    dpo = desks(make_dpo(case.controller))

    dpo.take(case, "propose")

    assert "decide" not in dpo.buttons(case)
    assert "Somebody else has to decide" in dpo.page(case)


def test_a_step_that_is_not_possible_now_changes_nothing(desks):
    case = make_case("erasure", state=State.VERIFIED)
    officer = desks(make_officer(case.controller))

    answer = officer.take(case, "propose")

    assert answer["Location"].endswith(f"{case.pk}/change/")
    assert "This is not possible now." in officer.page(case)
    assert state_of(case) == State.VERIFIED
    assert officer.open(case, "nonsense").status_code == 404


def test_opening_a_step_asks_and_changes_nothing(desks):
    case = make_case("erasure")
    officer = desks(make_officer(case.controller))

    for step in officer.buttons(case):
        assert officer.open(case, step).status_code == 200

    assert state_of(case) == State.TRIAGE
    assert not case.events.exists()


def test_what_is_refused_is_explained_in_the_form(desks):
    case = make_case("access", proved=False)
    officer = desks(make_officer(case.controller))

    assert "before it is proved who asks" in officer.take(case, "propose").content.decode()
    item = case.items.get()
    page = officer.take(case, "outcome", item=item.pk, outcome="excessive").content.decode()
    assert "This field is required." in page
    page = officer.take(case, "outcome", item=item.pk, outcome="exception_17_3_b", explanation="x").content.decode()
    assert "does not exist for this right" in page
    assert state_of(case) == State.TRIAGE


def test_only_who_decides_decides_and_extends(desks):
    case = make_case("erasure")
    officer = desks(make_officer(case.controller))
    officer.take(case, "propose")

    assert officer.take(case, "decide", decision="approved").status_code == 403
    assert officer.take(case, "extend", reason="Why").status_code == 403
    assert state_of(case) == State.AWAITING_APPROVAL


def test_a_refusal_offers_only_reasons_that_fit_and_goes_to_a_second_person(desks):
    case = make_case("access")
    officer, dpo = desks(make_officer(case.controller)), desks(make_dpo(case.controller))
    page = officer.open(case, "refuse").content.decode()
    assert 'value="excessive"' in page
    assert 'value="exception_17_3_b"' not in page
    assert 'value="compelling_grounds"' not in page

    officer.take(case, "refuse", outcome="excessive", explanation="The tenth this week.")
    dpo.take(case, "decide", approval=case.approvals.get().pk, decision="approved")

    assert state_of(case) == State.RESPONDING
    assert "The tenth this week." in officer.open(case, "answer").content.decode()


def test_outdated_approvals_say_so(desks):
    case = make_case("erasure")
    desks(make_officer(case.controller)).take(case, "propose")
    case.approvals.update(plan_hash=b"x")
    dpo = desks(make_dpo(case.controller))

    dpo.take(case, "decide", approval=case.approvals.get().pk, decision="approved")

    page = dpo.page(case)
    assert "The data have changed since this was proposed" in page
    assert state_of(case) == State.TRIAGE


def test_the_other_steps_do_what_they_say(desks, performed):
    case = make_case("restriction", proved=False)
    officer, dpo = desks(make_officer(case.controller)), desks(make_dpo(case.controller))
    make_recipient(controller=case.controller, name="One")
    make_recipient(controller=case.controller, name="Other")

    officer.take(case, "ask", text="Which product?")
    assert state_of(case) == State.NEEDS_INFORMATION
    officer.take(case, "start")
    officer.take(case, "document", document="passport", email=ANNA)
    dpo.take(case, "extend", reason="Eight systems.")
    officer.take(case, "note", text="She called.")
    officer.take(case, "propose")
    work(case)
    page = officer.page(case)
    for part in ("passport", "L4", "She called.", "question to the person", "notice of the extension"):
        assert part in page
    assert {message.kind for message in case.messages.all()} == {"information_needed", "extension"}


def test_recipients_are_settled_on_the_page(desks):
    case = make_case("restriction", state=State.IN_PROGRESS)
    item = case.items.get()
    one, other = (
        item.tasks.create(
            position=1,
            kind="tell_recipient",
            recipient=make_recipient(controller=case.controller, name=name),
            state="sent",
        )
        for name in ("One", "Other")
    )
    officer = desks(make_officer(case.controller))

    officer.take(case, "acknowledge", task=one.pk)
    assert "required" in officer.take(case, "exempt", task=other.pk).content.decode()
    officer.take(case, "exempt", task=other.pk, reason="Wound up.")

    assert state_of(case) == State.RESPONDING
    assert "Wound up." in officer.page(case)


def alarms_sent():
    raise_due_alarms()
    for alert_id in due_alert_ids():
        send_alert(alert_id=alert_id)
    return [one.body for one in mail.outbox]


def test_the_page_says_when_to_stop_waiting_for_a_silent_recipient(desks):
    """Art. 19 has recipients told; the answer under Art. 12(3) does not become late because one says nothing."""
    case = make_case("restriction", state=State.IN_PROGRESS, **TO_BE_ANSWERED_IN_APRIL)
    recipient = make_recipient(controller=case.controller, name="Silent Cloud")
    task = case.items.get().tasks.create(position=1, kind="tell_recipient", recipient=recipient, state="sent")
    officer = desks(make_officer(case.controller, email="officer@example.com"))

    with time_machine.travel(datetime(2026, 4, 1, 12, tzinfo=UTC), tick=False):
        before, mail_before = officer.page(case), alarms_sent()
    with time_machine.travel(datetime(2026, 4, 2, 12, tzinfo=UTC), tick=False):
        then, mail_then = officer.page(case), alarms_sent()

    assert "recipients that were told and have not confirmed: Silent Cloud." in before
    assert "still silent on April 2, 2026" in before
    assert "Jeśli 2 kwietnia 2026 ktoś nadal będzie milczał" in mail_before[-1]
    assert "have not confirmed: Silent Cloud. Do without them now" in then
    assert "still silent on" not in then
    assert "Silent Cloud. Proszę kontynuować bez nich już teraz." in mail_then[-1]
    assert "nadal będzie milczał" not in mail_then[-1]

    officer.take(case, "exempt", task=task.pk, reason="Told on 6 March, reminded on 20 March, silent.")
    assert "have not confirmed" not in officer.page(case)
    assert state_of(case) == State.RESPONDING


def test_failures_are_shown_and_tried_again(desks, performed):
    case = make_case("access", state=State.PARTIALLY_FAILED)
    case.items.get().tasks.create(position=1, kind="package", state="failed", reason="OSError")
    raise_failure(request=case, key="1")
    officer = desks(make_officer(case.controller))
    assert "a task failed" in officer.page(case)

    officer.take(case, "retry")

    assert state_of(case) == State.IN_PROGRESS


def test_letters_are_printed_and_posted(desks):
    case = make_case("access", reply_channel="post", postal_address="Long Street 1")
    officer = desks(make_officer(case.controller))
    officer.take(case, "ask", text="Which product?")
    page = officer.open(case, "letter").content.decode()
    assert "Which product?" in page
    assert "Long Street" not in page

    officer.take(case, "letter", message=case.messages.get().pk)

    assert case.messages.get().sent_at
    assert "letter" not in officer.buttons(case)


def test_a_letter_with_the_answer_ends_the_request(desks):
    case = make_case("access", reply_channel="post", state=State.RESPONDING)
    case.items.update(outcome="done")
    officer = desks(make_officer(case.controller))
    assert officer.buttons(case) == ["posted", "note"]

    officer.take(case, "posted", posted_on=timezone.localdate().isoformat())

    assert state_of(case) == State.FULFILLED


@pytest.mark.parametrize("lost", [True, False])
def test_an_answer_that_did_not_arrive_by_mail_may_go_as_a_letter(desks, lost):
    case = make_case("access", state=State.RESPONDING)
    case.items.update(outcome="done")
    user = make_officer(case.controller)
    officer = desks(user)
    assert officer.buttons(case) == ["answer", "note"]
    message = send_answer(request=case, user=user)
    if lost:
        case.messages.update(failed_at=timezone.now())
    else:
        send_message(message_id=message.pk)
        message.refresh_from_db()
        message_came_back(message_ids=[message.message_id])
    assert officer.buttons(case) == ["answer", "posted", *([] if lost else ["wrong_person"]), "note"]

    officer.take(case, "posted", posted_on=timezone.localdate().isoformat())

    assert state_of(case) == State.FULFILLED


def test_a_restriction_is_lifted_by_two_people(desks):
    case = make_case("restriction", state=State.FULFILLED)
    case.items.get().tasks.create(position=1, kind="restrict", state="done")
    officer, dpo = desks(make_officer(case.controller)), desks(make_dpo(case.controller))
    assert officer.buttons(case) == ["lift", "wrong_person", "note"]

    officer.take(case, "lift")
    dpo.take(case, "decide", approval=case.approvals.get().pk, decision="approved")

    assert case.messages.get().kind == "lifting"


def test_a_correction_is_entered_with_the_number_of_its_record_and_carried_out(desks):
    case = make_case("rectification")
    officer, anna = desks(make_officer(case.controller)), Respondent.objects.get()
    shown = officer.post(case, "records", dataset="feedback.Respondent").content.decode()
    assert f">{anna.pk}<" in shown

    wrong = officer.take(case, "correct", what="feedback.Respondent:name", record_number=anna.pk + 1, value="Anna")
    assert "No such record" in wrong.content.decode()
    officer.take(case, "correct", what="feedback.Respondent:name", record_number=anna.pk, value="Anna Nowak")
    assert "Anna Nowak" not in officer.page(case)
    officer.take(case, "propose")
    work(case)

    assert Respondent.objects.get().name == "Anna Nowak"
    assert state_of(case) == State.RESPONDING
    assert case.events.get(action="correction_entered").fields == ["feedback.Respondent.name"]


# --- Records ----------------------------------------------------------------------------------------------------------


def test_records_are_counted_and_shown_only_by_a_logged_click(desks):
    case = make_case("access")
    officer = desks(make_officer(case.controller))
    page = officer.page(case)
    assert "1 record" in page
    assert ANNA not in page

    shown = officer.post(case, "records", dataset="feedback.Respondent")

    assert ANNA in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    entry = AccessLogEntry.objects.get()
    assert (entry.user, entry.purpose, entry.record_kind) == (officer.user, "rights_request", "feedback.Respondent")
    event = case.events.get()
    assert (event.action, event.fields) == ("records_revealed", ["feedback.Respondent"])


def test_records_of_other_tables_and_controllers_stay_hidden(desks, client):
    case, other = make_case("access"), make_case("access")
    officer = desks(make_officer(case.controller))

    assert officer.post(case, "records", dataset="auth.User").status_code == 404
    assert officer.post(other, "records", dataset="feedback.Respondent").status_code == 404
    assert client.get(f"{LIST}{case.pk}/records/").status_code == 405
    assert not AccessLogEntry.objects.exists()


def test_restricted_records_are_shown_to_those_who_decide_alone(desks):
    case = make_case("restriction")
    mark(subject_of(case), Mark.RESTRICTED)
    officer, decides = desks(make_officer(case.controller)), desks(make_dpo(case.controller))

    assert officer.post(case, "records", dataset="feedback.Respondent").status_code == 403
    assert not AccessLogEntry.objects.exists()
    assert "1 record" in officer.page(case)
    assert ANNA in decides.post(case, "records", dataset="feedback.Respondent").content.decode()


def test_nobody_is_looked_up_before_proof(desks):
    case = make_case("access", proved=False)

    page = desks(make_officer(case.controller)).page(case)

    assert "Nobody is looked up" in page
    assert "1 record" not in page


def test_staff_open_an_incident_once_anything_has_gone_out(desks):
    case = make_case("access")
    officer = desks(make_officer(case.controller))
    assert "wrong_person" not in officer.buttons(case)

    case.messages.create(kind="acknowledgement", sent_at=timezone.now())
    assert "72 hours" in officer.open(case, "wrong_person").content.decode()
    officer.take(case, "wrong_person")

    assert [(one.opened_by, one.alerts.exists()) for one in case.incidents.all()] == [(officer.user, True)]
    assert "wrong_person" not in officer.buttons(case)


# --- The dossier ------------------------------------------------------------------------------------------------------


def test_the_dossier_proves_what_was_done_without_the_person(desks, performed):
    case = make_case("erasure", state=State.RECEIVED, details="My own words")
    officer, dpo = desks(make_officer(case.controller)), desks(make_dpo(case.controller))
    officer.take(case, "start")
    officer.take(case, "note", text="Her name is Anna.")
    officer.take(case, "propose")
    dpo.take(case, "decide", approval=case.approvals.get().pk, decision="approved")
    work(case)
    officer.take(case, "answer", text="Dear Anna")
    work(case)

    answer = officer.post(case, "dossier")

    assert answer["Content-Disposition"] == f'attachment; filename="dossier-{case.reference}.json"'
    text = answer.content.decode()
    for secret in (ANNA, "anna", "Anna", "My own words"):
        assert secret not in text
    dossier = json.loads(text)
    assert dossier["request"]["state"] == "fulfilled"
    assert dossier["trail"]["is_whole"]
    assert {task["kind"] for task in dossier["tasks"]} == {"suppress", "erase"}
    assert dossier["approvals"][0]["decision"] == "approved"
    assert_chain_holds(dossier)
    assert case.events.last().action == "dossier_exported"


def assert_chain_holds(dossier):
    """Check the chain as somebody would who has nothing but the file."""
    previous = "0" * 64
    for event in dossier["trail"]["events"]:
        assert event["previous_hash"] == previous
        names = ("number", "at", "actor", "user", "action", "from_state", "to_state", "fields", "previous_hash")
        content = [dossier["request"]["reference"], *(event[name] for name in names)]
        previous = hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()
        assert event["hash"] == previous


def test_the_dossier_takes_a_post_by_somebody_who_works_on_it(desks, client):
    case, other = make_case("access"), make_case("access")
    officer = desks(make_officer(case.controller))

    assert officer.post(other, "dossier").status_code == 404
    assert client.get(f"{LIST}{case.pk}/dossier/").status_code == 405
