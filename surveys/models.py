"""Surveys, the wording staff edit, and the versions that people were actually shown."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from privacy.models import Product
from surveys.scales import Band, BandProfile, Metric, Scale, scale_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


class Channel(models.TextChoices):
    WEB = "web", _("web")
    MOBILE = "mobile", _("mobile")
    EMAIL = "email", _("e-mail")
    LINK = "link", _("link")


def every_channel() -> list[str]:
    return [Channel.WEB, Channel.MOBILE, Channel.EMAIL, Channel.LINK]


def new_slug() -> str:
    return get_random_string(12, "abcdefghijkmnpqrstuvwxyz23456789")


def _days(label: Any) -> models.PositiveSmallIntegerField[int | None, int | None]:
    return models.PositiveSmallIntegerField(label, null=True, blank=True, validators=[MaxValueValidator(3650)])


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
    known_percentage = _percentage(_("sample of identified people, %"))
    anonymous_percentage = _percentage(_("sample of anonymous people, %"))

    class Meta:
        abstract = True


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

    def __str__(self) -> str:
        return str(self.product)


class SurveyQuerySet(models.QuerySet["Survey"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the surveys of products the user may see."""
        return self.filter(product__in=Product.objects.visible_to(user))

    def askable(self, *, at: datetime) -> Self:
        """Keep the surveys that may be asked at a moment: live, published and in schedule, of a live product."""
        return self.filter(
            Q(starts_at__isnull=True) | Q(starts_at__lte=at),
            Q(ends_at__isnull=True) | Q(ends_at__gt=at),
            state=Survey.State.LIVE,
            current_version__isnull=False,
            product__is_live=True,
        )


class Survey(ThrottleNumbers):
    """One NPS, CES or CSAT question with its follow-up question, channels, throttles and wording."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        LIVE = "live", _("live")
        PAUSED = "paused", _("paused")
        ARCHIVED = "archived", _("archived")

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="surveys", verbose_name=_("product"))
    name = models.CharField(_("name"), max_length=200, help_text=_("For staff only."))
    metric = models.CharField(_("metric"), max_length=4, choices=Metric)
    band_profile = models.CharField(_("bands"), max_length=10, choices=BandProfile, default=BandProfile.STANDARD)
    slug = models.SlugField(
        _("share link"),
        max_length=64,
        unique=True,
        default=new_slug,
        help_text=_("The last part of the survey's address."),
    )
    channels = ArrayField(
        models.CharField(max_length=8, choices=Channel), verbose_name=_("channels"), default=every_channel
    )
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.DRAFT, editable=False)
    priority = models.SmallIntegerField(
        _("priority"), default=0, help_text=_("Of several surveys that may be asked, the highest goes first.")
    )
    starts_at = models.DateTimeField(_("from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    current_version = models.ForeignKey(
        "SurveyVersion", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )

    objects = SurveyQuerySet.as_manager()

    class Meta:
        ordering = ["product", "name"]
        verbose_name = _("survey")
        verbose_name_plural = _("surveys")
        constraints = [
            models.UniqueConstraint(fields=["product", "name"], name="survey_name_unique_per_product"),
            models.CheckConstraint(
                condition=~Q(state="live") | Q(current_version__isnull=False), name="survey_live_only_when_published"
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="survey_ends_after_it_starts"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def scale(self) -> Scale:
        return scale_of(self.metric, self.band_profile)

    def clean(self) -> None:
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            message = _("The end must come after the start.")
            raise ValidationError({"ends_at": ValidationError(message, code="ends_before_start")})
        self.refuse_another_metric()

    def refuse_another_metric(self) -> None:
        """Refuse a metric or band profile other than the published one: scores before and after would not compare.

        Raises:
            ValidationError: ``metric_fixed``.
        """
        version = self.current_version
        if version and (self.metric, self.band_profile) != (version.metric, version.band_profile):
            raise ValidationError(
                _("The metric and the bands cannot change after the first publishing. Make a new survey instead."),
                code="metric_fixed",
            )


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
        constraints = [models.UniqueConstraint(fields=["survey", "number"], name="survey_version_number_unique")]

    def __str__(self) -> str:
        return f"{self.survey_id}/{self.number}"

    @property
    def scale(self) -> Scale:
        return scale_of(self.metric, self.band_profile)
