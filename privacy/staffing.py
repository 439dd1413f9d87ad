"""Who among the staff may manage whom: nobody gives more than they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from privacy.alerting import owe_alerts
from privacy.models import OVERSEE, Controller, Membership, Product, StaffChange

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet


def memberships_within(user: User) -> QuerySet[Membership]:
    """Return the memberships that show no more than the user sees."""
    if user.is_superuser:
        return Membership.objects.all()
    whole = Membership.objects.filter(user=user, product=None).values("controller")
    return Membership.objects.filter(Q(controller__in=whole) | Q(product__in=Product.objects.visible_to(user)))


def visible_staff(user: User) -> QuerySet[User]:
    """Return the accounts that the user may see: their own, colleagues of their products, and those without any."""
    if user.is_superuser:
        return User.objects.all()
    colleagues = Q(memberships__in=memberships_within(user)) | Q(memberships=None)
    return User.objects.filter(pk__in=User.objects.filter(colleagues | Q(pk=user.pk)).values("pk"))


def may_manage(user: User, account: User) -> bool:
    """Tell whether the user may change an account.

    Not a superuser's, not one that sees more than they do, and not one that watches over them: data protection
    officers manage each other, or whoever has the server does.
    """
    if user.is_superuser:
        return True
    if _watches(account) and not user.has_perm(OVERSEE):
        return False
    beyond = account.memberships.exclude(pk__in=memberships_within(user).values("pk"))
    return not account.is_superuser and not beyond.exists()


def check_grant(*, by: User, controller: Controller, product: Product | None) -> None:
    """Refuse a membership that shows more than the user who gives it sees.

    Raises:
        ValidationError: ``wider_than_own``.
    """
    if by.is_superuser:
        return
    if product is not None and Product.objects.visible_to(by).filter(pk=product.pk).exists():
        return
    if product is None and Membership.objects.filter(user=by, controller=controller, product=None).exists():
        return
    raise ValidationError(
        _("You can only give what you see yourself: choose one of your products."), code="wider_than_own"
    )


def roles_to_give(user: User) -> QuerySet[Group]:
    """Return the groups that the user may give: those that watch over staff are given by those who do."""
    if user.is_superuser or user.has_perm(OVERSEE):
        return Group.objects.all()
    return Group.objects.exclude(permissions__in=_watching())


def _watching() -> QuerySet[Permission]:
    app, codename = OVERSEE.split(".")
    return Permission.objects.filter(codename=codename, content_type__app_label=app)


def _watches(account: User) -> bool:
    """Tell whether an account watches over staff, also while it is switched off and ``has_perm`` denies everything."""
    given = _watching().filter(Q(user=account) | Q(group__user=account))
    return account.is_superuser or given.exists()


def check_removal(*, by: User, account: User) -> None:
    """Refuse to take a product from somebody whom the user may not manage.

    Raises:
        ValidationError: ``not_yours_to_take``.
    """
    if not by.is_superuser and _watches(account) and not by.has_perm(OVERSEE):
        raise ValidationError(
            _("Only a data protection officer takes products from a data protection officer."), "not_yours_to_take"
        )


@transaction.atomic
def record_change(
    *,
    by: User,
    account: User,
    kind: StaffChange.Kind,
    given: Iterable[str] = (),
    taken: Iterable[str] = (),
    controllers: Iterable[Controller] = (),
) -> StaffChange:
    """Record what somebody changed about a staff account, and owe the data protection officers a mail about it.

    Args:
        given: roles or products by name.
        controllers: those concerned beside the ones that the account and whoever changed it see.
    """
    seen = Membership.objects.filter(user__in=[by, account]).values("controller")
    concerned = {*Controller.objects.filter(pk__in=seen), *controllers}
    change = StaffChange.objects.create(
        at=timezone.now(), by=by, account=account, kind=kind, given=sorted(given), taken=sorted(taken)
    )
    change.controllers.set(concerned)
    owe_alerts(about=change, controllers=sorted(concerned, key=lambda controller: controller.pk))
    return change


@dataclass(frozen=True)
class Standing:
    """What an account is at one moment, to be compared with what it is later."""

    roles: frozenset[str]
    password: str
    is_active: bool


def standing_of(account: User) -> Standing:
    """Return what is stored about an account, whatever was changed in memory."""
    stored = User.objects.get(pk=account.pk)
    roles = frozenset(stored.groups.values_list("name", flat=True))
    return Standing(roles=roles, password=stored.password, is_active=stored.is_active)


@transaction.atomic
def record_changes(*, by: User, account: User, before: Standing | None) -> list[StaffChange]:
    """Record everything that is different about an account.

    Args:
        before: how it stood; ``None`` where it was made just now.
    """
    after, changes = standing_of(account), []
    kinds = StaffChange.Kind
    if before is None:
        changes.append(record_change(by=by, account=account, kind=kinds.MADE, given=after.roles))
        return changes
    if before.roles != after.roles:
        given, taken = after.roles - before.roles, before.roles - after.roles
        changes.append(record_change(by=by, account=account, kind=kinds.ROLES, given=given, taken=taken))
    if before.password != after.password and by.pk != account.pk:
        changes.append(record_change(by=by, account=account, kind=kinds.PASSWORD))
    if before.is_active != after.is_active:
        switched = kinds.SWITCHED_ON if after.is_active else kinds.SWITCHED_OFF
        changes.append(record_change(by=by, account=account, kind=switched))
    return changes


@transaction.atomic
def record_memberships(*, by: User, added: Iterable[Membership], removed: Iterable[Membership]) -> list[StaffChange]:
    """Record which products were given to, and taken from, which accounts."""
    touched: dict[User, tuple[list[Membership], list[Membership]]] = {}
    for place, memberships in enumerate((added, removed)):
        for membership in memberships:
            touched.setdefault(membership.user, ([], []))[place].append(membership)
    return [
        record_change(
            by=by,
            account=account,
            kind=StaffChange.Kind.PRODUCTS,
            given=[_name_of(membership) for membership in given],
            taken=[_name_of(membership) for membership in taken],
            controllers=[membership.controller for membership in (*given, *taken)],
        )
        for account, (given, taken) in touched.items()
    ]


def _name_of(membership: Membership) -> str:
    return str(membership.product or membership.controller)


@transaction.atomic
def join(*, user: User, controller: Controller, product: Product | None = None) -> None:
    """Let somebody who set up a controller or product see it, unless they do already."""
    if user.is_superuser:
        return
    if product is not None and Product.objects.visible_to(user).filter(pk=product.pk).exists():
        return
    Membership.objects.get_or_create(user=user, controller=controller, product=product)
