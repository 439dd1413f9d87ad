"""The answer: what it says, that it arrived, and what remains of the person afterwards."""

from __future__ import annotations

import smtplib
from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import settings
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone
from django.utils.translation import override

from feedback.inbound import Outcome, receive
from feedback.inbound_reading import parse
from privacy.answering import (
    CONTACT_STOPPED,
    SENTENCES,
    content_of,
    draft,
    finish,
    finish_and_close_due_requests,
    message_came_back,
    post_answer,
    send_answer,
)
from privacy.intake import enter_request, file_request
from privacy.lifecycle import advance
from privacy.mailing import due_message_ids, letters_to_post, post_message, send_message, text_of
from privacy.models import Answer, Package, RequestItem, RequestMessage, RightsRequest
from privacy.objection import stop_contact
from privacy.watching import standing_alarms
from tests.factories import make_controller, make_recipient
from tests.feedback.correspondence.letters import delivery_report
from tests.privacy.life.cases import ANNA, make_case, make_officer, state_of
from tests.privacy.test_intake import make_content

pytestmark = pytest.mark.django_db

State = RightsRequest.State


def make_answerable(*rights, outcome="done", **overrides):
    case = make_case(*rights, **{"state": State.RESPONDING, **overrides})
    case.items.update(outcome=outcome, explanation="" if outcome in {"done", "no_data"} else "Because of this.")
    return case


def send_all():
    for message_id in due_message_ids():
        send_message(message_id=message_id)


def answered(*rights, **overrides):
    """Make a request whose answer the mail server has accepted."""
    case = make_answerable(*rights, **overrides)
    send_answer(request=case, user=make_officer(case.controller))
    send_all()
    return case


def code(action, /, **arguments):
    with pytest.raises(ValidationError) as refusal:
        action(**arguments)
    error = refusal.value
    return error.code if not hasattr(error, "error_dict") else next(iter(error.error_dict.values()))[0].code


# --- What it says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "said"),
    [
        ("access", "The copy of your data is ready"),
        ("portability", "in a format for machines"),
        ("rectification", "have been corrected"),
        ("erasure", "have been deleted"),
        ("restriction", "at least seven days before this is lifted"),
        ("objection", "We follow your objection"),
        ("complaint_information", "lodge a complaint"),
    ],
)
def test_the_answer_says_what_was_done_about_each_right(right, said):
    assert said in draft(make_answerable(right))


@pytest.mark.parametrize("outcome", ["excessive", "third_party_rights", "not_applicable", "unidentifiable"])
def test_a_refusal_says_why_and_where_to_complain_and_sue(outcome):
    """Invariant 5: complaint and court are generated, and nobody has to think of them."""
    case = make_answerable("access", outcome=outcome)
    case.controller.supervisory_authority = "Urząd Ochrony Danych Osobowych, Stawki 2, Warszawa"
    case.controller.save()

    said = draft(case)

    for part in ("Because of this.", case.controller.supervisory_authority, "Art. 77", "court", case.reference):
        assert part in said


@pytest.mark.parametrize("language", ["en", "pl"])
@pytest.mark.parametrize("outcome", [outcome for outcome in RequestItem.Outcome if outcome != "done"])
def test_every_outcome_has_a_sentence_of_its_own(outcome, language):
    case = make_case("erasure", language=language)
    case.items.update(outcome=outcome, explanation="Because of this.")

    with override(language):
        (paragraph,) = content_of(case)["paragraphs"]
        others = {str(sentence) for each, sentence in SENTENCES.items() if each != outcome}

    assert paragraph.sentence
    assert paragraph.sentence not in others
    assert paragraph.sentence in draft(case)


@pytest.mark.parametrize("outcome", ["no_data", "unidentifiable"])
def test_whoever_was_not_found_is_invited_to_give_a_receipt_code(outcome):
    """Art. 11(2): what a mailbox does not lead to may be there all the same, under an id or of nobody known."""
    case = make_case("access", language="en", known=False)
    case.items.update(outcome=outcome, explanation="Because of this.")

    said = draft(case)

    assert "receipt code" in said
    assert "Art. 11(2) GDPR" in said
    assert "please make a new request with it" in said
    assert "write to us" not in said  # a closed request does not go on
    assert said.count(f"{settings.PUBLIC_URL}/privacy/request/?lang=en\n") == 1


def test_what_needs_no_receipt_code_leads_to_no_new_request():
    assert "/privacy/request/" not in draft(make_answerable("access"))


@pytest.mark.parametrize(("objects_to", "is_said"), [("both", True), ("", True), ("analysis", False)])
@pytest.mark.parametrize("language", ["en", "pl"])
def test_whoever_objects_without_a_proof_learns_that_contact_has_stopped(objects_to, is_said, language):
    case = make_case("objection", "access", proved=False, language=language)
    case.items.filter(right="objection").update(objects_to=objects_to)
    case.items.update(outcome="unidentifiable", explanation="Because of this.")
    with override(language):
        assert str(CONTACT_STOPPED) not in draft(case)

        stop_contact(request=case)

        assert draft(case).count(str(CONTACT_STOPPED)) == (1 if is_said else 0)
        case.acts_for_another = True  # then the mailbox is not that of the person
        assert str(CONTACT_STOPPED) not in draft(case)


