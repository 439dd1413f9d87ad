"""Reading requests: JSON of at most 32 kB, whatever content type the browser was able to send it with."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST_BODY: Final = 32 * 1024


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body_too_large"
    default_detail = _("The body of a request has at most 32 kB.")


class MalformedJSON(ParseError):
    default_code = "malformed_json"
    default_detail = _("The body is not valid JSON.")


class SmallJSONParser(BaseParser):
    """Read JSON under any content type: ``sendBeacon`` can only send plain text without asking first.

    ``NaN`` is let through to the fields, which say better than a parser what is wrong with it.
    """

    media_type = "*/*"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(LARGEST_BODY + 1)
        if len(body) > LARGEST_BODY:
            raise BodyTooLarge
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise MalformedJSON from error
