"""Check the settings as production would see them, with values that are made up for the check."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

# Every variable that production must set, and no other. None of these servers is contacted.
PRODUCTION: Final = {
    "ODZEW_ENV": "production",
    "SECRET_KEY": "made-up-7f3Kq9xW2mZ8vB5nT1cR6yP4sD0gH-for-the-deploy-check-only",
    "SUPPRESSION_KEY": "made-up-4gT8pL1vX6zN3bQ9sK7dF2hJ5wM-for-the-deploy-check-only",
    "FIELD_ENCRYPTION_KEYS": "bWFkZS11cC1rZXktZm9yLXRoZS1kZXBsb3ktY2hlY2s=",
    "ALLOWED_HOSTS": "feedback.example.com",
    "PUBLIC_URL": "https://feedback.example.com",
    "DATABASE_URL": "postgres://odzew:made-up@database.invalid:5432/odzew",
    "BACKUP_WINDOW_DAYS": "30",
    "CACHE_URL": "redis://cache.invalid:6379/1",
    "CELERY_BROKER_URL": "redis://broker.invalid:6379/0",
    "EMAIL_URL": "smtp+tls://odzew:made-up@mail.invalid:587",
    "DEFAULT_FROM_EMAIL": "Odzew <privacy@feedback.example.com>",
}


class Command(BaseCommand):
    help = "Run the deployment checks on production settings, with a made-up environment."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        checked = subprocess.run(
            [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
            cwd=settings.BASE_DIR,
            env={"PATH": os.environ.get("PATH", ""), **PRODUCTION},
            check=False,
        )
        if checked.returncode != 0:
            raise CommandError("production settings do not pass the deployment checks")
