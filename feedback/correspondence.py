"""Writing to a person about their response: a mail is owed in the database and goes out once."""

from __future__ import annotations

import base64
import logging
import re
from datetime import timedelta
from email.utils import formataddr, parseaddr
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from feedback.campaigns.handing_over import OutcomeUnknown, TakenMeanwhile, send_owed
from feedback.follow_up import WORK, mark_contacted
from feedback.follow_up.barring import check_contact
from feedback.follow_up.locking import lock_follow_up, lock_respondent
from feedback.models import Contact, FollowUp
from privacy.delivery import BATCH, NOT_ACCEPTED, next_attempt
from privacy.encryption import keyed_hash, new_token, token_digest

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

logger = logging.getLogger(__name__)

Failure = Contact.Failure
LONGEST_SUBJECT: Final = 200
LONGEST_TEXT: Final = 10_000
CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# The same words again within this time are a button pressed twice.
SAME_AGAIN: Final = timedelta(minutes=2)
# How many earlier mails a mail names, so that mail programs show them together.
MOST_REFERENCES: Final = 10


@transaction.atomic
def write(*, follow_up: FollowUp, by: User, subject: str, text: str) -> Contact:
    """Owe the person of an open follow-up an e-mail; the caller queues it, and the schedule does if that is lost.

    Args:
        by: a member of staff who may work on follow-ups and sees the product.
        subject: one line, at most 200 characters.
        text: plain text, at most 10,000 characters.

    Raises:
        PermissionDenied: ``by`` may not work on this follow-up.
        ValidationError: ``subject_required``, ``text_required``, ``one_line``, ``too_long``, ``not_open``,
            ``may_not_be_contacted``, ``no_email`` or ``already_written``.
    """
    respondent = lock_respondent(follow_up.respondent_id)
    follow_up = lock_follow_up(follow_up)
    follow_up.respondent = respondent
    subject, text = _check_writable(follow_up, by, subject, text)
    now, message_id = timezone.now(), f"<{new_token()}@{_domain()}>"
    return Contact.objects.create(
        follow_up=follow_up,
        kind=Contact.Kind.EMAIL_OUT,
        actor=by,
        at=now,
        subject=subject,
        text=text,
        message_id=message_id,
        reply_digest=token_digest(reply_token(message_id)) if settings.REPLY_DOMAIN else None,
        next_attempt_at=now,
    )


def draft(*, follow_up: FollowUp, by: User, subject: str, text: str) -> tuple[str, str]:
    """Return the subject and the whole text that the person would read, without owing them anything.

    Raises:
        as ``write`` does.
    """
    subject, text = _check_writable(follow_up, by, subject, text)
    unsaved, language = Contact(follow_up=follow_up, subject=subject, text=text), language_of(follow_up)
    with translation.override(language):
        return subject, render_to_string("feedback/correspondence/mail.txt", _context(unsaved, language))


def may_write(user: User, follow_up: FollowUp) -> bool:
    """Tell whether a member of staff may work on this follow-up."""
    mine = FollowUp.including_restricted.visible_to(user).filter(pk=follow_up.pk)
    return user.has_perm(WORK) and mine.exists()


def check_may_get_mail(follow_up: FollowUp) -> None:
    """Refuse, with the reason, where the person must or can get no e-mail.

    Raises:
        ValidationError: ``may_not_be_contacted`` or ``no_email``.
    """
    check_contact(follow_up.response, follow_up.respondent)
    if not email_of(follow_up):
        raise ValidationError(Failure.NO_EMAIL.label, code=Failure.NO_EMAIL)


def email_of(follow_up: FollowUp) -> str:
    """Return where the person is reached: what the product says now, else what came with the response."""
    return follow_up.respondent.email or follow_up.response.email


def due_contact_ids() -> list[int]:
    """Return the ids of e-mails that should have gone out, the longest overdue first."""
    return list(_due().order_by("next_attempt_at").values_list("pk", flat=True)[:BATCH])