def test_what_was_granted_names_no_remedies():
    assert "Art. 77" not in draft(make_answerable("access"))


def test_the_answer_to_an_erasure_says_what_stays():
    said = draft(make_answerable("erasure"))

    assert "Backup copies are overwritten" in said
    assert "fingerprint" in said
    case = make_answerable("erasure")
    case.items.update(leaves_suppression=False)
    assert "fingerprint" not in draft(case)


def test_the_answer_names_the_recipients_who_were_told_and_no_others():
    case = make_answerable("erasure")
    for name, state, affected in (("Told", "done", 1), ("Silent", "exempt", 1), ("Spared", "exempt", 0)):
        recipient = make_recipient(controller=case.controller, name=f"{name} Ltd")
        telling = {"recipient": recipient, "state": state, "affected": affected, "reason": "Why"}
        case.items.get().tasks.create(position=1, kind="tell_recipient", **telling)

    said = draft(case)

    assert "given the data (Art. 19 GDPR): Silent Ltd, Told Ltd." in said
    assert "Spared" not in said


def test_the_answer_contains_nothing_that_is_known_about_the_person():
    assert ANNA not in draft(make_answerable("access", "erasure"), "Best wishes")


# --- That it arrived --------------------------------------------------------------------------------------------------


def test_a_request_is_fulfilled_once_the_mail_server_has_accepted_its_answer(monkeypatch):
    """Invariant 2."""
    case = make_answerable("access")
    send_answer(request=case, user=make_officer(case.controller), text="Thank you for your patience.")
    assert finish(case) is False
    monkeypatch.setattr(EmailBackend, "send_messages", lambda self, messages: (_ for _ in ()).throw(OSError))
    send_all()
    assert state_of(case) == State.RESPONDING

    monkeypatch.undo()
    RequestMessage.objects.update(next_attempt_at=timezone.now())
    send_all()

    assert state_of(case) == State.FULFILLED
    assert "Thank you for your patience." in mail.outbox[-1].body
    assert mail.outbox[-1].extra_headers["Message-ID"] == RequestMessage.objects.get().message_id
    assert Answer.objects.get().accepted_at


def test_no_answer_ends_a_request_with_an_open_task():
    """Invariant 2: “complete” is impossible while a task failed, whatever was answered."""
    case = make_answerable("access")
    case.items.get().tasks.create(position=1, kind="package", state="failed", reason="OSError")
    Answer.objects.create(request=case, written_at=timezone.now(), accepted_at=timezone.now())

    assert finish(case) is False
    for end in (State.FULFILLED, State.PARTLY_REFUSED, State.REFUSED, State.NO_DATA):
        assert code(advance, request=case, to=end, actor="system") == "unsettled_tasks"
    assert state_of(case) == State.RESPONDING


@pytest.mark.parametrize(
    ("outcomes", "end"),
    [
        (("done", "done"), State.FULFILLED),
        (("done", "no_data"), State.FULFILLED),
        (("done", "excessive"), State.PARTLY_REFUSED),
        (("no_data", "excessive"), State.PARTLY_REFUSED),
        (("excessive", "not_applicable"), State.REFUSED),
        (("excessive", "withdrawn"), State.REFUSED),
        (("no_data", "no_data"), State.NO_DATA),
        (("no_data", "withdrawn"), State.NO_DATA),
    ],
)
def test_the_outcomes_of_the_rights_decide_how_a_request_ends(outcomes, end):
    case = make_answerable("access", "portability")
    for item, outcome in zip(case.items.all(), outcomes, strict=True):
        item.outcome, item.explanation = outcome, "Why"
        item.save()

    send_answer(request=case, user=make_officer(case.controller))
    send_all()

    assert state_of(case) == end


def test_copies_that_were_fetched_are_an_answer():
    """Invariant 2."""
    case, now = make_answerable("access"), timezone.now()
    fetched = {"file_name": "x", "size": 1, "built_at": now, "expires_at": now, "fetched_at": now}
    Package.objects.create(item=case.items.get(), **fetched)

    finish_and_close_due_requests()

    assert state_of(case) == State.FULFILLED


def test_an_answer_that_comes_back_reopens_the_request_and_warns():
    """Invariant 2."""
    case = answered("access")
    message = RequestMessage.objects.get()

    assert message_came_back(message_ids=["", message.message_id])
    assert message_came_back(message_ids=[message.message_id])  # told twice

    case = RightsRequest.objects.get()
    assert case.state == State.RESPONDING
    assert [alarm.kind for alarm in standing_alarms(case)] == ["failure"]
    assert case.events.filter(action="answer_came_back").count() == 1
    assert finish(case) is False

    send_answer(request=case, user=make_officer(case.controller))
    send_all()
    assert state_of(case) == State.FULFILLED


def test_a_bounce_of_somebody_elses_mail_changes_nothing():
    case = answered("access")

    assert message_came_back(message_ids=["<strange@example.com>", ""]) is False
    assert state_of(case) == State.FULFILLED


