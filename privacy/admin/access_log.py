"""The log of reads of personal data, to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps
from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from privacy.admin.moments import MomentFilter
from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin
from privacy.models import AccessLogEntry

if TYPE_CHECKING:
    from django.http import HttpRequest


class WhenFilter(MomentFilter):
    title = _("time")
    parameter_name = "when"
    column = "at"


@admin.register(AccessLogEntry)
class AccessLogAdmin(VisibleModelAdmin):
    empty_hint = _("Nobody has read anybody's data yet. Each look at a person is written down here by itself.")
    list_display = ("at", "user", "record", "purpose", "product")
    list_filter = (WhenFilter, ("purpose", ChoicesDropdownFilter), ("product", VisibleFilter))
    list_select_related = ("user", "product")
    list_fullwidth = True
    fields = readonly_fields = ("at", "user", "record", "purpose", "controller", "product")

    @display(description=_("record"))
    def record(self, entry: AccessLogEntry) -> str:
        kind = str(apps.get_model(entry.record_kind)._meta.verbose_name)
        if entry.record_number is not None:
            return f"{kind} {entry.record_number}"
        if entry.purpose == AccessLogEntry.Purpose.EXPORT:
            return _("%(kind)s, many in a file") % {"kind": kind}
        if entry.purpose == AccessLogEntry.Purpose.EMERGENCY:
            return _("%(kind)s, a page about none in particular") % {"kind": kind}
        return _("%(kind)s, not found") % {"kind": kind}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AccessLogEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AccessLogEntry | None = None) -> bool:
        return False
