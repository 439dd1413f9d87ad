"""What a data subject, or staff on their behalf, fill in."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from privacy.intake import Content, check_content
from privacy.models import Controller, Product, RequestItem, Right, RightsRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import QueryDict
    from django_stubs_ext import StrOrPromise

    from privacy.links import Guest

OPENED_SALT: Final = "privacy.request.opened"
SHORTEST_TIME: Final = 3  # seconds; nobody reads and fills in the form faster


class MultilineField(forms.CharField):
    """Text of several lines; a line break counts as one character, as in the browser's own counter."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else value


class ContentForm(forms.Form):
    """The fields that the public form and the one for staff have in common."""

    came_by: str = RightsRequest.Source.FORM  # unless a field named source says otherwise

    rights = forms.MultipleChoiceField(
        label=_("What do you ask for?"),
        choices=[(value, capfirst(label)) for value, label in Right.choices],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one right.")},
    )
    email = forms.EmailField(
        label=_("E-mail address"),
        required=False,
        max_length=254,
        help_text=_("The address under which we know you. We send it a message to confirm that the mailbox is yours."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    receipt_code = forms.CharField(
        label=_("Receipt code"),
        required=False,
        max_length=64,
        help_text=_("Shown after you answered a survey. It shows that the answer is yours, also an anonymous one."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )
    objects_to = forms.ChoiceField(
        label=_("What do you object to?"),
        choices=[(value, capfirst(label)) for value, label in RequestItem.ObjectsTo.choices],
        initial=RequestItem.ObjectsTo.BOTH,
        required=False,
        help_text=_("Only for an objection. To be left alone needs no reason, and works at once."),
        widget=forms.RadioSelect,
    )
    is_left_alone = forms.BooleanField(
        label=_("After my data are deleted, do not ask me again"),
        initial=True,
        required=False,
        help_text=_("For this we keep a fingerprint of your address or id that does not tell who you are."),
    )
    details = MultilineField(
        label=_("Anything you would like to add"),
        required=False,
        max_length=2000,
        help_text=_("At most 2000 characters. Please send no copies of identity documents: we never need them."),
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    reply_channel = forms.ChoiceField(
        label=_("How shall we reply?"),
        choices=RightsRequest.ReplyChannel.choices,
        initial=RightsRequest.ReplyChannel.EMAIL,
        widget=forms.RadioSelect,
    )
    postal_address = MultilineField(
        label=_("Postal address"),
        required=False,
        max_length=500,
        help_text=_("Only for a reply by post."),
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "street-address"}),
    )
    acts_for_another = forms.BooleanField(label=_("I act for somebody else"), required=False)
    mandate = MultilineField(
        label=_("For whom, and by what authority?"),
        required=False,
        max_length=1000,
        help_text=_("Only if you act for somebody else: for example as a parent, guardian or attorney."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def chosen(self) -> tuple[Controller | None, Product | None]:
        """Return the controller and the product that were chosen; no controller means that a field is in error."""
        raise NotImplementedError

    def language(self) -> str:
        """Return the language of the answer."""
        raise NotImplementedError

    def content(self) -> Content:
        """Return what was filled in, once the form is valid."""
        controller, product = self.chosen()
        if controller is None:
            raise ValueError("the form is not valid")
        filled = self.cleaned_data
        return Content(
            controller=controller,
            product=product,
            language=self.language(),
            rights=tuple(filled.get("rights", ())),
            email=filled.get("email", ""),
            receipt_code=filled.get("receipt_code", ""),
            objects_to=filled.get("objects_to", "") or RequestItem.ObjectsTo.BOTH,
            is_left_alone=filled.get("is_left_alone", True),
            details=filled.get("details", ""),
            reply_channel=filled.get("reply_channel", ""),
            postal_address=filled.get("postal_address", ""),
            acts_for_another=filled.get("acts_for_another", False),
            mandate=filled.get("mandate", ""),
        )

    def clean_email(self) -> str:
        """Refuse the ways of writing an address that would let one mailbox count as many."""
        email: str = self.cleaned_data["email"]
        if '"' in email or "=?" in email:
            raise ValidationError(_("Please write the address without quotes."), code="quoted_email")
        return email

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.chosen()[0] is not None:
            try:
                check_content(self.content(), source=str(cleaned.get("source", self.came_by)))
            except ValidationError as error:
                for name, problems in error.error_dict.items():
                    if name not in self.errors:  # what the field itself found says more
                        self.add_error(name if name in self.fields else None, ValidationError(problems))
        return cleaned


class RequestForm(ContentForm):
    """The public form.

    Args:
        controllers: everybody responsible, with their products prefetched.
        spoken: the language of the page.
        guest: whom a product sent here, and vouches for.
    """

    about = forms.ChoiceField(label=_("Which product is it about?"), required=False)
    leave_empty = forms.CharField(
        label=_("Leave this field empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )
    opened = forms.CharField(required=False, widget=forms.HiddenInput)
    invitation = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    field_order = ("rights", "email", "receipt_code", "about", "details")

    def __init__(
        self,
        *args: Any,
        controllers: Sequence[Controller],
        spoken: str,
        guest: Guest | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.controllers = controllers
        self.spoken = spoken
        self.guest = guest
        if guest is not None:
            self.fields["email"].initial = guest.email
            del self.fields["about"], self.fields["receipt_code"]
        self.fields["opened"].initial = signing.dumps(time.time(), salt=OPENED_SALT)
        if guest is None:
            self._offer_products(controllers)

    def _offer_products(self, controllers: Sequence[Controller]) -> None:
        about = self.fields["about"]
        if len(controllers) > 1:
            about.required = True
            about.error_messages["required"] = _("Choose a product or a company.")
        about.choices = _choices_of(controllers)  # type: ignore[attr-defined]  # the field declared above
        if len(controllers) == 1 and len(about.choices) == 1:  # type: ignore[attr-defined]
            del self.fields["about"]

    def content(self) -> Content:
        invitation = self.cleaned_data.get("invitation", "")
        account = self.guest.account if self.guest else ""
        return replace(super().content(), invitation_token=invitation, account=account)

    def chosen(self) -> tuple[Controller | None, Product | None]:
        if self.guest is not None:
            return self.guest.product.controller, self.guest.product
        value = self.cleaned_data.get("about", "")
        for controller in self.controllers:
            if value == f"c{controller.pk}":
                return controller, None
            for product in controller.products.all():
                if value == f"p{product.pk}":
                    return controller, product
        only = len(self.controllers) == 1 and "about" not in self.errors
        return (self.controllers[0] if only else None), None

    def language(self) -> str:
        return self.spoken

    def clean_leave_empty(self) -> str:
        """Refuse what robots fill in; a browser may have done it, so the field is then shown to be emptied."""
        filled: str = self.cleaned_data["leave_empty"]
        if filled:
            self.fields["leave_empty"].widget.attrs.pop("tabindex")
            raise ValidationError(
                _("Please empty this field. Robots fill it in, and sometimes a browser does."), code="not_left_empty"
            )
        return filled

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors:  # whoever has to correct something takes their time over it
            self._refuse_haste()
        return cleaned

    def _refuse_haste(self) -> None:
        """Ask whoever sent the form faster than anybody fills it in to send it again: it may be a person after all."""
        try:
            opened = float(signing.loads(self.cleaned_data.get("opened", ""), salt=OPENED_SALT))
        except (signing.BadSignature, TypeError, ValueError):
            data = cast("QueryDict", self.data).copy()
            data["opened"] = self.fields["opened"].initial
            self.data = data
            raise ValidationError(
                _("We could not tell when this form was opened. Nothing is lost: please send it again in a moment."),
                code="unknown_time",
            ) from None
        if time.time() - opened < SHORTEST_TIME:
            raise ValidationError(
                _("That was faster than we expect of a person. Nothing is lost: please send it again in a moment."),
                code="too_fast",
            )


def _choices_of(controllers: Sequence[Controller]) -> list[tuple[Any, Any]]:
    """Return what a request can be about: a product, or a controller as a whole where there are several."""
    all_of_them: StrOrPromise = _("All of them, or I do not know")
    if len(controllers) == 1:
        return [("", all_of_them), *((f"p{product.pk}", product.name) for product in controllers[0].products.all())]
    return [
        ("", _("Please choose")),
        *(
            (
                controller.name,
                [
                    (f"c{controller.pk}", all_of_them),
                    *((f"p{product.pk}", product.name) for product in controller.products.all()),
                ],
            )
            for controller in controllers
        ),
    ]
