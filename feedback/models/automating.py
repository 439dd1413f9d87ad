"""What happens by itself when a response comes in: conditions that staff set, and what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from feedback.models.capturing import Tag
from feedback.models.following_up import Priority
from feedback.models.working import Team
from privacy.models import Product
from surveys.models import Channel
from surveys.scales import Band, Metric

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


class RuleQuerySet(models.QuerySet["Rule"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the rules of products the user may see."""
        return self.filter(product__in=Product.objects.visible_to(user))


class Rule(models.Model):
    """If a response meets every condition that is set, then it is tagged, a follow-up opens, or staff are alerted."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="rules", verbose_name=_("product"))
    name = models.CharField(_("name"), max_length=80)
    is_active = models.BooleanField(_("active"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    metrics = ArrayField(models.CharField(max_length=4, choices=Metric), verbose_name=_("metrics"), default=list)
    bands = ArrayField(models.CharField(max_length=10, choices=Band), verbose_name=_("bands"), default=list)
    channels = ArrayField(models.CharField(max_length=8, choices=Channel), verbose_name=_("channels"), default=list)
    lowest_score = models.SmallIntegerField(_("score from"), null=True, blank=True)
    highest_score = models.SmallIntegerField(_("score to"), null=True, blank=True)
    keywords = ArrayField(models.CharField(max_length=80), verbose_name=_("words in the comment"), default=list)
    with_tag = models.ForeignKey(
        Tag, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("has the tag")
    )
    with_comment = models.BooleanField(_("has a comment"), default=False)
    with_contact_permission = models.BooleanField(_("may be contacted about this"), default=False)

    adds_tag = models.ForeignKey(
        Tag, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("give the tag")
    )
    opens_follow_up = models.BooleanField(_("open a follow-up"), default=False)
    priority = models.CharField(_("priority"), max_length=6, choices=Priority, default=Priority.NORMAL)
    team = models.ForeignKey(
        Team, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("team")
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("assigned to"),
    )
    alerts: models.ManyToManyField[User, models.Model] = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="+", verbose_name=_("alert at once"), blank=True
    )

    # Tagging what was there before the rule: responses with a smaller number are still to be looked at.
    tags_existing_before = models.BigIntegerField(null=True, editable=False)
    existing_tagged = models.PositiveIntegerField(null=True, editable=False)

    objects = RuleQuerySet.as_manager()

    class Meta:
        ordering = ["product", "position", "pk"]
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        constraints = [models.UniqueConstraint(fields=["product", "name"], name="rule_unique_per_product")]

    def __str__(self) -> str:
        return self.name
