"""Campaigns: a survey sent by e-mail to many people, and each mail of it that is owed to one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from feedback.models.asking import Invitation, Respondent
from feedback.placeholders import check_placeholders
from privacy.models import Product
from surveys.models import Survey, SurveyVersion
from surveys.throttling import SHORTEST_MAIL_DAYS

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

MOST_A_MINUTE: Final = 6_000
LATEST_REMINDER_DAYS: Final = 30


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the campaigns of products the user may see."""
        return self.filter(product__in=Product.objects.visible_to(user))


class Campaign(models.Model):
    """A survey that is sent by e-mail to an audience, once to each person and with one reminder at most.

    The mails go out in the hours of the window by the clock of the person's zone, and no more of them in a minute
    than the pace allows. The version is that which was published when the campaign was started.
    """

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("campaign", "draft")
        SCHEDULED = "scheduled", pgettext_lazy("campaign", "scheduled")
        RUNNING = "running", pgettext_lazy("campaign", "running")
        PAUSED = "paused", pgettext_lazy("campaign", "paused")
        FINISHED = "finished", pgettext_lazy("campaign", "finished")
        CANCELLED = "cancelled", pgettext_lazy("campaign", "cancelled")

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="campaigns", verbose_name=_("product"))
    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="campaigns", verbose_name=_("survey"))
    version = models.ForeignKey(
        SurveyVersion, on_delete=models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("version")
    )
    name = models.CharField(_("name"), max_length=120, help_text=_("For staff only."))
    sender_name = models.CharField(
        _("sender’s name"), max_length=100, blank=True, help_text=_("Empty: the product’s name.")
    )
    reply_to = models.EmailField(
        _("replies go to"), blank=True, help_text=_("Empty: the contact address of the controller.")
    )
    starts_at = models.DateTimeField(
        _("not before"), null=True, blank=True, help_text=_("Empty: as soon as it is started.")
    )
    window_from = models.PositiveSmallIntegerField(
        _("from (hour)"),
        default=8,
        validators=[MaxValueValidator(23)],
        help_text=_("By the clock where the person is; else by that of the product."),
    )
    window_until = models.PositiveSmallIntegerField(
        _("until (hour)"),
        default=11,
        validators=[MinValueValidator(1), MaxValueValidator(24)],
        help_text=_("What is not sent by then waits for the next day."),
    )
    pace = models.PositiveSmallIntegerField(
        _("mails a minute, at most"),
        default=120,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_A_MINUTE)],
        help_text=_("As many as the mail server, and those who answer replies, can take."),
    )
    reminder_after_days = models.PositiveSmallIntegerField(
        _("days until the reminder"),
        null=True,
        blank=True,
        validators=[MinValueValidator(SHORTEST_MAIL_DAYS), MaxValueValidator(LATEST_REMINDER_DAYS)],
        help_text=_("One reminder to those who did not react, if the survey allows it. Empty: none."),
    )
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.DRAFT, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("by"),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True, editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, editable=False)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        constraints = [
            models.CheckConstraint(
                condition=Q(window_from__lt=F("window_until"), window_until__lte=24), name="campaign_window_is_open"
            ),
            models.CheckConstraint(condition=Q(pace__gte=1), name="campaign_moves"),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(version__isnull=False), name="campaign_started_with_a_version"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.window_from is not None and self.window_until is not None and self.window_from >= self.window_until:
            message = _("The window must end after it begins.")
            raise ValidationError({"window_until": ValidationError(message, code="window_ends_before_it_begins")})
        if self.product_id and self.survey_id and self.survey.product_id != self.product_id:
            message = _("This survey belongs to another product.")
            raise ValidationError({"survey": ValidationError(message, code="foreign_survey")})
        if self.reminder_after_days and self.survey_id and not self.survey.allows_reminder:
            message = _("The survey does not allow a reminder.")
            raise ValidationError({"reminder_after_days": ValidationError(message, code="no_reminder")})


class CampaignWording(models.Model):
    """What the mail of a campaign says above the question, in one language."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="wordings", verbose_name=_("campaign")
    )
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    subject = models.CharField(
        _("subject"),
        max_length=150,
        validators=[check_placeholders],
        help_text=_("{name}, {company} and {product} are replaced; whatever is not known is left out."),
    )
    intro = models.TextField(
        _("introduction"),
        max_length=2000,
        validators=[check_placeholders],
        help_text=_("The same may stand here. Blank lines make paragraphs."),
    )

    class Meta:
        ordering = ["campaign", "language"]
        verbose_name = _("wording of the mail")
        verbose_name_plural = _("wording of the mail")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "language"], name="campaign_wording_unique_per_language")
        ]

    def __str__(self) -> str:
        return self.get_language_display()


class CampaignAudience(models.Model):
    """Whom a campaign is for: a file, a segment or a list, turned into owed mails part by part.

    The file is removed once its people were taken over. What it says about their permission is recorded with each.
    """

    class Kind(models.TextChoices):
        FILE = "file", _("file")
        SEGMENT = "segment", _("segment")
        LIST = "list", _("list from the product’s server")

    class State(models.TextChoices):
        WAITING = "waiting", _("not taken over yet")
        RUNNING = "running", _("being taken over")
        DONE = "done", _("taken over")
        FAILED = "failed", _("failed")

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="audiences", verbose_name=_("campaign")
    )
    kind = models.CharField(_("kind"), max_length=7, choices=Kind)
    segment = models.ForeignKey(
        "feedback.Segment", on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("segment")
    )
    file_name = models.CharField(_("file"), max_length=255, blank=True)
    content = models.BinaryField(_("content"), default=bytes, editable=False)
    basis = models.CharField(_("basis of the permission"), max_length=8, blank=True)
    evidence = models.CharField(_("evidence of the permission"), max_length=300, blank=True)
    given_on = models.DateField(_("permission given on"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.WAITING)
    failure = models.CharField(_("failure"), max_length=300, blank=True)
    # How far it was taken over: rows of a file, or the key of the last person of a segment.
    position = models.PositiveBigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering = ["campaign", "pk"]
        verbose_name = _("audience of a campaign")
        verbose_name_plural = _("audiences of campaigns")
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="segment", segment__isnull=False) | ~Q(kind="segment") & Q(segment__isnull=True),
                name="campaign_audience_has_its_segment",
            ),
            models.CheckConstraint(
                condition=Q(basis="", evidence="", given_on__isnull=True)
                | ~Q(basis="") & ~Q(evidence="") & Q(given_on__isnull=False),
                name="campaign_audience_states_a_whole_permission",
            ),
        ]

    def __str__(self) -> str:
        return f"audience {self.pk}"

    @property
    def is_removable(self) -> bool:
        """Whether it can be taken off its campaign: that has not begun, and nobody was taken over."""
        return self.campaign.state == Campaign.State.DRAFT and self.state in {self.State.WAITING, self.State.FAILED}


class CampaignMailQuerySet(models.QuerySet["CampaignMail"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the mails of products the user may see."""
        return self.filter(campaign__product__in=Product.objects.visible_to(user))


class CampaignMail(models.Model):
    """One mail of a campaign that is owed to one person: the survey, or the reminder of it.

    A row without a person is an entry of the audience that led to nobody who may be stored. ``attempts`` counts the
    claims and serves as a fence: whoever claimed a row before can do nothing with it any more.
    """

    class Kind(models.TextChoices):
        FIRST = "first", _("survey")
        REMINDER = "reminder", _("reminder")

    class State(models.TextChoices):
        QUEUED = "queued", pgettext_lazy("mail", "waiting")
        SENDING = "sending", pgettext_lazy("mail", "being sent")
        SENT = "sent", pgettext_lazy("mail", "sent")
        SKIPPED = "skipped", pgettext_lazy("mail", "not sent")
        FAILED = "failed", pgettext_lazy("mail", "given up")
        UNKNOWN = "unknown", pgettext_lazy("mail", "unknown whether sent")

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="mails", verbose_name=_("campaign"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.FIRST)
    respondent = models.ForeignKey(
        Respondent, on_delete=models.CASCADE, null=True, related_name="+", verbose_name=_("respondent")
    )
    invitation = models.ForeignKey(
        Invitation,
        on_delete=models.SET_NULL,
        null=True,
        related_name="campaign_mails",
        verbose_name=_("invitation"),
    )
    line = models.PositiveIntegerField(_("line of the file"), null=True)
    state = models.CharField(_("state"), max_length=8, choices=State)
    code = models.CharField(_("why"), max_length=40, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    failures = models.PositiveSmallIntegerField(_("failures"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True)
    claimed_at = models.DateTimeField(_("claimed"), null=True)
    handed_over_at = models.DateTimeField(_("handed over"), null=True)
    sent_at = models.DateTimeField(_("sent"), null=True)
    # What the provider calls the mail, where mail goes through one: some replace our Message-ID.
    provider_message_id = models.CharField(_("the provider’s number"), max_length=255, blank=True, editable=False)
    delivered_at = models.DateTimeField(_("delivered"), null=True)
    bounced_at = models.DateTimeField(_("came back"), null=True)
    complained_at = models.DateTimeField(_("reported as spam"), null=True)
    opened_at = models.DateTimeField(_("opened"), null=True)
    unsubscribed_at = models.DateTimeField(_("unsubscribed"), null=True)

    objects = CampaignMailQuerySet.as_manager()

    class Meta:
        verbose_name = _("mail of a campaign")
        verbose_name_plural = _("mails of campaigns")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "respondent", "kind"],
                condition=Q(respondent__isnull=False),
                name="campaign_mail_owed_once",
            ),
            models.CheckConstraint(
                condition=Q(respondent__isnull=False) | Q(state="skipped"), name="campaign_mail_has_somebody_to_go_to"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["skipped", "failed"]) | ~Q(code=""), name="campaign_mail_not_sent_for_a_reason"
            ),
            models.CheckConstraint(
                condition=~Q(state="queued") | Q(next_attempt_at__isnull=False, handed_over_at__isnull=True),
                name="campaign_mail_waits_for_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["sent", "unknown"]) | Q(handed_over_at__isnull=False),
                name="campaign_mail_sent_was_handed_over",
            ),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False) | ~Q(state="sent") & Q(sent_at__isnull=True),
                name="campaign_mail_sent_has_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["campaign", "next_attempt_at"], name="campaign_mail_due", condition=Q(state="queued")),
            models.Index(
                fields=["campaign", "claimed_at"], name="campaign_mail_pace", condition=Q(claimed_at__isnull=False)
            ),
            models.Index(fields=["campaign", "kind", "state", "code"], name="campaign_mail_states"),
            models.Index(
                fields=["campaign", "sent_at"], name="campaign_mail_sent", condition=Q(state="sent", kind="first")
            ),
            models.Index(
                fields=["provider_message_id"], name="campaign_mail_at_provider", condition=~Q(provider_message_id="")
            ),
        ]

    def __str__(self) -> str:
        return f"campaign mail {self.pk}"


