"""Mail to staff: what they subscribed to, when they want to be left alone, and what is owed to them."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from feedback.models.capturing import Response
from feedback.models.following_up import FollowUp
from privacy.models import Product


class Notice(models.TextChoices):
    """Why a member of staff gets mail."""

    ALERT = "alert", _("alert about a response")
    ASSIGNED = "assigned", _("follow-up assigned")
    MENTION = "mention", _("mention in a note")
    REMINDER = "reminder", _("reminder before a follow-up is due")
    ESCALATION = "escalation", _("follow-up overdue")
    REPLY = "reply", _("reply from a person")
    DAILY = "daily", _("daily digest")
    WEEKLY = "weekly", _("weekly digest")


class Subscription(models.Model):
    """A digest of one product for one member of staff."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="subscriptions", verbose_name=_("user")
    )
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+", verbose_name=_("product"))
    notice = models.CharField(
        _("digest"), max_length=10, choices=[(each.value, each.label) for each in (Notice.DAILY, Notice.WEEKLY)]
    )

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        constraints = [models.UniqueConstraint(fields=["user", "product", "notice"], name="subscription_unique")]

    def __str__(self) -> str:
        return f"subscription {self.pk}"


class MailPreference(models.Model):
    """When and about what a member of staff gets mail; without a row at any time and about everything."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mail_preference", verbose_name=_("user")
    )
    muted = ArrayField(
        models.CharField(max_length=10, choices=Notice), verbose_name=_("no mail about"), default=list, blank=True
    )
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Warsaw")
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, default="pl")

    class Meta:
        verbose_name = _("mail preference")
        verbose_name_plural = _("mail preferences")
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="quiet_hours_begin_and_end",
            )
        ]

    def __str__(self) -> str:
        return f"mail preference {self.pk}"


class StaffMail(models.Model):
    """A mail owed to a member of staff. What it says is put together when it is sent, from what they may then see."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("user")
    )
    notice = models.CharField(_("why"), max_length=10, choices=Notice)
    key = models.CharField(max_length=120, editable=False, help_text=_("The same occasion is never mailed twice."))
    product = models.ForeignKey(
        Product, on_delete=models.CASCADE, null=True, related_name="+", verbose_name=_("product")
    )
    response = models.ForeignKey(
        Response, on_delete=models.CASCADE, null=True, related_name="+", verbose_name=_("response")
    )
    follow_up = models.ForeignKey(
        FollowUp, on_delete=models.CASCADE, null=True, related_name="+", verbose_name=_("follow-up")
    )
    day = models.DateField(_("day"), null=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"))
    sent_at = models.DateTimeField(_("sent"), null=True)
    dropped_at = models.DateTimeField(_("not sent"), null=True, help_text=_("Muted, or nothing left to tell."))
    failed_at = models.DateTimeField(_("given up"), null=True)

    class Meta:
        verbose_name = _("mail to staff")
        verbose_name_plural = _("mails to staff")
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="staff_mail_once")]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="staff_mail_due",
                condition=Q(sent_at__isnull=True, dropped_at__isnull=True, failed_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"staff mail {self.pk}"
