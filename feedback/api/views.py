"""The asking endpoints: each authenticates by a key or token, validates, calls one domain function, answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound, PermissionDenied

from feedback import identity, intake, invitations
from feedback.api.door import AskingView, answer_in_json
from feedback.api.limiting import count_person
from feedback.api.parsing import LARGEST_ANSWER, read_json
from feedback.api.serializers import (
    AskablesOutput,
    EligibilityInput,
    EligibilityOutput,
    SubmissionInput,
    SubmissionOutput,
    UserInput,
)
from feedback.api.writing import as_json, askable_body, eligibility_json
from feedback.products import product_facts
from privacy.api.serializers import ErrorOutput
from privacy.models import origin_is_accepted

if TYPE_CHECKING:
    from django.http import HttpRequest
    from rest_framework.serializers import Serializer

    from feedback.products import ProductFacts

ERRORS = {
    status: OpenApiResponse(ErrorOutput, description=description)
    for status, description in {
        400: "Invalid input; nothing was stored.",
        403: "The web site or test key is not accepted.",
        404: "No such product or invitation.",
        409: "Not possible in this state.",
        410: "Expired or used.",
        413: "More than 32 kB; of an answer more than 144 kB.",
        429: "Too many requests; see Retry-After.",
    }.items()
}


# Making a serializer copies all its fields, which costs more than validating with it; validating changes none of them.
ELIGIBILITY_INPUT = EligibilityInput()
SUBMISSION_INPUT = SubmissionInput()
USER_INPUT = UserInput()
IDENTIFIERS = ("id", "email", "phone")


def validated(serializer: Serializer[Any], request: HttpRequest) -> dict[str, Any]:
    data: dict[str, Any] = serializer.run_validation(read_json(request))
    return data


def origin_of(request: HttpRequest) -> str:
    """Return the web site a browser sends the request from; empty for our own pages and outside of browsers."""
    origin = request.META.get("HTTP_ORIGIN", "")
    own = f"{request.scheme}://{request.get_host()}" if origin else ""
    return "" if origin == own else origin


def product_of(request: HttpRequest, public_key: str) -> ProductFacts:
    """Return the product with this key.

    Raises:
        NotFound: ``unknown_product``.
        OriginBlocked: the product does not list the web site that asks.
    """
    product = product_facts(public_key)
    if product is None:
        raise NotFound(_("There is no product with this key."), code="unknown_product")
    if not origin_is_accepted(origin_of(request), product.allowed_origins):
        raise invitations.OriginBlocked
    return product


class SurveysView(AskingView):
    @extend_schema(responses={200: AskablesOutput, **ERRORS}, operation_id="list_surveys", tags=["asking"])
    def get(self, request: HttpRequest, public_key: str) -> HttpResponse:
        """Tell what may be asked; says nothing about people and may be cached by anybody."""
        product = product_of(request, public_key)
        answer = answer_in_json(as_json(askable_body(public_key, product, at=timezone.now())))
        # Only what is good for everybody may be kept: a refusal is one caller's.
        patch_cache_control(answer, public=True, max_age=60, s_maxage=300)
        return answer


class EligibilityView(AskingView):
    @extend_schema(
        request=EligibilityInput,
        responses={200: EligibilityOutput, **ERRORS},
        operation_id="ask_whether_eligible",
        tags=["asking"],
    )
    def post(self, request: HttpRequest, public_key: str) -> HttpResponse:
        """Tell whether this person may be asked now and, if so, reserve the invitation and return the question."""
        product = product_of(request, public_key)
        data = validated(ELIGIBILITY_INPUT, request)
        if data.get("force") and data.get("test_key") != product.test_key:
            raise PermissionDenied(_("This is not the product's test key."), code="invalid_test_key")
        person, moment = person_in(data, product), moment_in(data, request)
        count_person(product, person)
        return answer_in_json(eligibility_json(invitations.ask(product=product, person=person, moment=moment)))


def person_in(data: dict[str, Any], product: ProductFacts) -> identity.Person:
    """Return the person a request describes; what the product's backend signed counts more than what a page says."""
    claims, token = dict(data.get("user", {})), data.get("identity", "")
    named: dict[str, Any] = {}
    if token:
        secrets, beside = product.signing_secrets, claims.get("id", "")
        named = identity.verify_identity(token, external_id=beside, secrets=secrets, at=timezone.now())
    if named:
        # Who somebody is comes from one source only: a signature says nothing about what a page adds to it.
        claims = {name: value for name, value in claims.items() if name not in IDENTIFIERS}
        claims |= USER_INPUT.run_validation(named)
    claims["external_id"] = claims.pop("id", "")
    claims["customer_since"] = claims.pop("created_at", None)
    claims["country"] = claims.get("country", "").upper()
    return identity.identify(anonymous_id=data.get("anonymous_id", ""), is_signed=bool(named), **claims)


def moment_in(data: dict[str, Any], request: HttpRequest) -> invitations.Moment:
    """Return where and how a request asks."""
    return invitations.Moment(
        **data.get("context", {}),
        accept_language=request.META.get("HTTP_ACCEPT_LANGUAGE", ""),
        forced=bool(data.get("force")),
    )


class ResponseView(AskingView):
    @extend_schema(
        request=SubmissionInput,
        responses={200: SubmissionOutput, 201: SubmissionOutput, **ERRORS},
        operation_id="submit_response",
        tags=["asking"],
    )
    def put(self, request: HttpRequest, token: str) -> HttpResponse:
        """Store a score at once and a comment later; repeating a message changes nothing."""
        data: dict[str, Any] = SUBMISSION_INPUT.run_validation(read_json(request, largest=LARGEST_ANSWER))
        submission = intake.Submission(**_as_submission(data))
        outcome = intake.submit(token=token, submission=submission, origin=origin_of(request))
        body = {"state": outcome.state, "seq": outcome.seq}
        if outcome.receipt:
            body["receipt"] = outcome.receipt
        return answer_in_json(as_json(body), 201 if outcome.created else 200)

    @extend_schema(exclude=True)
    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Take the same message by POST: ``sendBeacon`` has no other method, and browsers need no preflight for it."""
        return self.put(request, token)


def _as_submission(data: dict[str, Any]) -> dict[str, Any]:
    if "reasons" in data:
        data["reasons"] = tuple(data["reasons"])
    return data


class ShownView(AskingView):
    @extend_schema(request=None, responses={204: None, **ERRORS}, operation_id="report_shown", tags=["asking"])
    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Report that the survey was in view for at least a second."""
        invitations.record_shown(token=token, origin=origin_of(request))
        return HttpResponse(status=204)


class DeclineView(AskingView):
    @extend_schema(request=None, responses={204: None, **ERRORS}, operation_id="decline", tags=["asking"])
    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Report that the person closed the survey without a score."""
        invitations.decline(token=token, origin=origin_of(request))
        return HttpResponse(status=204)


class SnoozeView(AskingView):
    @extend_schema(request=None, responses={204: None, **ERRORS}, operation_id="snooze", tags=["asking"])
    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Report that the person wants to be asked later."""
        invitations.snooze(token=token, origin=origin_of(request))
        return HttpResponse(status=204)
