"""The one form of an error: ``{"code", "detail", "fields": {name: [{"code", "detail"}]}}``. Codes are stable."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback


def error_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the answer to an exception of an API view, or ``None`` where it is no mistake of the caller's."""
    if isinstance(error, DjangoValidationError):
        error = _as_input_error(error)
    elif isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    headers = {}
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(max(1, round(wait)))
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    return Response(body_of(error), status=error.status_code, headers=headers)


def _as_input_error(error: DjangoValidationError) -> exceptions.ValidationError:
    """Return a refusal of the domain with its code, and at the field that it is about where it names one."""
    if not hasattr(error, "error_dict"):
        return exceptions.ValidationError(error.messages, code=getattr(error, "code", None) or "invalid")
    return exceptions.ValidationError(
        {
            field: [exceptions.ErrorDetail(each.messages[0], each.code or "invalid") for each in problems]
            for field, problems in error.error_dict.items()
        }
    )


def body_of(error: exceptions.APIException) -> dict[str, Any]:
    """Return the body that describes an error; a problem with one field lends its code to the whole."""
    details = error.get_full_details()
    if isinstance(details, dict) and not {"code", "message"} >= set(details):
        fields = {name: _flat(entries) for name, entries in details.items()}
        first = next(iter(fields.values()))[0]
        return {"code": first["code"], "detail": first["detail"], "fields": fields}
    first = _flat(details)[0]
    return {**first, "fields": {}}


def _flat(details: Any) -> list[dict[str, str]]:
    if isinstance(details, list):
        return [entry for item in details for entry in _flat(item)]
    if {"code", "message"} >= set(details):
        # A message may quote what was sent, half a character among it, which no answer can carry.
        detail = str(details["message"]).encode("utf-8", "replace").decode()
        return [{"code": str(details["code"]), "detail": detail}]
    return [entry for item in details.values() for entry in _flat(item)]
