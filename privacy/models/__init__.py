"""Models of the ground floor: who is responsible, who among the staff may see what, and what data subjects ask for."""

from privacy.models.access import AccessLogEntry
from privacy.models.delivering import Incident, Package, Redaction, Unlock
from privacy.models.fulfilling import Answer, Approval, Correction, RequestAlarm, RequestTask
from privacy.models.organisation import Controller, Membership, Product, ServerKey, SigningSecret, origin_is_accepted
from privacy.models.oversight import OVERSEE, Alert, BreakGlass, StaffChange
from privacy.models.recipients import Disclosure, Recipient
from privacy.models.requests import (
    IdentityProof,
    RequestEvent,
    RequestItem,
    RequestMessage,
    RequestToken,
    Right,
    RightsRequest,
)
from privacy.models.suppression import Suppression

__all__ = [
    "OVERSEE",
    "AccessLogEntry",
    "Alert",
    "Answer",
    "Approval",
    "BreakGlass",
    "Controller",
    "Correction",
    "Disclosure",
    "IdentityProof",
    "Incident",
    "Membership",
    "Package",
    "Product",
    "Recipient",
    "Redaction",
    "RequestAlarm",
    "RequestEvent",
    "RequestItem",
    "RequestMessage",
    "RequestTask",
    "RequestToken",
    "Right",
    "RightsRequest",
    "ServerKey",
    "SigningSecret",
    "StaffChange",
    "Suppression",
    "Unlock",
    "origin_is_accepted",
]
