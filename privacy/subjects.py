"""Whose data a request is about: what was proved leads to records, by the inventory alone.

A mailbox or an account leads to everybody of the controller's products who has it, with their devices; an invitation
to the person it was for, where having it proves that; a receipt code to that one record and what hangs on it. What
nobody proved leads nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.db.models import Q

from privacy.inventory import Identifier, inventory
from privacy.models import Correction, IdentityProof, Product

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.models import Model, QuerySet

    from privacy.inventory import Table
    from privacy.models import RightsRequest

PROVES: Final = {
    IdentityProof.Kind.MAILBOX: Identifier.MAILBOX,
    IdentityProof.Kind.RECEIPT: Identifier.RECEIPT,
    IdentityProof.Kind.INVITATION: Identifier.INVITATION,
    IdentityProof.Kind.SIGNED: Identifier.ACCOUNT,
}
IN_HEXADECIMAL: Final = (Identifier.RECEIPT, Identifier.INVITATION)  # hashes, as they are kept with a proof


@dataclass(frozen=True)
class Subject:
    """The records that everything about a data subject hangs on.

    Args:
        people: keys of rows of the person's own table.
        records: label of another table → keys of single records, beside those of the people.
    """

    people: tuple[int, ...] = ()
    records: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @property
    def is_nobody(self) -> bool:
        return not self.people and not any(keys for _label, keys in self.records)


def persons_table() -> Table:
    """Return the declaration of the table whose rows are people."""
    return next(table for table in inventory.tables.values() if table.person == "")


def subject_of(request: RightsRequest) -> Subject:
    """Return whom the request's proofs lead to, among the products it is about.

    Those whose identifier was corrected for this request are among them, though the proof names the old one.
    """
    proved = proved_identifiers(request)
    corrected = _corrected_people(request) if proved else ()
    return find(proved=proved, products=products_of(request), corrected=corrected)


def products_of(request: RightsRequest) -> QuerySet[Product]:
    """Return the products a request is about: the one that was named, else all of the controller's."""
    products = Product.objects.filter(controller=request.controller_id)
    return products if request.product_id is None else products.filter(pk=request.product_id)


def proved_identifiers(request: RightsRequest) -> list[tuple[Identifier, str]]:
    """Return what the request's proofs prove; where staff checked a document, what they found it to stand for.

    The mailbox of somebody who acts for another is not the mailbox of whom they act for.
    """
    proofs = request.proofs.exclude(identifier="")
    if request.acts_for_another:
        proofs = proofs.exclude(kind=IdentityProof.Kind.MAILBOX)
    return [(PROVES.get(IdentityProof.Kind(proof.kind), Identifier.MAILBOX), proof.identifier) for proof in proofs]


def find(
    *, proved: Iterable[tuple[Identifier, str]], products: QuerySet[Product], corrected: Iterable[int] = ()
) -> Subject:
    """Return whom the identifiers lead to.

    Args:
        proved: identifier → its value, normalised; hashes in hexadecimal.
        corrected: keys of people whom an identifier led to that was corrected since.
    """
    people: set[int] = set(corrected)
    records: dict[str, set[int]] = {}
    for identifier, value in proved:
        held: Any = bytes.fromhex(value) if identifier in IN_HEXADECIMAL else value
        for table in _tables_with(identifier):
            of_products = Q(**{f"{table.product}__in": products})
            rows = model_of(table)._base_manager.filter(of_products, **{table.identifiers[identifier]: held})
            if identifier == Identifier.INVITATION and table.proves is not None:
                rows = rows.filter(table.proves)
            if identifier == Identifier.RECEIPT:
                records.setdefault(table.model, set()).update(rows.values_list("pk", flat=True))
            else:
                people.update(rows.values_list(table.person or "pk", flat=True))
    return Subject(
        people=tuple(sorted(people | set(_devices_of(people)))),
        records=tuple((label, tuple(sorted(keys))) for label, keys in sorted(records.items()) if keys),
    )


def whole_persons(subject: Subject) -> set[int]:
    """Return the keys of everybody whom the subject's records belong to: the people behind devices, and all of theirs.

    For wishes only: a proof about one record proves nothing about another one.
    """
    root, people = persons_table(), set(subject.people)
    for label, keys in subject.records:
        table = inventory.tables[label]
        people |= set(model_of(table)._base_manager.filter(pk__in=keys).values_list(table.person or "pk", flat=True))
    if root.devices:
        owners = model_of(root)._base_manager.filter(pk__in=people).exclude(**{root.devices: None})
        people |= set(owners.values_list(root.devices, flat=True))
    return people | set(_devices_of(people))


def tables_about_people() -> Iterator[Table]:
    """Yield the tables that say something about a data subject of a survey, the person's own first."""
    yield from tables_about(persons_table())


def tables_about(root: Table) -> Iterator[Table]:
    """Yield a table and those with a path of foreign keys to its rows."""
    yield root
    for table in inventory.tables.values():
        if table.person and _end_of(table) is model_of(root):
            yield table


def rows_of(table: Table, subject: Subject) -> QuerySet[Any]:
    """Return the rows of a table that are about the subject, restricted ones included, in a stable order."""
    model = model_of(table)
    condition = Q(pk__in=[])
    # A table that leads to something else than people has numbers that only look like theirs.
    if subject.people and _end_of(table) is model_of(persons_table()):
        condition |= Q(**{f"{table.person or 'pk'}__in": subject.people})
    for label, keys in subject.records:
        path = _path_to(table, label)
        if path is not None:
            condition |= Q(**{f"{path}__in": keys})
    return model._base_manager.filter(condition).order_by("pk")


def model_of(table: Table) -> type[Model]:
    model: type[Model] = apps.get_model(table.model)
    return model


def _tables_with(identifier: Identifier) -> Iterator[Table]:
    return (table for table in inventory.tables.values() if identifier in table.identifiers)


def _corrected_people(request: RightsRequest) -> Iterable[int]:
    """Return the keys of people whose own identifiers were corrected for a request, as far as they are still there."""
    root = persons_table()
    corrections = Correction.objects.filter(
        item__request=request,
        applied_at__isnull=False,
        dataset=root.model,
        column__in=root.identifiers.values(),
    )
    keys = list(corrections.values_list("record_number", flat=True))
    return model_of(root)._base_manager.filter(pk__in=keys).values_list("pk", flat=True) if keys else ()


def _devices_of(people: set[int]) -> Iterable[int]:
    root = persons_table()
    if not people or not root.devices:
        return ()
    return model_of(root)._base_manager.filter(**{f"{root.devices}__in": people}).values_list("pk", flat=True)


def _end_of(table: Table) -> type[Model]:
    model: type[Model] = _models_on(table)[-1]
    return model


def _models_on(table: Table) -> list[Any]:
    """Return the models on a table's path to the person, its own first."""
    models: list[Any] = [model_of(table)]
    for name in (table.person or "").split("__"):
        if name:
            models.append(models[-1]._meta.get_field(name).related_model)
    return models


def _path_to(table: Table, label: str) -> str | None:
    """Return the lookup from a row of a table to the record it hangs on, if that lies on its way to the person."""
    names = (table.person or "").split("__")
    for position, model in enumerate(_models_on(table)):
        if model._meta.label == label:
            return "__".join(names[:position]) or "pk"
    return None
