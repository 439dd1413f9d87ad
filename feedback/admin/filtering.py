"""Filters of lists: each offers what the user may see, and reads no big table to find out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from feedback.models import ImportRun, Response, Tag, Tally
from privacy.admin.moments import MomentFilter
from privacy.models import Product
from surveys.scales import Band

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django_stubs_ext import StrOrPromise
    from unfold.admin import ModelAdmin


class BandFilter(DropdownFilter):
    title = _("band")
    parameter_name = "band"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, StrOrPromise]]:
        return [(band.value, band.label) for band in Band]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Response]) -> QuerySet[Response]:
        return queryset.filter(band=self.value()) if self.value() in Band.values else queryset


class AnsweredFilter(MomentFilter):
    title = _("answered")
    parameter_name = "answered"
    column = "answered_at"
    days = "answered_on"


class LanguageFilter(DropdownFilter):
    """Languages that were answered in, as the tallies know them."""

    title = _("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, StrOrPromise]]:
        names = dict(settings.LANGUAGES)
        used = Tally.objects.filter(product__in=Product.objects.visible_to(request.user))
        codes = used.order_by("language").values_list("language", flat=True).distinct()
        return [(code, names.get(code, code)) for code in codes]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Response]) -> QuerySet[Response]:
        return queryset.filter(language=self.value()) if self.value() else queryset


class ImportFilter(DropdownFilter):
    """The last imports that the user may see; a report links to its own responses, however old."""

    title = _("import")
    parameter_name = "import_run"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, StrOrPromise]]:
        if not request.user.has_perm("feedback.view_importrun"):
            return []
        runs = ImportRun.objects.visible_to(request.user).filter(imported__gt=0, is_dry_run=False)
        newest = runs.only("file_name", "created_at")[:20]
        return [
            (str(run.pk), f"{run.shown_name}, {date_format(run.created_at, 'SHORT_DATE_FORMAT')}") for run in newest
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Response]) -> QuerySet[Response]:
        value = self.value()
        return queryset.filter(import_run=value) if value and value.isdecimal() else queryset


class CommentFilter(DropdownFilter):
    title = _("comment")
    parameter_name = "has_comment"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, StrOrPromise]]:
        return [("yes", _("with a comment")), ("no", _("without a comment"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Response]) -> QuerySet[Response]:
        match self.value():
            case "yes":
                return queryset.exclude(comment="")
            case "no":
                return queryset.filter(comment="")
        return queryset


class TagFilter(DropdownFilter):
    title = _("tag")
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, StrOrPromise]]:
        names = Tag.objects.visible_to(request.user).order_by("name").values_list("name", flat=True).distinct()
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Response]) -> QuerySet[Response]:
        if not self.value():
            return queryset
        return queryset.filter(tags__in=Tag.objects.visible_to(request.user).filter(name=self.value()))


class CountedFilter(DropdownFilter):
    """Whether measures count a response, and if not, why."""

    title = _("counted")
    parameter_name = "counted"
    conditions: dict[str, Any] = {
        "excluded": {"excluded_at__isnull": False},
        "test": {"is_test": True},
        "suspect": {"is_suspect": True},
    }

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, StrOrPromise]]:
        return [
            ("counted", _("counted")),
            ("excluded", _("excluded by staff")),
            ("test", _("test")),
            ("suspect", _("suspect")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Response]) -> QuerySet[Response]:
        if self.value() == "counted":
            return queryset.filter(Response.COUNTED)
        return queryset.filter(**self.conditions.get(self.value() or "", {}))
