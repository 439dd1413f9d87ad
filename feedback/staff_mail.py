"""Mail to staff: rows say what is owed, and what a mail says is decided when it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from feedback.mail_preferences import preference_of
from feedback.models import StaffMail
from feedback.quiet_hours import QuietHours
from privacy.models import Product

if TYPE_CHECKING:
    from datetime import date, datetime

    from django.contrib.auth.models import User

    from feedback.models import FollowUp, MailPreference, Notice, Response


@transaction.atomic
def owe(
    *,
    user: User,
    notice: Notice,
    key: str,
    product: Product | None = None,
    response: Response | None = None,
    follow_up: FollowUp | None = None,
    day: date | None = None,
) -> StaffMail | None:
    """Owe a member of staff one mail about an occasion; the same occasion again owes nothing more.

    It goes out once their quiet hours are over. Whether they may still see what it is about, and whether they want to
    hear of it, is decided then.

    Args:
        key: names the occasion, at most 120 characters, numbers of records only: "alert:12:345". For a mention or a
            reply it ends with the number of the note or contact, which is then quoted: "mention:67".
        product: what it is about; known from the response or the follow-up where one is given.
        day: the first day that a digest covers, of the product's calendar.

    Returns:
        The mail that is or was owed; ``None`` to accounts that are switched off and to those who do not see the
        product.
    """
    product_id = _product_of(product, response, follow_up)
    if not may_get_mail(user, product_id):
        return None
    mail, _created = StaffMail.objects.get_or_create(
        user=user,
        key=key,
        defaults={
            "notice": notice,
            "product_id": product_id,
            "response": response or (follow_up.response if follow_up else None),
            "follow_up": follow_up,
            "day": day,
            "next_attempt_at": first_allowed(preference_of(user), timezone.now()),
        },
    )
    return mail


def may_get_mail(user: User, product_id: int | None) -> bool:
    """Tell whether somebody works here and sees the product; without a product, whether they work here."""
    if not (user.is_active and user.is_staff):
        return False
    return product_id is None or Product.objects.visible_to(user).filter(pk=product_id).exists()


def first_allowed(preference: MailPreference, at: datetime) -> datetime:
    """Return the first instant from ``at`` on at which somebody wants mail."""
    if preference.quiet_from is None or preference.quiet_until is None:
        return at
    hours = QuietHours(preference.quiet_from, preference.quiet_until, ZoneInfo(preference.time_zone))
    return hours.first_allowed(at)


def _product_of(product: Product | None, response: Response | None, follow_up: FollowUp | None) -> int | None:
    for about in (response, follow_up):
        if about is not None:
            return about.product_id
    return product.pk if product else None
