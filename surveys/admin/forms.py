"""Fields and forms of the surveys' admin pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminExpandableTextareaWidget

from surveys.models import BandWording, Channel, Survey
from surveys.throttling import NUMBERS, resolve

if TYPE_CHECKING:
    from surveys.models import ThrottleNumbers

MOST_REASONS = 12


class LinesField(forms.CharField):
    """A list of short texts, written one per line.

    Args:
        longest: most characters of one text.
        most: most texts.
    """

    widget = UnfoldAdminExpandableTextareaWidget

    def __init__(self, *, longest: int, most: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.longest, self.most = longest, most

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = (line.strip() for line in (super().to_python(value) or "").splitlines())
        return list(dict.fromkeys(line for line in lines if line))

    def validate(self, value: Any) -> None:
        super().validate(value)
        if any(len(line) > self.longest for line in value):
            raise ValidationError(
                _("Each line may have at most %(longest)d characters."), "too_long", {"longest": self.longest}
            )
        if len(value) > self.most:
            message = ngettext_lazy("At most %(most)d line.", "At most %(most)d lines.", self.most)
            raise ValidationError(message, "too_many", {"most": self.most})

    def run_validators(self, value: Any) -> None:
        super().run_validators("\n".join(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(data) != (initial or []))


class WordingForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    class Meta:
        help_texts = {
            "question": _("Stands above the scale; keep it short enough for a phone."),
            **dict.fromkeys(("low_label", "high_label"), _("A few words: screen readers say them with the score.")),
            "decline_label": _("Pressing it counts as a decline: the person is then left alone for a while."),
        }


class BandWordingForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    reasons = LinesField(
        longest=80,
        most=MOST_REASONS,
        required=False,
        label=_("Reasons to tick"),
        help_text=_("One per line. Leave empty to ask in free text only."),
    )

    class Meta:
        model = BandWording
        fields = ("follow_up_question", "placeholder", "reasons", "thanks")
        help_texts = {
            "follow_up_question": _("Asked once the score is saved: what the person likes, or what should change."),
            "placeholder": _("Stands in the empty text field and goes as soon as somebody types."),
            "thanks": _("The last thing people of this band see: say what happens with their answer."),
        }


class ThrottlesForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Shows beside each empty number the value in force."""

    class Meta:
        help_texts = {
            "first_survey_delay_days": _(
                "Counted from when the person became a customer or, if unknown, was first seen."
            ),
            **dict.fromkeys(
                ("response_days", "decline_days", "snooze_days"), _("Only surveys of the same metric count.")
            ),
            "unanswered_days": _("Seen, and neither answered nor declined, whichever survey it was."),
            "shows_in_90_days": _("All surveys that one person saw count together."),
            "cooldown_days": _("A survey may only leave more than its product."),
            "mail_days": _("Holds back e-mails only; at least 7."),
            **dict.fromkeys(
                ("known_percentage", "anonymous_percentage"),
                _("The same people for 90 days, then lots are drawn anew; 0 asks nobody."),
            ),
        }

    def show_numbers_in_force(self, product: ThrottleNumbers | None = None) -> None:
        """Write what an empty field falls back to under it: the product's number where it has one, or the default."""
        in_force = resolve(None, product)
        for name in NUMBERS:
            if name not in self.fields:
                continue
            number = getattr(in_force, name)
            from_product = getattr(product, name, None) is not None
            text = (
                _("When empty: %(number)d, as set for the product.") if from_product else _("When empty: %(number)d.")
            )
            field = self.fields[name]
            field.help_text = f"{field.help_text} {text % {'number': number}}"
            field.widget.attrs["placeholder"] = str(number)


class SurveyForm(ThrottlesForm):
    channels = forms.TypedMultipleChoiceField(
        label=_("Channels"),
        choices=Channel.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Where people may be asked."),
    )

    class Meta(ThrottlesForm.Meta):
        model = Survey
        fields = "__all__"  # noqa: DJ007  the admin page lists the fields of each of its two forms
        help_texts = {
            **ThrottlesForm.Meta.help_texts,
            "metric": _("Cannot change after the first publishing, so that scores stay comparable."),
            "band_profile": _("“Wootric” counts a CES of 5 as passive, as the history taken over from there does."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.fields.pop("channels", None)
            return
        product = self.instance.product
        self.show_numbers_in_force(getattr(product, "throttles", None))
        for name in ("starts_at", "ends_at", "link_ends_at"):
            if name in self.fields:
                self.fields[name].help_text = _("In the product's time zone, %(zone)s. Empty: no limit.") % {
                    "zone": product.time_zone
                }

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        return slug.lower()  # people type addresses from paper


class ProductThrottlesForm(ThrottlesForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.show_numbers_in_force()
