"""How often people are asked: numbers that a survey takes from its product, and the product from the defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from privacy.models import Product
from surveys.throttling import SHORTEST_COOLDOWN_DAYS, SHORTEST_MAIL_DAYS

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

LONGEST_DAYS = 3650


def _days(label: Any, *, least: int = 0) -> models.PositiveSmallIntegerField[int | None, int | None]:
    shortest = [MinValueValidator(least)] if least else []
    return models.PositiveSmallIntegerField(
        label, null=True, blank=True, validators=[*shortest, MaxValueValidator(LONGEST_DAYS)]
    )


def _percentage(label: Any) -> models.PositiveSmallIntegerField[int | None, int | None]:
    return models.PositiveSmallIntegerField(label, null=True, blank=True, validators=[MaxValueValidator(100)])


class ThrottleNumbers(models.Model):
    """The numbers of ``throttling.Throttles``; an empty one falls back to the next source."""

    first_survey_delay_days = _days(_("days before the first survey"))
    response_days = _days(_("days of rest after a response"))
    decline_days = _days(_("days of rest after a decline"))
    snooze_days = _days(_("days of rest after “later”"))
    unanswered_days = _days(_("days of rest after a survey without any action"))
    shows_in_90_days = models.PositiveSmallIntegerField(
        _("most surveys shown in 90 days"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(90)],
    )
    cooldown_days = _days(_("days of rest after any survey was shown or sent"), least=SHORTEST_COOLDOWN_DAYS)
    mail_days = _days(_("days of rest between two e-mails"), least=SHORTEST_MAIL_DAYS)
    known_percentage = _percentage(_("sample of identified people, %"))
    anonymous_percentage = _percentage(_("sample of anonymous people, %"))

    class Meta:
        abstract = True


def rests_are_long_enough(table: str) -> list[models.BaseConstraint]:
    """Return the constraints that keep the two rests nobody may switch off from being shorter than they may be."""
    return [
        models.CheckConstraint(
            condition=Q(cooldown_days__gte=SHORTEST_COOLDOWN_DAYS), name=f"{table}_cooldown_is_long_enough"
        ),
        models.CheckConstraint(
            condition=Q(mail_days__gte=SHORTEST_MAIL_DAYS), name=f"{table}_mail_rest_is_long_enough"
        ),
    ]


class ProductThrottlesQuerySet(models.QuerySet["ProductThrottles"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the throttles of products the user may see."""
        return self.filter(product__in=Product.objects.visible_to(user))


class ProductThrottles(ThrottleNumbers):
    """The numbers for all surveys of a product that set none of their own."""

    product = models.OneToOneField(
        Product, on_delete=models.CASCADE, related_name="throttles", verbose_name=_("product")
    )

    objects = ProductThrottlesQuerySet.as_manager()

    class Meta:
        verbose_name = _("throttles")
        verbose_name_plural = _("throttles")
        constraints = rests_are_long_enough("throttles")

    def __str__(self) -> str:
        return str(self.product)
