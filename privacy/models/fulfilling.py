"""How a request is fulfilled: the tasks of its plan, who approved it, what the person is told, and when to warn."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from privacy.encryption import EncryptedTextField
from privacy.models.recipients import Recipient
from privacy.models.requests import RequestItem, RightsRequest


class RequestTask(models.Model):
    """One step of the plan by which a right is fulfilled; running it twice ends the same way."""

    class Kind(models.TextChoices):
        PACKAGE = "package", _("build the copy")
        RECTIFY = "rectify", _("correct the data")
        ERASE = "erase", _("delete the data")
        SUPPRESS = "suppress", _("see to it that the person is not asked again")
        RESTRICT = "restrict", _("stop using the data")
        LIFT = "lift", _("use the data again")
        OBJECT = "object", _("stop contacting the person")
        TELL_RECIPIENT = "tell_recipient", _("tell a recipient")

    class State(models.TextChoices):
        PLANNED = "planned", pgettext_lazy("task", "planned")
        DONE = "done", pgettext_lazy("task", "done")
        NOTHING_FOUND = "nothing_found", pgettext_lazy("task", "nothing found")
        EXEMPT = "exempt", pgettext_lazy("task", "exempt")
        FAILED = "failed", pgettext_lazy("task", "failed")
        SENT = "sent", pgettext_lazy("task", "sent, not acknowledged")

    SETTLED = (State.DONE, State.NOTHING_FOUND, State.EXEMPT)

    item = models.ForeignKey(RequestItem, on_delete=models.CASCADE, related_name="tasks", verbose_name=_("right"))
    position = models.PositiveSmallIntegerField(_("position"))
    kind = models.CharField(_("task"), max_length=16, choices=Kind)
    dataset = models.CharField(
        _("data"), max_length=64, blank=True, help_text=_("The table of the inventory that the task is about.")
    )
    recipient = models.ForeignKey(
        Recipient, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("recipient")
    )
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.PLANNED)
    reason = models.CharField(_("reason"), max_length=300, blank=True, help_text=_("Why it is exempt, or what failed."))
    affected = models.PositiveIntegerField(_("records"), default=0)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    class Meta:
        ordering = ["item", "position"]
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        constraints = [
            models.UniqueConstraint(
                fields=["item", "kind", "dataset", "recipient"], name="request_task_unique", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["exempt", "failed"]) | ~Q(reason=""), name="request_task_says_why"
            ),
            models.CheckConstraint(
                condition=Q(kind="tell_recipient") ^ Q(recipient__isnull=True), name="request_task_tells_a_recipient"
            ),
        ]

    def __str__(self) -> str:
        return f"task {self.pk}"


class Correction(models.Model):
    """One value that is to be put right; both values go when the request is closed."""

    item = models.ForeignKey(RequestItem, on_delete=models.CASCADE, related_name="corrections", verbose_name=_("right"))
    dataset = models.CharField(_("data"), max_length=64)
    record_number = models.BigIntegerField(_("number of the record"))
    column = models.CharField(_("field"), max_length=64)
    value = EncryptedTextField(_("new value"), blank=True)
    applied_at = models.DateTimeField(_("applied"), null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        constraints = [
            models.UniqueConstraint(fields=["item", "dataset", "record_number", "column"], name="correction_unique")
        ]

    def __str__(self) -> str:
        return f"correction {self.pk}"


class Approval(models.Model):
    """That a second person is asked to agree to what cannot be undone, and what they said."""

    class Subject(models.TextChoices):
        ERASURE = "erasure", _("erasure")
        REFUSAL = "refusal", _("refusal")
        LIFTING = "lifting", _("lifting a restriction")

    class Decision(models.TextChoices):
        APPROVED = "approved", _("approved")
        SENT_BACK = "sent_back", _("sent back")
        OUTDATED = "outdated", _("outdated: the data changed since")

    request = models.ForeignKey(
        RightsRequest, on_delete=models.CASCADE, related_name="approvals", verbose_name=_("rights request")
    )
    subject = models.CharField(_("subject"), max_length=8, choices=Subject)
    plan_hash = models.BinaryField(_("hash of the plan"), max_length=32, editable=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    asked_at = models.DateTimeField(_("asked"))
    decision = models.CharField(_("decision"), max_length=16, choices=Decision, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    note = models.TextField(_("note"), max_length=1000, blank=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        constraints = [
            models.UniqueConstraint(
                fields=["request", "subject"], condition=Q(decision=""), name="approval_one_open_per_subject"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("asked_by")),
                name="approval_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=Q(decision="", decided_at__isnull=True) | (~Q(decision="") & Q(decided_at__isnull=False)),
                name="approval_decided_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"approval {self.pk}"


class Answer(models.Model):
    """What the person is told in the end; the parts that the law requires are added when it is sent."""

    request = models.OneToOneField(
        RightsRequest, on_delete=models.CASCADE, related_name="answer", verbose_name=_("rights request")
    )
    text = EncryptedTextField(_("text"), blank=True)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("written by"),
    )
    written_at = models.DateTimeField(_("written"))
    posted_on = models.DateField(_("posted on"), null=True, blank=True, help_text=_("The day a letter was posted."))
    accepted_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    bounced_at = models.DateTimeField(_("came back"), null=True, blank=True)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers to requests")

    def __str__(self) -> str:
        return f"answer {self.pk}"


class RequestNote(models.Model):
    """What a member of staff wrote down about a request, for colleagues."""

    request = models.ForeignKey(
        RightsRequest, on_delete=models.CASCADE, related_name="notes", verbose_name=_("rights request")
    )
    text = EncryptedTextField(_("text"), max_length=2000)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("written by")
    )
    written_at = models.DateTimeField(_("written"), auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("note")
        verbose_name_plural = _("notes on requests")

    def __str__(self) -> str:
        return f"note {self.pk}"


class RequestAlarm(models.Model):
    """That the officers were warned of a request: each of these once."""

    class Kind(models.TextChoices):
        HALF = "half", _("half of the time is gone")
        FOUR_FIFTHS = "four_fifths", _("four fifths of the time are gone")
        TARGET = "target", _("the target is today")
        TWO_WORKING_DAYS = "two_working_days", _("two working days are left")
        OVERDUE = "overdue", _("the answer is overdue")
        FAILURE = "failure", _("a task failed")

    request = models.ForeignKey(
        RightsRequest, on_delete=models.PROTECT, related_name="alarms", verbose_name=_("rights request")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    key = models.CharField(max_length=32, blank=True, editable=False)  # what else may happen more than once
    raised_at = models.DateTimeField(_("raised"))

    class Meta:
        ordering = ["-raised_at", "-pk"]
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        constraints = [models.UniqueConstraint(fields=["request", "kind", "key"], name="request_alarm_once")]

    def __str__(self) -> str:
        return f"alarm {self.pk}"
