"""Mail to staff: rows say what is owed, and what a mail says is decided when it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from feedback.models import StaffMail

if TYPE_CHECKING:
    from datetime import date

    from django.contrib.auth.models import User

    from feedback.models import FollowUp, Notice, Response
    from privacy.models import Product


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
    """Owe a member of staff one mail about an occasion; the same occasion again owes nothing more."""
    mail, _created = StaffMail.objects.get_or_create(
        user=user,
        key=key,
        defaults={
            "notice": notice,
            "product": product,
            "response": response,
            "follow_up": follow_up,
            "day": day,
            "next_attempt_at": timezone.now(),
        },
    )
    return mail
