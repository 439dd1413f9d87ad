"""The wording staff edit, and the versions of it that people were actually shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from surveys.models.surveys import Survey
from surveys.scales import Band, BandProfile, Metric, Scale, scale_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


class Wording(models.Model):
    """What staff edit in one language: the question, its labels and the decline label."""

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="wordings", verbose_name=_("survey"))
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    question = models.CharField(_("question"), max_length=300)
    low_label = models.CharField(_("label of the lowest score"), max_length=60)
    high_label = models.CharField(_("label of the highest score"), max_length=60)
    decline_label = models.CharField(_("label of the decline button"), max_length=60)

    class Meta:
        ordering = ["survey", "language"]
        verbose_name = _("wording")
        verbose_name_plural = _("wording")
        constraints = [models.UniqueConstraint(fields=["survey", "language"], name="wording_unique_per_language")]

    def __str__(self) -> str:
        return self.get_language_display()


class BandWording(models.Model):
    """What staff edit in one language for one band: what is asked next, reasons to tick, and the thanks."""

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="band_wordings", verbose_name=_("survey"))
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    band = models.CharField(_("band"), max_length=10, choices=Band)
    follow_up_question = models.CharField(_("follow-up question"), max_length=300)
    placeholder = models.CharField(_("placeholder"), max_length=200, blank=True)
    reasons = ArrayField(
        models.CharField(max_length=80),
        verbose_name=_("reasons to tick"),
        default=list,
        blank=True,
        help_text=_("Separated by commas."),
    )
    thanks = models.CharField(_("thanks"), max_length=300)

    class Meta:
        ordering = ["survey", "language", "band"]
        verbose_name = _("wording of a band")
        verbose_name_plural = _("wording of bands")
        constraints = [
            models.UniqueConstraint(fields=["survey", "language", "band"], name="band_wording_unique_per_language")
        ]

    def __str__(self) -> str:
        return f"{self.get_language_display()}, {self.get_band_display()}"


class SurveyVersionQuerySet(models.QuerySet["SurveyVersion"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the versions of surveys the user may see."""
        return self.filter(survey__in=Survey.objects.visible_to(user))


class SurveyVersion(models.Model):
    """What was actually shown: frozen at publishing by a database trigger; every response points at one.

    ``content`` maps a language to ``{question, low_label, high_label, decline_label, bands: {band:
    {follow_up_question, placeholder, reasons, thanks}}}``.
    """

    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="versions", verbose_name=_("survey"))
    number = models.PositiveIntegerField(_("number"))
    metric = models.CharField(_("metric"), max_length=4, choices=Metric)
    band_profile = models.CharField(_("bands"), max_length=10, choices=BandProfile)
    default_language = models.CharField(_("default language"), max_length=10)
    content = models.JSONField(_("content"))
    published_at = models.DateTimeField(_("published"))
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )

    objects = SurveyVersionQuerySet.as_manager()

    class Meta:
        ordering = ["survey", "-number"]
        verbose_name = _("survey version")
        verbose_name_plural = _("survey versions")
        constraints = [
            models.UniqueConstraint(fields=["survey", "number"], name="survey_version_number_unique"),
            # What a survey's current version points at, so that it is always one of its own.
            models.UniqueConstraint(fields=["id", "survey"], name="survey_version_of_one_survey"),
        ]

    def __str__(self) -> str:
        return f"{self.survey_id}/{self.number}"

    @property
    def scale(self) -> Scale:
        return scale_of(self.metric, self.band_profile)
