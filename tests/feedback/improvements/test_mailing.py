"""Who is told about an improvement, by which mail, and who is not."""

import email
import email.policy
import re
import smtplib

import pytest
import time_machine
from django.core import mail as outbox
from django.core.exceptions import ValidationError
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone

from feedback import improvements
from feedback.models import Improvement, ImprovementMail, Respondent, Response, Tag
from feedback.tasks import send_improvement_mails
from feedback.triage import add_tag
from privacy.delivery import RETRIES
from privacy.models import Suppression
from privacy.suppression import suppress
from tests.factories import make_respondent
from tests.feedback.test_tallies_under_fire import in_threads
from tests.mail_server import SilentMailbox

pytestmark = pytest.mark.django_db
NOW = timezone.now


def code(call):
    with pytest.raises(ValidationError) as caught:
        call()
    return caught.value.code


@pytest.fixture
def owed(published, answer, reviewer):
    """A mail that is owed to Anna."""
    improvements.mail(improvement=published(answer(comment="My secret words")), by=reviewer)
    return ImprovementMail.objects.get()


def left_out(improvement):
    return {str(reason): count for reason, count in improvements.audience(improvement=improvement).left_out}


# --- Who ----------------------------------------------------------------------------------------------------------


def test_only_those_who_may_be_contacted_are_told_and_the_others_are_counted_with_the_reason(
    published, answer, product, reviewer
):
    suppress(product=product, subject_keys=["mail:s@example.com"], reason=Suppression.Reason.BY_STAFF)
    improvement = published(
        answer("anna@example.com"),
        answer("silent@example.com", contact_permission=False),
        answer("scanner@example.com", is_suspect=True),
        answer("no@example.com", person={"do_not_contact": True}),
        answer("objected@example.com", person={"objected_at": NOW()}),
        answer("restricted@example.com", person={"restricted_at": NOW()}),
        answer("bounced@example.com", person={"mail_bounced_at": NOW()}),
        answer(""),
        answer("s@example.com"),
        answer("anna@example.com"),
    )

    audience = improvements.audience(improvement=improvement)

    assert left_out(improvement) == {
        **{"no_permission": 2, "may_not": 3, "bounced": 1, "no_address": 1},
        **{"suppressed": 1, "same_mailbox": 1},
    }
    assert (audience.people, len(audience.recipients)) == (10, 1)
    assert improvements.mail(improvement=improvement, by=reviewer) == 1
    send_improvement_mails()
    assert [message.to for message in outbox.outbox] == [["anna@example.com"]]


def test_without_a_response_there_is_no_contact(published, product, survey, reviewer):
    make_respondent(product=product, email="curious@example.com")

    assert code(lambda: improvements.mail(improvement=published(), by=reviewer)) == "nobody_to_mail"
    assert not ImprovementMail.objects.exists()
    assert Improvement.objects.get().mailed_at is None


def test_responses_with_a_linked_tag_are_told_once_however_they_are_linked(published, draft, answer, reviewer):
    both, by_tag = answer("both@example.com"), answer("tag@example.com")
    more_of_both = answer(respondent=both.respondent)
    answer("unlinked@example.com")
    add_tag(responses=[both, by_tag, more_of_both], name="transfers", by=reviewer)
    improvement = published(both)
    improvements.set_tags(improvement=improvement, tags=Tag.objects.all(), by=reviewer)

    assert improvements.mail(improvement=improvement, by=reviewer) == 2
    assert set(ImprovementMail.objects.values_list("respondent__email", flat=True)) == {
        "both@example.com",
        "tag@example.com",
    }


def test_permission_on_one_of_two_linked_responses_is_enough(published, answer, reviewer):
    first = answer("anna@example.com", contact_permission=False)
    improvement = published(first, answer(respondent=first.respondent))

    assert left_out(improvement) == {}
    assert improvements.mail(improvement=improvement, by=reviewer) == 1


def test_permission_on_another_response_is_not(published, answer):
    linked = answer("anna@example.com", contact_permission=False)
    answer(respondent=linked.respondent)

    assert left_out(published(linked)) == {"no_permission": 1}


@pytest.mark.parametrize("who", ["person", "device", "namesake"])
def test_a_wish_holds_for_every_record_of_the_person(published, answer, product, who):
    person = make_respondent(product=product, email="anna@example.com")
    device = make_respondent(product=product, person=person)
    make_respondent(product=product, email="anna@example.com", subject_key="mail:anna@example.com")
    improvement = published(answer(respondent=device), answer(respondent=person))
    assert len(improvements.audience(improvement=improvement).recipients) == 1

    objecting = {"person": person, "device": device}.get(who) or Respondent.objects.get(subject_key__startswith="mail")
    Respondent.objects.filter(pk=objecting.pk).update(do_not_contact=True)

    assert left_out(improvement) == {"may_not": 2}


