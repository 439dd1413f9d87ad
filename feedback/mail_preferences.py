"""What each member of staff wants mail about, and when: their own choice, made on their page or from a mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import User
from django.core import signing
from django.db import transaction

from feedback.models import MailPreference, Notice, Subscription
from feedback.reports import SEE_FIGURES
from privacy.models import Product

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import time

    from django.db.models import QuerySet

DIGESTS: Final = (Notice.DAILY, Notice.WEEKLY)
SALT: Final = "feedback.unsubscribe"


def preference_of(user: User) -> MailPreference:
    """Return when and about what somebody wants mail, as stored or as it is without anything stored."""
    return MailPreference.objects.filter(user=user).first() or MailPreference(user=user)


def products_with_digests(user: User) -> QuerySet[Product]:
    """Return the products of which somebody may get digests: those they see, if they may see figures."""
    if not user.has_perm(SEE_FIGURES):
        return Product.objects.none()
    return Product.objects.visible_to(user).order_by("name", "pk")


@transaction.atomic
def save_preferences(
    *,
    user: User,
    muted: Collection[Notice],
    quiet: tuple[time, time] | None,
    time_zone: str,
    language: str,
    digests: Collection[tuple[int, Notice]],
) -> None:
    """Store what somebody chose for themselves.

    Args:
        muted: the notices they want no mail about.
        quiet: from when until when they want none at all, by the clock of ``time_zone``.
        digests: product and digest of each subscription; products they may get no digest of are left out.
    """
    begin, end = quiet or (None, None)
    MailPreference.objects.update_or_create(
        user=user,
        defaults={
            "muted": sorted(muted),
            "quiet_from": begin,
            "quiet_until": end,
            "time_zone": time_zone,
            "language": language,
        },
    )
    possible = set(products_with_digests(user).values_list("pk", flat=True))
    wanted = {(product, notice) for product, notice in digests if product in possible and notice in DIGESTS}
    held = {(one.product_id, Notice(one.notice)): one.pk for one in Subscription.objects.filter(user=user)}
    Subscription.objects.filter(pk__in=[pk for key, pk in held.items() if key not in wanted]).delete()
    Subscription.objects.bulk_create(
        [Subscription(user=user, product_id=product, notice=notice) for product, notice in sorted(wanted - set(held))],
        ignore_conflicts=True,
    )


@dataclass(frozen=True)
class Unsubscription:
    """What the link at the end of a mail would stop: one kind of notice, of one product where it is a digest."""

    user: User
    notice: Notice
    product: Product | None


def unsubscribe_token(*, user: User, notice: Notice, product_id: int | None) -> str:
    """Return what the link at the end of a mail carries: signed numbers, so that nobody can make one for others."""
    return signing.dumps([user.pk, notice.value, product_id if notice in DIGESTS else None], salt=SALT)


def read_unsubscribe_token(token: str) -> Unsubscription | None:
    """Return what a link would stop; ``None`` for one that we did not make, or whose account or product is gone."""
    try:
        user_id, notice, product_id = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    user = User.objects.filter(pk=user_id).first()
    product = Product.objects.filter(pk=product_id).first()
    if user is None or (product_id is not None and product is None):
        return None
    return Unsubscription(user, Notice(notice), product)


@transaction.atomic
def unsubscribe(*, what: Unsubscription) -> None:
    """Stop a kind of mail; twice is as good as once."""
    if what.notice in DIGESTS:
        Subscription.objects.filter(user=what.user, product=what.product, notice=what.notice).delete()
        return
    MailPreference.objects.get_or_create(user=what.user)
    preference = MailPreference.objects.select_for_update().get(user=what.user)
    preference.muted = sorted({*preference.muted, what.notice.value})
    preference.save(update_fields=["muted"])
