"""Whose work it is, and how urgent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from feedback.follow_up.clocks import first_contact_due, schedule_of
from feedback.follow_up.locking import WORK, check_still_worked_on, lock_follow_up
from feedback.models import FollowUp, Notice, Priority, Team
from feedback.staff_mail import owe
from privacy.models import Product

if TYPE_CHECKING:
    from django.db.models import QuerySet

BACKEND = "django.contrib.auth.backends.ModelBackend"


@transaction.atomic
def assign(
    *,
    follow_up: FollowUp,
    to: User | None,
    by: User,
    team: Team | None = None,
    seen: tuple[int | None, int | None] | None = None,
) -> FollowUp:
    """Give a follow-up to a member of staff, a team, both, or to nobody; who gets it from somebody else is told.

    Args:
        seen: the ids of the owner and the team that ``by`` was shown; nothing where they decided without looking.

    Raises:
        ValidationError: ``not_open``, ``changed_meanwhile``, ``owner_not_staff``, ``owner_may_not_work``,
            ``owner_cannot_see_product`` or ``foreign_team``.
    """
    follow_up = lock_follow_up(follow_up)
    check_still_worked_on(follow_up)
    current = (follow_up.owner_id, follow_up.team_id)
    if (to.pk if to else None, team.pk if team else None) == current:
        return follow_up
    if seen not in {None, current}:
        raise ValidationError(
            _("Somebody else assigned it meanwhile. See who has it now, and decide again."), code="changed_meanwhile"
        )
    check_owner(to, follow_up.product_id)
    check_team(team, follow_up.product_id)
    is_new_owner = to is not None and to.pk != follow_up.owner_id
    follow_up.owner, follow_up.team = to, team
    follow_up.save(update_fields=["owner", "team"])
    if to is not None and is_new_owner and to.pk != by.pk:
        tell_of_assignment(follow_up, to)
    return follow_up


@transaction.atomic
def set_priority(*, follow_up: FollowUp, priority: str, by: User) -> FollowUp:
    """Say how urgent a follow-up is. High starts the clock where none ran; a date once promised is never taken back.

    Raises:
        ValidationError: ``invalid_priority`` or ``not_open``.
    """
    check_priority(priority)
    follow_up = lock_follow_up(follow_up)
    check_still_worked_on(follow_up)
    follow_up.priority = priority
    if follow_up.due_at is None and follow_up.contacted_at is None:
        follow_up.due_at = first_contact_due(
            band=follow_up.response.band,
            priority=priority,
            opened_at=timezone.now(),
            schedule=schedule_of(follow_up.product),
        )
    follow_up.save(update_fields=["priority", "due_at"])
    return follow_up


def staff_who_see(product: Product, permission: str) -> QuerySet[User]:
    """Return the active staff who see a product and hold a permission, by name."""
    holders = User.objects.with_perm(permission, backend=BACKEND)
    sees_it = Q(memberships__product=product) | Q(
        memberships__controller=product.controller_id, memberships__product=None
    )
    return holders.filter(Q(is_superuser=True) | sees_it, is_staff=True, is_active=True).distinct().order_by("username")


def possible_owners(product: Product) -> QuerySet[User]:
    """Return the active staff who see a product and may work on follow-ups."""
    return staff_who_see(product, WORK)


def possible_teams(product: Product) -> QuerySet[Team]:
    """Return the teams that may get follow-ups of a product."""
    teams: QuerySet[Any] = Team.objects.filter(product=product).order_by("name")
    return teams


def tell_of_assignment(follow_up: FollowUp, to: User) -> None:
    occasion = f"{timezone.now():%Y%m%d%H%M%S%f}"
    owe(user=to, notice=Notice.ASSIGNED, key=f"assigned:{follow_up.pk}:{occasion}", follow_up=follow_up)


def check_priority(priority: str) -> None:
    if priority not in Priority.values:
        raise ValidationError(_("Choose one of the priorities."), code="invalid_priority")


def check_team(team: Team | None, product_id: int) -> None:
    if team is not None and team.product_id != product_id:
        raise ValidationError(_("This team works for another product."), code="foreign_team")


def check_owner(owner: User | None, product_id: int) -> None:
    if owner is None:
        return
    if not (owner.is_staff and owner.is_active):
        raise ValidationError(_("Only an active member of staff can work on it."), code="owner_not_staff")
    if not owner.has_perm(WORK):
        raise ValidationError(
            _("%(name)s may not work on follow-ups."), code="owner_may_not_work", params={"name": owner.get_username()}
        )
    if not Product.objects.visible_to(owner).filter(pk=product_id).exists():
        raise ValidationError(
            _("%(name)s does not see this product."),
            code="owner_cannot_see_product",
            params={"name": owner.get_username()},
        )
