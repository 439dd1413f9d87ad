"""Who among the staff read whose data, without what they read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from privacy.models.organisation import Controller, Product

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


class AccessLogQuerySet(models.QuerySet["AccessLogEntry"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the entries about products the user sees, and those about none of controllers they see as a whole."""
        if user.is_superuser:
            return self
        return self.filter(
            Q(product__in=Product.objects.visible_to(user))
            | Q(product__isnull=True, controller__in=Controller.objects.wholly_visible_to(user))
        )


class AccessLogEntry(models.Model):
    """One read of personal data by a member of staff; append-only by trigger, but for what is older than it is kept.

    The record is named by its model and number, never by a value. Somebody who was looked for and is not known has
    no number.
    """

    class Purpose(models.TextChoices):
        RIGHTS_REQUEST = "rights_request", _("to handle a rights request")
        WHY_NOT = "why_not", _("to see why somebody is not asked")
        SUPPRESSION = "suppression", _("to see whether somebody is suppressed")
        EMERGENCY = "emergency", _("emergency access")

        IDENTITY = "identity", _("to see who answered")
        COMMENT = "comment", _("to read a comment unmasked")
        HISTORY = "history", _("to see somebody's history of answers")
        FOLLOW_UP = "follow_up", _("to follow up with somebody")
        EXPORT = "export", _("to take data out in a file")

    at = models.DateTimeField(_("time"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("user")
    )
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+", verbose_name=_("controller"))
    product = models.ForeignKey(
        Product, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("product")
    )
    record_kind = models.CharField(_("kind of record"), max_length=64)
    record_number = models.BigIntegerField(_("number of the record"), null=True, blank=True)
    purpose = models.CharField(_("purpose"), max_length=16, choices=Purpose)

    objects = AccessLogQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name = _("read of personal data")
        verbose_name_plural = _("reads of personal data")
        indexes = [
            models.Index(fields=["-at", "-id"], name="access_log_newest"),
            models.Index(fields=["record_kind", "record_number"], name="access_log_of_record"),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
