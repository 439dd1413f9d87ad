"""What an emergency access lets an administrator do, at the one place that every check of a permission asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth.backends import BaseBackend
from django.utils import timezone

from privacy.break_glass import open_access_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

# Reading only, and never people whose data are restricted: an emergency is no reason to work on somebody's data.
GRANTED: Final = frozenset(
    {
        *("feedback.view_response", "feedback.view_followup", "feedback.view_tag", "feedback.view_channelpermission"),
        *("feedback.view_identity", "feedback.read_comment"),
        *("privacy.view_rightsrequest", "privacy.reveal_rightsrequest"),
    }
)


class BreakGlassBackend(BaseBackend):
    """Adds permissions to an administrator while their emergency access lasts; logs nobody in.

    Lists, pages, searches and exports ask ``user.has_perm``, which asks every backend: none of them can forget it.
    """

    def has_perm(self, user_obj: AbstractBaseUser | AnonymousUser, perm: str, obj: Any = None) -> bool:
        return perm in GRANTED and self._is_open(user_obj)

    def has_module_perms(self, user_obj: AbstractBaseUser | AnonymousUser, app_label: str) -> bool:
        return any(perm.startswith(f"{app_label}.") for perm in GRANTED) and self._is_open(user_obj)

    def get_all_permissions(self, user_obj: AbstractBaseUser | AnonymousUser, obj: Any = None) -> set[str]:
        return set(GRANTED) if obj is None and self._is_open(user_obj) else set()

    def _is_open(self, user: Any) -> bool:
        """Ask once for each user object, which lives as long as a request does."""
        if not hasattr(user, "_open_access"):
            user._open_access = open_access_of(user)
        access = user._open_access
        return access is not None and access.expires_at > timezone.now()
