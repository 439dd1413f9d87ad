"""Who is never to be asked again, without saying who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from privacy.models.organisation import Product

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the suppressions of products the user may see."""
        return self.filter(product__in=Product.objects.visible_to(user))


class Suppression(models.Model):
    """A person who is not asked by a product, kept as an HMAC of an identifier that outlives their data."""

    class Reason(models.TextChoices):
        ERASED = "erased", _("their data were erased")
        OBJECTED = "objected", _("they objected")
        BY_STAFF = "by_staff", _("entered by staff")

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+", verbose_name=_("product"))
    digest = models.BinaryField(_("HMAC of the identifier"), max_length=32, editable=False)
    reason = models.CharField(_("reason"), max_length=8, choices=Reason)
    created_at = models.DateTimeField(_("since"))

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("suppression")
        verbose_name_plural = _("suppressions")
        constraints = [models.UniqueConstraint(fields=["product", "digest"], name="suppression_unique")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
