"""Sending what staff are owed: each mail once, or not at all where there is nothing left to tell."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone, translation

from feedback.digest_letters import write_digest
from feedback.digests import is_preview
from feedback.letters import address
from feedback.mail_preferences import DIGESTS, preference_of
from feedback.models import MailPreference, StaffMail, Subscription
from feedback.notices import write_notice
from feedback.staff_mail import first_allowed, may_get_mail
from privacy.delivery import BATCH, NOT_ACCEPTED, next_attempt

if TYPE_CHECKING:
    from datetime import datetime

    from django.core.mail import EmailMultiAlternatives
    from django.db.models import QuerySet

logger = logging.getLogger(__name__)


def due_mail_ids() -> list[int]:
    """Return the ids of mails that should have gone out, the longest overdue first."""
    return list(_due().order_by("next_attempt_at", "pk").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def send_mail(*, mail_id: int) -> bool:
    """Send a mail that is due, once, whoever else tries at the same time.

    The row stays locked while it is sent; another worker skips it. A worker that is killed leaves it due: only where
    the mail server had accepted it and the worker did not live to say so does a second one go out, with the same
    message id. A failure is put off with growing waits and in the end given up.

    Returns:
        Whether this call sent it.
    """
    mail = _due().select_for_update(skip_locked=True, of=("self",)).select_related("user").filter(pk=mail_id).first()
    if mail is None:
        return False
    preference, now = preference_of(mail.user), timezone.now()
    if not _is_wanted(mail, preference):
        return _settle(mail, "dropped_at")
    if not is_preview(mail) and (allowed := first_allowed(preference, now)) > now:
        return _put_off(mail, allowed)
    message = _compose(mail, preference, now)
    if message is None:
        return _settle(mail, "dropped_at")
    mail.attempts += 1
    try:
        message.send()
    except NOT_ACCEPTED as error:
        # Only the kind of error: its text may quote the address.
        logger.warning("staff mail %s was not sent: %s", mail.pk, type(error).__name__)
        again = next_attempt(error, failures=mail.attempts, now=timezone.now())
        return _put_off(mail, first_allowed(preference, again)) if again else _settle(mail, "failed_at")
    _settle(mail, "sent_at")
    return True


def _due() -> QuerySet[StaffMail]:
    owed = StaffMail.objects.filter(sent_at__isnull=True, dropped_at__isnull=True, failed_at__isnull=True)
    return owed.filter(next_attempt_at__lte=timezone.now())


def _is_wanted(mail: StaffMail, preference: MailPreference) -> bool:
    """Tell whether the receiver still works here, sees the product, has an address and wants to hear of it."""
    if not mail.user.email or not may_get_mail(mail.user, mail.product_id):
        return False
    if is_preview(mail):
        return True
    if mail.notice in DIGESTS:
        return Subscription.objects.filter(user=mail.user, product=mail.product_id, notice=mail.notice).exists()
    return mail.notice not in preference.muted


def _compose(mail: StaffMail, preference: MailPreference, now: datetime) -> EmailMultiAlternatives | None:
    with translation.override(preference.language), timezone.override(ZoneInfo(preference.time_zone)):
        letter = write_digest(mail=mail, now=now) if mail.notice in DIGESTS else write_notice(mail=mail)
        return address(letter, mail) if letter else None


def _put_off(mail: StaffMail, until: datetime) -> bool:
    mail.next_attempt_at = until
    mail.save(update_fields=["attempts", "next_attempt_at"])
    return False


def _settle(mail: StaffMail, outcome: str) -> bool:
    setattr(mail, outcome, timezone.now())
    mail.save(update_fields=["attempts", outcome])
    return False
