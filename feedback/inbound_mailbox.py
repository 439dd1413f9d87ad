"""Fetching replies from a mailbox that holds nothing else: what was read is deleted there."""

from __future__ import annotations

import imaplib
import logging
import ssl
from collections import Counter
from typing import Final

from django.conf import settings
from django.db import DatabaseError

from feedback.inbound import Outcome, receive
from feedback.inbound_reading import UnreadableMail, parse

logger = logging.getLogger(__name__)

SECONDS: Final = 20
BATCH: Final = 200
# Headers and text come first; of a mail with large attachments the rest is never fetched.
MOST_BYTES: Final = 1_000_000


def fetch_replies() -> Counter[Outcome]:
    """Attach the mails in the mailbox that IMAP_URL names, delete them there, and return what became of them.

    A mail that could not be stored stays for the next time. Two workers at once attach each mail once.
    """
    outcomes: Counter[Outcome] = Counter()
    if not settings.IMAP:
        return outcomes
    try:
        with _connect() as mailbox:
            _read_all(mailbox, outcomes)
    except (imaplib.IMAP4.error, OSError) as error:
        # Only the kind of error: its text may quote the server's greeting or the account.
        logger.warning("the mailbox of replies cannot be read: %s", type(error).__name__)
    if outcomes:
        logger.info("replies: %s", ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())))
    return outcomes


def _connect() -> imaplib.IMAP4:
    server = settings.IMAP
    context = ssl.create_default_context()
    if server["security"] == "tls":
        mailbox: imaplib.IMAP4 = imaplib.IMAP4_SSL(server["host"], server["port"], ssl_context=context, timeout=SECONDS)
    else:
        mailbox = imaplib.IMAP4(server["host"], server["port"], timeout=SECONDS)
        if server["security"] == "starttls":
            mailbox.starttls(context)
    mailbox.login(server["user"], server["password"])
    return mailbox


def _read_all(mailbox: imaplib.IMAP4, outcomes: Counter[Outcome]) -> None:
    folder = settings.IMAP["folder"]
    selected, _answer = mailbox.select(f'"{folder}"')
    if selected != "OK":
        raise imaplib.IMAP4.error("no such folder")
    _searched, found = mailbox.uid("SEARCH", "UNDELETED")
    for uid in (found[0] or b"").split()[:BATCH]:
        _read_one(mailbox, uid.decode("ascii"), outcomes)
    mailbox.expunge()


def _read_one(mailbox: imaplib.IMAP4, uid: str, outcomes: Counter[Outcome]) -> None:
    _fetched, answer = mailbox.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MOST_BYTES}>)")
    raw = next((piece[1] for piece in answer if isinstance(piece, tuple)), None)
    if raw is None:  # another worker was faster
        return
    try:
        outcomes[receive(message=parse(raw))] += 1
    except UnreadableMail:
        outcomes[Outcome.UNREADABLE] += 1
    except DatabaseError as error:
        logger.warning("a reply could not be stored and stays in the mailbox: %s", type(error).__name__)
        return
    mailbox.uid("STORE", uid, "+FLAGS", r"(\Deleted)")
