"""Correcting what is stored about a person, Art. 16: the old value is gone afterwards, also where it was copied."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from privacy.audit import lock
from privacy.identity import normalised_mailbox
from privacy.inventory import Identifier, Rectification, inventory
from privacy.models import Correction
from privacy.performing import Result
from privacy.subjects import model_of, rows_of, subject_of, tables_about_people

if TYPE_CHECKING:
    from privacy.inventory import Table
    from privacy.models import RequestItem, RequestTask, RightsRequest


@transaction.atomic
def propose_correction(*, item: RequestItem, dataset: str, record_number: int, column: str, value: str) -> Correction:
    """Write down that a value of the person's records is to be put right; a second proposal replaces the first.

    Args:
        dataset: label of a table about people.
        value: as the person gave it; of documents and lists as JSON. For what staff wrote it is the person's
            statement, which is added and replaces nothing.

    Raises:
        ValidationError: ``not_correctable``, ``unknown_record``, or at ``value`` what the column refuses.
    """
    request = lock(item.request)
    table = _correctable(dataset, column)
    row = rows_of(table, subject_of(request)).filter(pk=record_number).first()
    if row is None:
        raise ValidationError(_("No such record of this person is known."), "unknown_record")
    try:
        _put(row, table, column, value, language=request.language)
    except ValidationError as error:
        raise ValidationError({"value": error}) from error
    correction, _created = Correction.objects.update_or_create(
        item=item,
        dataset=dataset,
        record_number=record_number,
        column=column,
        defaults={"value": value, "applied_at": None},
    )
    return correction


def correctable_columns(table: Table) -> list[str]:
    """Return the columns of a table for which a correction can be proposed."""
    return [name for name in table.columns if _is_correctable(table, name)]


def rectify(task: RequestTask) -> Result:
    """Apply the corrections of a right that are not applied yet, each by itself; what is gone needs none."""
    corrections = task.item.corrections.filter(applied_at__isnull=True)
    if task.dataset:
        corrections = corrections.filter(dataset=task.dataset)
    return Result.of(sum(_apply(key, task.item.request) for key in corrections.values_list("pk", flat=True)))


@transaction.atomic
def _apply(key: int, request: RightsRequest) -> int:
    """Apply one correction unless somebody else did; return whether its record was there."""
    correction = Correction.objects.select_for_update().filter(pk=key, applied_at__isnull=True).first()
    if correction is None:
        return 0
    table = inventory.tables[correction.dataset]
    rows = model_of(table)._base_manager.select_for_update(no_key=True, of=("self",))
    row = rows.filter(pk=correction.record_number).first()
    if row is not None:
        before = _put(row, table, correction.column, correction.value, language=request.language)
        if table.corrected is not None:
            table.corrected(row, before)
        row.save()
    correction.applied_at = timezone.now()
    correction.save(update_fields=["applied_at"])
    return int(row is not None)


def _put(row: models.Model, table: Table, column: str, value: str, *, language: str) -> dict[str, Any]:
    """Set a value on a row without saving it, and return the one it had.

    Raises:
        ValidationError: the column, or a constraint of the table, refuses it.
    """
    field, before = model_of(table)._meta.get_field(column), getattr(row, column)
    new: Any = value
    if table.columns[column].rectification == Rectification.NOTE:
        with override(language):
            said = _("[Statement of the person, %(day)s: %(text)s]")
            new = f"{before}\n{said % {'day': date_format(timezone.localdate()), 'text': value}}".strip()
    elif not field.empty_strings_allowed and value and _holds_json(field):
        new = _parsed(value)
    elif column == table.identifiers.get(Identifier.MAILBOX):
        new = normalised_mailbox(value)
    if new == "" and not field.empty_strings_allowed and field.null:
        new = None
    setattr(row, column, field.clean(new, row))  # type: ignore[union-attr]  # a column, no relation
    others = {each.name for each in row._meta.concrete_fields if each.is_relation}
    try:
        row.validate_constraints(exclude=others)
    except ValidationError as error:
        raise ValidationError(_("This value is not possible here."), "impossible") from error
    return {column: before}


def _holds_json(field: Any) -> bool:
    return isinstance(field, models.JSONField) or hasattr(field, "base_field")


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise ValidationError(_("This is no JSON."), "invalid") from error


def _correctable(dataset: str, column: str) -> Table:
    table = next((each for each in tables_about_people() if each.model == dataset), None)
    if table is None or not _is_correctable(table, column):
        raise ValidationError(
            _("This is not the person's to correct, or it follows from other values."), "not_correctable"
        )
    return table


def _is_correctable(table: Table, column: str) -> bool:
    declared = table.columns.get(column)
    if declared is None or not declared.personal:
        return False
    field = model_of(table)._meta.get_field(column)
    if declared.rectification == Rectification.NOTE:
        return isinstance(field, models.TextField) and not field.choices
    return declared.rectification in (Rectification.EDIT, Rectification.REPLACE) and not field.is_relation
