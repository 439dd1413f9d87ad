"""The correspondence on the page of a follow-up: who sees what of it, and who may write."""

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from feedback.follow_up import change_status, flag
from feedback.inbound import receive
from feedback.inbound_reading import parse
from feedback.models import Contact, FollowUp, Respondent
from privacy.models import AccessLogEntry
from tests.factories import make_response, make_staff
from tests.feedback.correspondence.letters import reply
from tests.feedback.response_admin.looking import text_of, told

WRITTEN = {"subject": "Your answer", "text": "Call me at jan.kowalski@example.com"}


LETTER = {**WRITTEN, "confirmed": "1"}


def address(follow_up, name="change"):
    return reverse(f"admin:feedback_followup_{name}", args=[follow_up.pk])


@pytest.fixture
def login(client, survey):
    def as_role(role):
        user = make_staff(role, product=survey.product)
        client.force_login(user)
        return user

    return as_role


def test_every_time_the_page_is_shown_is_recorded(client, login, follow_up):
    login("agent")
    page = address(follow_up, "write")

    client.get(page)
    assert AccessLogEntry.objects.count() == 1
    assert client.post(page, {"subject": "", "text": ""}).status_code == 200
    assert AccessLogEntry.objects.count() == 2
    assert client.post(page, WRITTEN).status_code == 200
    assert AccessLogEntry.objects.count() == 3
    assert client.post(page, LETTER).status_code == 302
    assert AccessLogEntry.objects.count() == 3


def test_an_agent_writes_and_sees_the_mail_sent_and_the_reply(
    client, login, threaded, follow_up, django_capture_on_commit_callbacks
):
    agent = login("agent")
    assert "anna@example.com" in text_of(client.get(address(follow_up)))

    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(address(follow_up, "write"), LETTER)

    assert (answer.status_code, answer["Location"]) == (302, address(follow_up))
    assert told(answer) == ["The e-mail is on its way; this page says when it was sent."]
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == (["anna@example.com"], "Your answer")
    receive(message=parse(reply(letter.reply_to[0], "<script>alert(1)</script> fine", **{"from": "eve@evil.example"})))
    shown = text_of(client.get(address(follow_up)))
    for part in (
        agent.username,
        LETTER["text"],
        "&lt;script&gt;alert(1)&lt;/script&gt; fine",
        "From: eve@evil.example",
    ):
        assert part in shown
    assert "Not the address we know" in shown
    assert 'value="Re: Your answer"' in shown
    assert "Wrote an e-mail." in text_of(client.get(address(follow_up, "history")))


def test_an_e_mail_is_shown_as_it_will_be_read_and_sent_when_it_is_confirmed(client, login, follow_up):
    login("agent")
    page = address(follow_up, "write")

    asked = text_of(client.post(page, WRITTEN))
    for part in (
        *WRITTEN.values(),
        "To: anna@example.com",
        "You may object to being contacted",
        "cannot be called back",
    ):
        assert part in asked
    assert not Contact.objects.exists()

    again = text_of(client.post(page, {**WRITTEN, "edit": "1"}))
    assert WRITTEN["text"] in again
    assert 'name="confirmed"' not in again
    assert not Contact.objects.exists()

    client.post(page, LETTER)
    assert (Contact.objects.get().subject, Contact.objects.get().text) == tuple(WRITTEN.values())


def test_a_preview_refuses_what_would_not_be_sent(client, login, follow_up):
    login("agent")

    shown = text_of(client.post(address(follow_up, "write"), {**WRITTEN, "subject": "two\x85lines"}))

    assert "The subject has to be one line" in shown
    assert 'name="confirmed"' not in shown


def test_what_is_wrong_is_said_and_what_was_written_is_kept(client, login, follow_up):
    login("agent")

    answer = client.post(address(follow_up, "write"), {"subject": "", "text": "A long text"})
    shown = text_of(answer)

    assert answer.status_code == 200
    assert "This field is required." in shown
    assert "A long text" in shown
    assert not Contact.objects.exists()


