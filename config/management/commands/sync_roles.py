"""Create or correct the groups of staff, and name those that are no roles."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import Count

from config.roles import ROLES, other_groups, sync_roles


class Command(BaseCommand):
    help = "Make the groups of staff and their permissions what config/roles.py says."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--remove-others",
            action="store_true",
            help="delete the groups that are no roles; their members lose what those granted",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        sync_roles()
        self.stdout.write(f"{len(ROLES)} roles are in place: {', '.join(ROLES)}")
        if options["remove_others"]:
            for group in other_groups():
                group.delete()
                self.stdout.write(f"removed the group {group.name}")
        # Nothing tells a retired role from a group that somebody made for a reason, so only people remove one.
        for group in other_groups().annotate(members=Count("user")):
            self.stderr.write(
                f"the group {group.name} is no role and keeps its permissions (members: {group.members}); "
                f"if nobody needs it, run sync_roles --remove-others"
            )
