"""What a product's server sends about the rights of its users, and what it gets to know."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers

from privacy.models import RequestItem, Right, RightsRequest


class AccountInput(serializers.Serializer[Any]):
    id = serializers.CharField(max_length=255, help_text="Their id in the product, as it names them when asking.")
    email = serializers.EmailField(required=False, allow_blank=True, max_length=254)


class LinkInput(serializers.Serializer[Any]):
    user = AccountInput()


class LinkOutput(serializers.Serializer[Any]):
    url = serializers.URLField(help_text="Send the person there; it says nothing readable about them.")
    expires_at = serializers.DateTimeField()


class RequestInput(serializers.Serializer[Any]):
    user = AccountInput()
    rights = serializers.ListField(child=serializers.ChoiceField(Right.choices), allow_empty=False, max_length=7)
    language = serializers.ChoiceField(settings.LANGUAGES)
    details = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    objects_to = serializers.ChoiceField(RequestItem.ObjectsTo.choices, required=False)
    is_left_alone = serializers.BooleanField(required=False)
    reply_channel = serializers.ChoiceField(RightsRequest.ReplyChannel.choices, required=False)
    postal_address = serializers.CharField(required=False, allow_blank=True, max_length=500)


class ItemOutput(serializers.Serializer[Any]):
    right = serializers.CharField()
    outcome = serializers.CharField(allow_blank=True)


class RequestOutput(serializers.Serializer[Any]):
    reference = serializers.CharField()
    state = serializers.CharField()
    received_on = serializers.DateField()
    due_on = serializers.DateField(source="current_due_on")
    rights = ItemOutput(many=True, source="items")


class ProblemOutput(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class ErrorOutput(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()
    fields = serializers.DictField(child=ProblemOutput(many=True))  # type: ignore[assignment]  # named so on the wire
