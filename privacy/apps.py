"""The ground floor: who is responsible for which data, and what data subjects are owed."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class PrivacyConfig(AppConfig):
    name = "privacy"
    verbose_name = _("Privacy")

    def ready(self) -> None:
        from privacy import checks  # noqa: F401, PLC0415  registers the system checks

        autodiscover_modules("personal_data")
