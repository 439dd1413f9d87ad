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
    # every five minutes
    "destroy packages that expired": {"task": "privacy.tasks.destroy_expired_packages", "schedule": 5 * 60.0},
    # every minute
    "check the codes that came with requests": {"task": "privacy.tasks.check_unchecked_claims", "schedule": 60.0},
    "send mails that data subjects are owed": {"task": "privacy.tasks.send_due_messages", "schedule": 60.0},
    "send e-mails to people": {"task": "feedback.tasks.send_due_contacts", "schedule": 60.0},
    "fetch people's replies": {"task": "feedback.tasks.fetch_replies", "schedule": 60.0},
    # every minute
    "send mails about improvements": {"task": "feedback.tasks.send_improvement_mails", "schedule": 60.0},
    "run campaigns": {"task": "feedback.tasks.run_campaigns", "schedule": 60.0, "options": {"expire_seconds": 60}},
    "send mails that staff are owed": {"task": "feedback.tasks.send_due_staff_mail", "schedule": 60.0},
    # every minute: objecting to contact holds at once, also before it is proved
    "stop contacting who objected": {"task": "privacy.tasks.stop_contacts", "schedule": 60.0},
    # every minute
    "carry out rights requests": {"task": "privacy.tasks.run_due_tasks", "schedule": 60.0},
    # every ten minutes
    "watch over rights requests": {"task": "privacy.tasks.watch_requests", "schedule": 10 * 60.0},
    # every minute
    "take back copies that reached the wrong person": {"task": "privacy.tasks.act_on_reports", "schedule": 60.0},
    "send alerts that data protection officers are owed": {"task": "privacy.tasks.send_due_alerts", "schedule": 60.0},
    # every ten minutes
    "owe digests": {"task": "feedback.tasks.owe_digests", "schedule": 10 * 60.0},
    "resume imports": {
        "task": "feedback.tasks.resume_imports",
        "schedule": 10 * 60.0,
    },
    "remind of follow-ups and escalate those that are overdue": {
        "task": "feedback.tasks.watch_follow_ups",
        "schedule": 10 * 60.0,
    },
    # every 20 seconds, so that an alert goes out within a minute; a run that nobody came to is not made up for
    "apply rules": {
        "task": "feedback.tasks.apply_rules",
        "schedule": 20.0,
        "options": {"expire_seconds": 20},
    },
    # every hour
    "forget fingerprints": {"task": "feedback.tasks.forget_fingerprints", "schedule": 60 * 60.0},
    # every day
    "purge the admin's log": {"task": "privacy.tasks.purge_admin_log", "schedule": 24 * 60 * 60.0},
    "forget failures of tasks": {"task": "feedback.tasks.forget_task_failures", "schedule": 24 * 60 * 60.0},
    # every two minutes
    "resume taggings": {"task": "feedback.tasks.resume_taggings", "schedule": 2 * 60.0},
}
app.conf.beat_schedule = SCHEDULE
