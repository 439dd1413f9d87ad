"""To whom data are given: recipients with what they get, checked before anything is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin
from privacy.inventory import PURPOSES, purpose_in_words
from privacy.models import Disclosure, Recipient
from privacy.recipients import check_recipient
from privacy.subjects import model_of, tables_about_people

if TYPE_CHECKING:
    from django.http import HttpRequest


def purposes() -> list[tuple[str, str]]:
    language = get_language() or "en"
    return [(key, purpose_in_words(key, language)) for key in PURPOSES]


def datasets() -> list[tuple[str, str]]:
    """Return the tables about people, by the names that staff know them by."""
    return [
        (table.model, str(model_of(table)._meta.verbose_name_plural).capitalize()) for table in tables_about_people()
    ]


class RecipientForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    purposes = forms.MultipleChoiceField(
        label=_("purposes"),
        choices=purposes,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("The privacy notice lists them with its name."),
    )

    class Meta:
        help_texts = {
            "name": _("With its legal form: the privacy notice names it so."),
            "kind": _("Processors and sub-processors need an agreement with its date."),
            "country": _("Two capital letters, such as PL; outside the European Economic Area a safeguard is needed."),
            "agreed_on": _("Needed for processors and sub-processors."),
            **dict.fromkeys(("clauses_module", "clauses_on"), _("Needed for standard contractual clauses.")),
            "supplementary_measures": _(
                "For example: encrypted, and only we hold the keys. Whoever asks for access reads it."
            ),
        }

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # Django's own hook, which fills the instance
        if not self.errors:
            try:
                check_recipient(self.instance)
            except forms.ValidationError as error:
                self._update_errors(error)  # type: ignore[attr-defined]  # the same


class DisclosureForm(forms.ModelForm):  # type: ignore[type-arg]  # the same
    dataset = forms.ChoiceField(
        label=_("data"),
        choices=datasets,
        widget=UnfoldAdminSelectWidget,
        help_text=_("When they are erased, corrected or restricted, the recipient is told."),
    )

    class Meta:
        help_texts = {"since": _("From this day on the privacy notice names the recipient.")}


class DisclosureInline(StackedInline):
    model = Disclosure
    form = DisclosureForm
    fields = ("dataset", "since", "until")
    extra = 0
    can_delete = False  # what ended has an end; that it was, people are told
    verbose_name_plural = _("What it gets")


@admin.register(Recipient)
class RecipientAdmin(VisibleModelAdmin):
    empty_hint = _(
        "Nobody gets any data. Name every company that does, with what it gets: the privacy notice lists them, and "
        "they are told of erasures, corrections and restrictions."
    )
    form = RecipientForm
    inlines = (DisclosureInline,)
    list_display = ("name", "kind", "country", "safeguard", "controller")
    list_filter = (("kind", ChoicesDropdownFilter), ("controller", VisibleFilter))
    list_select_related = ("controller",)
    fieldsets = (
        (None, {"fields": ("controller", "name", "kind", "country", "contact_email", "purposes")}),
        (_("Agreement"), {"fields": ("agreement", "agreed_on")}),
        (
            _("Transfer outside the European Economic Area"),
            {"fields": ("safeguard", "clauses_module", "clauses_on", "supplementary_measures")},
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Recipient | None = None) -> tuple[Any, ...]:
        return ("controller",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Recipient | None = None) -> bool:
        return False  # an end of what it gets is enough
