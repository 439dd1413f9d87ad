"""Saved segments: people of a product chosen by what is known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from privacy.models import Product
from surveys import audience
from surveys.targeting import Operator, Recognition, Rule, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.contrib.auth.models import AnonymousUser, User


def _texts(longest: int) -> models.CharField[str, str]:
    return models.CharField(max_length=longest)


class SegmentQuerySet(models.QuerySet["Segment"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the segments of products the user may see."""
        return self.filter(product__in=Product.objects.visible_to(user))


class Segment(models.Model):
    """Known people of a product. Whatever is filled in must hold; of several values, any one.

    The conditions are rules of audiences, so that a segment and a survey's audience mean the same by the same words.
    """

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="segments", verbose_name=_("product"))
    name = models.CharField(
        _("name"), max_length=120, help_text=_("As it is offered when a campaign chooses whom it is for.")
    )
    countries = ArrayField(
        _texts(2), verbose_name=_("countries"), default=list, blank=True, help_text=_("Codes of two letters: PL, DE.")
    )
    languages = ArrayField(
        _texts(10), verbose_name=_("languages"), default=list, blank=True, help_text=_("Codes such as pl or pt-br.")
    )
    companies = ArrayField(
        _texts(200),
        verbose_name=_("companies"),
        default=list,
        blank=True,
        help_text=_("As the product names them, separated by commas; any one of them."),
    )
    property_name = models.CharField(
        _("property"), max_length=64, blank=True, help_text=_("One that the product’s backend sends, such as plan.")
    )
    property_values = ArrayField(
        _texts(500),
        verbose_name=_("values of the property"),
        default=list,
        blank=True,
        help_text=_("Separated by commas; any one of them."),
    )
    customer_before = models.DateField(
        _("customer since before"), null=True, blank=True, help_text=_("Customers since an earlier day than this.")
    )
    customer_after = models.DateField(
        _("customer since after"), null=True, blank=True, help_text=_("Customers since a later day than this.")
    )

    objects = SegmentQuerySet.as_manager()

    class Meta:
        ordering = ["product", "name"]
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        constraints = [
            models.UniqueConstraint(fields=["product", "name"], name="segment_name_unique_per_product"),
            models.CheckConstraint(
                condition=Q(property_name="", property_values=[]) | ~Q(property_name="") & ~Q(property_values=[]),
                name="segment_property_has_values",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rules(self) -> list[Rule]:
        """The conditions as rules of an audience, in the writing in which they are compared."""
        return [audience.clean(rule) for rule in self._written()]

    def _written(self) -> Iterator[Rule]:
        yield Rule(Subject.KNOWN, values=(Recognition.IDENTIFIED,))
        for subject, values in (
            (Subject.COUNTRY, self.countries),
            (Subject.LANGUAGE, self.languages),
            (Subject.COMPANY, self.companies),
        ):
            if values:
                yield Rule(subject, values=tuple(values))
        if self.property_name:
            yield Rule(Subject.PROPERTY, self.property_name, values=tuple(self.property_values))
        for operator, day in ((Operator.BEFORE, self.customer_before), (Operator.AFTER, self.customer_after)):
            if day:
                yield Rule(Subject.CUSTOMER_SINCE, operator=operator, values=(day.isoformat(),))

    def clean(self) -> None:
        if bool(self.property_name) != bool(self.property_values):
            message = _("A property needs its name and at least one value.")
            raise ValidationError({"property_name": ValidationError(message, code="half_a_property")})
        for field, subject in (("countries", Subject.COUNTRY), ("languages", Subject.LANGUAGE)):
            for value in getattr(self, field) or ():
                try:
                    audience.clean_value(subject, value)
                except ValidationError as error:
                    raise ValidationError({field: error}) from error
