"""Whom a survey is for: the rules of its audience, quotas of segments, and the events a product reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from privacy.models import Product
from surveys import audience
from surveys.audience import LONGEST_VALUE
from surveys.models.surveys import Survey
from surveys.targeting import OPERATORS, WITHOUT_VALUES, Dimension, Operator, Quota, Rule, Subject

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

EVENT_NAME = r"^[a-z0-9_.:-]{1,64}\Z"
LONGEST_NAME = 64  # of a property, as the API takes it


class EventQuerySet(models.QuerySet["Event"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the events of products the user may see."""
        return self.filter(product__in=Product.objects.visible_to(user))


class Event(models.Model):
    """Something that happens in a product and that its pages or apps report by name, such as a finished order."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="events", verbose_name=_("product"))
    name = models.CharField(
        _("name"),
        max_length=64,
        validators=[
            RegexValidator(
                EVENT_NAME,
                _("Up to 64 of the small letters a to z, digits, and _ . : -"),
                code="invalid_event",
            )
        ],
        help_text=_("As the page or the app reports it: order.finished"),
    )
    label = models.CharField(_("label"), max_length=120, blank=True, help_text=_("What it means, for staff."))

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["product", "name"]
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            models.UniqueConstraint(fields=["product", "name"], name="event_unique_per_product"),
            models.CheckConstraint(condition=Q(name__regex=EVENT_NAME), name="event_name_is_plain"),
        ]

    def __str__(self) -> str:
        return self.name

    def asked_for_by(self) -> list[Survey]:
        """Return the surveys whose audience asks for this event."""
        return [
            survey
            for survey in self.product.surveys.all()
            if any(rule.subject == Subject.EVENT and self.name in rule.values for rule in survey.audience.all())
        ]


def _operator_is_offered() -> Q:
    """Return the condition that a rule compares its subject in a way the decision knows."""
    condition = Q()
    for subject, operators in OPERATORS.items():
        condition |= Q(subject=subject, operator__in=[operator.value for operator in operators])
    return condition


class AudienceRule(models.Model):
    """One condition on the person or the moment. All rules of a survey must hold; of several values, any one."""

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="audience", verbose_name=_("survey"))
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    subject = models.CharField(_("what"), max_length=16, choices=Subject)
    name = models.CharField(_("property"), max_length=LONGEST_NAME, blank=True)
    operator = models.CharField(_("comparison"), max_length=16, choices=Operator, default=Operator.IS)
    values = ArrayField(models.CharField(max_length=LONGEST_VALUE), verbose_name=_("values"), default=list, blank=True)

    class Meta:
        ordering = ["survey", "position", "pk"]
        verbose_name = _("rule of the audience")
        verbose_name_plural = _("rules of the audience")
        constraints = [
            models.CheckConstraint(
                condition=Q(subject=Subject.PROPERTY) & ~Q(name="") | ~Q(subject=Subject.PROPERTY) & Q(name=""),
                name="audience_rule_names_a_property",
            ),
            models.CheckConstraint(
                condition=Q(operator__in=sorted(WITHOUT_VALUES), values=[])
                | ~Q(operator__in=sorted(WITHOUT_VALUES)) & ~Q(values=[]),
                name="audience_rule_has_values",
            ),
            models.CheckConstraint(condition=_operator_is_offered(), name="audience_rule_compares_what_it_can"),
        ]

    def __str__(self) -> str:
        return f"rule {self.position + 1}"

    @property
    def rule(self) -> Rule:
        return Rule(self.subject, self.name, self.operator, tuple(self.values))

    def clean(self) -> None:
        """Check the rule and bring its values into the writing in which they are compared.

        Raises:
            ValidationError: what ``surveys.audience.clean`` raises.
        """
        if self.subject not in Subject or self.operator not in Operator:
            return  # their fields have said so
        looks_at_events = self.subject == Subject.EVENT
        events = set(self.survey.product.events.values_list("name", flat=True)) if looks_at_events else set()
        cleaned = audience.clean(self.rule, events=events)
        self.name, self.values = cleaned.name, list(cleaned.values)


class SegmentQuota(models.Model):
    """At most so many responses from the people of one segment."""

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="quotas", verbose_name=_("survey"))
    dimension = models.CharField(_("segment by"), max_length=16, choices=Dimension)
    name = models.CharField(_("property"), max_length=LONGEST_NAME, blank=True)
    value = models.CharField(_("value"), max_length=LONGEST_VALUE)
    target = models.PositiveIntegerField(_("most responses"), validators=[MinValueValidator(1)])

    class Meta:
        ordering = ["survey", "dimension", "name", "value"]
        verbose_name = _("quota")
        verbose_name_plural = _("quotas")
        constraints = [
            models.UniqueConstraint(fields=["survey", "dimension", "name", "value"], name="quota_unique_per_segment"),
            models.CheckConstraint(
                condition=Q(dimension=Dimension.PROPERTY) & ~Q(name="") | ~Q(dimension=Dimension.PROPERTY) & Q(name=""),
                name="quota_names_a_property",
            ),
            models.CheckConstraint(condition=Q(target__gte=1), name="quota_allows_a_response"),
        ]

    def __str__(self) -> str:
        return f"quota {self.pk}"

    @property
    def quota(self) -> Quota:
        return Quota(self.dimension, self.name, self.value, self.target)

    def clean(self) -> None:
        """Check the segment and bring its value into the writing in which it is compared.

        Raises:
            ValidationError: ``name_required``, ``name_not_allowed`` or what ``surveys.audience.clean_value`` raises.
        """
        if self.dimension not in Dimension:
            return  # its field has said so
        self.name = audience.clean_name(self.name, is_needed=self.dimension == Dimension.PROPERTY)
        try:
            self.value = audience.clean_value(Subject(self.dimension), self.value.strip())
        except ValidationError as error:
            raise ValidationError({"value": error}) from error
