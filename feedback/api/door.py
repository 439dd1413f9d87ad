"""The door of the asking endpoints: what each of them does before and after its own work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.views import APIView

from feedback.api.limiting import count_call
from feedback.api.writing import as_json
from feedback.identity import IdentityError
from feedback.invitations import InvitationError

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


class Refusal(APIException):
    """An ``InvitationError`` or ``IdentityError`` as an answer."""

    def __init__(self, error: InvitationError | IdentityError) -> None:
        self.status_code = error.status
        details: Any = {error.field: [error.message]} if error.field else error.message
        super().__init__(details, code=error.code)


class AskingView(APIView):
    """A view that anybody may call who knows a product's public key or an invitation's token.

    These run at page views of the host's products. Of what the framework does for a request they need the counting,
    the form of errors and the description in the schema; wrapping requests and answers, negotiating what to answer in
    and authenticating nobody would take a sixth of their time.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            count_call(request, **kwargs)
            answer = self._handle(request, **kwargs)
        except (InvitationError, IdentityError) as error:
            answer = self._refuse(Refusal(error))
        except (APIException, ValidationError) as error:
            answer = self._refuse(error)
        answer._csp_exempt = True  # type: ignore[attr-defined]  # JSON shows nothing: a policy for pages would only cost time and bytes
        return answer

    def _handle(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        method = (request.method or "").lower()
        handler = getattr(self, method, None) if method in self.http_method_names and method != "options" else None
        if handler is None:
            raise MethodNotAllowed(request.method or "")
        answer: HttpResponse = handler(request, **kwargs)
        return answer

    def _refuse(self, error: Exception) -> HttpResponse:
        """Return the answer that describes an error, in the one form that errors have."""
        described = self.get_exception_handler()(error, {})
        answer = answer_in_json(as_json(described.data), described.status_code)
        if "Retry-After" in described:
            answer["Retry-After"] = described["Retry-After"]
        return answer


def answer_in_json(text: str, status: int = 200) -> HttpResponse:
    """Return an answer; there is no other format to choose from."""
    return HttpResponse(text.encode(), status=status, content_type="application/json")
