"""One person: the records a product has of them, and everything they were asked and answered, on whatever device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import Q

from feedback.disclosure import seen_by
from feedback.models import FollowUp, Invitation, Respondent, Response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.models import User
    from django.db.models import QuerySet

MOST_ROWS: Final = 200


@dataclass(frozen=True)
class History:
    """What is known of one person, the newest first and at most ``MOST_ROWS`` of each.

    Args:
        person: who they are; the device itself where nobody is known behind it.
        devices: the anonymous devices that turned out to be theirs.
        invitations: every occasion on which they were asked; those declined and put off say so.
    """

    person: Respondent
    devices: Sequence[Respondent]
    responses: Sequence[Response]
    invitations: Sequence[Invitation]
    follow_ups: Sequence[FollowUp]


def history_of(*, respondent: Respondent, user: User) -> History:
    """Return the history of the person behind a respondent, as far as the user sees the product."""
    everybody = seen_by(user, Respondent)
    person = everybody.filter(pk=respondent.person_id).first() or respondent
    devices = list(everybody.filter(person=person).order_by("first_seen_at", "pk")[:MOST_ROWS])
    theirs = Q(respondent__in=[person.pk, *(device.pk for device in devices)])
    responses = seen_by(user, Response).filter(theirs).select_related("version", "survey").defer("search")
    invitations = seen_by(user, Invitation).filter(theirs).select_related("survey")
    follow_ups = seen_by(user, FollowUp).filter(theirs).select_related("owner")
    return History(
        person=person,
        devices=devices,
        responses=list(responses.order_by("-answered_at", "-pk")[:MOST_ROWS]),
        invitations=list(invitations.order_by("-created_at", "-pk")[:MOST_ROWS]),
        follow_ups=list(follow_ups[:MOST_ROWS]),
    )


def forget_bounce(*, respondent: Respondent) -> bool:
    """Let a person be mailed again of whom e-mail came back; return whether it had under any of their records."""
    return bool(records_of_bounced(respondent).update(mail_bounced_at=None))


def records_of_bounced(respondent: Respondent) -> QuerySet[Respondent]:
    """Return those records of a person of whom e-mail came back."""
    return records_of_same_person(respondent).filter(mail_bounced_at__isnull=False)


def records_of_same_person(respondent: Respondent) -> QuerySet[Respondent]:
    """Return all records that a product has of a person: their devices, and whoever has the same address."""
    root = respondent.person_id or respondent.pk
    linked = Respondent.including_restricted.filter(Q(pk=root) | Q(person=root) | Q(pk=respondent.pk))
    addresses = {*linked.values_list("email", flat=True)}
    addresses |= {*Response.including_restricted.filter(respondent__in=linked).values_list("email", flat=True)}
    known = Q(email__in=addresses - {""})
    rows: QuerySet[Respondent] = Respondent.including_restricted.filter(product=respondent.product_id)
    return rows.filter(Q(pk=root) | Q(person=root) | Q(pk=respondent.pk) | known)