def send_contact(*, contact_id: int) -> bool:
    """Send an e-mail that is due, at most once, whoever else tries at the same time.

    Every attempt carries the same ``Message-ID`` and reply address. Whether the person may be contacted is decided
    anew. A closed follow-up is no obstacle: the mail was written while it was open. Where the connection broke off
    before the mail server said whether it accepts the mail, it is not sent again, and the follow-up's page says that
    nobody knows; where a worker is killed at that moment, it counts as sent.

    Returns:
        Whether this call sent it.
    """
    about = (
        "follow_up__respondent__person",
        "follow_up__response",
        "follow_up__team",
        "follow_up__product__controller",
    )
    contact = _due().select_related(*about).filter(pk=contact_id).first()
    if contact is None:
        return False
    try:
        check_may_get_mail(contact.follow_up)
        send_owed(_compose(contact), contact, _due())
    except TakenMeanwhile:
        return False
    except ValidationError as error:
        _end(contact, failed_at=timezone.now(), failure=Failure(str(error.code)))
        return False
    except OutcomeUnknown:
        logger.warning("nobody knows whether contact %s was sent", contact.pk)
        _say_unknown(contact)
        return False
    except (*NOT_ACCEPTED, ValueError) as error:  # ValueError: an address or a name that no header can hold
        # Only the kind of error: its text may quote the address.
        logger.warning("contact %s was not sent: %s", contact.pk, type(error).__name__)
        _put_off(contact, error)
        return False
    _settle(contact)
    return True


def reply_token(message_id: str) -> str:
    """Return the token of the address to which replies to one of our mails come.

    It is made from the mail's random id and a secret, so that every attempt to send the mail carries the same one
    although only its digest is stored. It has no capital letters: mail servers may change their case.
    """
    return base64.b32encode(keyed_hash("reply", message_id)).decode().rstrip("=").lower()


def language_of(follow_up: FollowUp) -> str:
    """Return the language in which the person is written to, one of ``LANGUAGES``."""
    spoken = dict(settings.LANGUAGES)
    wishes = (follow_up.respondent.language, follow_up.response.language, follow_up.product.default_language)
    codes = (wish.lower().partition("-")[0] for wish in wishes)
    return next((code for code in codes if code in spoken), settings.LANGUAGE_CODE)


def _check_writable(follow_up: FollowUp, by: User, subject: str, text: str) -> tuple[str, str]:
    if not may_write(by, follow_up):
        raise PermissionDenied
    subject, text = _checked(subject, text)
    if not follow_up.is_open:
        raise ValidationError(_("It is closed; reopen it first."), code="not_open")
    check_may_get_mail(follow_up)
    _check_not_written_already(follow_up, by, subject, text)
    return subject, text


def _checked(subject: str, text: str) -> tuple[str, str]:
    subject, text = subject.strip(), text.replace("\x00", "").strip()
    if not subject:
        raise ValidationError(_("Give the e-mail a subject."), code="subject_required")
    if not text:
        raise ValidationError(_("Write what you want to say."), code="text_required")
    if CONTROLS.search(subject):  # line breaks would be further headers
        raise ValidationError(_("The subject has to be one line of ordinary characters."), code="one_line")
    for words, longest in ((subject, LONGEST_SUBJECT), (text, LONGEST_TEXT)):
        if len(words) > longest:
            raise ValidationError(_("At most %(limit)s characters."), code="too_long", params={"limit": longest})
    return subject, text


def _check_not_written_already(follow_up: FollowUp, by: User, subject: str, text: str) -> None:
    same = Contact.objects.filter(
        follow_up=follow_up, kind=Contact.Kind.EMAIL_OUT, actor=by, subject=subject, text=text, failed_at=None
    )
    if same.filter(at__gte=timezone.now() - SAME_AGAIN).exists():
        raise ValidationError(_("You have just written exactly this."), code="already_written")


def _due() -> QuerySet[Contact]:
    return Contact.objects.filter(
        kind=Contact.Kind.EMAIL_OUT, sent_at__isnull=True, failed_at__isnull=True, next_attempt_at__lte=timezone.now()
    )


@transaction.atomic
def _settle(contact: Contact) -> None:
    """Keep that the person was contacted, unless they were erased since the mail left."""
    if _still_there(contact):
        assert contact.sent_at is not None  # noqa: S101  written down before it left
        mark_contacted(follow_up=contact.follow_up, at=contact.sent_at)


