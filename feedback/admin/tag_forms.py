"""Questions that are asked before a tag is renamed, merged or deleted."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from feedback import tagging
from feedback.models import Tag


class TagForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A new tag, which differs from the others of its product in more than capitals and spaces."""

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        product, name = found.get("product"), found.get("name")
        same = Tag.objects.filter(product=product, name__iexact=name).first() if product and name else None
        if same is not None:
            taken = _("The product has the tag “%(name)s” already.")
            self.add_error("name", ValidationError(taken, code="name_taken", params={"name": same.name}))
        return found


class PlainForm(forms.Form):
    """Nothing is asked but whether it is meant."""


class RenameForm(forms.Form):
    name = forms.CharField(
        label=_("New name"),
        max_length=tagging.LONGEST_NAME,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Responses and rules that have the tag follow."),
    )


class MergeForm(forms.Form):
    target = forms.ModelChoiceField(
        label=_("Merge with"),
        queryset=Tag.objects.none(),
        widget=UnfoldAdminSelectWidget,
        help_text=_("Tags of the same product. Rules that give or look for the tag follow. No measure changes."),
    )

    def __init__(self, *args: Any, tag: Tag, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = Tag.objects.filter(product=tag.product_id).exclude(pk=tag.pk)
        self.fields["target"].queryset = others  # type: ignore[attr-defined]  # a ModelChoiceField
