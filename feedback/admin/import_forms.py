"""The two forms of an import: the file, then what its columns hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminRadioSelectWidget, UnfoldAdminSelectWidget

from feedback import imports
from privacy.models import Controller
from surveys.scales import Metric, scale_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.contrib.auth.models import AnonymousUser, User


class UploadForm(forms.Form):
    """A file and the controller whose products it is about; the choice is made where there is but one."""

    file = forms.FileField(
        label=_("file"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
        help_text=_("CSV or XLSX, up to 20 MB, with a line of headers and one answer per row."),
    )
    controller = forms.ModelChoiceField(
        Controller.objects.none(), label=_("controller"), empty_label=None, widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args: Any, user: User | AnonymousUser, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        controller = cast("forms.ModelChoiceField[Controller]", self.fields["controller"])
        controller.queryset = Controller.objects.visible_to(user)

    def content(self) -> bytes:
        """Return the file, or one byte more of it than is allowed."""
        content: bytes = self.cleaned_data["file"].read(imports.LARGEST_FILE + 1)
        return content


class ColumnsForm(forms.Form):
    """Which column holds what, and on which scale the scores are."""

    metric = forms.ChoiceField(label=_("metric"), widget=UnfoldAdminRadioSelectWidget)
    product = forms.ChoiceField(label=_("product"), widget=UnfoldAdminSelectWidget)
    score = forms.ChoiceField(label=_("score"), widget=UnfoldAdminSelectWidget)
    comment = forms.ChoiceField(label=_("comment"), required=False, widget=UnfoldAdminSelectWidget)
    date = forms.ChoiceField(
        label=_("date"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("When the person answered, with or without a time."),
    )
    date_order = forms.ChoiceField(
        label=_("order of day and month"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        choices=[("", _("decided by the whole column")), *imports.DateOrder.choices],
        help_text=_("Choose it where every day of the column could be a month too, as in 03/04/2026."),
    )
    respondent = forms.ChoiceField(
        label=_("respondent's id in the product"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Joins the answers of one person. Without it every row is an anonymous person's."),
    )
    email = forms.ChoiceField(label=_("e-mail"), required=False, widget=UnfoldAdminSelectWidget)
    language = forms.ChoiceField(label=_("language"), required=False, widget=UnfoldAdminSelectWidget)
    channel = forms.ChoiceField(
        label=_("channel"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Holds web, mobile, email or link. Without it every row counts as a link."),
    )
    encoding = forms.ChoiceField(
        label=_("encoding"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        choices=[("", _("detected")), *imports.ENCODINGS.items()],
        help_text=_("Of a text file. Choose it if letters above look wrong."),
    )

    def __init__(self, data: Any, *, headers: Sequence[str], chosen: Mapping[str, str]) -> None:
        super().__init__(data, initial=dict(chosen))
        named = [(header, header) for header in headers if header]
        for kind in imports.Columns.KINDS:
            cast("forms.ChoiceField", self.fields[kind]).choices = [("", _("— none —")), *named]
        cast("forms.ChoiceField", self.fields["metric"]).choices = [
            (metric.value, _scale_label(metric)) for metric in Metric
        ]

    def columns(self) -> imports.Columns:
        """Return the choice, once it is valid."""
        return imports.Columns.from_stored(self.cleaned_data)


def _scale_label(metric: Metric) -> str:
    scale = scale_of(metric)
    return f"{metric.label} ({scale.minimum}–{scale.maximum})"
