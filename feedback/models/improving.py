"""“You said, we did”: what was improved because of feedback, told back to those who gave it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from feedback.models.asking import Respondent
from feedback.models.capturing import Response, Tag
from feedback.models.working import OfProduct
from privacy.models import Product


class Improvement(models.Model):
    """An action taken because of feedback; once published it is on the product's public page."""

    product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="improvements", verbose_name=_("product")
    )
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    title = models.CharField(_("what we did"), max_length=120)
    said = models.TextField(_("what you said"), max_length=1000, help_text=_("In your own words: quote nobody."))
    text = models.TextField(_("what has changed"), max_length=4000)
    done_on = models.DateField(_("date"))
    responses: models.ManyToManyField[Response, models.Model] = models.ManyToManyField(
        Response, related_name="improvements", verbose_name=_("responses"), blank=True
    )
    tags: models.ManyToManyField[Tag, models.Model] = models.ManyToManyField(
        Tag, related_name="improvements", verbose_name=_("tags"), blank=True
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False, verbose_name=_("by")
    )
    published_at = models.DateTimeField(_("published"), null=True, editable=False)
    mailed_at = models.DateTimeField(_("mailed"), null=True, editable=False)

    objects = OfProduct.as_manager()

    class Meta:
        ordering = ["-done_on", "-pk"]
        verbose_name = _("improvement")
        verbose_name_plural = _("improvements")
        constraints = [
            models.CheckConstraint(
                condition=Q(mailed_at__isnull=True) | Q(published_at__isnull=False),
                name="improvement_published_before_it_is_mailed",
            )
        ]

    def __str__(self) -> str:
        return self.title


class ImprovementMail(models.Model):
    """The one mail about an improvement that is owed to a respondent who may be contacted."""

    improvement = models.ForeignKey(
        Improvement, on_delete=models.CASCADE, related_name="mails", verbose_name=_("improvement")
    )
    respondent = models.ForeignKey(Respondent, on_delete=models.CASCADE, related_name="+", verbose_name=_("respondent"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"))
    sent_at = models.DateTimeField(_("sent"), null=True)
    dropped_at = models.DateTimeField(_("not sent"), null=True, help_text=_("May not be contacted any more."))
    failed_at = models.DateTimeField(_("given up"), null=True)

    class Meta:
        verbose_name = _("mail about an improvement")
        verbose_name_plural = _("mails about improvements")
        constraints = [models.UniqueConstraint(fields=["improvement", "respondent"], name="improvement_mailed_once")]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="improvement_mail_due",
                condition=Q(sent_at__isnull=True, dropped_at__isnull=True, failed_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"improvement mail {self.pk}"
