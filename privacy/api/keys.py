"""How a product's own server proves itself: ``Authorization: Bearer sk_…``; no cookie and no origin counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from django.utils.translation import gettext_lazy as _
from drf_spectacular.drainage import set_override
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled

from privacy.limits import Limit, address_prefix, hit
from privacy.models import ServerKey
from privacy.server_keys import recognise

if TYPE_CHECKING:
    from typing import Any

    from rest_framework.request import Request

LONGEST_KEY: Final = 255
WRONG_KEYS: Final = Limit("server-key-wrong", times=60, seconds=60)


class InvalidKey(AuthenticationFailed):
    default_code = "invalid_key"
    default_detail = _("This is not a key that is in force and may do this.")
    auth_header = "Bearer"


class KeyAuthentication(BaseAuthentication):
    """Recognises a key that may do what the subclass names; the request's ``auth`` is then that key."""

    scope: ClassVar[ServerKey.Scope]

    def authenticate(self, request: Request) -> tuple[None, ServerKey]:
        scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
        key = None
        if scheme.lower() == "bearer" and len(secret) <= LONGEST_KEY:
            key = recognise(secret.strip(), scope=self.scope)
        if key is None:
            wait = hit(WRONG_KEYS, address_prefix(request))
            raise Throttled(wait) if wait is not None else InvalidKey
        return None, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class RightsKey(KeyAuthentication):
    scope = ServerKey.Scope.RIGHTS


class AskKey(KeyAuthentication):
    scope = ServerKey.Scope.ASK


# One scheme describes them all: what a key may do is said by each door.
set_override(KeyAuthentication, "suppress_collision_warning", True)


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """How the schema describes it."""

    target_class = KeyAuthentication
    match_subclasses = True
    name = "serverKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A server key of the product: sk_…"}
