"""Create or correct the groups of staff."""

from typing import Any

from django.core.management.base import BaseCommand

from config.roles import ROLES, sync_roles


class Command(BaseCommand):
    help = "Make the groups of staff and their permissions what config/roles.py says."

    def handle(self, *args: Any, **options: Any) -> None:
        sync_roles()
        self.stdout.write(f"{len(ROLES)} roles are in place: {', '.join(ROLES)}")
