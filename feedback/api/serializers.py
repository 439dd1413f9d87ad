"""What requests may contain, and what answers contain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from feedback.intake import MOST_REASONS
from feedback.models.capturing import LONGEST_COMMENT
from surveys.models import Channel
from surveys.scales import Metric

if TYPE_CHECKING:
    from uuid import UUID

MOST_PROPERTIES: Final = 50
LONGEST_PROPERTY: Final = 500


class TextField(serializers.CharField):
    """Text that PostgreSQL can store: without NUL, and with a replacement for what is no character."""

    def __init__(self, *, max_length: int) -> None:
        super().__init__(required=False, allow_blank=True, trim_whitespace=False, max_length=max_length)
        self.longest = max_length
        self.validators = [each for each in self.validators if not isinstance(each, ProhibitNullCharactersValidator)]

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Do what the framework does for such a field, in one step: a page view sends a handful of them."""
        if data is serializers.empty or data is None:
            return super().run_validation(data)
        if not isinstance(data, str):
            raise serializers.ValidationError(self.error_messages["invalid"], code="invalid")
        if len(data) > self.longest:
            message = self.error_messages["max_length"].format(max_length=self.longest)
            raise serializers.ValidationError(message, code="max_length")
        return data.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


@extend_schema_field(OpenApiTypes.INT)
class ScoreField(serializers.Field[int, Any, int, Any]):
    """A whole number: ``true``, ``"9"`` and ``9.0`` are none. Whether it is on the scale, the survey knows."""

    default_error_messages = {"invalid_score": _("The score must be a whole number on the survey's scale.")}

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data is None:
            self.fail("invalid_score")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int or abs(data) > 100:
            self.fail("invalid_score")
        return int(data)

    def to_representation(self, value: int) -> int:
        return value


class SubmissionIdField(serializers.UUIDField):
    """A UUID as text: numbers are taken for UUIDs as well, and clients that send them would share a few."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=type(data).__name__)
        return super().to_internal_value(data)


class YesOrNoField(serializers.BooleanField):
    """``true`` or ``false`` and nothing that looks like it: nobody consents by a word that somebody interprets."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=type(data).__name__)
        return data


