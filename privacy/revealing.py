"""Records that a request is about, shown to an officer: first it is written down who reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from privacy.access import RECORD, converted, dataset_of
from privacy.access_log import record_reads_for_request
from privacy.audit import Action, record
from privacy.models import RequestEvent
from privacy.officers import authorise
from privacy.restriction import authorise_reading
from privacy.subjects import rows_of, subject_of, tables_about_people

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from privacy.access import Dataset
    from privacy.models import RightsRequest

REVEAL: Final = "privacy.reveal_rightsrequest"
MOST_SHOWN: Final = 100


@dataclass(frozen=True)
class Revealed:
    """The first records of a table, as dictionaries by column, and how many there are in all."""

    dataset: Dataset
    records: list[dict[str, Any]]
    count: int


@transaction.atomic
def reveal_records(*, request: RightsRequest, dataset: str, user: User) -> Revealed:
    """Return records of a table that are about whom the proofs lead to, after logging each of them as read.

    Args:
        dataset: the label of a table about people.

    Raises:
        PermissionDenied: the user may not see who makes this request, or may not see restricted data.
        ValidationError: there is no such table (``unknown_table``).
    """
    authorise(user=user, request=request, permission=REVEAL)
    table = next((each for each in tables_about_people() if each.model == dataset), None)
    if table is None:
        raise ValidationError(_("There is no such table."), "unknown_table")
    shown = dataset_of(table, portable=False)
    subject = subject_of(request)
    authorise_reading(subject=subject, user=user)
    rows = rows_of(table, subject)
    columns = [column.field.attname for column in shown.columns]
    records = list(converted(shown, rows.values("pk", *columns)[:MOST_SHOWN]))
    record(request=request, actor=RequestEvent.Actor.STAFF, action=Action.RECORDS_REVEALED, user=user, fields=[dataset])
    record_reads_for_request(user=user, request=request, kind=dataset, numbers=[each[RECORD] for each in records])
    return Revealed(shown, records, rows.count())
