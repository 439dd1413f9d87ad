"""What staff look at before a copy is released, and take out of it where it is about somebody else, Art. 15(4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from privacy.access import Treatment, converted, dataset_of, redactions, rows_about, subject_of_copy, tables_of_copy
from privacy.access_log import record_reads_for_request
from privacy.audit import Action, lock, record
from privacy.inventory import inventory
from privacy.models import Redaction, RequestEvent, RequestTask, Right, RightsRequest
from privacy.packages.contents import Part, contents_of
from privacy.restriction import authorise_reading
from privacy.subjects import tables_about_people

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from privacy.access import Dataset
    from privacy.inventory import Table
    from privacy.models import RequestItem

ON_A_PAGE: Final = 25
COPIES: Final = (Right.ACCESS, Right.PORTABILITY)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A page of a dataset: its records as they are, and which of their values are left out.

    Args:
        page: from 1 to ``pages``.
    """

    dataset: Dataset
    records: list[dict[str, Any]]
    left_out: frozenset[tuple[int, str]]
    page: int
    pages: int


def overview(*, item: RequestItem, user: User) -> tuple[Part, ...]:
    """Return the datasets of a copy and how many records they have, which says nothing about what is in them.

    Raises:
        PermissionDenied: the user may not see who makes this request.
    """
    _check(item, user)
    return contents_of(item).parts


@transaction.atomic
def preview(*, item: RequestItem, table: str, page: int, user: User) -> Preview:
    """Return a page of a dataset as it will be in the copy, after writing down that the member of staff reads it.

    Raises:
        PermissionDenied: the user may not see who makes this request, or may not see restricted data.
        ValidationError: ``unknown_table``.
    """
    _check(item, user)
    declared = _table_of_copy(item, table)
    dataset = dataset_of(declared, portable=item.right == Right.PORTABILITY)
    subject = subject_of_copy(item.request)
    authorise_reading(subject=subject, user=user)
    rows = rows_about(declared, subject)
    pages = max(1, -(-rows.count() // ON_A_PAGE))
    page = min(max(1, page), pages)
    columns = [column.field.attname for column in dataset.columns]
    shown = list(converted(dataset, rows.values("pk", *columns)[(page - 1) * ON_A_PAGE : page * ON_A_PAGE]))
    _write_down(item, declared, [each["record"] for each in shown], user)
    left_out = frozenset(redactions(item.request).get(table, ()))
    return Preview(dataset=dataset, records=shown, left_out=left_out, page=page, pages=pages)


@transaction.atomic
def redact(*, item: RequestItem, dataset: str, record_number: int, column: str, user: User) -> Redaction:
    """Leave a value out of the copies of a request because it is about somebody else; twice is as good as once.

    Raises:
        PermissionDenied: the user may not see who makes this request.
        ValidationError: ``unknown_table``, ``unknown_value`` where the copy has no such value, ``already_built``.
    """
    _check_change(item, dataset, record_number, column, user)
    redaction, is_new = Redaction.objects.get_or_create(
        item=item,
        dataset=dataset,
        record_number=record_number,
        column=column,
        defaults={"redacted_by": user},
    )
    if is_new:
        _trail(item, Action.VALUE_REDACTED, user, f"{dataset}.{column}")
    return redaction


@transaction.atomic
def undo_redaction(*, item: RequestItem, dataset: str, record_number: int, column: str, user: User) -> None:
    """Put a value back into the copies of a request; the exceptions are those of ``redact``."""
    _check_change(item, dataset, record_number, column, user)
    found = Redaction.objects.filter(
        item__request=item.request_id, dataset=dataset, record_number=record_number, column=column
    )
    if found.delete()[0]:
        _trail(item, Action.REDACTION_UNDONE, user, f"{dataset}.{column}")


def _check(item: RequestItem, user: User) -> None:
    visible = RightsRequest.objects.visible_to(user).filter(pk=item.request_id).exists()
    if not visible or not user.has_perm("privacy.reveal_rightsrequest") or item.right not in COPIES:
        raise PermissionDenied


def _check_change(item: RequestItem, dataset: str, record_number: int, column: str, user: User) -> None:
    _check(item, user)
    table = _table_of_copy(item, dataset)
    columns = dataset_of(table, portable=item.right == Right.PORTABILITY).columns
    is_known = any(each.name == column and each.treatment is not Treatment.CONTEXT for each in columns)
    if not is_known or not rows_about(table, subject_of_copy(item.request)).filter(pk=record_number).exists():
        raise ValidationError(_("The copy has no such value."), "unknown_value")
    lock(item.request)  # whoever is about to begin building waits, and then knows what is left out
    if _is_begun(item.request):
        raise ValidationError(_("The copy has been built; it stays as it is."), "already_built")


def _is_begun(request: RightsRequest) -> bool:
    """Tell whether any copy of the request was built or is being built: what is left out counts for all of them."""
    begun = RequestTask.objects.filter(item__request=request, kind=RequestTask.Kind.PACKAGE, attempts__gt=0)
    return begun.exclude(state=RequestTask.State.FAILED).exists()


def _table_of_copy(item: RequestItem, label: str) -> Table:
    tables = tables_of_copy(portable=item.right == Right.PORTABILITY)
    if label not in {table.model for table in tables}:
        raise ValidationError(_("The copy has no such data."), "unknown_table")
    return inventory.tables[label]


def _write_down(item: RequestItem, table: Table, numbers: list[int], user: User) -> None:
    """Append the read to the trail, and each record about the person to the access log."""
    _trail(item, Action.PACKAGE_PREVIEWED, user, table.model)
    if table.model in {each.model for each in tables_about_people()}:
        record_reads_for_request(user=user, request=item.request, kind=table.model, numbers=numbers)


def _trail(item: RequestItem, action: Action, user: User, field: str) -> None:
    record(request=item.request, actor=RequestEvent.Actor.STAFF, action=action, user=user, fields=[field])
