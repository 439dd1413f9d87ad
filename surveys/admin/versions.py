"""Published versions, to look at only: who published what, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin
from surveys.models import BandWording, SurveyVersion, Wording
from surveys.publishing import as_text, differences
from surveys.scales import Band
from surveys.wording import BAND_FIELDS, BASE_FIELDS, draft_content, language_name

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    from surveys.models import Survey


class ReadOnly:
    """Nobody adds, changes or deletes a version: publishing makes them and the database keeps them."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class VersionInline(ReadOnly, TabularInline):
    model = SurveyVersion
    tab = True
    extra = 0
    fields = ("link", "published_at", "published_by")
    readonly_fields = fields
    hide_title = True
    verbose_name_plural = _("versions")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SurveyVersion]:
        rows: QuerySet[SurveyVersion] = super().get_queryset(request)
        return rows.select_related("published_by")

    @display(description=_("version"))
    def link(self, version: SurveyVersion) -> str:
        address = reverse("admin:surveys_surveyversion_change", args=[version.pk])
        text = _("%(number)d, what was shown") % {"number": version.number}
        return format_html('<a href="{}" class="text-link underline">{}</a>', address, text)


@admin.register(SurveyVersion)
class SurveyVersionAdmin(ReadOnly, VisibleModelAdmin):
    empty_hint = _("Nothing was published yet. Publishing a survey freezes what people are shown, and lists it here.")
    list_display = ("title", "survey", "product", "published_at", "published_by")
    list_display_links = ("title",)
    list_select_related = ("survey__product", "published_by")
    list_filter = (("survey__product", VisibleFilter), "metric")
    date_hierarchy = "published_at"
    search_fields = ("survey__name",)
    fields = (
        ("survey", "number"),
        ("metric", "band_profile", "default_language"),
        ("published_at", "published_by"),
        "shown",
    )
    readonly_fields = ("shown",)

    class Media:
        css = {"all": ("surveys/admin.css",)}

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        version = self.get_object(request, object_id)
        zone = version.survey.product.zone if version else timezone.get_current_timezone()
        with timezone.override(zone):
            return rendered(super().change_view(request, object_id, *args, **kwargs))

    @display(description=_("version"), ordering="number")
    def title(self, version: SurveyVersion) -> str:
        return str(version.number)

    @display(description=_("product"), ordering="survey__product")
    def product(self, version: SurveyVersion) -> str:
        return str(version.survey.product)

    @display(description=_("what was shown"))
    def shown(self, version: SurveyVersion) -> str:
        return render_to_string("surveys/admin/content.html", {"languages": content_table(version.content)})


def rendered(response: HttpResponse) -> HttpResponse:
    """Render a page at once, while the time zone of its product is active."""
    return response.render() if isinstance(response, TemplateResponse) else response


def content_table(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a version's content as languages of groups of labelled texts, for a template."""
    order = [code for code, _name in settings.LANGUAGES]
    return [
        {
            "code": code,
            "name": language_name(code),
            "groups": [
                {"name": "", "texts": [(field_label(name), as_text(content[code][name])) for name in BASE_FIELDS]},
                *(
                    {
                        "name": band.label,
                        "texts": [
                            (field_label(name), as_text(content[code]["bands"][band][name])) for name in BAND_FIELDS
                        ],
                    }
                    for band in Band
                ),
            ],
        }
        for code in sorted(content, key=lambda code: (code not in order, code))
    ]


def difference_rows(survey: Survey) -> list[dict[str, str]]:
    """Return what publishing would change in the current version's texts, in words."""
    if survey.current_version is None:
        return []
    return [
        {
            "language": language_name(one.language),
            "text": ": ".join(filter(None, (str(Band(one.band).label) if one.band else "", field_label(one.field)))),
            "shown": one.shown,
            "draft": one.draft,
        }
        for one in differences(survey.current_version.content, draft_content(survey))
    ]


def field_label(name: str) -> str:
    """Return what the admin calls a text of the wording."""
    model = Wording if name in BASE_FIELDS else BandWording
    return str(model._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
