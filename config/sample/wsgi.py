"""The WSGI application of the demonstration: the real one with an outbox, on a clock that the sample shop can move."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings

from config.sample import clock

clock.install()
# Whoever looks at the admin beside the shop stays logged in when months pass there.
settings.SESSION_COOKIE_AGE = 2 * int(clock.FARTHEST.total_seconds())
settings.ROOT_URLCONF = "config.sample.urls"

from config.wsgi import application  # noqa: E402  models and middleware must find the moved clock

__all__ = ["application"]
