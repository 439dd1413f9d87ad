"""What colleagues are told about a follow-up: a mail that is owed, whose text is made when it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from feedback.models import StaffMail

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from feedback.models import FollowUp, Notice


def tell(*, user: User, notice: Notice, key: str, follow_up: FollowUp) -> None:
    """Owe a member of staff a mail about a follow-up; the same key is the same occasion and is owed once."""
    StaffMail.objects.get_or_create(
        user=user,
        key=key,
        defaults={
            "notice": notice,
            "product_id": follow_up.product_id,
            "follow_up": follow_up,
            "next_attempt_at": timezone.now(),
        },
    )
