"""Forms of what staff write about an audience, shared by the page that saves it and the one that counts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet, inlineformset_factory
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from surveys.audience import join_values, split_values
from surveys.models import AudienceRule, SegmentQuota, Survey

if TYPE_CHECKING:
    from django.http import QueryDict

    from surveys.targeting import Rule

AUDIENCE_PREFIX: Final = "audience"
MOST_RULES: Final = 30


class ValuesField(forms.CharField):
    """A list of texts, written one per line or separated by commas."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return join_values(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return split_values(super().to_python(value) or "")

    def validate(self, value: Any) -> None:
        """Leave it to the rule how many values there may be, and which."""

    def run_validators(self, value: Any) -> None:
        super().run_validators("\n".join(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(self.prepare_value(initial), data))


class TargetingForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A row whose model looks at several fields together; of a field that is wrong by itself it says no more."""

    def add_error(self, field: str | None, error: Any) -> None:
        if field is None and hasattr(error, "error_dict"):
            error = {name: errors for name, errors in error.error_dict.items() if name not in self.errors}
        if error:
            super().add_error(field, error)


class AudienceRuleForm(TargetingForm):
    values = ValuesField(required=False)

    class Meta:
        model = AudienceRule
        fields = ("subject", "name", "operator", "values")
        help_texts = {"name": gettext_lazy("For example: plan, seats.")}


class QuotaForm(TargetingForm):
    class Meta:
        model = SegmentQuota
        fields = ("dimension", "name", "value", "target")
        help_texts = {
            "dimension": gettext_lazy("A response counts under the value that it was given with."),
            "name": gettext_lazy("Only for a property, as the product sends it: plan."),
            "value": gettext_lazy("One for each quota, such as PL."),
            "target": gettext_lazy("Once reached, nobody of the segment is asked any more; others are."),
        }


class QuotaFormSet(BaseInlineFormSet):  # type: ignore[type-arg]  # generic in the stubs only
    def clean(self) -> None:
        """Refuse a second quota of a segment, also where it is only written differently.

        Raises:
            ValidationError: ``duplicate_quota``.
        """
        super().clean()
        kept = [form.instance for form in self.forms if form.is_valid() and form not in self.deleted_forms]
        segments = [(quota.dimension, quota.name, quota.value) for quota in kept if quota.dimension]
        if len(segments) > len(set(segments)):
            raise ValidationError(_("Each segment has one quota; here one has two."), code="duplicate_quota")


class AudienceFormSet(BaseInlineFormSet):  # type: ignore[type-arg]  # generic in the stubs only
    """Rules keep the order in which they stand on the page."""

    def clean(self) -> None:
        super().clean()
        for position, form in enumerate(self.forms):
            form.instance.position = position

    @property
    def rules(self) -> list[Rule]:
        """The rules as they would be saved; only of a valid set."""
        kept = [form for form in self.forms if form.instance.subject and form not in self.deleted_forms]
        return [form.instance.rule for form in kept]


def audience_formset(data: QueryDict, *, survey: Survey) -> AudienceFormSet:
    """Return the rules that stand in a survey's form, saved or not.

    Args:
        data: everything the form sends; its other fields are not looked at.
    """
    of_survey = inlineformset_factory(
        Survey,
        AudienceRule,
        form=AudienceRuleForm,
        formset=AudienceFormSet,
        max_num=MOST_RULES,
        validate_max=True,
        absolute_max=MOST_RULES + 1,
    )
    formset: AudienceFormSet = of_survey(data, instance=survey, prefix=AUDIENCE_PREFIX)  # type: ignore[assignment]
    return formset
