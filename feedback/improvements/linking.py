"""Which feedback led to an improvement: responses one by one, and tags for all that have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from feedback.models import Improvement, Response, ResponseTag, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.models import User

    from feedback.models.capturing import ResponseQuerySet

LINKS: Any = Improvement.responses.through
TAGS: Any = Improvement.tags.through


def lock(improvement: Improvement) -> Improvement:
    """Make everybody who changes this improvement wait in line, and return it as it is now."""
    rows = Improvement.objects.select_for_update(no_key=True, of=("self",)).select_related("product")
    return cast("Improvement", rows.get(pk=improvement.pk))


@transaction.atomic
def link(*, improvement: Improvement, responses: Iterable[Response], by: User) -> int:
    """Say that these responses led to the improvement; return how many were not linked before.

    Responses to other products, tests and those of restricted people are left out.

    Raises:
        ValidationError: ``already_mailed``.
    """
    improvement = _lock_links(improvement)
    wanted = Response.objects.filter(pk__in=[response.pk for response in responses])
    fitting = wanted.filter(product=improvement.product_id, is_test=False).order_by("pk")
    # A foreign key's own lock: nobody deletes them meanwhile, everything else goes on.
    locked = set(fitting.select_for_update(no_key=True).values_list("pk", flat=True))
    new = locked - set(LINKS.objects.filter(improvement=improvement).values_list("response_id", flat=True))
    LINKS.objects.bulk_create([LINKS(improvement=improvement, response_id=pk) for pk in sorted(new)], batch_size=1000)
    return len(new)


@transaction.atomic
def unlink(*, improvement: Improvement, responses: Iterable[Response], by: User) -> int:
    """Take responses off an improvement; return how many were linked.

    Raises:
        ValidationError: ``already_mailed``.
    """
    improvement = _lock_links(improvement)
    links = LINKS.objects.filter(improvement=improvement, response__in=[response.pk for response in responses])
    count: int = links.delete()[0]
    return count


@transaction.atomic
def set_tags(*, improvement: Improvement, tags: Iterable[Tag], by: User) -> None:
    """Link every response that has one of these tags, now or by the time the mail is sent, and no others by tag.

    Raises:
        ValidationError: ``already_mailed`` or ``foreign_tag``.
    """
    improvement, tags = _lock_links(improvement), list(tags)
    if any(tag.product_id != improvement.product_id for tag in tags):
        raise ValidationError(_("A tag of another product cannot be linked."), code="foreign_tag")
    improvement.tags.set(tags)


def linked_responses(improvement: Improvement) -> ResponseQuerySet:
    """Return the responses that led to the improvement, linked themselves or by one of their tags."""
    singly = LINKS.objects.filter(improvement=improvement.pk).values("response")
    by_tag = ResponseTag.objects.filter(tag__in=TAGS.objects.filter(improvement=improvement.pk).values("tag")).values(
        "response"
    )
    rows: ResponseQuerySet = Response.objects.filter(
        pk__in=singly.union(by_tag), product=improvement.product_id, is_test=False
    )
    return rows


def responses_to_link(improvement: Improvement, *, user: User) -> ResponseQuerySet:
    """Return the responses to the product that the user sees and that are not linked one by one."""
    seen: ResponseQuerySet = Response.objects.visible_to(user)
    linked = LINKS.objects.filter(improvement=improvement.pk).values("response")
    return seen.filter(product=improvement.product_id, is_test=False).exclude(pk__in=linked)


def _lock_links(improvement: Improvement) -> Improvement:
    improvement = lock(improvement)
    if improvement.mailed_at is not None:
        raise ValidationError(
            _("Those who gave linked feedback were told already, so the links stay as they were."),
            code="already_mailed",
        )
    return improvement
