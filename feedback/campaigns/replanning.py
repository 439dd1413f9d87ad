"""A window that was moved holds for the mails that already wait."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from django.utils import timezone

from feedback.campaigns.zones import first_allowed, zone_of
from feedback.models import CampaignMail

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from feedback.models import Campaign


def plan_again(*, campaign: Campaign) -> None:
    """Plan the first mails that wait, but for those that were refused, by the campaign's window as it is now."""
    now = timezone.now()
    waiting = CampaignMail.objects.filter(
        campaign=campaign, kind=CampaignMail.Kind.FIRST, state=CampaignMail.State.QUEUED, failures=0
    )
    by_zone: dict[ZoneInfo, list[int]] = defaultdict(list)
    for pk, properties, country in waiting.values_list("pk", "respondent__properties", "respondent__country"):
        zone = zone_of(properties=properties or {}, country=country or "", otherwise=campaign.product.zone)
        by_zone[zone].append(pk)
    earliest = max(campaign.starts_at or now, now)
    for zone, pks in by_zone.items():
        # A mail that a worker took meanwhile is no longer among those that wait.
        waiting.filter(pk__in=pks).update(next_attempt_at=first_allowed(campaign, earliest, zone))
