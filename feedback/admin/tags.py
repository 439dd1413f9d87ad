"""Tags: the themes staff give to responses, one list per product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Count
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from feedback.models import Tag
from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


@admin.register(Tag)
class TagAdmin(VisibleModelAdmin):
    empty_hint = _("There are no tags yet. Add one here, or type one on the page of a response.")
    list_display = ("name", "product", "used")
    list_filter = (("product", VisibleFilter),)
    list_select_related = ("product",)
    search_fields = ("name",)
    search_help_text = _("Names of tags")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        counted: QuerySet[Any] = rows.annotate(uses=Count("responses"))
        return counted

    def get_readonly_fields(self, request: HttpRequest, obj: Tag | None = None) -> tuple[str, ...]:
        # Responses of one product carry it, so it cannot move to another.
        return ("product",) if obj else ()

    @display(description=_("responses"), ordering="uses")
    def used(self, tag: Any) -> int:
        return int(tag.uses)
