"""Fill the database with made-up history, to see how everything behaves with volume."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from config.sample.seeding import Seeded, seed
from surveys.models import Survey


class Command(BaseCommand):
    help = "Write made-up respondents, invitations and responses to published surveys. Refused in production."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--responses", type=int, required=True, help="how many responses to write")
        parser.add_argument("--product", help="public key of the only product to write to; without it, all products")
        parser.add_argument("--days", type=int, default=365, help="how far back the history reaches")

    def handle(self, *args: Any, responses: int, product: str | None, days: int, **options: Any) -> None:
        if settings.IS_PRODUCTION:
            raise CommandError("made-up responses are refused in production")
        surveys = Survey.objects.askable(at=timezone.now()).select_related("product", "current_version")
        if product:
            surveys = surveys.filter(product__public_key=product)
        if not surveys:
            raise CommandError("no published survey to answer: publish one, or load the demonstration's with make demo")
        if responses < 1 or days < 1:
            raise CommandError("--responses and --days take positive numbers")

        def report(done: Seeded) -> None:
            self.stderr.write(
                f"{done.responses:>9,} of {responses:,} responses, {done.rows:,} rows, "
                f"{done.rows_per_second:,.0f} rows/s, {done.responses / done.seconds:,.0f} responses/s"
            )

        seeded = seed(surveys=list(surveys), responses=responses, days=days, progress=report)
        self.stdout.write(
            f"{seeded.responses:,} responses in {seeded.rows:,} rows: {seeded.seconds:.1f} s, "
            f"{seeded.rows_per_second:,.0f} rows/s"
        )