def test_a_device_is_written_to_at_the_address_of_its_person_else_at_that_of_the_answer(published, answer, product):
    device = make_respondent(product=product, person=make_respondent(product=product, email="anna@example.com"))
    improvement = published(answer(respondent=device), answer("", email="given@example.com"))
    improvements.mail(improvement=improvement, by=improvement.created_by)

    send_improvement_mails()

    assert {message.to[0] for message in outbox.outbox} == {"anna@example.com", "given@example.com"}


def test_it_is_mailed_once_and_only_while_it_is_public(published, draft, answer, reviewer):
    assert code(lambda: improvements.mail(improvement=draft(), by=reviewer)) == "not_published"
    improvement = published(answer())
    assert code(lambda: improvements.mail(improvement=improvement, by=reviewer, expected=2)) == "audience_changed"
    assert improvements.mail(improvement=improvement, by=reviewer, expected=1) == 1
    assert code(lambda: improvements.mail(improvement=improvement, by=reviewer)) == "already_mailed"
    improvements.withdraw(improvement=improvement, by=reviewer)
    improvements.publish(improvement=improvement, by=reviewer)
    assert code(lambda: improvements.mail(improvement=improvement, by=reviewer)) == "already_mailed"
    assert ImprovementMail.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_press_at_once_owe_one_mailing(published, answer, reviewer):
    improvement = published(answer())
    outcomes = []

    def press():
        try:
            outcomes.append(improvements.mail(improvement=improvement, by=reviewer))
        except ValidationError as error:
            outcomes.append(error.code)

    in_threads(press, press)

    assert sorted(outcomes, key=str) == [1, "already_mailed"]
    assert ImprovementMail.objects.count() == 1


def test_the_cost_of_an_audience_does_not_grow_with_it(published, answer, django_assert_num_queries):
    few, many = published(answer()), published(*[answer(f"{number}@example.com") for number in range(10)])

    for improvement in (few, many):
        with django_assert_num_queries(3):
            improvements.audience(improvement=improvement)


# --- What ---------------------------------------------------------------------------------------------------------


def test_the_mail_says_what_changed_and_how_to_hear_no_more(owed, settings):
    settings.PUBLIC_URL = "https://feedback.example"
    improvements.send_mail(mail_id=owed.pk)

    (message,) = outbox.outbox
    page = f"https://feedback.example/improvements/pk_bank/?lang=en#improvement-{owed.improvement_id}"
    assert message.subject == "You said, we did: Transfers arrive in a minute"
    assert (message.to, message.reply_to) == (["anna@example.com"], ["office@bank.example"])
    assert message.from_email.startswith("Bank <")
    html = message.alternatives[0].content
    stop = message.extra_headers["List-Unsubscribe"].strip("<>")
    for link in (page, stop, "https://feedback.example/privacy/?lang=en"):
        assert link in message.body
        assert f'href="{link}"' in html
    assert "https://feedback.example/privacy/request/?right=objection&product=pk_bank&lang=en" in message.body
    assert "right=objection&amp;product=pk_bank" in html
    for words in ("Waiting for days is not what a bank is for.", "Also at night.", "Bank & Partners"):
        assert words in message.body
        assert words.replace("&", "&amp;") in html
    assert "secret words" not in message.body + html
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert "anna" not in message.subject + message.body + html


def test_the_html_has_its_styles_inline_and_keeps_those_for_the_dark_and_the_narrow(owed):
    improvements.send_mail(mail_id=owed.pk)

    html = outbox.outbox[0].alternatives[0].content
    assert re.search(r'<h1 style="[^"]*font-size: ?24px', html)
    assert "prefers-color-scheme: dark" in html
    assert "max-width: 480px" in html
    assert "<script" not in html
    assert not re.search(r"(src|@import|url\()", html)


def test_what_staff_wrote_is_escaped_in_the_html_and_not_in_the_text(published, answer, reviewer):
    improvement = published(answer(), title='Faster <b>than</b> "before" & more', said="A\n\n<script>alert(1)</script>")
    improvements.mail(improvement=improvement, by=reviewer)
    send_improvement_mails()

    (message,) = outbox.outbox
    assert '<b>than</b> "before" & more' in message.body
    assert "<script" not in message.alternatives[0].content
    assert "&lt;script&gt;" in message.alternatives[0].content


def test_the_mail_speaks_the_language_of_the_improvement(published, answer, reviewer):
    improvements.mail(improvement=published(answer(language="en"), language="pl"), by=reviewer)
    send_improvement_mails()

    assert "?lang=pl" in outbox.outbox[0].body
    assert '<html lang="pl"' in outbox.outbox[0].alternatives[0].content


# --- When and whether ---------------------------------------------------------------------------------------------


def object_by_link(owed):
    improvements.object_to_contact(token=improvements.objection_token(owed))


