"""Who works on follow-ups, and when: teams, root causes and the hours in which a clock runs."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, Final, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from privacy.models import Product

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


FIRST_CONTACT_HOURS: Final = 48
REMIND_HOURS: Final = 4
LONGEST_FIRST_CONTACT_HOURS: Final = 720
LONGEST_REMIND_HOURS: Final = 240


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
    """When a product's staff work, and how soon they contact people.

    Nobody works on public holidays of the controller's country. No row means Monday to Friday from 9 to 17, 48 hours
    to the first contact, and that the reviewers learn when they are over.
    """

    product = models.OneToOneField(
        Product, on_delete=models.CASCADE, related_name="working_hours", verbose_name=_("product")
    )
    days = ArrayField(
        models.PositiveSmallIntegerField(choices=Weekday), verbose_name=_("days"), default=monday_to_friday
    )
    opens = models.TimeField(
        _("from"),
        default=time(9),
        help_text=_("By the clocks of the product’s time zone, the same on each of the days."),
    )
    closes = models.TimeField(
        _("until"), default=time(17), help_text=_("Later than the beginning. Clocks stand still overnight.")
    )
    first_contact_hours = models.PositiveSmallIntegerField(
        _("hours to the first contact"),
        default=FIRST_CONTACT_HOURS,
        db_default=FIRST_CONTACT_HOURS,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_FIRST_CONTACT_HOURS)],
        help_text=_(
            "Within how many hours a detractor, or whoever is of high priority, is contacted; 24 hours are one working "
            "day. It holds for follow-ups that begin from now on: a date once promised stays."
        ),
    )
    remind_hours = models.PositiveSmallIntegerField(
        _("working hours between reminder and due date"),
        default=REMIND_HOURS,
        db_default=REMIND_HOURS,
        validators=[MinValueValidator(0), MaxValueValidator(LONGEST_REMIND_HOURS)],
        help_text=_(
            "How many working hours before the first contact is due its owner, or else the team, is reminded. "
            "Follow-ups count as “due soon” from then on. With 0 nobody is reminded, and none is ever due soon."
        ),
    )
    escalate_to: models.ManyToManyField[User, models.Model] = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        related_name="+",
        verbose_name=_("tell of what is overdue"),
        blank=True,
        help_text=_(
            "Told besides the owner and the team when a first contact is overdue. Nobody chosen: the reviewers of the "
            "product. Where none of them can be told, its administrators are."
        ),
    )

    objects = OfProduct.as_manager()

    class Meta:
        verbose_name = _("working hours")
        verbose_name_plural = _("working hours")
        constraints = [
            models.CheckConstraint(condition=Q(closes__gt=F("opens")), name="working_hours_close_after_they_open"),
            models.CheckConstraint(condition=~Q(days=[]), name="working_hours_have_a_day"),
            models.CheckConstraint(
                condition=Q(first_contact_hours__range=(1, LONGEST_FIRST_CONTACT_HOURS)),
                name="working_hours_first_contact_in_range",
            ),
            models.CheckConstraint(
                condition=Q(remind_hours__range=(0, LONGEST_REMIND_HOURS)), name="working_hours_reminder_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class Team(models.Model):
    """People who share the follow-ups of a product and answer from one address."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="teams", verbose_name=_("product"))
    name = models.CharField(
        _("name"), max_length=60, help_text=_("How colleagues know it, where follow-ups are assigned and listed.")
    )
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
    name = models.CharField(
        _("name"), max_length=80, help_text=_("In a few words, as it is offered when a follow-up is closed: “fees”.")
    )

    objects = OfProduct.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("root cause")
        verbose_name_plural = _("root causes")
        constraints = [
            models.UniqueConstraint(
                "product",
                Upper("name"),
                name="root_cause_unique_in_product",
                violation_error_message=_("The product has a root cause of this name already."),
            )
        ]

    def __str__(self) -> str:
        return self.name
