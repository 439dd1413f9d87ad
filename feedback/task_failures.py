"""Background work that failed in a way nobody foresaw, so that administrators see it without reading the workers' log.

The library that keeps results of tasks (django-celery-results) stores messages and tracebacks, which may hold personal
data; of a failure only its kind is kept here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import connection
from django.db.models import F
from django.utils import timezone

from feedback.models import TaskFailure

if TYPE_CHECKING:
    from datetime import datetime

SHOWN_FOR: Final = timedelta(days=1)
KEPT_FOR: Final = timedelta(days=30)


def record_failure(*, task: str, error: type[BaseException]) -> None:
    """Remember that a task failed; the same failure again counts up."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()  # what failed may be the connection
    at = timezone.now()
    failure, is_new = TaskFailure.objects.get_or_create(
        task=task[:200],
        error=f"{error.__module__}.{error.__qualname__}"[:200],
        defaults={"first_at": at, "last_at": at},
    )
    if not is_new:
        TaskFailure.objects.filter(pk=failure.pk).update(times=F("times") + 1, last_at=at)


def has_failed_lately(*, now: datetime) -> bool:
    """Tell whether anything failed within the last 24 hours."""
    return TaskFailure.objects.filter(last_at__gt=now - SHOWN_FOR).exists()


def forget_failures(*, now: datetime) -> int:
    """Delete the failures that have not come back for 30 days; return how many."""
    return TaskFailure.objects.filter(last_at__lte=now - KEPT_FOR).delete()[0]
