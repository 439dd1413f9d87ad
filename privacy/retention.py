"""The end of retention: what was kept for as long as its declaration says is deleted, Art. 5(1)(e) GDPR."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from privacy.inventory import inventory
from privacy.notice import length_of

if TYPE_CHECKING:
    from datetime import datetime

logger = logging.getLogger(__name__)

AT_ONCE: Final = 1000  # rows in one transaction


def purge_admin_log(*, now: datetime | None = None) -> int:
    """Delete what the admin's log has kept long enough; return how many entries went.

    They go as much earlier as backups last, so that the period holds for those as well. Running it twice deletes
    nothing twice.
    """
    keep = length_of(inventory.tables[LogEntry._meta.label].columns["action_time"].keep)
    limit = (now or timezone.now()) - keep + timedelta(days=settings.BACKUP_WINDOW_DAYS)
    over = LogEntry.objects.filter(action_time__lt=limit).order_by("pk").values("pk")
    total = 0
    while deleted := LogEntry.objects.filter(pk__in=over[:AT_ONCE]).delete()[0]:
        total += deleted
    if total:
        logger.info("%s entries of the admin's log were deleted", total)
    return total
