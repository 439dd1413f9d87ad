"""What is read from a mail, whoever sent it and however it is malformed."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.inbound_reading import LONGEST_TEXT, Nature, UnreadableMail, parse, read, text_of_html, without_history
from tests.feedback.correspondence.letters import delivery_report, reply, with_attachment

TO = "reply+abc@replies.example.com"


def read_raw(raw, **arguments):
    return read(parse(raw), **arguments)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Thanks!\n\nOn 3 May 2026 at 10:12, Care wrote:\n> What happened?\n> Tell us.\n", "Thanks!"),
        ("Dzięki!\n\nW dniu 3.05.2026 o 10:12, Bank\n<care@bank.example> napisał(a):\n> Co się stało?", "Dzięki!"),
        ("Thanks!\n> What happened?\n\n", "Thanks!"),
        ("> What happened?\nThe fees.\n> Anything else?\nNo.", "> What happened?\nThe fees.\n> Anything else?\nNo."),
        ("The sum was:\n> 5 zł", "The sum was:"),
        ("> only quoted", "> only quoted"),
        ("Hi\n\n-----Original Message-----\nFrom: Care\nTo: Anna\n\nWhat happened?", "Hi"),
        ("Hi\n-----Wiadomość oryginalna-----\nOd: Bank", "Hi"),
        ("a > b\n5 > 4", "a > b\n5 > 4"),
        ("", ""),
    ],
)
def test_only_the_quoted_history_at_the_end_is_left_out(text, kept):
    assert without_history(text) == kept


@given(st.text())
def test_a_reply_never_becomes_empty_by_leaving_out_its_history(text):
    assert bool(without_history(text)) == bool(text.strip())


def test_a_page_becomes_its_words():
    html = """<html><head><title>T</title><style>p {color: red}</style></head><body><p>It works&nbsp;&amp; I am
    <b>glad</b>.</p><script>alert(1)</script><div>Anna</div><div class="gmail_quote">On 3 May 2026 Care wrote:<br>
    <blockquote><p>What happened?</p><blockquote>Older</blockquote></blockquote></div></body></html>"""

    words = text_of_html(html)

    assert words == ("It works & I am glad.\nAnna\nOn 3 May 2026 Care wrote:\n> What happened?\n>> Older")
    assert without_history(words) == "It works & I am glad.\nAnna"


def test_a_mail_with_both_versions_gives_the_plain_one():
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = "<a@b>"
    message.set_content("plain")
    message.add_alternative("<p>page</p>", subtype="html")

    assert read_raw(message.as_bytes()).text == "plain"


def test_a_mail_with_only_a_page_gives_its_words():
    message = EmailMessage(policy=SMTP)
    message.set_content("<p>It <i>works</i></p>", subtype="html")

    assert read_raw(message.as_bytes()).text == "It works"


def test_attachments_are_noticed_and_left_out():
    mail = read_raw(with_attachment(TO))

    assert (mail.text, mail.has_attachments) == ("See the picture.", True)
    assert not read_raw(reply(TO)).has_attachments


def test_ten_megabytes_of_text_are_cut():
    mail = read_raw(reply(TO, "word " * 2_000_000))

    assert (len(mail.text), mail.is_cut) == (LONGEST_TEXT, True)


@pytest.mark.parametrize(
    "charset",
    ["utf-8", "iso-8859-2", "windows-1250", "no-such-charset", "punycode", "idna", "zlib", "", "unicode_escape"],
)
def test_any_charset_gives_text(charset):
    body = "Zażółć".encode(charset if charset in {"utf-8", "iso-8859-2", "windows-1250"} else "utf-8")
    raw = b"Message-ID: <a@b>\r\nContent-Type: text/plain; charset=" + charset.encode() + b"\r\n\r\n" + body

    assert read_raw(raw).text == "Zażółć"


def test_controls_and_text_direction_tricks_are_left_out():
    mail = read_raw(
        reply(TO, "a\x00b\u202ec\x1b[31m\r\nd", subject="Re:\x00 \u202eYour=?utf-8?q?=00=0D=0ABcc:_x?= answer")
    )

    assert mail.text == "abc[31m\nd"
    assert mail.subject == "Re: Your Bcc: x answer"


def test_a_subject_in_polish_is_read_encoded_or_not():
    assert read_raw(reply(TO, subject="Zażółć =?utf-8?q?g=C4=99=C5=9Bl=C4=85?=")).subject == "Zażółć gęślą"
    assert read_raw(reply(TO, subject="Zażółć")).subject == "Zażółć"


def test_a_folded_or_forged_subject_is_one_line():
    folded = read_raw(reply(TO, subject="Your\r\n answer"))
    encoded = read_raw(reply(TO, subject="=?utf-8?b?WW91cg0KQmNjOiBhbGxAZXhhbXBsZS5jb20=?="))

    assert folded.subject == "Your answer"
    assert encoded.subject == "Your Bcc: all@example.com"


def test_recipients_come_from_every_header_that_names_them_in_small_letters():
    raw = reply("Anna <anna@example.com>", headers=[f"Delivered-To: {TO.upper()}", "Cc: x@y.example, Z <z@y.example>"])

    mail = read_raw(raw, recipients=["Envelope@Example.com"])

    assert set(mail.recipients) == {"envelope@example.com", "anna@example.com", TO, "x@y.example", "z@y.example"}


@pytest.mark.parametrize("given_id", [None, "", "no brackets", "<a b@c>", "<" + "x" * 300 + ">", "=?utf-8?q?=00?="])
def test_a_mail_without_a_usable_id_gets_one_from_what_it_says(given_id):
    raw = reply(TO, **{"message-id": given_id})

    first, again, other = read_raw(raw), read_raw(raw), read_raw(reply(TO, "other", **{"message-id": given_id}))

    assert first.message_id.startswith("sha256:")
    assert first.message_id == again.message_id != other.message_id


@pytest.mark.parametrize(
    "headers",
    [
        ["Auto-Submitted: auto-replied"],
        ["Auto-Submitted: auto-generated (vacation)"],
        ["X-Autoreply: yes"],
        ["Precedence: auto_reply"],
        ["Return-Path: <>"],
    ],
)
def test_automatic_answers_are_recognised(headers):
    assert read_raw(reply(TO, headers=headers)).nature is Nature.AUTOMATIC


def test_a_person_who_says_that_nothing_is_automatic_is_a_person():
    assert read_raw(reply(TO, headers=["Auto-Submitted: no"])).nature is Nature.REPLY


@pytest.mark.parametrize(
    ("action", "status", "nature"),
    [
        ("failed", "5.1.1", Nature.BOUNCE),
        ("failed", "4.4.7", Nature.DELAY),
        ("delayed", "4.4.1", Nature.DELAY),
        ("delivered", "2.0.0", Nature.AUTOMATIC),
    ],
)
def test_reports_of_delivery_say_what_became_of_which_mail(action, status, nature):
    mail = read_raw(delivery_report(TO, "<ours@replies.example.com>", action=action, status=status))

    assert (mail.nature, mail.status) == (nature, status)
    if nature in {Nature.BOUNCE, Nature.DELAY}:
        assert "<ours@replies.example.com>" in mail.answers


def test_a_mail_nested_ten_thousand_deep_is_unreadable_and_nothing_else():
    head = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(10_000))

    with pytest.raises(UnreadableMail):
        read_raw(head.encode())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: text/plain; charset*0=\xff\r\n\r\nx",
        b"Content-Type: ;;;=\r\nContent-Disposition: ;filename*=x''%ff\r\n\r\nx",
        b"From: <<<>>>@@,;:\r\nTo: ,,,;:<\r\nSubject: =?utf-8?b?!!!?=\r\n\r\nx",
        b"Content-Type: text/html\r\n\r\n<![<!--<p <b",
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!!",
        b"Content-Type: message/rfc822\r\n\r\n",
        b"Content-Type: message/delivery-status\r\n\r\n",
    ],
)
def test_malformed_mail_is_read_or_unreadable_and_never_anything_else(raw):
    try:
        mail = read_raw(raw)
    except UnreadableMail:
        return
    assert "\x00" not in mail.text + mail.subject


@given(st.binary(max_size=2000))
def test_no_bytes_break_the_reader(raw):
    try:
        read_raw(b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n" + raw)
    except UnreadableMail:
        return
