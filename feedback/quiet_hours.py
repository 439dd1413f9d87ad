"""When a member of staff wants no mail. Values in, values out, no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class QuietHours:
    """Quiet from one time of day until another, by the clock of a zone.

    Args:
        begin: the first quiet minute.
        end: the first minute that is not quiet any more; before ``begin`` where the hours span midnight, and the same
            as ``begin`` where no hour is quiet.
    """

    begin: time
    end: time
    zone: ZoneInfo

    def cover(self, at: datetime) -> bool:
        """Tell whether the clock of the zone shows a quiet time at an instant."""
        shown = at.astimezone(self.zone).time()
        if self.begin <= self.end:
            return self.begin <= shown < self.end
        return shown >= self.begin or shown < self.end

    def first_allowed(self, at: datetime) -> datetime:
        """Return the first instant from ``at`` on that is not quiet, in UTC.

        An end that a change of clocks skips is the moment of the change; one that comes twice is the second, so that
        the hours end once.
        """
        if not self.cover(at):
            return at
        local = at.astimezone(self.zone)
        day = local.date()
        if self.begin > self.end and local.time() >= self.begin:
            day += timedelta(days=1)
        allowed = max(datetime.combine(day, self.end, self.zone).replace(fold=1).astimezone(UTC), at.astimezone(UTC))
        while self.cover(allowed):
            allowed += MINUTE
        return allowed
