"""Bring the translations up to date: collect what the code says, and compile what translators wrote."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Final

import polib
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

LANGUAGES: Final = ["pl"]  # English is what the code says


class Command(BaseCommand):
    help = "Collect the texts of every application for translators (needs gettext) and compile their translations."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        for app in settings.LOCAL_APPS:
            with contextlib.chdir(settings.BASE_DIR / app):
                Path("locale").mkdir(exist_ok=True)
                call_command("makemessages", locale=LANGUAGES, no_obsolete=True, no_wrap=True, add_location="file")
        for catalogue in catalogues():
            texts = polib.pofile(str(catalogue))
            texts.save_as_mofile(str(catalogue.with_suffix(".mo")))
            waiting = len(texts.untranslated_entries()) + len(texts.fuzzy_entries())
            self.stdout.write(f"{catalogue.relative_to(settings.BASE_DIR)}: {len(texts)} texts, {waiting} to translate")


def catalogues() -> list[Path]:
    """Return every catalogue: of each application, and of the admin's theme, which ships no Polish."""
    return [
        Path(folder) / language / "LC_MESSAGES" / "django.po"
        for folder in settings.LOCALE_PATHS
        for language in LANGUAGES
    ]
