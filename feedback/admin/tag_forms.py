"""Questions that are asked before a tag is renamed, merged or deleted."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from feedback import tagging
from feedback.models import Tag


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
