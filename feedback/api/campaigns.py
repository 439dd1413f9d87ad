"""The door for a product's own server to a campaign: how far it is, and pausing, resuming and cancelling it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from feedback import campaigns
from feedback.api.limiting import counted_product
from feedback.models import Campaign
from feedback.tasks import queue_campaigns
from privacy.api.keys import AskKey
from privacy.api.serializers import ErrorOutput
from privacy.limits import Limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from rest_framework.request import Request

    from privacy.models import ServerKey


class CampaignOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    state = serializers.ChoiceField(Campaign.State.choices)
    people = serializers.IntegerField(help_text="All whom the audience named, as far as it was taken over.")
    settled = serializers.IntegerField(help_text="Of these, how many were sent the mail or never will be.")
    percent = serializers.IntegerField()
    waiting = serializers.IntegerField()
    sent = serializers.IntegerField()
    failed = serializers.IntegerField(help_text="Given up after several attempts.")
    unknown = serializers.IntegerField(help_text="Handed over, and nobody heard whether they were accepted.")
    reminders = serializers.IntegerField()
    taking_over = serializers.IntegerField(help_text="Audiences that are still being read.")
    not_sent = serializers.DictField(child=serializers.IntegerField(), help_text="Code of the reason → people.")


CALLS: Final = Limit("campaign-product", times=120, seconds=60)
ERRORS: Final = {
    status: OpenApiResponse(ErrorOutput, description=description)
    for status, description in {
        400: "Not possible in the state the campaign is in.",
        401: "No key that may invite people.",
        404: "This product has no such campaign.",
        429: "Too many calls; see Retry-After.",
    }.items()
}


STEP: Final[dict[str, Any]] = {"request": None, "responses": {200: CampaignOutput, **ERRORS}, "tags": ["inviting"]}


class CampaignView(APIView):
    """How far a campaign is, without anybody's answer: those are told in the admin, to whom the roles allow."""

    authentication_classes = (AskKey,)
    permission_classes = ()

    @extend_schema(
        responses={200: CampaignOutput, **{status: ERRORS[status] for status in (401, 404, 429)}},
        operation_id="read_campaign",
        tags=["inviting"],
    )
    def get(self, request: Request, pk: int) -> Response:
        """Tell how far a campaign is."""
        return Response(_told(_campaign_of(request, pk)))


class StepView(APIView):
    """One step of a campaign."""

    authentication_classes = (AskKey,)
    permission_classes = ()

    def take(self, request: Request, pk: int, act: Callable[..., Campaign]) -> Response:
        """Take the step and tell how far the campaign is then."""
        campaign = act(campaign=_campaign_of(request, pk))
        queue_campaigns()
        return Response(_told(campaign))


class PauseView(StepView):
    @extend_schema(operation_id="pause_campaign", **STEP)
    def post(self, request: Request, pk: int) -> Response:
        """Send nothing more until the campaign is resumed."""
        return self.take(request, pk, campaigns.pause)


class ResumeView(StepView):
    @extend_schema(operation_id="resume_campaign", **STEP)
    def post(self, request: Request, pk: int) -> Response:
        """Go on where the campaign was paused; everybody is checked once more before their mail."""
        return self.take(request, pk, campaigns.resume)


class CancelView(StepView):
    @extend_schema(operation_id="cancel_campaign", **STEP)
    def post(self, request: Request, pk: int) -> Response:
        """Never send what waits; this is final."""
        return self.take(request, pk, campaigns.cancel)


def _campaign_of(request: Request, pk: int) -> Campaign:
    product = counted_product(cast("ServerKey", request.auth), CALLS)
    campaign = Campaign.objects.filter(product=product, pk=pk).first()
    if campaign is None:
        raise Http404
    return campaign


def _told(campaign: Campaign) -> dict[str, Any]:
    found = campaigns.progress(campaign=campaign)
    numbers = ("people", "settled", "percent", "waiting", "sent", "failed", "unknown", "reminders", "taking_over")
    return {
        **{"id": campaign.pk, "name": campaign.name, "state": campaign.state},
        **{name: getattr(found, name) for name in numbers},
        "not_sent": {code: count for code, _why, count in found.not_sent},
    }
