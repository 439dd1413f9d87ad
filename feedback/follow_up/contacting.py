"""The log of contacts: who spoke with the person, when, and what came of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Min, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from feedback.follow_up.barring import check_contact
from feedback.follow_up.locking import check_still_worked_on, lock_follow_up, lock_respondent, required_text
from feedback.models import Contact, FollowUp

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User

LOGGED_BY_HAND: Final = (Contact.Kind.CALL, Contact.Kind.OTHER)
LONGEST_SUMMARY: Final = 10_000
CLOCKS_DIFFER: Final = timedelta(minutes=5)


@transaction.atomic
def log_contact(*, follow_up: FollowUp, kind: str, text: str, by: User, at: datetime | None = None) -> Contact:
    """Keep that somebody spoke with the person; the first contact stops the clock.

    Args:
        kind: ``call`` or ``other``; e-mails log themselves.
        text: what was said, at most 10 000 characters.
        at: when; now where nothing is said.

    Raises:
        ValidationError: ``invalid_kind``, ``text_required``, ``too_long``, ``in_the_future``, ``before_the_answer``,
            ``not_open`` or ``may_not_be_contacted``.
    """
    if kind not in LOGGED_BY_HAND:
        raise ValidationError(_("Log a call or another contact."), code="invalid_kind")
    text = required_text(text, LONGEST_SUMMARY, message=_("Say what was said."), code="text_required")
    respondent = lock_respondent(follow_up.respondent_id)
    follow_up = lock_follow_up(follow_up)
    check_still_worked_on(follow_up)
    check_contact(follow_up.response, respondent)
    at = _checked(at, follow_up)
    contact = Contact.objects.create(follow_up=follow_up, kind=kind, actor=by, at=at, text=text)
    _keep_first(follow_up, at)
    return contact


@transaction.atomic
def mark_contacted(*, follow_up: FollowUp, at: datetime) -> FollowUp:
    """Keep when the person was first contacted: for contacts that log themselves, such as an e-mail that was sent."""
    follow_up = lock_follow_up(follow_up)
    _keep_first(follow_up, at)
    return follow_up


@transaction.atomic
def recount_contacts(*, follow_up: FollowUp) -> FollowUp:
    """Say anew when the person was first contacted, after an e-mail came back; the clock runs where nothing arrived."""
    follow_up = lock_follow_up(follow_up)
    arrived = Q(kind=Contact.Kind.EMAIL_OUT, sent_at__isnull=False, failed_at=None)
    by_hand = Q(kind__in=LOGGED_BY_HAND, actor__isnull=False)  # what came in by itself has no actor
    contacts = Contact.objects.filter(arrived | by_hand, follow_up=follow_up)
    follow_up.contacted_at = contacts.aggregate(first=Min(Coalesce("sent_at", "at")))["first"]
    follow_up.save(update_fields=["contacted_at"])
    return follow_up


def _checked(at: datetime | None, follow_up: FollowUp) -> datetime:
    now = timezone.now()
    if at is None:
        return now
    if at > now + CLOCKS_DIFFER:
        raise ValidationError(_("This time is still to come."), code="in_the_future")
    if at < follow_up.response.answered_at:
        raise ValidationError(_("The person had not answered yet at that time."), code="before_the_answer")
    return min(at, now)


def _keep_first(follow_up: FollowUp, at: datetime) -> None:
    if follow_up.contacted_at is None or at < follow_up.contacted_at:
        follow_up.contacted_at = at
        follow_up.save(update_fields=["contacted_at"])
