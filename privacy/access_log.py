"""The log of who among the staff read whose data, when and why: written before the data are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps
from django.utils import timezone

from privacy.inventory import STAFF, inventory
from privacy.models import AccessLogEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.contrib.auth.models import User
    from django.db.models import Model

    from privacy.models import BreakGlass, Controller, Product, RightsRequest


def record_access(
    *,
    user: User,
    purpose: AccessLogEntry.Purpose,
    record: Model | type[Model],
    controller: Controller,
    product: Product | None = None,
) -> AccessLogEntry:
    """Append one read of personal data.

    Args:
        user: the member of staff who reads.
        record: what is read; the model alone where nobody was found.
        controller: who is responsible for the data.
        product: whose user the person is, where the record belongs to one.
    """
    return AccessLogEntry.objects.create(
        at=timezone.now(),
        user=user,
        purpose=purpose,
        record_kind=record._meta.label,
        record_number=None if isinstance(record, type) else record.pk,
        controller=controller,
        product=product,
    )


def record_exports(*, user: User, record: type[Model], products: Iterable[Product]) -> None:
    """Append that data were taken out in a file, for each product whose data are in it.

    Args:
        record: the kind of record that the file was made from.
    """
    AccessLogEntry.objects.bulk_create(
        AccessLogEntry(
            at=timezone.now(),
            user=user,
            purpose=AccessLogEntry.Purpose.EXPORT,
            record_kind=record._meta.label,
            controller_id=product.controller_id,
            product=product,
        )
        for product in products
    )


def record_reads_for_request(*, user: User, request: RightsRequest, kind: str, numbers: Iterable[int]) -> None:
    """Append the reads of records that a rights request is about.

    Args:
        kind: the label of their model.
    """
    AccessLogEntry.objects.bulk_create(
        AccessLogEntry(
            at=timezone.now(),
            user=user,
            purpose=AccessLogEntry.Purpose.RIGHTS_REQUEST,
            record_kind=kind,
            record_number=number,
            controller=request.controller,
            product=request.product,
        )
        for number in numbers
    )


def record_emergency_reads(
    *, access: BreakGlass, records: Sequence[Model | type[Model]] = (), page: str = "", number: str = ""
) -> list[AccessLogEntry]:
    """Append what an administrator reads in an emergency, for each controller concerned.

    Tables without anything personal are left out: who looks at a product reads of nobody.

    Args:
        records: the rows that are shown; a model alone where its rows are told of and none is named.
        page: the name of a page as "app_model_what", where a page is opened.
        number: the primary key in its address; empty where it is about none, or about many.
    """
    entries = [
        entry
        for record in records
        if _is_personal(record if isinstance(record, type) else type(record))
        for entry in _entries(access, record)
    ]
    if (model := _model_of(page)) is not None and _is_personal(model):
        record = model._base_manager.filter(pk=number).first() if number.isdecimal() else None
        entries += _entries(access, record or model)
    return AccessLogEntry.objects.bulk_create(entries)


def _entries(access: BreakGlass, record: Model | type[Model]) -> list[AccessLogEntry]:
    """Return an entry for the controller of a record, or for each one concerned where it names none."""
    product: Product | None = None if isinstance(record, type) else getattr(record, "product", None)
    if product is not None:
        controllers = [product.controller_id]
    elif not isinstance(record, type) and getattr(record, "controller_id", None):
        controllers = [record.controller_id]  # type: ignore[attr-defined]
    else:
        controllers = list(access.controllers.values_list("pk", flat=True))
    return [
        AccessLogEntry(
            at=timezone.now(),
            user_id=access.user_id,
            purpose=AccessLogEntry.Purpose.EMERGENCY,
            record_kind=record._meta.label,
            record_number=None if isinstance(record, type) else record.pk,
            controller_id=controller,
            product=product,
        )
        for controller in controllers
    ]


def _model_of(page: str) -> type[Model] | None:
    """Return the model whose page has this name; names of pages begin with the label of their model."""
    names = {f"{model._meta.app_label}_{model._meta.model_name}": model for model in apps.get_models()}
    return next((model for name, model in names.items() if page == name or page.startswith(f"{name}_")), None)


def _is_personal(model: type[Model]) -> bool:
    """Tell whether the inventory declares anything about data subjects in the model's table."""
    table = inventory.tables.get(model._meta.label)
    return table is not None and any(
        column.personal and column.category != STAFF.category for column in table.columns.values()
    )


def record_product_access(
    *, user: User, purpose: AccessLogEntry.Purpose, record: Model | type[Model], product: Product
) -> AccessLogEntry:
    """Append one read of personal data that a product's controller is responsible for; the arguments are the same."""
    return record_access(user=user, purpose=purpose, record=record, controller=product.controller, product=product)
