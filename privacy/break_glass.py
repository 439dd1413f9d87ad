"""Emergency access: an administrator opens personal data for an hour, and those who watch over it are told at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from privacy.alerting import owe_alerts
from privacy.models import BreakGlass, Controller

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

OPEN: Final = "privacy.add_breakglass"
LASTS: Final = timedelta(hours=1)
SHORTEST_REASON: Final = 10


@transaction.atomic
def open_access(*, user: User, reason: str) -> BreakGlass:
    """Open the user's access to personal data for one hour and owe the alerts about it.

    One that is still open is returned as it is: it can be ended and opened anew, never extended.

    Raises:
        PermissionDenied: the user is no administrator.
        ValidationError: ``reason_missing`` where it says next to nothing; ``nothing_to_open`` where the user sees no
            controller.
    """
    if user.is_superuser or not user.has_perm(OPEN):
        raise PermissionDenied
    if len(reason.strip()) < SHORTEST_REASON:
        raise ValidationError(_("Say what happened and what you need to see."), code="reason_missing")
    User.objects.select_for_update(of=("self",)).get(pk=user.pk)  # two doors at once open one access
    if (still_open := open_access_of(user)) is not None:
        return still_open
    controllers = list(Controller.objects.visible_to(user))
    if not controllers:
        raise ValidationError(_("You are a member of no product, so there is nothing to open."), "nothing_to_open")
    ran_out = BreakGlass.objects.filter(user=user, ended_at__isnull=True)
    for access in ran_out:
        access.ended_at = access.expires_at
        access.save(update_fields=["ended_at"])
    now = timezone.now()
    access = BreakGlass.objects.create(user=user, reason=reason.strip(), opened_at=now, expires_at=now + LASTS)
    access.controllers.set(controllers)
    owe_alerts(about=access, controllers=controllers)
    return access


@transaction.atomic
def end_access(*, user: User) -> bool:
    """End the user's access now; tell whether there was one."""
    now = timezone.now()
    return BreakGlass.objects.lasting(now).filter(user=user).update(ended_at=now) > 0


def open_access_of(user: User | AnonymousUser) -> BreakGlass | None:
    """Return the user's access that is in force; nobody but administrators costs a query."""
    if not user.is_active or user.is_superuser or not user.has_perm(OPEN):
        return None
    return BreakGlass.objects.lasting().filter(user_id=user.pk).first()
