"""Keys with which a product's backend calls the API: issued once, recognised by their digest, revoked at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from privacy.encryption import new_token, token_digest
from privacy.models import ServerKey

if TYPE_CHECKING:
    from collections.abc import Collection

    from privacy.models import Product

PREFIX: Final = "sk_"


@transaction.atomic
def issue(*, product: Product, name: str, scopes: Collection[str]) -> tuple[ServerKey, str]:
    """Make a key for a product's backend; the secret is returned here and never again.

    Raises:
        ValidationError: ``required`` where the key has no name or may do nothing, ``unknown_scope``.
    """
    if not name.strip() or not scopes:
        raise ValidationError(_("Say what uses the key, and what it may do."), "required")
    if not set(scopes) <= set(ServerKey.Scope.values):
        raise ValidationError(_("Choose among what is listed."), "unknown_scope")
    secret = PREFIX + new_token()
    key = ServerKey.objects.create(
        product=product, name=name.strip(), digest=token_digest(secret), ending=secret[-4:], scopes=sorted(scopes)
    )
    return key, secret


def recognise(secret: str, *, scope: ServerKey.Scope) -> ServerKey | None:
    """Return the key in force that has this secret and may do this, or ``None``; one statement."""
    if not secret.startswith(PREFIX):
        return None
    keys = ServerKey.objects.select_related("product__controller")
    return keys.filter(digest=token_digest(secret), revoked_at__isnull=True, scopes__contains=[scope]).first()


@transaction.atomic
def revoke(*, key: ServerKey) -> None:
    """Take a key out of force, from the next call on; twice is as good as once."""
    ServerKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())