class InvitationCall(models.Model):
    """A call by which a product's server invited people, kept so that the same call again invites nobody twice."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+", verbose_name=_("product"))
    key_digest = models.BinaryField(_("digest of the key"), max_length=32, editable=False)
    body_digest = models.BinaryField(_("digest of what was sent"), max_length=32, editable=False)
    answer = models.JSONField(_("answer"), default=dict)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("call of the product’s server")
        verbose_name_plural = _("calls of the product’s server")
        constraints = [models.UniqueConstraint(fields=["product", "key_digest"], name="invitation_call_once")]

    def __str__(self) -> str:
        return f"invitation call {self.pk}"


class MailEvent(models.Model):
    """What the mail provider reported about a mail; the same report twice is one."""

    class Kind(models.TextChoices):
        DELIVERED = "delivered", _("delivered")
        BOUNCED = "bounced", _("came back")
        COMPLAINED = "complained", _("reported as spam")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")

    mail = models.ForeignKey(CampaignMail, on_delete=models.CASCADE, related_name="events", verbose_name=_("mail"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    at = models.DateTimeField(_("time"))
    digest = models.BinaryField(_("digest of the report"), max_length=32, editable=False)

    class Meta:
        ordering = ["at", "pk"]
        verbose_name = _("report about a mail")
        verbose_name_plural = _("reports about mails")
        constraints = [models.UniqueConstraint(fields=["mail", "digest"], name="mail_event_reported_once")]

    def __str__(self) -> str:
        return f"mail event {self.pk}"
