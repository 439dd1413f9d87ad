"""What people reply: found by the token in the address it was sent to, and attached to its follow-up once."""

from __future__ import annotations

import logging
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import DataError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from feedback import staff_mail
from feedback.correspondence import language_of
from feedback.follow_up import Bar, bar_of, change_status, recount_contacts, who_is_told
from feedback.inbound_reading import LONGEST_MESSAGE_ID, LONGEST_TEXT, Mail, Nature, read
from feedback.models import Contact, FollowUp, Respondent
from feedback.models.notifying import Notice
from feedback.notices import CAME_BACK
from privacy.answering import message_came_back
from privacy.encryption import token_digest
from privacy.limits import Limit, hit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.message import Message

logger = logging.getLogger(__name__)

Kind = Contact.Kind
TOKEN = re.compile(r"reply\+([a-z2-7]{52})@(.+)")
LEAVES_NO_TRACE: Final = (Bar.RESTRICTED, Bar.ERASED)
# Whoever has a token can write, but fills no page with it.
PER_FOLLOW_UP: Final = Limit("replies-about-a-follow-up", times=50, seconds=24 * 60 * 60)


class Outcome(StrEnum):
    """What became of a mail."""

    ATTACHED = "attached"
    NOTED = "noted"  # an automatic answer, or our own mail that came back
    KNOWN = "known already"
    UNKNOWN = "unknown address"
    UNREADABLE = "unreadable"
    REFUSED = "refused"


def receive(*, message: Message, recipients: Iterable[str] = ()) -> Outcome:
    """Attach a mail to the follow-up whose reply address it was sent to, once, whichever way it comes in.

    A person whose data are restricted, or erased, leaves no trace. Attachments are not kept. What the parser cannot
    take apart, or the database cannot hold, is unreadable: the same mail would fail again, and keep others waiting.

    Args:
        message: the parsed mail, of whatever policy.
        recipients: addresses it was delivered to, where the one who received it knows them.
    """
    try:
        return _receive(read(message, recipients=recipients))
    except (ValueError, DataError) as error:  # UnreadableMail among them
        # Only the kind of error: its text may quote the mail.
        logger.warning("a mail could not be read: %s", type(error.__cause__ or error).__name__)
        return Outcome.UNREADABLE


def contact_came_back(*, message_id: str, nature: Nature) -> bool:
    """Note a provider's report that a mail did not arrive, once, and tell whether it was a mail of a follow-up.

    Args:
        message_id: in angle brackets, as it was sent.
        nature: a bounce or a refusal.
    """
    known_by = f"{nature}:{message_id}"[:LONGEST_MESSAGE_ID]
    report = Mail(
        message_id=known_by, sender="", recipients=(), answers=(message_id,), subject="", text="", nature=nature
    )
    return _receive(report) is not Outcome.UNKNOWN


@transaction.atomic
def _receive(mail: Mail) -> Outcome:
    answered = _answered(mail)
    follow_up = _lock(answered) if answered else None
    if answered is None or follow_up is None:
        is_ours = mail.nature is Nature.BOUNCE and message_came_back(message_ids=mail.answers)
        return Outcome.NOTED if is_ours else Outcome.UNKNOWN
    if bar_of(follow_up.response, follow_up.respondent) in LEAVES_NO_TRACE:
        return Outcome.REFUSED
    if Contact.objects.exclude(kind=Kind.EMAIL_OUT).filter(message_id=mail.message_id).exists():
        return Outcome.KNOWN
    if hit(PER_FOLLOW_UP, str(follow_up.pk)) is not None:
        return Outcome.REFUSED
    with translation.override(language_of(follow_up)):
        return _attach(mail, answered, follow_up)


def _answered(mail: Mail) -> Contact | None:
    """Return the mail of ours that this one answers: by the token in its address, else by the ids it names."""
    ours = Contact.objects.filter(kind=Kind.EMAIL_OUT).order_by("pk")
    found = [match for address in mail.recipients if (match := TOKEN.fullmatch(address))]
    digests = [token_digest(match[1]) for match in found if match[2] == settings.REPLY_DOMAIN]
    by_token = ours.filter(reply_digest__in=digests).first() if digests else None
    # Our ids are random: only who got the mail knows them.
    return by_token or (ours.filter(message_id__in=mail.answers).first() if mail.answers else None)


