"""A clock that can be moved, so that three months pass at the press of a button.

It exists in the demonstration only: a moved clock elsewhere would ask people too soon and let deadlines pass.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

if TYPE_CHECKING:
    from pathlib import Path

if settings.ENVIRONMENT not in {"demo", "test"}:
    raise ImproperlyConfigured("the clock can be moved in the demonstration only")

FARTHEST: Final = timedelta(days=3650)
real_now: Final = timezone.now


def install() -> None:
    """Have everything that asks ``django.utils.timezone`` for the time get the moved one.

    Called before Django is set up, because models remember the function that gives their fields a default.
    """
    timezone.now = now


def now() -> datetime:
    """Return the moved time."""
    return real_now() + ahead()


def ahead() -> timedelta:
    """Return how far the clock is ahead of the real one; every process sees the same."""
    try:
        return timedelta(seconds=int(_file().read_text()))
    except (FileNotFoundError, ValueError):
        return timedelta(0)


def move(by: timedelta) -> None:
    """Move the clock ahead of where it is, ten years at most."""
    seconds = int(min(ahead() + by, FARTHEST).total_seconds())
    written = _file().with_name(f"clock.{os.getpid()}")
    written.write_text(str(seconds))
    written.replace(_file())  # a reader finds the old or the new time and nothing in between


def move_back() -> None:
    """Show the real time again."""
    _file().unlink(missing_ok=True)


def _file() -> Path:
    folder: Path = settings.VAR
    return folder / "clock"
