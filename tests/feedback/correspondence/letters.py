"""Mails as they come in, byte for byte."""

from email.message import EmailMessage
from email.policy import SMTP


def reply(to, text="It works again, thank you.", *, headers=(), **names):
    """Return a reply to an address; ``names`` are Subject, From and so on with small letters."""
    given = {
        "from": "Anna <anna@example.com>",
        "subject": "Re: Your answer",
        "message-id": "<a1@mail.example>",
        **names,
    }
    lines = [f"{name.title()}: {value}" for name, value in {"to": to, **given}.items() if value is not None]
    head = "\r\n".join([*lines, *headers, "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"])
    return f"{head}\r\n\r\n{text}".encode()


def with_attachment(to, *, size=1000, text="See the picture."):
    message = EmailMessage(policy=SMTP)
    message["To"], message["From"], message["Message-ID"] = to, "anna@example.com", "<big@mail.example>"
    message.set_content(text)
    message.add_attachment(b"x" * size, maintype="image", subtype="png", filename="screen.png")
    return message.as_bytes()


def delivery_report(to, original_id, *, action="failed", status="5.1.1", message_id="<dsn@mx.example>"):
    return f"""From: Mail Delivery System <MAILER-DAEMON@mx.example>\r
To: {to}\r
Subject: Undelivered Mail Returned to Sender\r
Message-ID: {message_id}\r
Auto-Submitted: auto-replied\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary=B\r
\r
--B\r
Content-Type: text/plain\r
\r
I'm sorry about anna@example.com.\r
--B\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example\r
\r
Final-Recipient: rfc822; anna@example.com\r
Action: {action}\r
Status: {status}\r
\r
--B\r
Content-Type: message/rfc822\r
\r
Message-ID: {original_id}\r
Subject: Your answer\r
\r
What happened?\r
--B--\r
""".encode()
