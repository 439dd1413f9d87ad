"""The forms of a campaign: itself, its wording, and whom it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
)

from feedback.campaigns import StatedPermission
from feedback.imports import LARGEST_FILE
from feedback.models import Campaign, ChannelPermission, Segment

if TYPE_CHECKING:
    from privacy.models import Product


class CampaignForm(forms.ModelForm):  # type: ignore[type-arg]  # cannot be subscripted at run time
    class Meta:
        model = Campaign
        fields = (
            *("product", "survey", "name", "sender_name", "reply_to", "starts_at", "window_from", "window_until"),
            *("pace", "reminder_after_days"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "starts_at" in self.fields:
            text = _("By the clock of the product. Empty: as soon as it is started.")
            self.fields["starts_at"].help_text = text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        starts_at, product = cleaned.get("starts_at"), cleaned.get("product")
        if starts_at and product and self.instance.pk is None:
            # Of a new campaign the product, and with it the clock, is known only now.
            cleaned["starts_at"] = localtime(starts_at).replace(tzinfo=product.zone)
        return cleaned


class AudienceForm(forms.Form):
    """A saved segment or a file; of a file also what is known about the permission of those in it."""

    segment = forms.ModelChoiceField(
        Segment.objects.none(),
        label=_("Segment"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("People of the product who are known already; permissions are those recorded with each of them."),
    )
    file = forms.FileField(
        label=_("Or a file"),
        required=False,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
        help_text=_(
            "CSV or XLSX, up to 20 MB. Columns: email or id; if you like name, company, country, language, phone, "
            "customer_since, time_zone, and properties as property.plan."
        ),
    )
    basis = forms.ChoiceField(
        label=_("Basis of their permission"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        choices=[("", _("already recorded for each person")), *ChannelPermission.Basis.choices],
        help_text=_("Of everybody in the file. Whoever has no permission is left out of the campaign."),
    )
    evidence = forms.CharField(
        label=_("Evidence"),
        required=False,
        max_length=300,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Where it can be looked up: a form and its version, a contract."),
    )
    given_on = forms.DateField(
        label=_("Given on"),
        required=False,
        widget=UnfoldAdminSingleDateWidget,
        help_text=_("Since when the permission has been in force; of several days the latest."),
    )

    def __init__(self, *args: Any, product: Product, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        segment = cast("forms.ModelChoiceField[Segment]", self.fields["segment"])
        segment.queryset = Segment.objects.filter(product=product)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("segment")) == bool(cleaned.get("file")):
            raise ValidationError(_("Choose a segment or a file."), code="segment_or_file")
        stated = [bool(cleaned.get(name)) for name in ("basis", "evidence", "given_on")]
        if any(stated) and not all(stated):
            raise ValidationError(
                _("A permission needs its basis, its evidence and its date."), code="half_a_permission"
            )
        if any(stated) and cleaned.get("segment"):
            raise ValidationError(_("Permissions of known people are recorded with each of them."), code="recorded")
        return cleaned

    def audience(self) -> dict[str, Any]:
        """Return what was chosen, once it is valid."""
        said = self.cleaned_data
        if said["segment"]:
            return {"segment": said["segment"]}
        permission = None
        if said["basis"]:
            permission = StatedPermission(basis=said["basis"], evidence=said["evidence"], given_on=said["given_on"])
        content: bytes = said["file"].read(LARGEST_FILE + 1)
        return {"file_name": said["file"].name, "content": content, "permission": permission}