def test_an_answer_is_not_sent_twice_and_not_before_its_time():
    case, early = make_answerable("access"), make_case("access")
    user = make_officer(case.controller)
    with pytest.raises(PermissionDenied):
        send_answer(request=early, user=user)
    send_answer(request=case, user=user)

    assert code(send_answer, request=case, user=user) == "being_sent"
    assert code(send_answer, request=early, user=make_officer(early.controller)) == "not_responding"


def test_an_answer_that_the_mail_server_refuses_for_good_warns(monkeypatch):
    case = make_answerable("access")
    send_answer(request=case, user=make_officer(case.controller))
    error = smtplib.SMTPRecipientsRefused({ANNA: (550, b"unknown")})
    monkeypatch.setattr(EmailBackend, "send_messages", lambda self, messages: (_ for _ in ()).throw(error))

    send_all()

    assert case.alarms.get().kind == "failure"
    assert state_of(case) == State.RESPONDING
    send_answer(request=case, user=make_officer(case.controller))


# --- By post ----------------------------------------------------------------------------------------------------------


def test_a_posted_letter_ends_the_request():
    case = make_answerable("access", reply_channel="post", postal_address="Long Street 1")
    user, today = make_officer(case.controller), timezone.localdate()
    assert code(send_answer, request=case, user=user) == "by_post"
    for day in (today + timedelta(days=2), case.received_on - timedelta(days=1)):
        assert code(post_answer, request=case, posted_on=day, user=user) == "impossible_day"

    post_answer(request=case, posted_on=case.received_on, user=user, text="With kind regards")

    answer = Answer.objects.get()
    assert (answer.posted_on, answer.text, answer.written_by) == (case.received_on, "With kind regards", user)
    assert state_of(case) == State.FULFILLED
    assert not mail.outbox


def test_letters_wait_for_staff_and_are_never_mailed():
    case = make_case("access", reply_channel="post", postal_address="Long Street 1", state=State.NEEDS_INFORMATION)
    letter = RequestMessage.objects.create(request=case, kind="information_needed", text="Which product?")
    user = make_officer(case.controller)
    assert due_message_ids() == []
    assert list(letters_to_post(case)) == [letter]
    assert "Which product?" in text_of(letter)

    with pytest.raises(PermissionDenied):
        post_message(message=letter, user=make_officer(make_controller()))
    post_message(message=letter, user=user)

    letter.refresh_from_db()
    assert letter.sent_at
    assert code(post_message, message=letter, user=user) == "no_letter"


def test_an_answer_by_letter_is_dated_by_its_day():
    case = make_answerable("access", reply_channel="post", received_at=datetime(2026, 3, 5, 12, tzinfo=UTC))

    post_answer(request=case, posted_on=date(2026, 3, 6), user=make_officer(case.controller))

    assert Answer.objects.get().posted_on == date(2026, 3, 6)


def test_a_delivery_report_finds_the_answer_that_came_back():
    """Invariant 2, by the door through which mail comes in."""
    case = answered("access")
    ours = RequestMessage.objects.get().message_id

    delayed = delivery_report("system@feedback.example", ours, action="delayed", status="4.4.1")
    assert receive(message=parse(delayed)) is Outcome.UNKNOWN
    assert state_of(case) == State.FULFILLED

    assert receive(message=parse(delivery_report("system@feedback.example", ours))) is Outcome.NOTED
    assert state_of(case) == State.RESPONDING


# --- Complaint information --------------------------------------------------------------------------------------------


def test_complaint_information_is_answered_at_once_and_without_proof():
    """Invariant 1."""
    case = file_request(content=make_content(rights=("complaint_information",), language="en"))
    assert state_of(case) == State.RESPONDING

    send_all()

    assert state_of(case) == State.FULFILLED
    assert [one.subject for one in mail.outbox] == ["The answer to your message"]
    assert "Urząd Ochrony Danych Osobowych" in mail.outbox[0].body
    assert case.messages.get().kind == "answer"


def test_complaint_information_goes_ahead_of_other_rights():
    """Invariant 1."""
    case = file_request(content=make_content(rights=("access", "complaint_information")))

    send_all()

    assert state_of(case) == State.AWAITING_CONFIRMATION
    assert {message.kind for message in case.messages.all()} == {"complaint_information", "confirmation"}
    assert dict(case.items.values_list("right", "outcome"))["complaint_information"] == "done"
    assert any("Art. 77" in one.body for one in mail.outbox)


def test_nobodys_mailbox_is_filled_with_complaint_information():
    controller = make_controller()
    for _try in range(5):
        file_request(content=make_content(controller=controller, rights=("complaint_information",)))

    send_all()

    assert len(mail.outbox) == 3


def test_complaint_information_that_staff_entered_is_answered_at_once_too():
    controller = make_controller()
    user = make_officer(controller)
    content = make_content(controller=controller, rights=("complaint_information",))

    case = enter_request(content=content, source="phone", arrived_on=timezone.localdate(), user=user)

    assert state_of(case) == State.RESPONDING
    assert case.messages.get().kind == "answer"