def test_a_refusal_of_the_domain_is_said_beside_the_form(client, login, follow_up):
    login("agent")
    client.post(address(follow_up, "write"), LETTER)

    shown = text_of(client.post(address(follow_up, "write"), LETTER))

    assert "You have just written exactly this." in shown
    assert Contact.objects.count() == 1


def test_the_page_says_whether_replies_come_back_to_it(client, login, follow_up, settings):
    login("agent")
    assert "Replies do not come back to this page" in text_of(client.get(address(follow_up)))
    settings.REPLY_DOMAIN = "replies.example.com"
    assert "Replies come back to this page" in text_of(client.get(address(follow_up)))


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"objected_at": timezone.now()}, "They objected to being contacted."),
        ({"email": ""}, "This person has no e-mail address."),
    ],
)
def test_where_nobody_may_write_the_page_says_why_and_has_no_form(client, login, follow_up, columns, reason):
    login("agent")
    Respondent.objects.update(**columns)
    follow_up.response.__class__.objects.update(email="")

    for page in ("change", "write"):
        shown = text_of(client.get(address(follow_up, page)))
        assert reason in shown
        assert 'name="subject"' not in shown


def test_a_mail_that_was_not_sent_says_why(client, login, follow_up, agent):
    login("agent")
    now = timezone.now()
    Contact.objects.create(
        follow_up=follow_up,
        kind="email_out",
        actor=agent,
        at=now,
        subject="x",
        text="x",
        failed_at=now,
        failure="refused",
    )
    Respondent.objects.update(mail_bounced_at=now)

    shown = text_of(client.get(address(follow_up)))

    assert "The mail server does not accept it." in shown
    assert "came back as undeliverable" in shown


def test_after_closing_an_agent_sees_masked_texts_and_no_addresses(client, login, sent, follow_up, agent):
    receive(message=parse(reply(sent.reply_address, "Write to jan@example.com", **{"from": "eve@evil.example"})))
    change_status(follow_up=follow_up, to="dismissed", by=agent, note="settled")
    login("agent")

    shown = text_of(client.get(address(follow_up)))

    assert "Write to" in shown
    assert [secret for secret in ("jan@example.com", "eve@evil.example", "anna@example.com") if secret in shown] == []
    assert 'name="subject"' not in shown


@pytest.mark.parametrize("role", ["reviewer", "data_protection_officer"])
def test_who_may_read_but_not_work_reads_and_cannot_write(client, login, sent, follow_up, role):
    login(role)

    shown = text_of(client.get(address(follow_up)))

    assert "What happened?" in shown
    assert 'name="subject"' not in shown
    for method in (client.get, client.post):
        assert method(address(follow_up, "write")).status_code == 403


@pytest.mark.parametrize("role", ["analyst", "administrator", "privacy_officer"])
def test_other_roles_see_no_correspondence(client, login, sent, follow_up, role):
    login(role)

    for page in ("change", "write"):
        answer = client.get(address(follow_up, page))
        assert answer.status_code in {302, 403}
        assert "What happened?" not in text_of(answer)


def test_follow_ups_of_other_products_and_restricted_ones_do_not_exist(client, login, follow_up, agent):
    login("agent")
    elsewhere = flag(response=make_response(), reason="Angry", by=agent)
    assert client.post(address(elsewhere, "write"), LETTER).status_code == 404
    follow_up.response.__class__.objects.update(restricted_at=timezone.now())
    assert client.post(address(follow_up, "write"), LETTER).status_code == 404
    assert not Contact.objects.exists()


def test_visitors_are_sent_to_the_login(client, follow_up):
    assert client.get(address(follow_up, "write"))["Location"].startswith(reverse("admin:login"))


def test_the_page_costs_no_more_with_more_mails(client, login, follow_up, agent, django_assert_max_num_queries):
    login("agent")

    def make_mails(number):
        for each in range(number):
            Contact.objects.create(
                follow_up=follow_up, kind="email_out", actor=make_staff(), at=timezone.now(), text=f"mail {each}"
            )

    make_mails(1)
    client.get(address(follow_up))
    with django_assert_max_num_queries(60) as one:
        client.get(address(follow_up))
    make_mails(10)
    with django_assert_max_num_queries(len(one)):
        client.get(address(follow_up))
    assert FollowUp.objects.count() == 1
