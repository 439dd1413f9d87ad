"""The form of a rule: its conditions and what follows, each a field in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminExpandableTextareaWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from feedback import follow_up, rules, triage
from feedback.models import Rule, Tag, Team
from feedback.rules.checking import LONGEST_KEYWORD, MOST_KEYWORDS
from surveys.admin.forms import LinesField
from surveys.models import Channel
from surveys.scales import Band, Metric

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from privacy.models import Product

CONDITIONS: Final = (
    *("metrics", "bands", "lowest_score", "highest_score", "channels", "keywords"),
    *("with_comment", "with_tag", "with_contact_permission"),
)
SWITCHES: Final = ("is_active", "with_comment", "with_contact_permission", "opens_follow_up")
NUMBERS: Final = ("position", "lowest_score", "highest_score")


def _choices(label: StrOrPromise, choices: Any, help_text: StrOrPromise) -> forms.TypedMultipleChoiceField:
    return forms.TypedMultipleChoiceField(
        label=label,
        choices=choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=help_text,
    )


def _one_of(label: StrOrPromise, rows: Any, empty: StrOrPromise, help_text: StrOrPromise) -> Any:
    return forms.ModelChoiceField(
        label=label,
        queryset=rows,
        required=False,
        empty_label=empty,
        widget=UnfoldAdminSelectWidget,
        help_text=help_text,
    )


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A rule of one product; the page that makes the form says which.

    Attributes:
        product: where the rule belongs for good.
    """

    product: ClassVar[Product | None] = None

    metrics = _choices(_("Metric"), Metric.choices, _("None ticked: any metric."))
    bands = _choices(
        _("Band"), Band.choices, _("None ticked: any band. An NPS detractor gave 0–6, a promoter 9 or 10.")
    )
    channels = _choices(_("Channel"), Channel.choices, _("None ticked: any channel."))
    keywords = LinesField(
        longest=LONGEST_KEYWORD,
        most=MOST_KEYWORDS,
        required=False,
        widget=UnfoldAdminExpandableTextareaWidget,
        label=_("Words in the comment"),
        help_text=_(
            "One word or phrase per line; any one of them will do. Words are found whole, wherever they stand and "
            "however they are capitalised: “fee” finds “Fee!” but not “fees”. An asterisk at the end finds every "
            "ending: “opłat*” finds “opłata”, “opłaty” and “opłatami”. Words of a phrase stand side by side in this "
            "order, whatever punctuation is between them. Letters typed without their marks are found too: “opłata” "
            "finds “oplata”, but “sad” does not find “sąd”. Never name a person here."
        ),
    )
    with_tag = _one_of(
        _("Tag"),
        Tag.objects.none(),
        _("any or none"),
        _("A tag it has at that moment: given by a rule that goes before this one, or by hand."),
    )
    adds_tag = _one_of(_("Give the tag"), Tag.objects.none(), _("no tag"), _("Tags name themes, as on the dashboard."))
    new_tag = forms.CharField(
        label=_("or a new tag"),
        max_length=triage.LONGEST_TAG,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Its name; it is made when the rule is saved."),
    )
    team = _one_of(
        _("Team"), Team.objects.none(), _("no team"), _("Whose work the follow-up is, until somebody takes it.")
    )
    owner = _one_of(
        _("Assign to"),
        User.objects.none(),
        _("nobody yet"),
        _("Only staff who see the product and work on follow-ups are offered."),
    )
    alerts = forms.ModelMultipleChoiceField(
        label=_("Send an alert to"),
        queryset=User.objects.none(),
        required=False,
        widget=UnfoldAdminSelect2MultipleWidget,
        help_text=_("By e-mail within a minute, outside of their quiet hours. It says no more than they may see here."),
    )

    class Meta:
        model = Rule
        fields = (
            *("name", "is_active", "position", *CONDITIONS),
            *("adds_tag", "opens_follow_up", "priority", "team", "owner", "alerts"),
        )
        labels = {
            "position": _("Order"),
            "lowest_score": _("Score from"),
            "highest_score": _("Score to"),
            "with_comment": _("Only with a comment"),
            "with_contact_permission": _("Only where the person may be contacted about it"),
            "opens_follow_up": _("Open a follow-up"),
            "priority": _("Its priority"),
        }
        help_texts = {
            "name": _("For staff; a follow-up that the rule opens names it."),
            "is_active": _("A rule that is switched off keeps what it did and does nothing new."),
            "position": _("Lower numbers go first. Tags that earlier rules give count for later ones."),
            "with_comment": _("Ratings without a word are left to other rules."),
            "priority": _("High sets a date for the first contact also where the person is no detractor."),
            "lowest_score": _("Needs exactly one metric above. Empty: from the lowest."),
            "highest_score": _("The score itself is included. Empty: to the highest."),
            "with_contact_permission": _("They ticked “you may contact me about this” when they answered."),
            "opens_follow_up": _(
                "Unless one of this person is open already, or the person must not be contacted. Never for tests, "
                "suspects and imports."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._draw()
        if self.product is None:
            return
        self.instance.product = self.product
        of_product = {"with_tag": Tag.objects, "adds_tag": Tag.objects, "team": Team.objects}
        for name, rows in of_product.items():
            self._offer(name, rows.filter(product=self.product))
        self._offer("owner", follow_up.possible_owners(self.product))
        self._offer("alerts", rules.possible_receivers(self.product))

    def _draw(self) -> None:
        for names, widget in ((SWITCHES, UnfoldBooleanSwitchWidget), (NUMBERS, UnfoldAdminIntegerFieldWidget)):
            for name in names:
                if name in self.fields:
                    self.fields[name].widget = widget()

    def _offer(self, name: str, rows: Any) -> None:
        if name in self.fields:
            self.fields[name].queryset = rows  # type: ignore[attr-defined]  # a ModelChoiceField

    def _get_validation_exclusions(self) -> set[str]:
        # The product is no field here, but the name has to be the only one of it.
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # not in the stubs
        return excluded - {"product"}

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # not in the stubs
        self._take_new_tag()
        try:
            rules.check_rule(self.instance, receivers=self.receivers)
        except ValidationError as error:
            for field, errors in error.error_dict.items():
                if field not in self.errors:  # a field that is wrong by itself is enough
                    self.add_error(field if field in self.fields else None, errors)

    @property
    def receivers(self) -> list[User]:
        return list(self.cleaned_data.get("alerts", ()))

    def _take_new_tag(self) -> None:
        name = " ".join(self.cleaned_data.get("new_tag", "").split())
        if not name:
            return
        if self.cleaned_data.get("adds_tag"):
            self.add_error("new_tag", ValidationError(_("Choose one tag, or name a new one."), code="two_tags"))
            return
        same = Tag.objects.filter(product=self.instance.product, name__iexact=name).first()
        self.instance.adds_tag = same or Tag(product=self.instance.product, name=name)
