"""Who of the staff works on rights requests: privacy officers, and data protection officers who also decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q

from privacy.models import RightsRequest

if TYPE_CHECKING:
    from django.db.models import QuerySet

HANDLE: Final = "privacy.handle_rightsrequest"
DECIDE: Final = "privacy.decide_rightsrequest"
# Permissions of roles only: an emergency access makes nobody an officer.
ROLES: Final = "django.contrib.auth.backends.ModelBackend"


def authorise(*, user: User, request: RightsRequest, permission: str = HANDLE) -> None:
    """Let staff work on a request who see it and hold the permission.

    Raises:
        PermissionDenied: everybody else.
    """
    if not user.has_perm(permission) or not RightsRequest.objects.visible_to(user).filter(pk=request.pk).exists():
        raise PermissionDenied


def officers_for(request: RightsRequest) -> QuerySet[User]:
    """Return who is warned about a request: the officers who see it, as their accounts stand now."""
    sees = Q(memberships__product__isnull=True) | Q(memberships__product=request.product_id)
    handlers = User.objects.with_perm(HANDLE, backend=ROLES, include_superusers=False).filter(is_active=True)
    return handlers.filter(sees, memberships__controller=request.controller_id).distinct()
