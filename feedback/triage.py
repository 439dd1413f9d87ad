"""Triage: what staff do to responses before anybody acts on them. Tallies follow in the same statement.

Everything here locks its responses from the lowest number to the highest before it changes any, so that two members
of staff whose selections overlap wait for each other instead of deadlocking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from feedback.models import Invitation, Response, ResponseTag, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.contrib.auth.models import User
    from django.db.models import QuerySet

LONGEST_REASON: Final = 300
LONGEST_TAG: Final = 60


@dataclass(frozen=True)
class Included:
    """How many responses count again, and how many are suspects or tests and still do not."""

    counting: int = 0
    still_out: int = 0


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
    counted = _locked(responses).filter(excluded_at__isnull=True)
    return counted.update(excluded_at=timezone.now(), excluded_by=by, exclusion_reason=reason)


@transaction.atomic
def include(*, responses: Iterable[Response], by: User) -> Included:
    """Take back that responses were excluded; suspects and tests do not count for all that."""
    excluded = list(_locked(responses).filter(excluded_at__isnull=False).values_list("pk", flat=True))
    rows = Response.objects.filter(pk__in=excluded)
    rows.update(excluded_at=None, excluded_by=None, exclusion_reason="")
    counting = rows.counted().count()
    return Included(counting, len(excluded) - counting)


@transaction.atomic
def add_tag(*, responses: Iterable[Response], name: str, by: User | None) -> int:
    """Give responses a tag of their own product, making it where it is new; return how many did not have it.

    A tag that differs in capitals only is the same tag.

    Args:
        by: who gives it; nobody where a rule does.

    Raises:
        ValidationError: ``name_required`` or ``too_long``.
    """
    name = " ".join(name.split())
    if not name:
        raise ValidationError(_("Name the tag."), code="name_required")
    _check_length(name, LONGEST_TAG)
    rows = list(_locked(responses).values_list("pk", "product_id"))
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
    taggings = ResponseTag.objects.filter(response__in=_locked(responses), tag__name__iexact=" ".join(name.split()))
    return taggings.delete()[0]


@transaction.atomic
def mark_read(*, responses: Iterable[Response], by: User) -> int:
    """Mark unread and archived responses as read; return how many were not."""
    return _locked(responses).exclude(triage=Response.Triage.READ).update(triage=Response.Triage.READ)


@transaction.atomic
def archive(*, responses: Iterable[Response], by: User) -> int:
    """Put responses aside; they still count. Return how many were not aside before."""
    return _locked(responses).exclude(triage=Response.Triage.ARCHIVED).update(triage=Response.Triage.ARCHIVED)


@transaction.atomic
def put_back(*, responses: Iterable[Response], before: Mapping[int, str], now: str, by: User) -> int:
    """Take back that responses were read or archived; return how many were put back.

    Args:
        before: the triage that each had, by primary key.
        now: the triage they were given; whatever somebody else has changed since stays as it is.
    """
    unchanged = set(_locked(responses).filter(triage=now).values_list("pk", flat=True))
    put = 0
    for was in Response.Triage.values:
        keys = [pk for pk, triage in before.items() if triage == was and pk in unchanged]
        put += Response.objects.filter(pk__in=keys).update(triage=was) if keys else 0
    return put


@transaction.atomic
def accept(*, responses: Iterable[Response], by: User) -> int:
    """Let suspects count after all, as what the people responded; return how many did not before."""
    responses = list(responses)
    invitations = _locked_invitations(responses)
    suspects = _locked(responses).filter(is_suspect=True, excluded_at__isnull=True)
    received = suspects.filter(invitation=OuterRef("pk")).values("received_at")
    invitations.filter(response__in=suspects).update(responded_at=Subquery(received))
    return suspects.update(is_suspect=False)


@transaction.atomic
def doubt_again(*, responses: Iterable[Response], before: Mapping[int, str], by: User) -> int:
    """Take back that suspects were accepted; return how many are suspects again.

    Whatever rules did while they counted, such as a tag or a follow-up, stays.

    Args:
        before: what ``last_message_of`` returned for each, by primary key; one that was answered anew or excluded
            since stays as it is.
    """
    responses = list(responses)
    invitations = _locked_invitations(responses)
    accepted = _locked(responses).filter(is_suspect=False, excluded_at__isnull=True)
    known = accepted.only("suspicion", "submission_id", "seq")
    unchanged = [response.pk for response in known if before.get(response.pk) == last_message_of(response)]
    invitations.filter(response__in=unchanged).update(responded_at=None)
    doubted: int = Response.objects.filter(pk__in=unchanged).update(is_suspect=True)
    return doubted


def last_message_of(response: Response) -> str:
    """Return what names the message that a response holds: another once somebody answers anew, not once it counts."""
    return f"{response.suspicion}:{response.submission_id.hex}:{response.seq}"


@transaction.atomic
def reject(*, responses: Iterable[Response], by: User) -> int:
    """Exclude suspects for being what they looked like; return how many were."""
    suspects = _locked(responses).filter(is_suspect=True, excluded_at__isnull=True)
    reason = _("Suspect, and rejected by hand.")
    return suspects.update(excluded_at=timezone.now(), excluded_by=by, exclusion_reason=reason)


def _locked_invitations(responses: Iterable[Response]) -> QuerySet[Invitation]:
    """Lock the invitations of the responses, before these as capturing does, and return them."""
    wanted = Invitation.including_restricted.filter(response__in=[response.pk for response in responses])
    locked = list(wanted.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    rows: QuerySet[Invitation] = Invitation.including_restricted.filter(pk__in=locked)
    return rows


def _locked(responses: Iterable[Response]) -> QuerySet[Response]:
    """Lock the responses until the transaction ends and return them; those of restricted people are left alone."""
    wanted = Response.objects.filter(pk__in=[response.pk for response in responses])
    # No key is changed, so rows that point at a response, such as a new tagging, need not wait.
    locked = list(wanted.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
    rows: QuerySet[Response] = Response.objects.filter(pk__in=locked)
    return rows.order_by()


def _tag(product_id: int, name: str) -> Tag:
    """Return the tag of that name, which stays until the transaction ends: merging and deleting wait for it."""
    tags = Tag.objects.select_for_update(no_key=True)
    return tags.get_or_create(product_id=product_id, name__iexact=name, defaults={"name": name})[0]


def _check_length(text: str, longest: int) -> None:
    if len(text) > longest:
        raise ValidationError(_("At most %(limit)s characters."), code="too_long", params={"limit": longest})
