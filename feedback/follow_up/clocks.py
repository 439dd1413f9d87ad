"""The clock of a follow-up: when the first contact is due, in working hours of the product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from feedback.models import Priority, WorkingHours
from feedback.models.working import FIRST_CONTACT_HOURS, REMIND_HOURS
from feedback.working_time import Schedule, add_working_hours, working_part, working_time_between
from privacy.models import Product
from surveys.scales import Band

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from feedback.models import FollowUp

ONE_HOUR: Final = timedelta(hours=1)

HOW_IT_COUNTS: Final = gettext_lazy(
    "The first contact is due within the hours that are set for the product, 48 where nothing is set. Only working "
    "days count: 48 hours are two working days, so what comes in on Friday at 15:00 is due on Tuesday at 15:00. "
    "Public holidays of the controller’s country are no working days."
)


class Urgency(TextChoices):
    OVERDUE = "overdue", gettext_lazy("overdue")
    SOON = "soon", gettext_lazy("due soon")
    LATER = "later", gettext_lazy("on time")


@dataclass(frozen=True)
class ContactSchedule(Schedule):
    """When the people of a product work, and how soon they contact others.

    Args:
        first_contact: within which time, of which 24 hours are one working day.
        reminder: how much working time before that they are reminded; none where nobody is.
    """

    first_contact: timedelta = timedelta(hours=FIRST_CONTACT_HOURS)
    reminder: timedelta = timedelta(hours=REMIND_HOURS)

    @property
    def reminds(self) -> bool:
        """Tell whether anybody is reminded before a first contact is due."""
        return self.reminder > timedelta(0)


@dataclass(frozen=True)
class Clock:
    """How much working time is left, negative when it is past.

    Args:
        day: how long a working day is.
        reminder: with how much working time left it is due soon; none where nothing ever is.
    """

    left: timedelta
    day: timedelta
    reminder: timedelta

    @property
    def urgency(self) -> Urgency:
        if self.left < timedelta(0):
            return Urgency.OVERDUE
        return Urgency.SOON if self.left <= self.reminder and self.reminder else Urgency.LATER

    @property
    def words(self) -> str:
        """Say it as one would: "due in 3 working hours", "overdue by 2 working days"."""
        return self._words_of_overdue() if self.urgency == Urgency.OVERDUE else self._words_of_due()

    def _words_of_due(self) -> str:
        hours, days = self.left // ONE_HOUR, self.left // self.day
        if days:
            return ngettext("due in %(n)d working day", "due in %(n)d working days", days) % {"n": days}
        if hours:
            return ngettext("due in %(n)d working hour", "due in %(n)d working hours", hours) % {"n": hours}
        return _("due within the working hour")

    def _words_of_overdue(self) -> str:
        hours, days = -self.left // ONE_HOUR, -self.left // self.day
        if days:
            return ngettext("overdue by %(n)d working day", "overdue by %(n)d working days", days) % {"n": days}
        if hours:
            return ngettext("overdue by %(n)d working hour", "overdue by %(n)d working hours", hours) % {"n": hours}
        return _("overdue by less than a working hour")


def schedule_of(product: Product) -> ContactSchedule:
    """Return when the people of a product work and how soon they contact others, as set or as it is by default."""
    return schedules_of([product.pk])[product.pk]


def schedules_of(products: Iterable[int]) -> dict[int, ContactSchedule]:
    """Return the schedules of products, by their number, in two queries."""
    products = set(products)
    rows = Product.objects.filter(pk__in=products).select_related("controller")
    found: Iterable[Any] = WorkingHours.objects.filter(product__in=products)
    hours: dict[int, WorkingHours] = {row.product_id: row for row in found}
    return {product.pk: _schedule(product, hours.get(product.pk)) for product in rows}


def first_contact_due(*, band: str, priority: str, opened_at: datetime, schedule: ContactSchedule) -> datetime | None:
    """Return when somebody who was flagged must have been contacted.

    Detractors, and whoever is of high priority, are contacted within the hours of the product, 48 where none are set.
    Only working days count, each for 24 of these hours whatever its length: see ``working_part``. Nobody else has a
    date.
    """
    if band != Band.DETRACTOR and priority != Priority.HIGH:
        return None
    return add_working_hours(opened_at, working_part(schedule.first_contact, schedule), schedule)


def clock_of(follow_up: FollowUp, *, schedule: ContactSchedule, now: datetime) -> Clock | None:
    """Return the clock that runs for a follow-up; ``None`` where none does: contacted, done, or without a date."""
    if follow_up.due_at is None or follow_up.contacted_at is not None or not follow_up.is_open:
        return None
    left = working_time_between(now, follow_up.due_at, schedule)
    if not left and now > follow_up.due_at:
        left = -timedelta.resolution  # overdue overnight: no working hour has passed yet
    return Clock(left, schedule.day_length, schedule.reminder)


def _schedule(product: Product, hours: WorkingHours | None) -> ContactSchedule:
    country = product.controller.country
    if hours is None:
        return ContactSchedule(zone=product.zone, country=country)
    return ContactSchedule(
        zone=product.zone,
        country=country,
        days=frozenset(hours.days),
        opens=hours.opens,
        closes=hours.closes,
        first_contact=timedelta(hours=hours.first_contact_hours),
        reminder=timedelta(hours=hours.remind_hours),
    )
