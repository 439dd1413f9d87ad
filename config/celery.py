"""The Celery application and the whole schedule."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("odzew")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

SCHEDULE: dict[str, dict[str, Any]] = {
    # every five minutes
    "complete abandoned responses": {
        "task": "feedback.tasks.complete_abandoned_responses",
        "schedule": 5 * 60.0,
    },
    # every minute
    "send mails that data subjects are owed": {"task": "privacy.tasks.send_due_messages", "schedule": 60.0},
    # every minute
    "send alerts that data protection officers are owed": {"task": "privacy.tasks.send_due_alerts", "schedule": 60.0},
    # every ten minutes
    "resume imports": {
        "task": "feedback.tasks.resume_imports",
        "schedule": 10 * 60.0,
    },
}
app.conf.beat_schedule = SCHEDULE
