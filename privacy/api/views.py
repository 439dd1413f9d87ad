"""File requests of people whom the product's backend vouches for, see how they stand, or send the people here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import APIView

from privacy.api.keys import RightsKey
from privacy.api.serializers import ErrorOutput, LinkInput, LinkOutput, RequestInput, RequestOutput
from privacy.intake import Content, file_request
from privacy.limits import Limit, hit
from privacy.links import LIFE, Guest, make_link
from privacy.models import IdentityProof, RightsRequest
from privacy.tasks import queue_work_of

if TYPE_CHECKING:
    from rest_framework.request import Request

    from privacy.models import Product

PER_PRODUCT: Final = Limit("rights-api-product", times=120, seconds=60)
ERRORS: Final = {
    status: OpenApiResponse(ErrorOutput, description=description)
    for status, description in {
        400: "Invalid input; nothing was stored.",
        401: "No key that may file rights requests.",
        429: "Too many calls; see Retry-After.",
    }.items()
}


@method_decorator(never_cache, name="dispatch")
class RightsView(APIView):
    authentication_classes = (RightsKey,)
    permission_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if wait := hit(PER_PRODUCT, str(self.product.pk)):
            raise exceptions.Throttled(wait)

    @property
    def product(self) -> Product:
        key: Any = self.request.auth
        product: Product = key.product
        return product


class RequestsView(RightsView):
    @extend_schema(
        request=RequestInput,
        responses={201: RequestOutput, **ERRORS},
        operation_id="file_rights_request",
        tags=["rights"],
    )
    def post(self, request: Request) -> Response:
        """File a request of somebody who is logged in to the product: its server vouches for who they are."""
        given = RequestInput(data=request.data)
        given.is_valid(raise_exception=True)
        filed = _file(self.product, given.validated_data)
        queue_work_of(filed)
        return Response(RequestOutput(filed).data, status=201)


class RequestView(RightsView):
    @extend_schema(
        responses={200: RequestOutput, 404: ErrorOutput, **ERRORS}, operation_id="see_rights_request", tags=["rights"]
    )
    def get(self, request: Request, reference: str) -> Response:
        """Tell how a request stands that came from the product."""
        filed = RightsRequest.objects.filter(product=self.product, source=RightsRequest.Source.PRODUCT)
        asked = filed.filter(reference=reference, proofs__kind=IdentityProof.Kind.SIGNED).first()
        if asked is None:
            raise exceptions.NotFound(_("There is no such request from this product."), code="unknown_request")
        return Response(RequestOutput(asked).data)


class LinksView(RightsView):
    @extend_schema(
        request=LinkInput, responses={201: LinkOutput, **ERRORS}, operation_id="make_rights_link", tags=["rights"]
    )
    def post(self, request: Request) -> Response:
        """Make the address of a button such as "my data": the form there knows which account is theirs, for an hour."""
        given = LinkInput(data=request.data)
        given.is_valid(raise_exception=True)
        user = given.validated_data["user"]
        guest = Guest(product=self.product, account=user["id"], email=user.get("email", ""))
        link = {"url": make_link(guest), "expires_at": timezone.now() + LIFE}
        return Response(LinkOutput(link).data, status=201)


def _file(product: Product, said: dict[str, Any]) -> RightsRequest:
    user = said.pop("user")
    content = Content(
        controller=product.controller,
        product=product,
        account=user["id"],
        email=user.get("email", ""),
        rights=tuple(said.pop("rights")),
        **said,
    )
    return file_request(content=content)
