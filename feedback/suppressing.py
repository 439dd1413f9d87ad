"""Suppressing somebody whom the product may know by more identifiers than the one that was named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from feedback.identity import Person
from feedback.looking_up import person_of
from feedback.models import Respondent
from privacy.models import Suppression
from privacy.suppression import lift, suppress, suppression_digest, suppressions_of

if TYPE_CHECKING:
    from privacy.models import Product


@transaction.atomic
def suppress_person(*, product: Product, person: Person, reason: Suppression.Reason) -> tuple[str, ...]:
    """See to it that the product never again asks this person, by whatever it knows them and on their devices.

    The identifiers of every record that one of those named leads to are put on the list, and the records are marked
    as having objected: that holds for the devices linked to them, of which the list knows nothing.

    Args:
        person: with at least one lasting identifier.

    Returns:
        the identifiers that are on the list now, each with its kind.
    """
    records = _records_of(product, person)
    keys = dict.fromkeys(person.lasting_keys)
    for record in records:
        keys |= dict.fromkeys(_keys_of(record))
    suppress(product=product, subject_keys=keys, reason=reason)
    entries = suppressions_of(product=product, subject_keys=keys)
    since = {bytes(digest): at for digest, at in entries.values_list("digest", "created_at")}
    for record in records:
        # The time of the entry, by which lifting it recognises what it marked.
        at = since[suppression_digest(record.subject_key)]
        Respondent.including_restricted.filter(pk=record.pk, objected_at__isnull=True).update(objected_at=at)
    return tuple(keys)


@transaction.atomic
def lift_suppression(*, suppression: Suppression) -> None:
    """Take an entry that staff made off the list; records that only such entries marked are as they were before.

    Raises:
        ValidationError: ``not_liftable``, because the person's erasure or objection put it there.
    """
    product, at = suppression.product, suppression.created_at
    lift(suppression=suppression)
    marked = Respondent.including_restricted.filter(product=product, objected_at=at, person__isnull=True)
    for record in marked.order_by("pk").select_for_update(no_key=True):
        if not suppressions_of(product=product, subject_keys=_keys_of(record)).exists():
            Respondent.including_restricted.filter(pk=record.pk).update(objected_at=None)


def _records_of(product: Product, person: Person) -> list[Respondent]:
    """Return the people, not the devices, that the identifiers lead to, locked."""
    named = Q(subject_key__in=person.lasting_keys)
    if person.email:
        named |= Q(email=person.email)
    if person.phone:
        named |= Q(phone=person.phone)
    people = Respondent.including_restricted.filter(named, product=product, person__isnull=True)
    return list(people.order_by("pk").select_for_update(no_key=True))


def _keys_of(record: Respondent) -> tuple[str, ...]:
    return person_of(record).lasting_keys
