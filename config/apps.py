"""The project as an application: commands and the admin's front page."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "config"
    label = "config"

    def ready(self) -> None:
        from config import celery, failures  # noqa: F401, PLC0415  registers the Celery app and its signal