@pytest.mark.parametrize(
    ("meanwhile", "reason"),
    [
        (object_by_link, "may_not"),
        (lambda owed: Respondent.objects.update(objected_at=NOW()), "may_not"),
        (lambda owed: Respondent.objects.update(restricted_at=NOW()), "may_not"),
        (lambda owed: Response.objects.update(restricted_at=NOW()), "may_not"),
        (lambda owed: Respondent.objects.update(mail_bounced_at=NOW()), "bounced"),
        (lambda owed: Respondent.objects.update(email=""), "no_address"),
        (lambda owed: Response.objects.update(contact_permission=False), "no_permission"),
        (lambda owed: Response.objects.all().delete(), "unlinked"),
        (
            lambda owed: suppress(
                product=owed.improvement.product,
                subject_keys=["mail:anna@example.com"],
                reason=Suppression.Reason.OBJECTED,
            ),
            "suppressed",
        ),
        (
            lambda owed: improvements.withdraw(improvement=owed.improvement, by=owed.improvement.created_by),
            "withdrawn",
        ),
    ],
)
def test_what_changed_between_owing_and_sending_is_obeyed(owed, meanwhile, reason):
    meanwhile(owed)

    send_improvement_mails()
    send_improvement_mails()

    owed.refresh_from_db()
    assert (owed.sent_at, owed.dropped_why, owed.dropped_at is None) == (None, reason, False)
    assert outbox.outbox == []
    progress = improvements.progress(improvement=owed.improvement)
    assert (progress.owed, progress.sent, progress.waiting, progress.given_up) == (1, 0, 0, 0)
    assert [(str(why), count) for why, count in progress.dropped] == [(reason, 1)]


def test_the_mail_of_an_erased_person_is_gone(owed):
    owed.respondent.delete()
    send_improvement_mails()

    assert not ImprovementMail.objects.exists()
    assert outbox.outbox == []


def test_a_mail_goes_over_a_real_server_once(owed, serve):
    server = serve()

    send_improvement_mails()
    send_improvement_mails()

    (envelope,) = server.accepted
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert envelope.rcpt_tos == ["anna@example.com"]
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(
        r"<http://127.0.0.1:8000/improvements/object/[^/]+/\?lang=en>", message["List-Unsubscribe"].strip()
    )
    assert message.get_body(("plain",)).get_content_charset() == "utf-8"
    assert message.get_body(("html",)) is not None


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_one_mail(owed, serve):
    server, outcomes = serve(pause=0.5), []

    def work():
        outcomes.append(improvements.send_mail(mail_id=owed.pk))

    in_threads(work, work)

    assert sorted(outcomes) == [False, True]
    assert len(server.accepted) == 1


class Killed(BaseException):
    pass


def be_killed(*args, **kwargs):
    raise Killed


def test_the_mail_of_a_worker_that_was_killed_before_it_left_is_sent_by_the_next(owed, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("feedback.improvements.mailing.compose", be_killed)
        with pytest.raises(Killed):
            improvements.send_mail(mail_id=owed.pk)

    send_improvement_mails()

    assert len(outbox.outbox) == 1


def test_the_mail_of_a_worker_that_was_killed_while_it_left_goes_out_no_second_time(owed, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(EmailBackend, "send_messages", be_killed)
        with pytest.raises(Killed):
            improvements.send_mail(mail_id=owed.pk)

    send_improvement_mails()

    owed.refresh_from_db()
    assert (owed.attempts, owed.sent_at is None, outbox.outbox) == (1, False, [])


def test_a_mail_whose_acceptance_nobody_heard_is_not_sent_again(owed, serve):
    server = serve(mailbox=SilentMailbox())

    assert improvements.send_mail(mail_id=owed.pk) is False
    send_improvement_mails()

    assert len(server.accepted) == 1
    assert improvements.progress(improvement=owed.improvement).sent == 1


def test_a_busy_server_is_tried_again_after_growing_waits_and_then_given_up(owed, serve):
    server = serve(reply="451 try again later")

    with time_machine.travel(owed.next_attempt_at, tick=False) as clock:
        for number, wait in enumerate(RETRIES, start=1):
            assert not improvements.send_mail(mail_id=owed.pk)
            owed.refresh_from_db()
            assert (owed.attempts, owed.failed_at) == (number, None)
            assert improvements.due_mail_ids() == []
            clock.shift(wait)
        improvements.send_mail(mail_id=owed.pk)

    assert improvements.due_mail_ids() == []
    progress = improvements.progress(improvement=owed.improvement)
    assert (progress.given_up, progress.waiting, progress.sent) == (1, 0, 0)
    assert server.accepted == []


def test_an_address_that_no_header_can_hold_is_given_up(owed):
    Respondent.objects.update(email="anna@example.com\nBcc: all@example.com")

    assert not improvements.send_mail(mail_id=owed.pk)

    progress = improvements.progress(improvement=owed.improvement)
    assert (progress.given_up, progress.sent, outbox.outbox) == (1, 0, [])


def test_a_refusal_stays_out_of_the_log_but_for_its_kind(owed, monkeypatch, caplog):
    def refuse(self, messages):
        raise smtplib.SMTPRecipientsRefused({"anna@example.com": (550, b"anna@example.com is unknown")})

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    improvements.send_mail(mail_id=owed.pk)

    owed.refresh_from_db()
    assert owed.failed_at is not None
    assert "SMTPRecipientsRefused" in caplog.text
    assert "anna" not in caplog.text
