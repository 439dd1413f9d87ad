"""Which clock is on the wall where a person is."""

from __future__ import annotations

from datetime import time
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, available_timezones

from feedback.quiet_hours import QuietHours

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from feedback.models import Campaign

PROPERTY: Final = "time_zone"
# Of countries with several zones the database of zones names one first; of these it is not where most people live.
WHERE_MOST_LIVE: Final = {
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
}


@lru_cache(maxsize=1)
def zones_of_countries() -> Mapping[str, str]:
    """Return the zone in which most people of each country live, by its code of two letters."""
    table = (resources.files("tzdata.zoneinfo") / "zone.tab").read_text(encoding="utf-8")
    zones: dict[str, str] = {}
    for line in table.splitlines():
        if not line.startswith("#"):
            country, _place, zone = line.split("\t")[:3]
            zones.setdefault(country, zone)
    return {**zones, **WHERE_MOST_LIVE}


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_of(*, properties: Mapping[str, Any], country: str, otherwise: ZoneInfo) -> ZoneInfo:
    """Return the zone of a person: the property ``time_zone``, else their country's, else the product's."""
    told = properties.get(PROPERTY)
    if isinstance(told, str) and told in _known():
        return ZoneInfo(told)
    of_country = zones_of_countries().get(country)
    return ZoneInfo(of_country) if of_country else otherwise


def first_allowed(campaign: Campaign, at: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant from ``at`` on that is within the campaign's window by the clock of a zone."""
    if (campaign.window_from, campaign.window_until) == (0, 24):
        return at
    closes = time() if campaign.window_until == 24 else time(campaign.window_until)
    return QuietHours(closes, time(campaign.window_from), zone).first_allowed(at)
