"""“You said, we did”: what was improved because of feedback, told back to those who gave it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from feedback.models.asking import Respondent
from feedback.models.capturing import Response, Tag
from feedback.models.working import OfProduct
from privacy.models import Product

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class ImprovementQuerySet(OfProduct):
    def public(self) -> Self:
        """Keep what everybody may read on the page of its product."""
        return self.filter(published_at__isnull=False, withdrawn_at__isnull=True)


class Improvement(models.Model):
    """An action taken because of feedback; once published it is on the product's public page until it is withdrawn.

    The text of what was ever public changes only with a date that everybody sees, ``corrected_at``.
    """

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("improvement", "draft")
        PUBLISHED = "published", pgettext_lazy("improvement", "published")
        WITHDRAWN = "withdrawn", pgettext_lazy("improvement", "withdrawn")

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
    corrected_at = models.DateTimeField(_("corrected"), null=True, editable=False)
    withdrawn_at = models.DateTimeField(pgettext_lazy("improvement", "withdrawn"), null=True, editable=False)
    mailed_at = models.DateTimeField(_("mailed"), null=True, editable=False)

    objects = ImprovementQuerySet.as_manager()

    class Meta:
        ordering = ["-done_on", "-pk"]
        verbose_name = _("improvement")
        verbose_name_plural = _("improvements")
        constraints = [
            models.CheckConstraint(
                condition=Q(mailed_at__isnull=True) | Q(published_at__isnull=False),
                name="improvement_published_before_it_is_mailed",
            ),
            models.CheckConstraint(
                condition=Q(corrected_at__isnull=True, withdrawn_at__isnull=True) | Q(published_at__isnull=False),
                name="improvement_published_before_it_is_changed",
            ),
        ]
        indexes = [
            models.Index(
                fields=["product", "-done_on", "-id"],
                name="improvement_public",
                condition=Q(published_at__isnull=False, withdrawn_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def state(self) -> State:
        if self.published_at is None:
            return self.State.DRAFT
        return self.State.PUBLISHED if self.withdrawn_at is None else self.State.WITHDRAWN

    @property
    def version(self) -> str:
        """Name the text that was last made public by when it was corrected."""
        return self.corrected_at.isoformat() if self.corrected_at else ""

    @property
    def state_in_words(self) -> StrOrPromise:
        return self.state.label


class ImprovementMail(models.Model):
    """The one mail about an improvement that is owed to a respondent who may be contacted."""

    class Reason(models.TextChoices):
        """Why somebody who gave linked feedback gets no mail."""

        BOUNCED = "bounced", _("their e-mail came back")
        NO_ADDRESS = "no_address", _("we know no e-mail address")
        MAY_NOT = "may_not", _("must not be contacted")
        NO_PERMISSION = "no_permission", _("did not say that they may be contacted")
        SUPPRESSED = "suppressed", _("on the list of people who are left alone")
        SAME_MAILBOX = "same_mailbox", _("shares a mailbox with somebody who gets it")
        UNLINKED = "unlinked", _("no response of theirs is linked any more")
        WITHDRAWN = "withdrawn", _("the improvement was withdrawn")

    improvement = models.ForeignKey(
        Improvement, on_delete=models.CASCADE, related_name="mails", verbose_name=_("improvement")
    )
    respondent = models.ForeignKey(Respondent, on_delete=models.CASCADE, related_name="+", verbose_name=_("respondent"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"))
    sent_at = models.DateTimeField(_("sent"), null=True)
    dropped_at = models.DateTimeField(_("not sent"), null=True, help_text=_("May not be contacted any more."))
    dropped_why = models.CharField(_("why not sent"), max_length=16, choices=Reason, blank=True)
    failed_at = models.DateTimeField(_("given up"), null=True)

    class Meta:
        verbose_name = _("mail about an improvement")
        verbose_name_plural = _("mails about improvements")
        constraints = [
            models.UniqueConstraint(fields=["improvement", "respondent"], name="improvement_mailed_once"),
            models.CheckConstraint(
                condition=Q(dropped_at__isnull=True) | ~Q(dropped_why=""), name="improvement_mail_dropped_for_a_reason"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="improvement_mail_due",
                condition=Q(sent_at__isnull=True, dropped_at__isnull=True, failed_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"improvement mail {self.pk}"
