"""Background work that failed, for administrators to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from feedback.models import TaskFailure

if TYPE_CHECKING:
    from django.http import HttpRequest


@admin.register(TaskFailure)
class TaskFailureAdmin(ModelAdmin):
    empty_hint = _("No background work has failed within the last 30 days. A failure is written down here by itself.")
    list_display = ("task", "error", "times", "first_at", "last_at")
    fields = readonly_fields = list_display

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: TaskFailure | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: TaskFailure | None = None) -> bool:
        return False