def _lock(answered: Contact) -> FollowUp | None:
    """Make mails of one person wait in line; ``None`` where the person was erased meanwhile."""
    people = Respondent.including_restricted.select_for_update(no_key=True, of=("self",))
    if people.filter(follow_ups=answered.follow_up_id).first() is None:
        return None
    rows = FollowUp.including_restricted.select_for_update(no_key=True, of=("self",))
    rows = rows.select_related("response", "respondent__person", "product")
    follow_up: FollowUp | None = rows.filter(pk=answered.follow_up_id).first()
    return follow_up


def _attach(mail: Mail, answered: Contact, follow_up: FollowUp) -> Outcome:
    if mail.nature is Nature.REPLY:
        contact = _store(mail, follow_up, Kind.EMAIL_IN, _text(mail))
        _resume(follow_up)
        _tell(follow_up, f"reply:{contact.pk}")
        return Outcome.ATTACHED
    if mail.nature is Nature.AUTOMATIC:
        _store(mail, follow_up, Kind.OTHER, _("Automatic answer:") + f"\n{_text(mail)}")
    elif mail.nature is Nature.DELAY:
        _store(mail, follow_up, Kind.OTHER, _("Our e-mail has not been delivered yet. %s") % mail.status)
    else:
        _take_back(mail, answered, follow_up)
    return Outcome.NOTED


def _take_back(mail: Mail, answered: Contact, follow_up: FollowUp) -> None:
    """Keep that an e-mail of ours did not arrive, once: it is no contact, and somebody has to find another way."""
    now = timezone.now()
    if mail.nature is Nature.BOUNCE:
        Respondent.including_restricted.filter(pk=follow_up.respondent_id).update(mail_bounced_at=now)
    ours = Contact.objects.filter(pk=answered.pk, failed_at=None)
    if not ours.update(failed_at=now, failure=Contact.Failure.REFUSED):
        return
    note = _store(mail, follow_up, Kind.OTHER, _("Our e-mail came back: it cannot be delivered. %s") % mail.status)
    recount_contacts(follow_up=follow_up)
    _tell(follow_up, f"{CAME_BACK}:{note.pk}")


def _tell(follow_up: FollowUp, key: str) -> None:
    for somebody in who_is_told(follow_up):
        staff_mail.owe(user=somebody, notice=Notice.REPLY, key=key, follow_up=follow_up)


def _store(mail: Mail, follow_up: FollowUp, kind: Contact.Kind, text: str) -> Contact:
    is_theirs = mail.nature in {Nature.REPLY, Nature.AUTOMATIC}
    return Contact.objects.create(
        follow_up=follow_up,
        kind=kind,
        at=timezone.now(),  # when it came in; the date that the mail names is whatever the sender wrote
        subject=mail.subject if is_theirs else "",
        text=text.strip()[:LONGEST_TEXT],
        sender=mail.sender if is_theirs else "",
        message_id=mail.message_id,
    )


def _text(mail: Mail) -> str:
    notes = [_("[The e-mail was longer; the rest was not kept.]")] if mail.is_cut else []
    notes += [_("[It had attachments, which are not kept.]")] if mail.has_attachments else []
    remarks = "\n".join(notes)
    text = mail.text or _("[It had no text.]")
    return f"{text[: LONGEST_TEXT - len(remarks) - 200]}\n\n{remarks}" if notes else text


def _resume(follow_up: FollowUp) -> None:
    """Take a follow-up that waited for the person back into work; nobody of the staff did it.

    Who objected to contact may write to us, but there is nothing to work on: nobody may answer.
    """
    if follow_up.status == FollowUp.Status.WAITING and bar_of(follow_up.response, follow_up.respondent) is None:
        change_status(follow_up=follow_up, to=FollowUp.Status.IN_PROGRESS, by=None)
