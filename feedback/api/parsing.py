"""Reading requests: JSON of at most 32 kB, whatever content type the browser was able to send it with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError

if TYPE_CHECKING:
    from django.http import HttpRequest

LARGEST_BODY: Final = 32 * 1024


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body_too_large"
    default_detail = _("The body of a request has at most 32 kB.")


class MalformedJSON(ParseError):
    default_code = "malformed_json"
    default_detail = _("The body is not valid JSON.")


def read_json(request: HttpRequest) -> Any:
    """Return the body, under any content type: ``sendBeacon`` can only send plain text without asking first.

    Nothing at all is an empty object. ``NaN`` is let through to the fields, which say better what is wrong with it.

    Raises:
        BodyTooLarge: more than 32 kB.
        MalformedJSON: no JSON.
    """
    body = request.read(LARGEST_BODY + 1)
    if len(body) > LARGEST_BODY:
        raise BodyTooLarge
    try:
        return json.loads(body) if body else {}
    except (ValueError, RecursionError) as error:
        raise MalformedJSON from error
