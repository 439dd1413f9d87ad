"""Triage: what staff do to responses before anybody acts on them. Tallies follow in the same statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from feedback.models import Response, ResponseTag, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.models import User
    from django.db.models import QuerySet

LONGEST_REASON: Final = 300
LONGEST_TAG: Final = 60


@transaction.atomic
def exclude(*, responses: Iterable[Response], reason: str, by: User) -> int:
    """Take responses out of every measure; return how many were in before.

    Args:
        reason: why they would mislead, at most 300 characters.

    Raises:
        ValidationError: ``reason_required`` or ``too_long``.
    """
    reason = reason.strip()
    if not reason:
        raise ValidationError(_("Say why these responses should not count."), code="reason_required")
    _check_length(reason, LONGEST_REASON)
    counted = _rows(responses).filter(excluded_at__isnull=True)
    return counted.update(excluded_at=timezone.now(), excluded_by=by, exclusion_reason=reason)


@transaction.atomic
def include(*, responses: Iterable[Response], by: User) -> int:
    """Let excluded responses count again; return how many did not before."""
    excluded = _rows(responses).filter(excluded_at__isnull=False)
    return excluded.update(excluded_at=None, excluded_by=None, exclusion_reason="")


@transaction.atomic
def add_tag(*, responses: Iterable[Response], name: str, by: User) -> int:
    """Give responses a tag of their own product, making it where it is new; return how many did not have it.

    A tag that differs in capitals only is the same tag.

    Raises:
        ValidationError: ``name_required`` or ``too_long``.
    """
    name = " ".join(name.split())
    if not name:
        raise ValidationError(_("Name the tag."), code="name_required")
    _check_length(name, LONGEST_TAG)
    rows = list(_rows(responses).values_list("pk", "product_id"))
    tags = {product: _tag(product, name) for product in sorted({product for _pk, product in rows})}
    tagged = ResponseTag.objects.filter(tag__in=tags.values(), response__in=[pk for pk, _product in rows])
    has_it = set(tagged.values_list("response_id", flat=True))
    missing = [ResponseTag(response_id=pk, tag=tags[product], added_by=by) for pk, product in rows if pk not in has_it]
    # Somebody else may give the same tag at the same moment; then it has it, which is what was asked for.
    ResponseTag.objects.bulk_create(missing, ignore_conflicts=True)
    return len(missing)


@transaction.atomic
def remove_tag(*, responses: Iterable[Response], name: str, by: User) -> int:
    """Take a tag off responses; return how many had it. The tag itself stays."""
    taggings = ResponseTag.objects.filter(response__in=_rows(responses), tag__name__iexact=" ".join(name.split()))
    return taggings.delete()[0]


@transaction.atomic
def mark_read(*, responses: Iterable[Response], by: User) -> int:
    """Mark unread and archived responses as read; return how many were not."""
    return _rows(responses).exclude(triage=Response.Triage.READ).update(triage=Response.Triage.READ)


@transaction.atomic
def archive(*, responses: Iterable[Response], by: User) -> int:
    """Put responses aside; they still count. Return how many were not aside before."""
    return _rows(responses).exclude(triage=Response.Triage.ARCHIVED).update(triage=Response.Triage.ARCHIVED)


def _rows(responses: Iterable[Response]) -> QuerySet[Response]:
    """Return the responses as one queryset; those of restricted people are left alone."""
    rows: QuerySet[Response] = Response.objects.filter(pk__in=[response.pk for response in responses])
    return rows.order_by()


def _tag(product_id: int, name: str) -> Tag:
    same = Tag.objects.filter(product_id=product_id, name__iexact=name).first()
    return same or Tag.objects.get_or_create(product_id=product_id, name=name)[0]


def _check_length(text: str, longest: int) -> None:
    if len(text) > longest:
        raise ValidationError(_("At most %(limit)s characters."), code="too_long", params={"limit": longest})