@extend_schema_field({"type": "object", "maxProperties": MOST_PROPERTIES, "additionalProperties": True})
class PropertiesField(serializers.Field[dict[str, Any], Any, dict[str, Any], Any]):
    """At most 50 flat properties: text, numbers, yes or no."""

    default_error_messages = {
        "invalid_properties": _("Properties are an object of texts, numbers and true or false."),
        "too_many_properties": _("There may be at most 50 properties."),
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid_properties")
        if len(data) > MOST_PROPERTIES:
            self.fail("too_many_properties")
        return {self._clean(name, 64): self._value(value) for name, value in data.items()}

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._clean(value, LONGEST_PROPERTY)
        is_number = isinstance(value, int | float) and abs(value) < 1e15  # false for NaN as well
        if value is None or is_number:
            return value
        self.fail("invalid_properties")

    def _clean(self, text: str, longest: int) -> str:
        if len(text) > longest:
            self.fail("invalid_properties")
        return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        return value


class SparseInput(serializers.Serializer[Any]):
    """An object of which every field may be missing: only what was sent costs anything."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid", datatype=type(data).__name__)
        fields, values, problems = self.fields, {}, {}
        for name, sent in data.items():
            if name in fields:
                try:
                    values[name] = fields[name].run_validation(sent)
                except serializers.ValidationError as error:
                    problems[name] = error.detail
        if problems:
            raise serializers.ValidationError(problems)
        return values

    def run_validators(self, value: Any) -> None:
        """Do nothing: the fields have said it all, and looking for more takes as long as they did."""


class UserInput(SparseInput):
    id = TextField(max_length=255)
    email = TextField(max_length=254)
    phone = TextField(max_length=32)
    name = TextField(max_length=200)
    company = TextField(max_length=200)
    country = serializers.RegexField(r"^[A-Za-z]{2}\Z", required=False, allow_blank=True)
    language = TextField(max_length=10)
    created_at = serializers.DateTimeField(required=False, allow_null=True)
    properties = PropertiesField(required=False)


class ContextInput(SparseInput):
    channel = serializers.ChoiceField([Channel.WEB, Channel.MOBILE], required=False)
    url = TextField(max_length=2000)
    event = TextField(max_length=64)
    language = TextField(max_length=100)
    device = serializers.ChoiceField(["desktop", "tablet", "phone"], required=False)
    app_version = TextField(max_length=32)


class EligibilityInput(SparseInput):
    user = UserInput(required=False)
    anonymous_id = TextField(max_length=64)
    identity = TextField(max_length=4096)
    context = ContextInput(required=False)  # type: ignore[assignment]  # named so on the wire
    test_key = TextField(max_length=64)
    force = YesOrNoField(required=False)


class SubmissionInput(serializers.Serializer[Any]):
    submission_id = SubmissionIdField()
    seq = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    score = ScoreField(required=False)
    comment = TextField(max_length=LONGEST_COMMENT)
    reasons = serializers.ListField(child=TextField(max_length=80), required=False, max_length=MOST_REASONS)
    contact_permission = YesOrNoField(required=False)
    answered_at = serializers.DateTimeField(required=False)


class ScaleOutput(serializers.Serializer[Any]):
    min = serializers.IntegerField()
    max = serializers.IntegerField()


class LabelsOutput(serializers.Serializer[Any]):
    low = serializers.CharField()
    high = serializers.CharField()


class FollowUpOutput(serializers.Serializer[Any]):
    question = serializers.CharField()
    placeholder = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())


class FollowUpsOutput(serializers.Serializer[Any]):
    detractor = FollowUpOutput()
    passive = FollowUpOutput()
    promoter = FollowUpOutput()


class ThanksOutput(serializers.Serializer[Any]):
    detractor = serializers.CharField()
    passive = serializers.CharField()
    promoter = serializers.CharField()


class BandsOutput(serializers.Serializer[Any]):
    """The lowest score of each band."""

    detractor = serializers.IntegerField()
    passive = serializers.IntegerField()
    promoter = serializers.IntegerField()


class RestDaysOutput(serializers.Serializer[Any]):
    """For how many days this survey rests after each way in which an invitation can end."""

    answered = serializers.IntegerField()
    declined = serializers.IntegerField()
    snoozed = serializers.IntegerField()
    ignored = serializers.IntegerField()


class SurveyOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    version = serializers.IntegerField()
    metric = serializers.ChoiceField(Metric.choices)
    scale = ScaleOutput()
    bands = BandsOutput()
    language = serializers.CharField()
    question = serializers.CharField()
    labels = LabelsOutput()
    follow_up = FollowUpsOutput()
    thanks = ThanksOutput()
    decline = serializers.CharField()
    rest_days = RestDaysOutput()


class EligibilityOutput(serializers.Serializer[Any]):
    eligible = serializers.BooleanField()
    code = serializers.CharField()
    why = serializers.CharField()
    next_check_at = serializers.DateTimeField()
    invitation = serializers.CharField(allow_null=True)
    survey = SurveyOutput(allow_null=True)


class AskableOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    version = serializers.IntegerField()
    metric = serializers.ChoiceField(Metric.choices)
    channels = serializers.ListField(child=serializers.CharField())
    priority = serializers.IntegerField()
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)


class AskablesOutput(serializers.Serializer[Any]):
    product = serializers.CharField()
    surveys = AskableOutput(many=True)


class SubmissionOutput(serializers.Serializer[Any]):
    state = serializers.ChoiceField(["partial", "complete"])
    seq = serializers.IntegerField()
    receipt = serializers.CharField(required=False, help_text="Only in the first answer.")
