"""Who works on follow-ups, and when: teams, root causes and the hours in which a clock runs."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from privacy.models import Product

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


class Weekday(models.IntegerChoices):
    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


def monday_to_friday() -> list[int]:
    return [Weekday.MONDAY, Weekday.TUESDAY, Weekday.WEDNESDAY, Weekday.THURSDAY, Weekday.FRIDAY]


class OfProduct(models.QuerySet[models.Model]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep what belongs to products the user may see."""
        return self.filter(product__in=Product.objects.visible_to(user))


class WorkingHours(models.Model):
    """When a product's staff work, without public holidays of the controller's country. No row means Mon–Fri 9–17."""

    product = models.OneToOneField(
        Product, on_delete=models.CASCADE, related_name="working_hours", verbose_name=_("product")
    )
    days = ArrayField(
        models.PositiveSmallIntegerField(choices=Weekday), verbose_name=_("days"), default=monday_to_friday
    )
    opens = models.TimeField(_("from"), default=time(9))
    closes = models.TimeField(_("until"), default=time(17))

    objects = OfProduct.as_manager()

    class Meta:
        verbose_name = _("working hours")
        verbose_name_plural = _("working hours")
        constraints = [
            models.CheckConstraint(condition=Q(closes__gt=F("opens")), name="working_hours_close_after_they_open"),
            models.CheckConstraint(condition=~Q(days=[]), name="working_hours_have_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class Team(models.Model):
    """People who share the follow-ups of a product and answer from one address."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="teams", verbose_name=_("product"))
    name = models.CharField(_("name"), max_length=60)
    reply_address = models.EmailField(
        _("reply address"), blank=True, help_text=_("Where people's answers to our e-mails go besides this page.")
    )
    members: models.ManyToManyField[User, models.Model] = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="teams", verbose_name=_("members"), blank=True
    )

    objects = OfProduct.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        constraints = [models.UniqueConstraint(fields=["product", "name"], name="team_unique_per_product")]

    def __str__(self) -> str:
        return self.name


class RootCause(models.Model):
    """Why people of a product had to complain; named when a follow-up is closed."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+", verbose_name=_("product"))
    name = models.CharField(_("name"), max_length=80)

    objects = OfProduct.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("root cause")
        verbose_name_plural = _("root causes")
        constraints = [models.UniqueConstraint(fields=["product", "name"], name="root_cause_unique_per_product")]

    def __str__(self) -> str:
        return self.name
