"""The wording of a survey on its admin page: one tab per language, with the question and each band's texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from unfold.admin import StackedInline
from unfold.forms import PaginationInlineFormSet

from surveys.admin.forms import BandWordingForm, WordingForm
from surveys.admin.targeting import PartOfSurvey
from surveys.models import BandWording, Wording

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


class LanguageFormSet(PaginationInlineFormSet):
    """The rows of one language; its name is part of every field's name, so that tabs have stable addresses."""

    language: ClassVar[str]
    part: ClassVar[str]

    @classmethod
    def get_default_prefix(cls) -> str:
        return f"{cls.part}-{cls.language}"


class WordingFormSet(LanguageFormSet):
    part = "wording"

    def clean(self) -> None:
        super().clean()
        if self.language == self.instance.product.default_language and self.deleted_forms:
            raise ValidationError(
                _("This is the product's default language; people who read no other are asked in it."),
                code="default_language",
            )


class BandWordingFormSet(LanguageFormSet):
    part = "bands"


class LanguageInline(PartOfSurvey, StackedInline):
    """Rows of one language. They come with the shipped wording, so that none is added one by one."""

    language: ClassVar[str]
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(language=self.language)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class WordingInline(LanguageInline):
    model = Wording
    form = WordingForm
    tab = True
    template = "surveys/admin/wording.html"
    fields = ("question", ("low_label", "high_label"), "decline_label")


class BandWordingInline(LanguageInline):
    model = BandWording
    form = BandWordingForm
    can_delete = False
    template = "surveys/admin/bands.html"
    fields = ("follow_up_question", "placeholder", "reasons", "thanks")


def _in_language(inline: type[LanguageInline], formset: type[LanguageFormSet], code: str) -> type[LanguageInline]:
    name = capfirst(dict(settings.LANGUAGES)[code])
    own_formset = type(f"{formset.__name__}_{code}", (formset,), {"language": code})
    return type(
        f"{inline.__name__}_{code}",
        (inline,),
        {"language": code, "formset": own_formset, "verbose_name": name, "verbose_name_plural": name},
    )


WORDING_INLINES = [
    _in_language(inline, formset, code)
    for code, _name in settings.LANGUAGES
    for inline, formset in ((WordingInline, WordingFormSet), (BandWordingInline, BandWordingFormSet))
]
