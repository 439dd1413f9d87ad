"""What mail about one response or follow-up says, and to whom it says nothing."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.utils import timezone

from feedback.models import Contact, FollowUp, MailPreference, Note, Notice, StaffMail
from feedback.staff_mail import owe
from feedback.staff_mail_delivery import send_mail
from privacy.models import Membership
from tests.factories import make_suppression

pytestmark = pytest.mark.django_db
MASKED = "Call me at [phone number], the app is slow"


def sent():
    (message,) = mail.outbox
    (html, kind) = message.alternatives[0]
    assert kind == "text/html"
    return message, html


def is_dropped(owed):
    assert not send_mail(mail_id=owed.pk)
    owed.refresh_from_db()
    assert mail.outbox == []
    assert (owed.sent_at, owed.failed_at) == (None, None)
    return owed.dropped_at is not None


def owe_about(follow_up, user, notice):
    return owe(user=user, notice=notice, key=f"{notice}:{follow_up.pk}", follow_up=follow_up)


def change_role(user, role):
    user.groups.set([Group.objects.get(name=role)])


# --- Alerts -----------------------------------------------------------------------------------------------------------


def test_an_alert_says_what_was_answered_and_leads_to_it(settings, response, hire, owe_alert):
    settings.PUBLIC_URL = "https://feedback.example"
    assert send_mail(mail_id=owe_alert(hire("reviewer")).pk)

    message, html = sent()
    assert message.to == ["reviewer-0@staff.example"]
    assert message.subject == f"Alert: a response to {response.product.name}"
    link = f"https://feedback.example/admin/feedback/response/{response.pk}/change/"
    for body in (message.body, html):
        assert MASKED in body
        assert "1 / 10 · detractor" in body
        assert link in body
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"


def test_nobody_who_answered_is_named_in_any_part_of_a_mail(follow_up, hire, owe_alert):
    reviewer = hire("reviewer")
    owe_alert(reviewer)
    for owed in (
        owe_alert(reviewer),
        *(owe_about(follow_up, follow_up.owner, n) for n in Notice if n < "d" or n > "e"),
    ):
        if owed is not None:
            send_mail(mail_id=owed.pk)

    assert len(mail.outbox) > 3
    for message in mail.outbox:
        assert "Anna" not in message.message().as_string()
        assert "anna" not in message.subject


@pytest.mark.parametrize("role", ["analyst", "reviewer", "data_protection_officer"])
def test_comments_are_masked_for_everybody_because_no_log_says_that_a_mail_was_read(hire, owe_alert, role):
    send_mail(mail_id=owe_alert(hire(role)).pk)

    message, html = sent()
    for body in (message.body, html):
        assert MASKED in body
        assert "601" not in body
        assert "personal data masked" in body


def test_a_role_that_sees_no_responses_gets_no_alert(hire, owe_alert):
    user = hire("reviewer")
    owed = owe_alert(user)
    change_role(user, "administrator")

    assert is_dropped(owed)


@pytest.mark.parametrize("whom", ["response", "respondent"])
def test_nothing_goes_out_about_a_restricted_person(response, hire, owe_alert, whom):
    owed = owe_alert(hire("data_protection_officer"))
    restricted = response if whom == "response" else response.respondent
    restricted.restricted_at = timezone.now()
    restricted.save()

    assert is_dropped(owed)


def test_nothing_goes_out_to_somebody_who_left_the_product(hire, owe_alert):
    user = hire("reviewer")
    owed = owe_alert(user)
    Membership.objects.filter(user=user).delete()

    assert is_dropped(owed)


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}, {"email": ""}])
def test_nothing_goes_out_to_an_account_that_is_off_or_has_no_address(hire, owe_alert, change):
    user = hire("reviewer")
    owed = owe_alert(user)
    type(user).objects.filter(pk=user.pk).update(**change)

    assert is_dropped(owed)


def test_nothing_goes_out_about_what_is_muted(hire, owe_alert):
    assert is_dropped(owe_alert(hire("reviewer", muted=["alert"])))


def test_what_was_written_is_escaped_in_html_and_plain_in_text(response, hire, owe_alert):
    response.comment = "Tom & <b>Jerry</b>"
    response.save()
    send_mail(mail_id=owe_alert(hire("reviewer")).pk)

    message, html = sent()
    assert "Tom &amp; &lt;b&gt;Jerry&lt;/b&gt;" in html
    assert "Tom & <b>Jerry</b>" in message.body


def test_a_mail_loads_nothing_and_carries_its_styles_inline(hire, owe_alert):
    send_mail(mail_id=owe_alert(hire("reviewer")).pk)

    html = sent()[1]
    assert re.search(r"<h1 style=\"[^\"]*font-size", html)
    assert "@media (prefers-color-scheme: dark)" in html.replace(
        "(prefers-color-scheme:dark)", "(prefers-color-scheme: dark)"
    )
    assert not re.search(r"<(img|script|link|iframe)\b|url\(", html)


def test_times_are_those_of_the_receiver(response, hire, owe_alert):
    response.answered_at = response.answered_at.replace(year=2026, month=1, day=15, hour=23, minute=30)
    response.save()
    send_mail(mail_id=owe_alert(hire("reviewer", time_zone="Asia/Tokyo")).pk)

    assert "Jan. 16, 2026, 8:30 a.m." in sent()[0].body


def test_a_mail_is_written_in_the_language_of_the_receiver(response, hire, owe_alert):
    response.answered_at = response.answered_at.replace(year=2026, month=1, day=15)
    response.save()
    send_mail(mail_id=owe_alert(hire("reviewer", language="pl")).pk)

    message, html = sent()
    assert "Data odpowiedzi: 15 stycznia 2026" in message.body
    assert '<html lang="pl"' in html


# --- Follow-ups -------------------------------------------------------------------------------------------------------


def test_the_owner_of_a_follow_up_gets_the_reason_and_the_comment(follow_up):
    send_mail(mail_id=owe_about(follow_up, follow_up.owner, Notice.ASSIGNED).pk)

    message, _html = sent()
    assert message.subject == f"A follow-up of {follow_up.product.name} is yours"
    assert MASKED in message.body
    assert "Angry, call [e-mail]" in message.body
    assert f"/admin/feedback/followup/{follow_up.pk}/change/" in message.body
    assert "First contact due" in message.body


def test_each_mention_quotes_the_note_that_it_is_about(follow_up, hire):
    colleague = hire("reviewer")
    for text in ("Please look at anna@example.com", "Look again"):
        note = Note.objects.create(follow_up=follow_up, author=follow_up.owner, text=text)
        note.mentions.add(colleague)
        owe(user=colleague, notice=Notice.MENTION, key=f"mention:{note.pk}", follow_up=follow_up)
    for owed in StaffMail.objects.order_by("pk"):
        send_mail(mail_id=owed.pk)

    first, second = (message.body for message in mail.outbox)
    assert ("Please look at [e-mail]" in first, "Look again" in first) == (True, False)
    assert ("Please look" in second, "Look again" in second) == (False, True)


def test_a_note_that_mentions_others_is_not_quoted(follow_up, hire):
    note = Note.objects.create(follow_up=follow_up, author=follow_up.owner, text="Between us")
    owed = owe(user=hire("reviewer"), notice=Notice.MENTION, key=f"mention:{note.pk}", follow_up=follow_up)

    send_mail(mail_id=owed.pk)

    assert "Between us" not in sent()[0].body


def owe_reply(follow_up, text):
    contact = Contact.objects.create(
        follow_up=follow_up, kind="email_in", at=timezone.now(), subject="Anna Nowak", text=text
    )
    key = f"reply:{contact.pk}"
    return owe(user=follow_up.owner, notice=Notice.REPLY, key=key, follow_up=follow_up)


def test_a_reply_is_quoted_without_the_personal_data_in_it(follow_up):
    send_mail(mail_id=owe_reply(follow_up, "Works again, anna@example.com").pk)

    message, _html = sent()
    assert "Works again, [e-mail]" in message.body
    assert "Nowak" not in message.message().as_string()


def close(follow_up):
    FollowUp.objects.filter(pk=follow_up.pk).update(status="dismissed", closed_at=timezone.now(), closing_note="x")


@pytest.mark.parametrize("notice", [Notice.ASSIGNED, Notice.REMINDER, Notice.ESCALATION])
def test_a_closed_follow_up_calls_nobody_to_work(follow_up, notice):
    owed = owe_about(follow_up, follow_up.owner, notice)
    close(follow_up)

    assert is_dropped(owed)


def test_a_reply_to_a_closed_follow_up_is_still_news(follow_up):
    owed = owe_reply(follow_up, "I wrote again")
    close(follow_up)

    assert send_mail(mail_id=owed.pk)

    assert "I wrote again" in sent()[0].body


@pytest.mark.parametrize("notice", [Notice.REMINDER, Notice.ESCALATION])
def test_nobody_is_urged_to_a_first_contact_that_was_made(follow_up, notice):
    owed = owe_about(follow_up, follow_up.owner, notice)
    FollowUp.objects.update(contacted_at=timezone.now())

    assert is_dropped(owed)


def test_nobody_is_told_that_a_follow_up_is_soon_due_once_it_is_overdue(follow_up):
    owed = owe_about(follow_up, follow_up.owner, Notice.REMINDER)
    FollowUp.objects.update(due_at=timezone.now() - timedelta(minutes=1))

    assert is_dropped(owed)


@pytest.mark.parametrize("notice", [Notice.REMINDER, Notice.ESCALATION])
def test_nobody_is_urged_to_contact_whoever_came_on_the_list_meanwhile(follow_up, notice):
    owed = owe_about(follow_up, follow_up.owner, notice)
    make_suppression(product=follow_up.product, key=follow_up.respondent.subject_key)

    assert is_dropped(owed)


def test_an_administrator_learns_that_nobody_could_be_told_and_nothing_of_the_person(settings, follow_up, hire):
    settings.PUBLIC_URL = "https://feedback.example"
    assert send_mail(mail_id=owe_about(follow_up, hire("administrator"), Notice.ESCALATION).pk)

    message, html = sent()
    assert message.subject == f"Overdue, and nobody to tell: a follow-up of {follow_up.product.name}"
    for body in (message.body, html):
        assert "https://feedback.example/admin/feedback/workinghours/" in body
        assert not any(word in body for word in ("Angry", "slow", "601", "Nowak", "detractor", "1 / 10"))


def test_an_analyst_learns_of_nothing_that_is_overdue(follow_up, hire):
    assert is_dropped(owe_about(follow_up, hire("analyst"), Notice.ESCALATION))


def test_who_lost_a_follow_up_to_a_colleague_is_not_told_that_it_is_theirs(follow_up, hire):
    owed = owe_about(follow_up, follow_up.owner, Notice.ASSIGNED)
    FollowUp.objects.update(owner=hire("agent"))

    assert is_dropped(owed)


def test_nothing_goes_out_about_a_follow_up_of_a_restricted_person(follow_up):
    owed = [owe_about(follow_up, follow_up.owner, notice) for notice in (Notice.ASSIGNED, Notice.REPLY, Notice.MENTION)]
    type(follow_up.response).including_restricted.update(restricted_at=timezone.now())

    assert all(is_dropped(one) for one in owed)


def test_a_preference_that_nobody_stored_means_mail_about_everything(hire, owe_alert):
    user = hire("reviewer")
    MailPreference.objects.all().delete()

    assert send_mail(mail_id=owe_alert(user).pk)
