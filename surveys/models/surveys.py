"""Surveys: one question to the users of a product, when it may be asked, and how often it is answered at most."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from privacy.models import Product
from surveys.models.throttles import LONGEST_DAYS, ThrottleNumbers, rests_are_long_enough
from surveys.scales import BandProfile, Metric, Scale, scale_of
from surveys.throttling import resolve

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


class Channel(models.TextChoices):
    WEB = "web", _("web")
    MOBILE = "mobile", _("mobile")
    EMAIL = "email", _("e-mail")
    LINK = "link", _("link")


class ScoreLinks(models.TextChoices):
    """What the page of a personal link does with the score that the link names; it never sends it by itself."""

    CONFIRM = "confirm", _("wait for the button to be pressed")
    ASSISTED = "assisted", _("send it at the first touch, click or key")


AFTER_A_CASE = (Metric.CES, Metric.CSAT)


def every_channel() -> list[str]:
    return [Channel.WEB, Channel.MOBILE, Channel.EMAIL, Channel.LINK]


def new_slug() -> str:
    return get_random_string(12, "abcdefghijkmnpqrstuvwxyz23456789")


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
    is_transactional = models.BooleanField(
        _("asked after a case"),
        default=False,
        help_text=_(
            "For CES and CSAT about something that just happened, such as a call: the survey does not wait for the "
            "rest after other surveys, only for its own below."
        ),
    )
    transactional_floor_days = models.PositiveSmallIntegerField(
        _("days of rest before a survey after a case"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_DAYS)],
        help_text=_("Since any survey was shown or sent; only for a survey that is asked after a case."),
    )
    allows_reminder = models.BooleanField(
        _("allows a reminder"),
        default=False,
        help_text=_("A campaign by e-mail may then remind once of a question that nobody reacted to."),
    )
    daily_cap = models.PositiveIntegerField(
        _("most responses a day"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Once reached, nobody is asked until the product’s next day begins. Empty: no limit."),
    )
    response_target = models.PositiveIntegerField(
        _("most responses in total"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Once reached, nobody is asked any more. Empty: no limit."),
    )
    score_links = models.CharField(
        _("a link with a score opens a page that will"),
        max_length=8,
        choices=ScoreLinks,
        default=ScoreLinks.CONFIRM,
        help_text=_("No answer is ever sent by opening a link alone: programs that scan mail open every link."),
    )
    link_ends_at = models.DateTimeField(_("share link works until"), null=True, blank=True)
    link_cap = models.PositiveIntegerField(
        _("most answers through the share link"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Once reached, the link takes no more. Empty: no limit."),
    )
    one_per_device = models.BooleanField(
        _("one answer per device through the share link"),
        default=False,
        help_text=_("A cookie remembers that somebody answered, not who. Clearing cookies lifts it."),
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
            models.CheckConstraint(
                condition=Q(is_transactional=False) | Q(metric__in=AFTER_A_CASE), name="survey_after_a_case_is_no_nps"
            ),
            models.CheckConstraint(
                condition=Q(transactional_floor_days__gte=1), name="survey_after_a_case_leaves_a_day"
            ),
            models.CheckConstraint(condition=Q(daily_cap__gte=1), name="survey_daily_cap_allows_a_response"),
            models.CheckConstraint(condition=Q(response_target__gte=1), name="survey_target_allows_a_response"),
            models.CheckConstraint(condition=Q(link_cap__gte=1), name="survey_link_cap_allows_an_answer"),
            *rests_are_long_enough("survey"),
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
        if self.is_transactional and self.metric not in AFTER_A_CASE:
            message = _("Only CES and CSAT are asked after a case; NPS is about the relationship as a whole.")
            raise ValidationError({"is_transactional": ValidationError(message, code="transactional_metric")})
        self.refuse_a_shorter_cooldown()

    def refuse_a_shorter_cooldown(self) -> None:
        """Refuse a rest shorter than the one that the product promises between any two surveys.

        Raises:
            ValidationError: ``below_floor``.
        """
        if self.is_transactional or self.cooldown_days is None:
            return
        floor = resolve(None, getattr(self.product, "throttles", None)).cooldown_days
        if self.cooldown_days >= floor:
            return
        message = ngettext(
            "The product leaves %(floor)d day between any two surveys. A survey may only leave more.",
            "The product leaves %(floor)d days between any two surveys. A survey may only leave more.",
            floor,
        )
        raise ValidationError({"cooldown_days": ValidationError(message, code="below_floor", params={"floor": floor})})

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
