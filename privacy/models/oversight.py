"""What data protection officers watch over: emergency access, changes of staff accounts, and the mail about both."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from privacy.models.delivering import Incident
from privacy.models.fulfilling import RequestAlarm
from privacy.models.organisation import Controller

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser, User

OVERSEE = "privacy.oversee_staff"
ALERTED_OF = ("break_glass", "staff_change", "request_alarm", "incident")


class BreakGlassQuerySet(models.QuerySet["BreakGlass"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the user's own accesses; who oversees staff also sees those to the data of their controllers."""
        if user.is_superuser:
            return self
        if not user.is_authenticated:
            return self.none()
        mine = Q(user=user)
        if user.has_perm(OVERSEE):
            mine |= Q(
                pk__in=self.model.objects.filter(controllers__in=Controller.objects.visible_to(user)).values("pk")
            )
        return self.filter(mine)

    def lasting(self, now: datetime | None = None) -> Self:
        """Keep the accesses that are in force."""
        return self.filter(ended_at__isnull=True, expires_at__gt=now or timezone.now())


class BreakGlass(models.Model):
    """An administrator's access to personal data in an emergency.

    Append-only by trigger: the one change that the database accepts is that it ended. Nobody has two open at once.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("administrator")
    )
    controllers = models.ManyToManyField(Controller, related_name="+", verbose_name=_("controllers concerned"))
    reason = models.TextField(
        _("reason"),
        max_length=1000,
        help_text=_("What happened and what you need to see. Name nobody: this goes out by e-mail."),
    )
    opened_at = models.DateTimeField(_("opened"))
    expires_at = models.DateTimeField(_("lasts until"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = BreakGlassQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]
        verbose_name = _("emergency access")
        verbose_name_plural = _("emergency accesses")
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(ended_at__isnull=True), name="break_glass_one_at_once"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="break_glass_has_a_reason"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("opened_at"), expires_at__lte=F("opened_at") + timedelta(hours=1)),
                name="break_glass_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def is_lasting(self) -> bool:
        return self.ended_at is None and self.expires_at > timezone.now()


class StaffChangeQuerySet(models.QuerySet["StaffChange"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the changes that concern the controllers the user sees, for who oversees staff."""
        if user.is_superuser:
            return self
        if not user.has_perm(OVERSEE):
            return self.none()
        theirs = self.model.objects.filter(controllers__in=Controller.objects.visible_to(user))
        return self.filter(pk__in=theirs.values("pk"))


class StaffChange(models.Model):
    """Who gave whom what: a change of what a member of staff may do or see; append-only by trigger."""

    class Kind(models.TextChoices):
        MADE = "made", _("account made")
        ROLES = "roles", _("roles changed")
        PRODUCTS = "products", _("products changed")
        PASSWORD = "password", _("password set by somebody else")
        SWITCHED_ON = "switched_on", _("account switched on")
        SWITCHED_OFF = "switched_off", _("account switched off")

    at = models.DateTimeField(_("time"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("changed by")
    )
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("account")
    )
    kind = models.CharField(_("change"), max_length=12, choices=Kind)
    given = ArrayField(models.CharField(max_length=200), verbose_name=_("given"), default=list, blank=True)
    taken = ArrayField(models.CharField(max_length=200), verbose_name=_("taken"), default=list, blank=True)
    controllers = models.ManyToManyField(Controller, related_name="+", verbose_name=_("controllers concerned"))

    objects = StaffChangeQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name = _("change of staff")
        verbose_name_plural = _("changes of staff")
        permissions = [("oversee_staff", _("Watches over staff accounts and emergency access"))]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class Alert(models.Model):
    """A mail that a data protection officer is owed; to the controller's privacy mailbox where it has no officer."""

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("recipient"),
    )
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+", verbose_name=_("controller"))
    break_glass = models.ForeignKey(
        BreakGlass,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="alerts",
        verbose_name=_("emergency access"),
    )
    staff_change = models.ForeignKey(
        StaffChange,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="alerts",
        verbose_name=_("change of staff"),
    )
    request_alarm = models.ForeignKey(
        RequestAlarm,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="alerts",
        verbose_name=_("alarm"),
    )
    incident = models.ForeignKey(
        Incident,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="alerts",
        verbose_name=_("incident"),
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    failed_at = models.DateTimeField(_("given up"), null=True, blank=True)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        constraints = [
            models.CheckConstraint(
                condition=Exact(Func(*ALERTED_OF, function="num_nonnulls", output_field=models.IntegerField()), 1),
                name="alert_is_about_one_thing",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="alert_due",
                condition=Q(sent_at__isnull=True, failed_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"alert {self.pk}"
