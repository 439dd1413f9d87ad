"""Files of earlier answers that staff bring in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from privacy.models import Controller
from surveys.scales import Metric

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the imports for controllers the user works for."""
        return self.filter(controller__in=Controller.objects.visible_to(user))


class ImportRun(models.Model):
    """One file with its column mapping, its progress and its report; the file itself is removed when it is done."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("uploaded")
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        FINISHED = "finished", _("finished")
        FAILED = "failed", _("failed")

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+", verbose_name=_("controller"))
    file_name = models.CharField(_("file"), max_length=255)
    content = models.BinaryField(_("content"), editable=False)
    mapping = models.JSONField(_("columns"), default=dict)
    metric = models.CharField(_("metric"), max_length=4, choices=Metric, blank=True)
    is_dry_run = models.BooleanField(_("dry run"), default=False)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.UPLOADED)
    total_rows = models.PositiveIntegerField(_("rows"), default=0)
    done_rows = models.PositiveIntegerField(_("rows done"), default=0)
    imported = models.PositiveIntegerField(_("imported"), default=0)
    already_there = models.PositiveIntegerField(_("already there"), default=0)
    in_error = models.PositiveIntegerField(_("in error"), default=0)
    failure = models.CharField(_("failure"), max_length=300, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("import")
        verbose_name_plural = _("imports")

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def shown_name(self) -> str:
        """What the file was called, or the number of the import once that is forgotten."""
        return self.file_name or str(self)


class ImportRowError(models.Model):
    """A row that was not imported: its line in the file and why."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="errors", verbose_name=_("import"))
    line = models.PositiveIntegerField(_("line"))
    code = models.CharField(_("code"), max_length=32)
    reason = models.CharField(_("reason"), max_length=300)

    class Meta:
        ordering = ["run", "line"]
        verbose_name = _("row in error")
        verbose_name_plural = _("rows in error")

    def __str__(self) -> str:
        return f"line {self.line}"