@transaction.atomic
def _say_unknown(contact: Contact) -> None:
    if not _still_there(contact):
        return
    Contact.objects.filter(pk=contact.pk).update(failed_at=timezone.now(), failure=Failure.UNKNOWN)
    with translation.override(language_of(contact.follow_up)):
        text = _(
            "Nobody knows whether our e-mail “%(subject)s” was sent: the connection broke off while it was handed "
            "over. It is not sent again by itself, and the person does not count as contacted."
        )
        said = text % {"subject": contact.subject}
        Contact.objects.create(follow_up=contact.follow_up, kind=Contact.Kind.OTHER, at=timezone.now(), text=said)


def _still_there(contact: Contact) -> bool:
    return Contact.objects.select_for_update(of=("self",)).filter(pk=contact.pk).exists()


def _put_off(contact: Contact, error: Exception) -> None:
    attempts, now = contact.attempts + 1, timezone.now()
    again = None if isinstance(error, ValueError) else next_attempt(error, failures=attempts, now=now)
    if again is None:
        _end(contact, attempts=attempts, failed_at=now, failure=Failure.REFUSED)
    else:
        _end(contact, attempts=attempts, next_attempt_at=again)


def _end(contact: Contact, **columns: Any) -> None:
    """Write down how an attempt ended without a mail, unless another worker sent it meanwhile."""
    Contact.objects.filter(pk=contact.pk, sent_at=contact.sent_at).update(sent_at=None, **columns)


def _domain() -> str:
    return settings.REPLY_DOMAIN or parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]


def _compose(contact: Contact) -> EmailMultiAlternatives:
    follow_up = contact.follow_up
    sender = formataddr((_name(follow_up), parseaddr(settings.DEFAULT_FROM_EMAIL)[1]))
    replies = f"reply+{reply_token(contact.message_id)}@{settings.REPLY_DOMAIN}" if settings.REPLY_DOMAIN else ""
    team = follow_up.team.reply_address if follow_up.team else ""
    answers = [address for address in (replies, team) if address] or [follow_up.product.controller.contact_email]
    language = language_of(follow_up)
    with translation.override(language):
        context = _context(contact, language)
        message = EmailMultiAlternatives(
            subject=contact.subject,
            body=render_to_string("feedback/correspondence/mail.txt", context),
            # Mail that cannot be delivered comes back to the sender on the envelope, which is not the one people see.
            from_email=replies or sender,
            to=[email_of(follow_up)],
            reply_to=answers,
            headers={"From": sender, "Message-ID": contact.message_id, **_thread(contact)},
        )
        message.attach_alternative(render_to_string("feedback/correspondence/mail.html", context), "text/html")
    return message


def _name(follow_up: FollowUp) -> str:
    names = [follow_up.product.name, *([follow_up.team.name] if follow_up.team else [])]
    return " – ".join(" ".join(name.split()) for name in names)


def _thread(contact: Contact) -> dict[str, str]:
    """Return the headers that name the earlier mails of the conversation."""
    earlier = Contact.objects.filter(follow_up=contact.follow_up_id, message_id__startswith="<", at__lt=contact.at)
    mails = earlier.filter(kind=Contact.Kind.EMAIL_IN) | earlier.filter(sent_at__isnull=False)
    ids = list(mails.order_by("-at", "-pk").values_list("message_id", flat=True)[:MOST_REFERENCES])
    return {"In-Reply-To": ids[0], "References": " ".join(reversed(ids))} if ids else {}


def _context(contact: Contact, language: str) -> dict[str, Any]:
    product = contact.follow_up.product
    objection = f"{reverse('privacy:request')}?right=objection&product={product.public_key}&lang={language}"
    return {
        "contact": contact,
        "language": language,
        "product": product,
        "controller": product.controller,
        "answered_on": contact.follow_up.response.answered_on,
        "comes_back": bool(settings.REPLY_DOMAIN),
        "notice": f"{settings.PUBLIC_URL}{reverse('privacy:notice')}?lang={language}",
        "objection": f"{settings.PUBLIC_URL}{objection}",
    }
