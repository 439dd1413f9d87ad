"""How staff read responses: the views of the list that they saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from privacy.models import Controller, Membership

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the user's own views and those shared by colleagues, who work for the same controller."""
        colleagues = Membership.objects.filter(controller__in=Controller.objects.visible_to(user)).values("user")
        return self.filter(Q(owner=user.pk) | Q(is_shared=True, owner__in=colleagues))


class SavedView(models.Model):
    """A choice of filters of the list of responses, under a name. It holds filters, never words that were searched."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views", verbose_name=_("owner")
    )
    name = models.CharField(_("name"), max_length=60)
    filters = models.JSONField(_("filters"), default=dict)
    is_shared = models.BooleanField(_("shared with colleagues"), default=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="saved_view_unique")]

    def __str__(self) -> str:
        return self.name
