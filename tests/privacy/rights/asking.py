"""Requests whose maker proved who they are, and tasks of their plans, as the lines between the parts describe them."""

from __future__ import annotations

from typing import Any

from privacy.encryption import keyed_hash
from privacy.identity import mailbox_hash
from privacy.models import IdentityProof, RequestItem, RequestTask, Right, RightsRequest
from tests.factories import make_rights_request

KINDS = IdentityProof.Kind


def make_proved_request(*, kind: str = KINDS.MAILBOX, identifier: str = "", **overrides: Any) -> RightsRequest:
    """Make a request whose maker proved an identifier; by default their mailbox, from which they also wrote."""
    if kind == KINDS.MAILBOX and identifier:
        overrides = {"email": identifier, "email_hash": mailbox_hash(identifier), **overrides}
    request = make_rights_request(**overrides)
    fingerprint = mailbox_hash(identifier) if kind == KINDS.MAILBOX else keyed_hash(kind, identifier)
    IdentityProof.objects.create(request=request, kind=kind, identifier=identifier, identifier_hash=fingerprint)
    return request


def make_task(request: RightsRequest, kind: str, *, right: str = Right.ERASURE, **overrides: Any) -> RequestTask:
    """Make a planned task of a request's right."""
    of_item = {name: overrides.pop(name) for name in ("leaves_suppression", "objects_to") if name in overrides}
    item, _created = RequestItem.objects.get_or_create(request=request, right=right, defaults=of_item)
    return RequestTask.objects.create(item=item, position=item.tasks.count() + 1, kind=kind, **overrides)
