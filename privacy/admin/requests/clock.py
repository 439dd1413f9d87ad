"""How much time there is for a request, in words and colours."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Case, DateField, DateTimeField, F, Func, Value, When
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from privacy.deadlines import Alarms, alarms
from privacy.models import RightsRequest

State = RightsRequest.State

CURRENT_DUE: Final = Case(When(extended_at__isnull=False, then=F("due_extended_on")), default=F("due_on"))
ANSWERED_LAST: Final = Case(When(state__in=RightsRequest.OPEN_STATES, then=Value(0)), default=Value(1))
STATE_COLOURS: Final = {
    State.RECEIVED: "info",
    State.AWAITING_CONFIRMATION: "info",
    State.VERIFIED: "warning",
    State.TRIAGE: "warning",
    State.NEEDS_INFORMATION: "info",
    State.PARTIALLY_FAILED: "danger",
    State.FULFILLED: "success",
}
URGENCY_COLOURS: Final = {"overdue": "danger", "soon": "danger", "behind": "warning", "on_time": "success"}


def today_there() -> Cast:
    """Return the day it is now where each request's controller is."""
    now = Value(timezone.now(), DateTimeField())
    return Cast(Func(F("controller__time_zone"), now, function="timezone", output_field=DateTimeField()), DateField())


def time_left(asked: RightsRequest) -> tuple[str, str] | None:
    """Return how urgent a waiting request is, and how long there is, in words."""
    if asked.state not in RightsRequest.OPEN_STATES:
        return None
    today = timezone.now().astimezone(ZoneInfo(asked.controller.time_zone)).date()
    days = (asked.current_due_on - today).days
    if days < 0:
        return "overdue", ngettext("%(days)d day overdue", "%(days)d days overdue", -days) % {"days": -days}
    warned = watched_days(asked)
    urgency = "soon" if today >= warned.two_working_days_on else "behind" if today >= warned.target_on else "on_time"
    if days == 0:
        return urgency, gettext("due today")
    return urgency, ngettext("%(days)d day left", "%(days)d days left", days) % {"days": days}


def watched_days(asked: RightsRequest) -> Alarms:
    return alarms(
        received_on=asked.received_on,
        target_on=asked.target_on,
        due_on=asked.current_due_on,
        country=asked.controller.country,
    )
