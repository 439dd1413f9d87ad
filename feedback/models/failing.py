"""Background work that failed in a way nobody foresaw."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class TaskFailure(models.Model):
    """That a task failed with one kind of error, how often and when; never the message, which may name a person."""

    task = models.CharField(_("task"), max_length=200)
    error = models.CharField(_("kind of error"), max_length=200, help_text=_("The workers’ log says more."))
    times = models.PositiveIntegerField(_("how often"), default=1)
    first_at = models.DateTimeField(_("first"))
    last_at = models.DateTimeField(_("last"))

    class Meta:
        ordering = ["-last_at", "-pk"]
        verbose_name = _("failed task")
        verbose_name_plural = _("failed tasks")
        constraints = [models.UniqueConstraint(fields=["task", "error"], name="task_failure_unique")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
