"""Saved views: choices of filters of the list of responses that staff keep under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from feedback.models import SavedView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.contrib.auth.models import User

LONGEST_NAME: Final = 60
LONGEST_VALUE: Final = 200
MOST_OF_ONE_OWNER: Final = 50


@transaction.atomic
def save_view(*, owner: User, name: str, filters: Mapping[str, str], is_shared: bool = False) -> SavedView:
    """Keep filters under a name; a view of the same owner and name is replaced.

    Args:
        name: at most 60 characters.
        filters: the list's own filters and nothing else: words that were searched for may name a person.

    Raises:
        ValidationError: ``name_required``, ``too_long``, ``nothing_to_save`` or ``too_many``.
    """
    name = _checked(name)
    if not filters:
        raise ValidationError(_("Choose a filter first: there is nothing to save."), code="nothing_to_save")
    if any(len(value) > LONGEST_VALUE for value in filters.values()):
        raise ValidationError(_("At most %(limit)s characters."), code="too_long", params={"limit": LONGEST_VALUE})
    others = SavedView.objects.filter(owner=owner).exclude(name=name)
    if others.count() >= MOST_OF_ONE_OWNER:
        raise ValidationError(
            _("You have %(most)s saved views. Delete one first."), code="too_many", params={"most": MOST_OF_ONE_OWNER}
        )
    view, _created = SavedView.objects.update_or_create(
        owner=owner, name=name, defaults={"filters": dict(filters), "is_shared": is_shared}
    )
    return view


def rename_view(*, view: SavedView, name: str, is_shared: bool) -> SavedView:
    """Give a view another name, and say whether colleagues see it.

    Raises:
        ValidationError: ``name_required``, ``too_long`` or ``name_taken``.
    """
    view.name, view.is_shared = _checked(name), is_shared
    try:
        with transaction.atomic():
            view.save(update_fields=["name", "is_shared"])
    except IntegrityError as error:
        raise ValidationError(_("You have another view with this name."), code="name_taken") from error
    return view


@transaction.atomic
def delete_view(*, view: SavedView) -> None:
    """Forget a view; the responses it showed stay."""
    view.delete()


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise ValidationError(_("Name the view."), code="name_required")
    if len(name) > LONGEST_NAME:
        raise ValidationError(_("At most %(limit)s characters."), code="too_long", params={"limit": LONGEST_NAME})
    return name
