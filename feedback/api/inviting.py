"""The door for a product's own server: invite people by e-mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import APIView

from feedback import campaigns
from feedback.api.limiting import counted_product
from feedback.api.serializers import PropertiesField, TextField, YesOrNoField
from feedback.campaigns import Entry, StatedPermission
from feedback.models import ChannelPermission
from feedback.tasks import queue_campaigns
from privacy.api.keys import AskKey
from privacy.api.serializers import ErrorOutput
from privacy.limits import Limit

if TYPE_CHECKING:
    from rest_framework.request import Request

    from privacy.models import ServerKey

PER_PRODUCT: Final = Limit("inviting-product", times=60, seconds=60)
LONGEST_KEY: Final = 255


class KeyReused(APIException):
    status_code = 409
    default_code = "idempotency_key_reused"
    default_detail = _("This idempotency key came with another body before.")


class PermissionInput(serializers.Serializer[Any]):
    basis = serializers.ChoiceField(ChannelPermission.Basis.choices)
    evidence = serializers.CharField(max_length=300)
    given_on = serializers.DateField()


class InviteeInput(serializers.Serializer[Any]):
    id = TextField(max_length=255)
    email = TextField(max_length=254)
    phone = TextField(max_length=32)
    name = TextField(max_length=200)
    company = TextField(max_length=200)
    country = TextField(max_length=2)
    language = TextField(max_length=10)
    created_at = serializers.DateTimeField(required=False, allow_null=True)
    properties = PropertiesField(required=False)
    permission = PermissionInput(required=False)


class WordsInput(serializers.Serializer[Any]):
    language = serializers.ChoiceField(settings.LANGUAGES)
    subject = serializers.CharField(max_length=150)
    intro = serializers.CharField(max_length=2000)


class InvitationsInput(serializers.Serializer[Any]):
    survey = serializers.IntegerField()
    name = serializers.CharField(max_length=120)
    people = InviteeInput(many=True, allow_empty=False, max_length=campaigns.MOST_PEOPLE)  # type: ignore[call-arg]  # of the list
    wording = WordsInput(many=True, required=False, max_length=20)  # type: ignore[call-arg]  # of the list
    starts_at = serializers.DateTimeField(required=False, allow_null=True)
    window_from = serializers.IntegerField(required=False)
    window_until = serializers.IntegerField(required=False)
    pace = serializers.IntegerField(required=False)
    reminder_after_days = serializers.IntegerField(required=False, allow_null=True)
    sender_name = serializers.CharField(required=False, allow_blank=True, max_length=100)
    reply_to = serializers.EmailField(required=False, allow_blank=True)
    dry_run = YesOrNoField(required=False)


class InviteeOutput(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    eligible = serializers.BooleanField(help_text="Whether the person may be asked now.")
    queued = serializers.BooleanField(help_text="Whether a mail is owed, now or `later`; do not mail them yourself.")
    code = serializers.CharField()


class InvitationsOutput(serializers.Serializer[Any]):
    campaign = serializers.IntegerField(allow_null=True, help_text="None of a dry run.")
    queued = serializers.IntegerField()
    people = InviteeOutput(many=True)


ERRORS: Final = {
    status: OpenApiResponse(ErrorOutput, description=description)
    for status, description in {
        400: "Invalid input; nothing was stored.",
        401: "No key that may invite people.",
        409: "The idempotency key came with another body before.",
        429: "Too many calls; see Retry-After.",
    }.items()
}


class InvitationsView(APIView):
    """For the product's own server only: it proves itself by a key, so no cookie and no origin counts."""

    authentication_classes = (AskKey,)
    permission_classes = ()

    @extend_schema(
        request=InvitationsInput,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, required=False)],
        responses={200: InvitationsOutput, 201: InvitationsOutput, **ERRORS},
        operation_id="invite_people",
        tags=["inviting"],
    )
    def post(self, request: Request) -> Response:
        """Ask up to 1,000 people by e-mail and say for each whether they will be, and why not.

        The same ``Idempotency-Key`` with the same body again answers the same and invites nobody a second time.
        """
        product, body = counted_product(cast("ServerKey", request.auth), PER_PRODUCT), request._request.body
        data = InvitationsInput(data=request.data)
        data.is_valid(raise_exception=True)
        order = _order(data.validated_data)
        try:
            if data.validated_data.get("dry_run"):
                return Response(campaigns.try_out(product=product, order=order))
            answer, is_known = campaigns.invite(product=product, order=order, key=_key_of(request), body=body)
        except campaigns.KeyReused as error:
            raise KeyReused from error
        queue_campaigns()
        return Response(answer, status=200 if is_known else 201)


def _key_of(request: Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > LONGEST_KEY:
        raise ValidationError(_("An idempotency key has at most 255 characters."), code="invalid_idempotency_key")
    return key


def _order(data: dict[str, Any]) -> campaigns.Order:
    known = ("starts_at", "window_from", "window_until", "pace", "reminder_after_days", "sender_name", "reply_to")
    return campaigns.Order(
        survey_id=data["survey"],
        name=data["name"],
        wording={words["language"]: (words["subject"], words["intro"]) for words in data.get("wording", ())},
        settings={name: data[name] for name in known if name in data},
        entries=[_entry(number, person) for number, person in enumerate(data["people"], start=1)],
    )


def _entry(number: int, said: dict[str, Any]) -> Entry:
    stated = said.pop("permission", None)
    external_id, customer_since = said.pop("id", ""), said.pop("created_at", None)
    try:
        person = campaigns.describe(external_id=external_id, customer_since=customer_since, **said)
    except ValidationError as error:
        return Entry(position=number, line=number, problem=str(error.code))
    permission = StatedPermission(**stated) if stated else None
    return Entry(position=number, line=number, person=person, permission=permission)
