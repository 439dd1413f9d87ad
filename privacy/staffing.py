"""Who among the staff may manage whom: nobody gives more than they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from privacy.models import Controller, Membership, Product

if TYPE_CHECKING:
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
    """Tell whether the user may change an account: not a superuser's, and not one that sees more than they do."""
    if user.is_superuser:
        return True
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


@transaction.atomic
def join(*, user: User, controller: Controller, product: Product | None = None) -> None:
    """Let somebody who set up a controller or product see it, unless they do already."""
    if user.is_superuser:
        return
    if product is not None and Product.objects.visible_to(user).filter(pk=product.pk).exists():
        return
    Membership.objects.get_or_create(user=user, controller=controller, product=product)
