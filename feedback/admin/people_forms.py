"""Forms that name a person by identifiers, and the moment in which they would be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from feedback.identity import Person, identify
from feedback.invitations import Moment
from privacy.models import Product
from surveys.models import Channel
from surveys.targeting import Device

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Browsers would offer what was typed for the last person to whoever uses the machine next.
UNREMEMBERED = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}

REACHED = {
    "said": _("They say that our mail arrives"),
    "repaired": _("Their mailbox works again"),
    "ours": _("It came back for a reason of ours"),
}


def _text(label: Any, longest: int, help_text: Any = "") -> forms.CharField:
    widget = UnfoldAdminTextInputWidget(attrs=UNREMEMBERED)
    return forms.CharField(label=label, max_length=longest, required=False, help_text=help_text, widget=widget)


class ReachedForm(forms.Form):
    """How it is known that mail reaches a person again: chosen, so that the history says nothing about them."""

    why = forms.ChoiceField(
        label=_("How is that known?"),
        choices=list(REACHED.items()),
        widget=UnfoldAdminRadioSelectWidget,
        help_text=_("It stands in the history, with your name."),
    )


class IdentifiersForm(forms.Form):
    """A person of one product, by at least one identifier.

    Args:
        user: offers the products this member of staff sees.
    """

    product = forms.ModelChoiceField(Product.objects.none(), label=_("Product"), widget=UnfoldAdminSelectWidget)
    external_id = _text(_("Id in the product"), 255)
    email = _text(_("E-mail"), 254)
    phone = _text(_("Phone"), 32, _("With its country code: +48 600 700 800"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        products = Product.objects.visible_to(user)
        field = cast("forms.ModelChoiceField[Product]", self.fields["product"])
        field.queryset = products
        if len(products) == 1:
            field.initial = products[0].pk

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        names = [name for name in ("external_id", "email", "phone", "anonymous_id") if name in self.fields]
        for name in names:
            try:
                cleaned[name] = _normalised(name, cleaned.get(name, ""))
            except ValidationError as error:
                self.add_error(name, error)
        if not self.errors and not any(cleaned[name] for name in names):
            raise ValidationError(_("Write at least one identifier."), "no_identifier")
        return cleaned

    def person(self) -> Person:
        """Return the person, once the form is valid."""
        names = ("external_id", "email", "phone", "anonymous_id", "is_signed")
        return identify(**{name: self.cleaned_data[name] for name in names if name in self.cleaned_data})


def _normalised(name: str, typed: str) -> str:
    """Return an identifier as it is stored; empty where it is one of the words that clients send for nobody."""
    found: str = getattr(identify(**{name: typed}), name)
    # Who has no identifier is given a fresh anonymous one, which is not what was typed.
    return found if name != "anonymous_id" or found == typed.strip() else ""


class MomentForm(forms.Form):
    """Where and how somebody would be asked."""

    channel = forms.ChoiceField(
        label=_("Channel"),
        choices=[(each.value, each.label) for each in (Channel.WEB, Channel.MOBILE, Channel.EMAIL)],
        initial=Channel.WEB,
        widget=UnfoldAdminSelectWidget,
    )
    url = _text(_("Page address"), 2000, _("Where the widget is: some pages and audiences are left out."))
    event = _text(_("Event"), 64, _("What has just happened, by its registered name."))
    device = forms.ChoiceField(
        label=_("Device"),
        choices=[("", _("not known")), *Device.choices],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    language = _text(_("Language"), 100, _("Of the page or the app, as a code: pl"))
    is_signed = forms.BooleanField(
        label=_("The product's backend signed who this is"),
        required=False,
        widget=UnfoldBooleanWidget,
        help_text=_("A product that asks only people with a signed identity asks nobody else."),
    )
    forced = forms.BooleanField(
        label=_("Asked with the test key"),
        required=False,
        widget=UnfoldBooleanWidget,
        help_text=_("Such an occasion is a test: it is asked whatever the checks say, and counts nowhere."),
    )

    def moment(self) -> Moment:
        """Return the moment, once the form is valid."""
        names = ("channel", "url", "event", "device", "language", "forced")
        return Moment(**{name: self.cleaned_data[name] for name in names})


class AgreementForm(forms.Form):
    """Where it can be looked up that a person agreed to be contacted again."""

    evidence = forms.CharField(
        label=_("Evidence"),
        max_length=300,
        help_text=_("Where it can be looked up that they agreed since, and the day: a letter, a form and its version."),
        widget=UnfoldAdminTextInputWidget,
    )


class LookUpForm(MomentForm, IdentifiersForm):
    """Whom staff ask about, and the moment."""

    anonymous_id = _text(_("Anonymous id"), 64, _("Of a browser or device, as the widget keeps it."))
    field_order = ("product", "external_id", "email", "phone", "anonymous_id")

    WHO = ("product", "external_id", "email", "phone", "anonymous_id")

    @property
    def who(self) -> list[forms.BoundField]:
        return [self[name] for name in self.WHO]

    @property
    def when(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in self.WHO]
