"""Before the first contact is due its owner is reminded; when it is overdue, others learn of it, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import CharField, Exists, Func, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from feedback.follow_up.assigning import possible_owners, staff_who_see
from feedback.follow_up.barring import bars_of, unmarked
from feedback.follow_up.clocks import schedules_of
from feedback.models import FollowUp, MailPreference, Notice, StaffMail, WorkingHours
from feedback.reports import SEE_FOLLOW_UPS
from feedback.staff_mail import owe
from feedback.working_time import add_working_hours

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from django.contrib.auth.models import User
    from django.db.models import QuerySet

    from privacy.models import Product

REVIEW = "feedback.flag_response"
ADMINISTER = "feedback.change_workinghours"
READ_AT_ONCE: Final = 1000


class Minute(Func):
    """The minute of a moment, as the keys of mails name it."""

    template = "to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYYMMDDHH24MI')"
    output_field = CharField()


def remind_and_escalate(*, now: datetime | None = None) -> int:
    """Remind of follow-ups that are due soon and escalate those that are overdue; the product says how soon soon is.

    Reminded is the owner, or the team where nobody owns it, while people work. Escalation goes further: to the owner,
    the team and those whom the product names, its reviewers where it names nobody. Where none of them can be told it
    goes to the administrators of the product, and without any it is tried again. May run at any time and twice at once.

    Returns:
        How many follow-ups were escalated.
    """
    now = now or timezone.now()
    _remind(now)
    overdue = _waiting().filter(due_at__lt=now, escalated_at__isnull=True)
    return sum(_escalate(each.pk, now) for each in _contactable(overdue))


def who_is_told(follow_up: FollowUp) -> list[User]:
    """Return whom what comes in concerns: the owner or else the team, as far as they work here, else as escalated."""
    return list(_responsible(follow_up)) or list(_escalated_to(follow_up.product))


def _waiting() -> QuerySet[FollowUp]:
    """Return the follow-ups whose person still waits; nobody is urged to contact those who must be left alone."""
    waiting: QuerySet[FollowUp] = FollowUp.objects.open().filter(contacted_at__isnull=True, closed_at__isnull=True)
    return waiting.filter(unmarked("respondent__"))


def _contactable(rows: QuerySet[FollowUp]) -> Iterator[FollowUp]:
    """Yield those of the rows whose person may be contacted, as the list of suppressed people knows too."""
    whole = rows.select_related("owner", "team", "product", "response", "respondent").order_by("pk")
    whole, last = whole.defer("response__search", "response__comment"), 0
    while found := list(whole.filter(pk__gt=last)[:READ_AT_ONCE]):
        bars = bars_of(found)
        yield from (each for each in found if bars[each.pk] is None)
        if len(found) < READ_AT_ONCE:
            return
        last = found[-1].pk


def _remind(now: datetime) -> None:
    clocks = _waiting().filter(due_at__gte=now)
    soon = Q()
    for product, schedule in schedules_of(clocks.order_by().values_list("product", flat=True).distinct()).items():
        if schedule.reminds and schedule.is_working_moment(now):
            soon |= Q(product=product, due_at__lte=add_working_hours(now, schedule.reminder, schedule))
    if not soon:
        return  # nobody works now, or wants to be reminded
    for follow_up in _contactable(_unreminded(clocks.filter(soon))):
        for user in _responsible(follow_up):
            owe(user=user, notice=Notice.REMINDER, key=_key("reminder", follow_up), follow_up=follow_up)


def _unreminded(rows: QuerySet[FollowUp]) -> QuerySet[FollowUp]:
    """Keep those of whose date neither the owner nor, where there is none, anybody of the team was owed a reminder."""
    key = Concat(Value("reminder:"), Cast(OuterRef("pk"), CharField()), Value(":"), Minute(OuterRef("due_at")))
    owed = StaffMail.objects.filter(follow_up=OuterRef("pk"), notice=Notice.REMINDER, key=key)
    to_owner = Exists(owed.filter(user=OuterRef("owner")))
    to_team = Exists(owed.filter(user__teams=OuterRef("team")))
    return rows.exclude(Q(owner=None, team=None)).exclude(to_owner).exclude(Q(to_team, owner=None))


def _key(occasion: str, follow_up: FollowUp) -> str:
    return f"{occasion}:{follow_up.pk}:{follow_up.due_at:%Y%m%d%H%M}"


@transaction.atomic
def _escalate(pk: int, now: datetime) -> int:
    rows = _waiting().filter(due_at__lt=now, escalated_at__isnull=True)
    follow_up = rows.select_for_update(of=("self",), no_key=True, skip_locked=True).filter(pk=pk).first()
    if follow_up is None:
        return 0  # somebody was faster: contacted, done or escalated
    if not _tell_of_overdue(follow_up):
        return 0  # nobody would know: tried again until somebody works here
    follow_up.escalated_at = now
    follow_up.save(update_fields=["escalated_at"])
    return 1


def _tell_of_overdue(follow_up: FollowUp) -> bool:
    """Owe a mail to all who are told of an overdue follow-up; return whether anybody is there who listens."""
    first = [*_responsible(follow_up), *_members(follow_up), *_escalated_to(follow_up.product)]
    # The administrators of teams and hours see no follow-up, but can name somebody who does.
    return _owe_escalation(follow_up, first) or _owe_escalation(follow_up, staff_who_see(follow_up.product, ADMINISTER))


def _owe_escalation(follow_up: FollowUp, users: Iterable[User]) -> bool:
    """Owe a mail to those whom one can reach; return whether any of these is still on its way or has arrived."""
    muted = MailPreference.objects.filter(muted__contains=[Notice.ESCALATION])
    reachable = {user.pk: user for user in users if user.email}
    deaf = set(muted.filter(user__in=reachable).values_list("user_id", flat=True))
    mails = [
        owe(user=user, notice=Notice.ESCALATION, key=_key("escalation", follow_up), follow_up=follow_up)
        for user in reachable.values()
        if user.pk not in deaf
    ]
    return any(mail is not None and mail.dropped_at is None and mail.failed_at is None for mail in mails)


def _escalated_to(product: Product) -> Iterable[User]:
    """Return those whom a product names, as long as they see its follow-ups; its reviewers where there is none."""
    chosen = WorkingHours.objects.filter(product=product).values("escalate_to")
    named = staff_who_see(product, SEE_FOLLOW_UPS).filter(pk__in=chosen)
    return list(named) or staff_who_see(product, REVIEW)


def _responsible(follow_up: FollowUp) -> Iterable[User]:
    """Return the owner as long as they may work on it, else the team."""
    workers = possible_owners(follow_up.product)
    owner = workers.filter(pk=follow_up.owner_id).first() if follow_up.owner_id else None
    return [owner] if owner else _members(follow_up)


def _members(follow_up: FollowUp) -> Iterable[User]:
    return possible_owners(follow_up.product).filter(teams=follow_up.team_id) if follow_up.team_id else []
