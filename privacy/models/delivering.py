"""What is delivered: packages, what was taken out of them, how they were opened, and what went to the wrong person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from privacy.encryption import EncryptedTextField
from privacy.models.requests import RequestItem, RightsRequest

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser, User


class Redaction(models.Model):
    """That a value is left out of a copy because it is about somebody else, Art. 15(4)."""

    item = models.ForeignKey(RequestItem, on_delete=models.CASCADE, related_name="redactions", verbose_name=_("right"))
    dataset = models.CharField(_("data"), max_length=64)
    record_number = models.BigIntegerField(_("number of the record"))
    column = models.CharField(_("field"), max_length=64)
    redacted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("redacted by")
    )
    redacted_at = models.DateTimeField(_("redacted"), auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("redaction")
        verbose_name_plural = _("redactions")
        constraints = [
            models.UniqueConstraint(fields=["item", "dataset", "record_number", "column"], name="redaction_unique")
        ]

    def __str__(self) -> str:
        return f"redaction {self.pk}"


class Package(models.Model):
    """An encrypted archive for one person; once its key is gone, what is left of it is noise."""

    item = models.OneToOneField(RequestItem, on_delete=models.CASCADE, related_name="package", verbose_name=_("right"))
    file_name = models.CharField(_("file"), max_length=64, unique=True, editable=False)
    key = EncryptedTextField(_("key"), blank=True, editable=False)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    built_at = models.DateTimeField(_("built"))
    expires_at = models.DateTimeField(_("expires"))
    destroyed_at = models.DateTimeField(_("key destroyed"), null=True, blank=True)
    fetched_at = models.DateTimeField(_("fetched"), null=True, blank=True)

    class Meta:
        verbose_name = _("package")
        verbose_name_plural = _("packages")
        constraints = [
            models.CheckConstraint(
                condition=Q(destroyed_at__isnull=True) | Q(key=""), name="package_destroyed_has_no_key"
            )
        ]

    def __str__(self) -> str:
        return f"package {self.pk}"

    def is_available(self, now: datetime | None = None) -> bool:
        return bool(self.key) and self.destroyed_at is None and (now or timezone.now()) < self.expires_at


class Unlock(models.Model):
    """That a package was opened with a fresh code: it may be fetched until the time is over."""

    package = models.ForeignKey(Package, on_delete=models.CASCADE, related_name="unlocks", verbose_name=_("package"))
    at = models.DateTimeField(_("unlocked"))
    until = models.DateTimeField(_("until"))
    digest = models.BinaryField(_("digest"), max_length=32, unique=True, editable=False)
    fetched_at = models.DateTimeField(_("fetched"), null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("unlocking")
        verbose_name_plural = _("unlockings")

    def __str__(self) -> str:
        return f"unlocking {self.pk}"


class IncidentQuerySet(models.QuerySet["Incident"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the incidents of requests the user sees."""
        return self.filter(request__in=RightsRequest.objects.visible_to(user))


class Incident(models.Model):
    """That data reached the wrong person: the authority is to be told within 72 hours, Art. 33."""

    request = models.ForeignKey(
        RightsRequest, on_delete=models.PROTECT, related_name="incidents", verbose_name=_("rights request")
    )
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("opened by"),
        help_text=_("Empty where the person who got the mail said so."),
    )
    opened_at = models.DateTimeField(_("noticed"))
    notify_by = models.DateTimeField(_("authority to be told by"))
    notified_at = models.DateTimeField(_("authority told"), null=True, blank=True)
    assessment = models.TextField(
        _("assessment"), max_length=4000, blank=True, help_text=_("What happened, and what was done. Name nobody.")
    )
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        constraints = [
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | ~Q(assessment=""), name="incident_closed_with_an_assessment"
            )
        ]

    def __str__(self) -> str:
        return f"incident {self.pk}"
