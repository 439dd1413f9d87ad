"""Before the first contact is due its owner is reminded; when it is overdue, others learn of it, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from feedback.follow_up.assigning import possible_owners, staff_who_see
from feedback.follow_up.clocks import SOON, schedules_of
from feedback.models import FollowUp, Notice
from feedback.staff_mail import owe
from feedback.working_time import add_working_hours

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.contrib.auth.models import User
    from django.db.models import QuerySet

REVIEW = "feedback.flag_response"


def remind_and_escalate(*, now: datetime | None = None) -> int:
    """Remind of follow-ups that are due within four working hours and escalate those that are overdue.

    Reminded is the owner, or the team where nobody owns it, while people work. Escalation goes further: to the owner,
    the team and the reviewers of the product. May run at any time and twice at once.

    Returns:
        How many follow-ups were escalated.
    """
    now = now or timezone.now()
    _remind(now)
    overdue = _waiting().filter(due_at__lt=now, escalated_at__isnull=True).order_by("pk")
    return sum(_escalate(pk, now) for pk in overdue.values_list("pk", flat=True))


def _waiting() -> QuerySet[FollowUp]:
    """Return the follow-ups whose person still waits; nobody is urged to contact those who must be left alone."""
    waiting: QuerySet[FollowUp] = FollowUp.objects.open().filter(contacted_at__isnull=True, closed_at__isnull=True)
    return waiting.filter(
        respondent__restricted_at__isnull=True, respondent__objected_at__isnull=True, respondent__do_not_contact=False
    )


def _remind(now: datetime) -> None:
    clocks = _waiting().filter(due_at__gte=now)
    schedules = schedules_of(clocks.order_by().values_list("product", flat=True).distinct())
    for product, schedule in schedules.items():
        if not schedule.is_working_moment(now):
            continue
        soon = add_working_hours(now, SOON, schedule)
        for follow_up in clocks.filter(product=product, due_at__lte=soon).select_related("owner", "team", "product"):
            for user in _responsible(follow_up):
                key = f"reminder:{follow_up.pk}:{follow_up.due_at:%Y%m%d%H%M}"
                owe(user=user, notice=Notice.REMINDER, key=key, follow_up=follow_up)


@transaction.atomic
def _escalate(pk: int, now: datetime) -> int:
    rows = _waiting().filter(due_at__lt=now, escalated_at__isnull=True)
    follow_up = rows.select_for_update(of=("self",), no_key=True, skip_locked=True).filter(pk=pk).first()
    if follow_up is None:
        return 0  # somebody was faster: contacted, done or escalated
    follow_up.escalated_at = now
    follow_up.save(update_fields=["escalated_at"])
    reviewers = list(staff_who_see(follow_up.product, REVIEW))
    everybody = {user.pk: user for user in (*_responsible(follow_up), *_members(follow_up), *reviewers)}
    for user in everybody.values():
        key = f"escalation:{follow_up.pk}:{follow_up.due_at:%Y%m%d%H%M}"
        owe(user=user, notice=Notice.ESCALATION, key=key, follow_up=follow_up)
    return 1


def _responsible(follow_up: FollowUp) -> Iterable[User]:
    """Return the owner as long as they may work on it, else the team."""
    workers = possible_owners(follow_up.product)
    owner = workers.filter(pk=follow_up.owner_id).first() if follow_up.owner_id else None
    return [owner] if owner else _members(follow_up)


def _members(follow_up: FollowUp) -> Iterable[User]:
    return possible_owners(follow_up.product).filter(teams=follow_up.team_id) if follow_up.team_id else []
