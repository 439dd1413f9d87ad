"""Reading requests: JSON of limited size, whatever content type the browser was able to send it with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError

if TYPE_CHECKING:
    from django.http import HttpRequest

LARGEST_BODY: Final = 32 * 1024
# An answer may have a comment of 10,000 characters and 20 reasons of 80, and some clients escape each character of a
# text: an emoji then travels as two escapes of six bytes. No more than this is needed for the longest valid answer.
LARGEST_ANSWER: Final = 144 * 1024


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body_too_large"

    def __init__(self, largest: int) -> None:
        super().__init__(_("The body of this request has at most %(size)d kB.") % {"size": largest // 1024})


class MalformedJSON(ParseError):
    default_code = "malformed_json"
    default_detail = _("The body is not valid JSON.")


def read_json(request: HttpRequest, *, largest: int = LARGEST_BODY) -> Any:
    """Return the body, under any content type: ``sendBeacon`` can only send plain text without asking first.

    Nothing at all is an empty object. ``NaN`` is let through to the fields, which say better what is wrong with it.

    Args:
        largest: number of bytes.

    Raises:
        BodyTooLarge: there are more bytes than that.
        MalformedJSON: no JSON.
    """
    body = request.read(largest + 1)
    if len(body) > largest:
        raise BodyTooLarge(largest)
    try:
        return json.loads(body) if body else {}
    except (ValueError, RecursionError) as error:
        raise MalformedJSON from error
