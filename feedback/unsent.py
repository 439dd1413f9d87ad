"""Mails of campaigns that are not going to be sent after all, and the invitations that nobody was told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Q

from feedback.models import CampaignMail, Invitation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

State = CampaignMail.State
REACTIONS: Final = ("responded", "declined", "snoozed")
# Of an invitation whose link nobody was at: as far as can be told, the mail did not arrive.
UNTOUCHED: Final = Q(
    **dict.fromkeys((f"{each}_at__isnull" for each in ("opened", "shown", *REACTIONS, "unsubscribed")), True),
    suspicion="",
    response__isnull=True,
)


@transaction.atomic
def drop_waiting(mails: QuerySet[CampaignMail], *, code: str) -> int:
    """Let those of the mails that wait be sent never; return how many.

    A mail may have been tried and refused before: its person's invitation is taken back, so that they are not
    spared something else because of a mail that never came.

    Args:
        code: why, a key of ``campaigns.WHY``.
    """
    waiting = mails.filter(state=State.QUEUED)
    tried = waiting.filter(kind=CampaignMail.Kind.FIRST, invitation__isnull=False).order_by("pk")
    invitations = list(tried.select_for_update(of=("self",)).values_list("invitation", flat=True))
    dropped = waiting.update(state=State.SKIPPED, code=code, next_attempt_at=None)
    take_back(pk for pk in invitations if pk is not None)
    return dropped


def take_back(invitations: Iterable[int]) -> None:
    """Remove those of some invitations that were never sent and that nobody was at. Needs a transaction."""
    never_sent = Invitation.including_restricted.filter(UNTOUCHED, pk__in=list(invitations), sent_at__isnull=True)
    locked = list(never_sent.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    Invitation.including_restricted.filter(pk__in=locked).delete()
