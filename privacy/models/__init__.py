"""Models of the ground floor: who is responsible, who among the staff may see what, and what data subjects ask for."""

from privacy.models.access import AccessLogEntry
from privacy.models.organisation import Controller, Membership, Product, SigningSecret, origin_is_accepted
from privacy.models.oversight import OVERSEE, Alert, BreakGlass, StaffChange
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
    "BreakGlass",
    "Controller",
    "IdentityProof",
    "Membership",
    "Product",
    "RequestEvent",
    "RequestItem",
    "RequestMessage",
    "RequestToken",
    "Right",
    "RightsRequest",
    "SigningSecret",
    "StaffChange",
    "Suppression",
    "origin_is_accepted",
]
