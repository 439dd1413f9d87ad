"""Erasing a person, Art. 17: rows are deleted table by table, those that others hang on after them, the person last.

"Anonymise instead" is not offered. What remains is an HMAC by which the person is not asked again, unless they do not
want that, and of the request itself that it was made and how it ended.
"""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from privacy.identity import mailbox_hash
from privacy.inventory import Erasure, Identifier, inventory
from privacy.models import Package, Product, RequestTask, RightsRequest, Suppression
from privacy.packages import destroy
from privacy.performing import Result
from privacy.subjects import (
    IN_HEXADECIMAL,
    Subject,
    model_of,
    persons_table,
    proved_identifiers,
    rows_of,
    subject_of,
    tables_about,
    tables_about_people,
)
from privacy.suppression import suppress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from privacy.inventory import Table

BATCH: Final = 500


def erasure_order() -> list[str]:
    """Return the labels of the tables about people in the order of their erasure, the person's own table last."""
    labels = {model_of(table): table.model for table in tables_about_people()}
    order: TopologicalSorter[str] = TopologicalSorter()
    for model, label in labels.items():
        parents = {column.related_model for column in model._meta.concrete_fields if column.is_relation} - {model}
        for parent in sorted(labels[each] for each in parents if each in labels):
            order.add(parent, label)
    return list(order.static_order())


def erase(task: RequestTask) -> Result:
    """Delete what one table holds about whoever made the request; what is not there any more is no mistake.

    Each batch is a transaction of its own, so that a task that was interrupted goes on where it was. The rows that
    lead to the person stay until their own table is erased, which takes along what was written meanwhile.
    """
    request, table = task.item.request, inventory.tables[task.dataset]
    subject = subject_of(request)
    if table != persons_table():
        return Result.of(_delete(_without_proofs(rows_of(table, subject), table, request)))
    erased = sum(_erase_person(key) for key in _devices_first(subject.people))
    for earlier in _settled_requests_of(request):
        forget_request(request=earlier)
    return Result.of(erased)


def suppress_subject(task: RequestTask) -> Result:
    """Leave, before the identifiers are gone, HMACs of them by which the person is not asked again.

    Every identifier that any of their records has counts, in the product of that record.
    """
    if not task.item.leaves_suppression:
        return Result(state=RequestTask.State.EXEMPT, reason=_("The person does not want a fingerprint to stay."))
    return Result.of(suppress_people(subject_of(task.item.request), reason=Suppression.Reason.ERASED))


def suppress_people(subject: Subject, *, reason: Suppression.Reason) -> int:
    """Put all identifiers that a person's records have on the list of their products; return how many there are."""
    found: dict[int, set[str]] = {}
    for table in tables_about_people():
        for column, kind in table.suppresses.items():
            rows = rows_of(table, subject).exclude(**{column: ""})
            for product, value in rows.order_by().values_list(table.product, column).distinct():
                found.setdefault(product, set()).add(f"{kind}{value}")
    for product in Product.objects.filter(pk__in=found).order_by("pk"):
        suppress(product=product, subject_keys=sorted(found[product.pk]), reason=reason)
    return sum(map(len, found.values()))


@transaction.atomic
def forget_request(*, request: RightsRequest) -> None:
    """Leave of a request that it was made and how it ended; texts, addresses and what was proved go.

    What only has to be recognised stays as the keyed hash that it is. Doing it twice is as good as once.
    """
    for package in Package.objects.filter(item__request=request):
        destroy(package=package)
    for table in tables_about(inventory.tables[RightsRequest._meta.label]):
        values = _blanked(table)
        if values:
            model = model_of(table)
            model._base_manager.filter(**{table.person or "pk": request.pk}).update(**values)


def _blanked(table: Table) -> dict[str, Any]:
    """Return what stands in the columns of a row that stays, after an erasure."""
    model = model_of(table)
    gone = [name for name, column in table.columns.items() if column.erasure in (Erasure.BLANK, Erasure.UNLINK)]
    return {name: None if model._meta.get_field(name).null else "" for name in gone}


def _settled_requests_of(request: RightsRequest) -> QuerySet[RightsRequest]:
    """Return the requests to the same controller that the same mailbox made before, as far as they are over."""
    mailboxes = [mailbox_hash(value) for kind, value in proved_identifiers(request) if kind == Identifier.MAILBOX]
    earlier = RightsRequest.objects.filter(controller=request.controller_id, email_hash__in=mailboxes)
    return earlier.exclude(pk=request.pk).exclude(state__in=RightsRequest.OPEN_STATES)


def _without_proofs(rows: QuerySet[Any], table: Table, request: RightsRequest) -> QuerySet[Any]:
    """Leave out what leads to the person: the next task has to find them again. A record's own code leads to it."""
    for identifier, value in proved_identifiers(request):
        if identifier in table.identifiers and identifier != Identifier.RECEIPT:
            held = bytes.fromhex(value) if identifier in IN_HEXADECIMAL else value
            rows = rows.exclude(**{table.identifiers[identifier]: held})
    return rows


def _devices_first(people: Iterable[int]) -> list[int]:
    """Return keys of people in an order in which those that a proof leads to come after what is found through them."""
    root = persons_table()
    found: dict[int, Any] = dict(model_of(root)._base_manager.filter(pk__in=people).values_list("pk", root.devices))
    return sorted(found, key=lambda key: (found[key] is None, key))


@transaction.atomic
def _erase_person(key: int) -> int:
    """Delete a person with everything that hangs on them by now, as one; return whether they were there.

    Their row is locked the way that lets others point at it: whoever is about to write something about them finishes
    first, and the rest finds nobody.
    """
    root = persons_table()
    person = model_of(root)._base_manager.select_for_update(no_key=True).filter(pk=key).first()
    if person is None:
        return 0
    subject = Subject(people=(key,))
    for label in erasure_order():
        _delete(rows_of(inventory.tables[label], subject))
    return 1


def _delete(rows: QuerySet[Any]) -> int:
    """Delete rows in batches, with what hangs on them; return how many of the rows there were."""
    deleted = 0
    while True:
        with transaction.atomic():
            keys = list(rows.values_list("pk", flat=True)[:BATCH])
            if not keys:
                return deleted
            rows.model._base_manager.filter(pk__in=keys).delete()
        deleted += len(keys)
