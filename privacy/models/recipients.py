"""To whom data are given, by name, and which data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from privacy.models.organisation import COUNTRY, Controller

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


class RecipientQuerySet(models.QuerySet["Recipient"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the recipients of data of the controllers the user sees."""
        return self.filter(controller__in=Controller.objects.visible_to(user))


class Recipient(models.Model):
    """A legal entity that receives data from a controller, GDPR Art. 4(9), 13(1)(e) and (f), 28, 46."""

    class Kind(models.TextChoices):
        GROUP_COMPANY = "group_company", _("company of the group")
        PROCESSOR = "processor", _("processor")
        SUB_PROCESSOR = "sub_processor", _("sub-processor")
        PARTNER = "partner", _("partner")
        AUTHORITY = "authority", _("public authority")

    class Safeguard(models.TextChoices):
        ADEQUACY = "adequacy", _("adequacy decision, Art. 45")
        CLAUSES = "clauses", _("standard contractual clauses, Art. 46(2)(c)")

    class Module(models.TextChoices):
        ONE = "1", _("module 1: controller to controller")
        TWO = "2", _("module 2: controller to processor")
        THREE = "3", _("module 3: processor to processor")
        FOUR = "4", _("module 4: processor to controller")

    controller = models.ForeignKey(
        Controller, on_delete=models.PROTECT, related_name="recipients", verbose_name=_("controller")
    )
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    country = models.CharField(_("country"), max_length=2, validators=[COUNTRY])
    purposes = ArrayField(
        models.CharField(max_length=32), verbose_name=_("purposes"), help_text=_("What it receives data for.")
    )
    contact_email = models.EmailField(
        _("e-mail"), help_text=_("Where it is told of erasures, corrections and restrictions, Art. 19.")
    )
    agreement = models.CharField(
        _("agreement"), max_length=200, blank=True, help_text=_("Where the data processing agreement is found.")
    )
    agreed_on = models.DateField(_("agreed on"), null=True, blank=True)
    safeguard = models.CharField(
        _("safeguard of the transfer"),
        max_length=16,
        choices=Safeguard,
        blank=True,
        help_text=_("Required outside the European Economic Area."),
    )
    clauses_module = models.CharField(_("module of the clauses"), max_length=1, choices=Module, blank=True)
    clauses_on = models.DateField(_("clauses signed on"), null=True, blank=True)
    supplementary_measures = models.TextField(_("supplementary measures"), blank=True)

    objects = RecipientQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("recipient")
        verbose_name_plural = _("recipients")
        constraints = [
            models.UniqueConstraint(fields=["controller", "name"], name="recipient_unique_per_controller"),
            models.CheckConstraint(
                condition=~Q(safeguard="clauses") | (~Q(clauses_module="") & Q(clauses_on__isnull=False)),
                name="recipient_clauses_are_named",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Disclosure(models.Model):
    """That a recipient gets the data of a table, since a day and until another, or that it got them once."""

    recipient = models.ForeignKey(
        Recipient, on_delete=models.CASCADE, related_name="disclosures", verbose_name=_("recipient")
    )
    dataset = models.CharField(_("data"), max_length=64, help_text=_("A table of the inventory."))
    since = models.DateField(_("since"))
    until = models.DateField(_("until"), null=True, blank=True, help_text=_("Empty while it goes on."))

    class Meta:
        ordering = ["dataset", "since"]
        verbose_name = _("disclosure")
        verbose_name_plural = _("disclosures")
        constraints = [
            models.UniqueConstraint(fields=["recipient", "dataset", "since"], name="disclosure_unique"),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="disclosure_ends_after_it_began"
            ),
        ]

    def __str__(self) -> str:
        return f"disclosure {self.pk}"
