"""Taking an audience that was added by mistake off a campaign that has not begun."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from feedback.campaigns.lifecycle import lock
from feedback.models import Campaign, CampaignAudience


@transaction.atomic
def remove_audience(*, audience: CampaignAudience) -> Campaign:
    """Erase an audience of a draft with its file; return its campaign.

    Raises:
        ValidationError: ``not_possible`` where the campaign is no draft any more, or somebody was taken over already.
    """
    campaign = lock(audience.campaign)
    row = campaign.audiences.defer("content").filter(pk=audience.pk).first()
    if row is None or not row.is_removable:
        raise ValidationError(_("This is not possible now: somebody else may have changed it."), code="not_possible")
    row.delete()
    return campaign
