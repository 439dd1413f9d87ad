"""What happened in a follow-up: contacts with the person, notes among staff, and each change of status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from feedback.models.following_up import FollowUp

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise


class Contact(models.Model):
    """One contact with the person: an e-mail either way, a call, or something else that staff logged.

    An e-mail to the person is a row that is owed until the mail server accepted it. Its replies come back to an
    address that carries a token, of which only the digest is kept.
    """

    class Kind(models.TextChoices):
        EMAIL_OUT = "email_out", _("e-mail sent")
        EMAIL_IN = "email_in", _("e-mail received")
        CALL = "call", _("call")
        OTHER = "other", _("other")

    class Failure(models.TextChoices):
        MAY_NOT_BE_CONTACTED = "may_not_be_contacted", _("This person must not be contacted.")
        NO_EMAIL = "no_email", _("This person has no e-mail address.")
        REFUSED = "refused", _("The mail server does not accept it.")
        UNKNOWN = "unknown", _("The connection broke off while it was handed over: nobody knows whether it was sent.")

    follow_up = models.ForeignKey(
        FollowUp, on_delete=models.CASCADE, related_name="contacts", verbose_name=_("follow-up")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    at = models.DateTimeField(_("time"))
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    text = models.TextField(_("text"), max_length=10_000)
    message_id = models.CharField(_("Message-ID"), max_length=255, blank=True, editable=False)
    reply_digest = models.BinaryField(
        _("digest of the reply address"), max_length=32, null=True, unique=True, editable=False
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0, editable=False)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, editable=False)
    sent_at = models.DateTimeField(_("sent"), null=True, editable=False)
    failed_at = models.DateTimeField(_("given up"), null=True, editable=False)
    failure = models.CharField(_("why not sent"), max_length=20, choices=Failure, blank=True, editable=False)
    # What the mail says about itself, so only shown: whose reply it is, the token in its address says.
    sender = models.CharField(_("sender"), max_length=254, blank=True, editable=False)

    class Meta:
        ordering = ["at", "pk"]
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="contact_due",
                condition=Q(kind="email_out", sent_at__isnull=True, failed_at__isnull=True),
            )
        ]
        constraints = [
            # The same mail fetched twice is one contact.
            models.UniqueConstraint(
                fields=["message_id"], condition=Q(kind="email_in") & ~Q(message_id=""), name="contact_received_once"
            ),
        ]

    def __str__(self) -> str:
        return f"contact {self.pk}"

    @property
    def what_went_wrong(self) -> StrOrPromise:
        """What became of an e-mail that counts as no contact; empty of others."""
        if self.failed_at is None:
            return ""
        if self.failure == Contact.Failure.UNKNOWN:
            return _("unknown whether sent")
        return _("came back") if self.sent_at else _("not sent")


class Note(models.Model):
    """A note among staff; the person it is about gets it with an access request, staff named by role."""

    follow_up = models.ForeignKey(FollowUp, on_delete=models.CASCADE, related_name="notes", verbose_name=_("follow-up"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("author")
    )
    text = models.TextField(_("note"), max_length=4000)
    mentions: models.ManyToManyField[User, models.Model] = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="+", verbose_name=_("mentions"), blank=True
    )
    created_at = models.DateTimeField(_("written"), auto_now_add=True)

    class Meta:
        ordering = ["created_at", "pk"]
        verbose_name = _("note")
        verbose_name_plural = _("notes")

    def __str__(self) -> str:
        return f"note {self.pk}"


class StatusChange(models.Model):
    """A follow-up moved on: how long it stayed where, and who moved it (nobody where a rule did)."""

    follow_up = models.ForeignKey(
        FollowUp, on_delete=models.CASCADE, related_name="status_changes", verbose_name=_("follow-up")
    )
    from_status = models.CharField(_("status before"), max_length=16, choices=FollowUp.Status, blank=True)
    to_status = models.CharField(_("status after"), max_length=16, choices=FollowUp.Status)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    at = models.DateTimeField(_("time"))

    class Meta:
        ordering = ["at", "pk"]
        verbose_name = _("change of status")
        verbose_name_plural = _("changes of status")

    def __str__(self) -> str:
        return f"status change {self.pk}"
