"""System checks of the project as a whole."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security, deploy=True)
def broker_and_cache_are_shared(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse to deploy with stores that only one process or machine can see."""
    problems: list[CheckMessage] = []
    if settings.CELERY_BROKER_URL.startswith("filesystem"):
        problems.append(
            Error(
                "CELERY_BROKER_URL names the file system.",
                hint="Set it to a Redis or RabbitMQ server, so that workers on other machines see the queue.",
                id="config.E001",
            )
        )
    if settings.CACHES["default"]["BACKEND"].endswith(("LocMemCache", "DummyCache")):
        problems.append(
            Error(
                "CACHE_URL names a cache that each process keeps for itself.",
                hint="Set it to a Redis server, so that rate limits count requests of all processes together.",
                id="config.E002",
            )
        )
    return problems
