"""Write down what is stored about people, so that a change of the declarations is seen where changes are reviewed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from privacy.processing import inventory_as_text


class Command(BaseCommand):
    help = "Print every declaration of personal data as Markdown; docs/inventory.md keeps the last one."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(inventory_as_text(), ending="")
