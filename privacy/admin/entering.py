"""The form with which staff enter a request that did not come through the public form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from privacy.forms import ContentForm
from privacy.models import Controller, Product, RightsRequest

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ELSEWHERE = [choice for choice in RightsRequest.Source.choices if choice[0] != RightsRequest.Source.FORM]
# The public form's fields in the look of the admin, with a hint where theirs speaks to the data subject.
LOOK: dict[str, tuple[type[forms.Widget], Any]] = {
    "rights": (
        UnfoldAdminCheckboxSelectMultipleWidget,
        _("All that the letter or call asks for; each is decided by itself."),
    ),
    "email": (UnfoldAdminEmailInputWidget, _("If they gave one. A reply by e-mail is acknowledged at once.")),
    "receipt_code": (
        UnfoldAdminTextInputWidget,
        _("If they gave one. It proves that an answer is theirs, also an anonymous one."),
    ),
    "objects_to": (UnfoldAdminRadioSelectWidget, _("Only for an objection.")),
    "is_left_alone": (
        UnfoldBooleanWidget,
        _("For this a fingerprint of their address or id stays, which does not tell who they are."),
    ),
    "details": (UnfoldAdminTextareaWidget, _("At most 2000 characters. Keep no copies of identity documents.")),
    "reply_channel": (UnfoldAdminRadioSelectWidget, _("By post means that you print and post every letter.")),
    "postal_address": (UnfoldAdminTextareaWidget, _("Only for a reply by post.")),
    "acts_for_another": (
        UnfoldBooleanWidget,
        _("The e-mail address above is then not taken for that of the person whose data it is."),
    ),
    "mandate": (
        UnfoldAdminTextareaWidget,
        _("Only if they act for somebody else: for example “mother” or “attorney”."),
    ),
}
LABELS = {
    "rights": _("What do they ask for?"),
    "objects_to": _("What do they object to?"),
    "is_left_alone": _("After an erasure they are not to be asked again"),
    "details": _("In their own words"),
    "reply_channel": _("How do they want the answer?"),
    "acts_for_another": _("They act for somebody else"),
}


class EntryForm(ContentForm):
    """A request as staff enter it.

    Args:
        user: offers the controllers and products this member of staff sees.
    """

    source = forms.ChoiceField(label=_("How did it arrive?"), choices=ELSEWHERE, widget=UnfoldAdminSelectWidget)
    arrived_on = forms.DateField(
        label=_("Day of arrival"),
        help_text=_("The day it reached the company by any official way: all deadlines count from it."),
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
    )
    controller = forms.ModelChoiceField(
        label=_("Controller"), queryset=Controller.objects.none(), widget=UnfoldAdminSelectWidget
    )
    product = forms.ModelChoiceField(
        label=_("Product"),
        queryset=Product.objects.none(),
        required=False,
        empty_label=_("not named"),
        widget=UnfoldAdminSelectWidget,
    )
    answer_in = forms.ChoiceField(
        label=_("Language of the answer"),
        choices=settings.LANGUAGES,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Every message and the copy of their data are written in it."),
    )

    field_order = ("source", "arrived_on", "controller", "product", "rights", "email", "receipt_code", "details")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (widget, hint) in LOOK.items():
            field = self.fields[name]
            field.widget = widget()
            field.help_text = hint
            field.label = LABELS.get(name, field.label)
            if isinstance(field, forms.ChoiceField):
                field.choices = field.choices  # hands them to the new widget
        controllers = Controller.objects.visible_to(user)
        self.fields["controller"].queryset = controllers  # type: ignore[attr-defined]  # the fields declared above
        self.fields["product"].queryset = Product.objects.visible_to(user)  # type: ignore[attr-defined]
        self.fields["answer_in"].initial = get_language()
        if len(controllers) == 1:
            self.fields["controller"].initial = controllers[0].pk

    def chosen(self) -> tuple[Controller | None, Product | None]:
        return self.cleaned_data.get("controller"), self.cleaned_data.get("product")

    def language(self) -> str:
        return str(self.cleaned_data.get("answer_in", ""))
