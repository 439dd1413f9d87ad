"""Restricting the use of a person's data, Art. 18, and lifting that: marks on every row, which all readers honour."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from privacy.conditions import restricting_elsewhere
from privacy.inventory import Identifier, Mark
from privacy.models import RequestMessage, RequestTask
from privacy.officers import DECIDE
from privacy.performing import Result
from privacy.subjects import model_of, rows_of, subject_of, tables_about_people

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User

    from privacy.inventory import Table
    from privacy.models import RightsRequest
    from privacy.subjects import Subject

BATCH: Final = 1000
# How long somebody knows that a restriction will be lifted before it is, so that they can go to court.
NOTICE: Final = timedelta(days=7)


def restrict(task: RequestTask) -> Result:
    """Mark all rows of whoever made the request as restricted; a task about one table marks that table's.

    Rows marked before keep their time.
    """
    return Result.of(mark(subject_of(task.item.request), Mark.RESTRICTED, dataset=task.dataset))


def lift(task: RequestTask) -> Result:
    """Take the marks off again, a week after the person was told that this will happen.

    They stay where another request of the person restricts as well, and go when that one is lifted.

    Raises:
        ValidationError: ``notice_not_old_enough``; nothing has changed.
    """
    request = task.item.request
    if not may_be_lifted(request):
        raise ValidationError(
            _("The person has to have known for %(days)s days that the restriction will be lifted."),
            "notice_not_old_enough",
            {"days": NOTICE.days},
        )
    if restricting_elsewhere(request):
        reason = str(_("Another request of the person restricts these data as well."))
        return Result(state=RequestTask.State.EXEMPT, reason=reason)
    return Result.of(mark(subject_of(request), Mark.RESTRICTED, dataset=task.dataset, is_set=False))


def may_be_lifted(request: RightsRequest, *, now: datetime | None = None) -> bool:
    """Tell whether a notice of lifting was delivered to the person at least seven days ago, and did not come back."""
    delivered = request.messages.filter(kind=RequestMessage.Kind.LIFTING, bounced_at__isnull=True)
    return delivered.filter(sent_at__lte=(now or timezone.now()) - NOTICE).exists()


def authorise_reading(*, subject: Subject, user: User) -> None:
    """Let staff read what is stored about somebody: where any of it is restricted, those who decide alone.

    Raises:
        PermissionDenied: everybody else.
    """
    marked = [
        rows_of(table, subject).filter(**{f"{table.marks[Mark.RESTRICTED]}__isnull": False})
        for table in tables_about_people()
        if Mark.RESTRICTED in table.marks
    ]
    if not user.has_perm(DECIDE) and any(rows.exists() for rows in marked):
        raise PermissionDenied


def mark(subject: Subject, what: Mark, *, dataset: str = "", is_set: bool = True) -> int:
    """Set a mark on every row of a person that can carry it, or take it off; return how many rows changed.

    The person comes first: from then on nothing new is accepted about them, and what was being answered at that moment
    is waited for. Each batch is a transaction of its own.

    Args:
        dataset: the label of the only table to look at; empty for all.
    """
    changed = 0
    for table in tables_about_people():
        if what in table.marks and dataset in ("", table.model):
            _wait_for_answers(subject)
            changed += _mark_rows(table, subject, table.marks[what], is_set=is_set)
    return changed


@transaction.atomic
def _wait_for_answers(subject: Subject) -> None:
    """Wait for whoever is answering an invitation of the person, whose row they hold until the answer is stored."""
    for table in tables_about_people():
        if Identifier.INVITATION in table.identifiers:
            list(rows_of(table, subject).select_for_update(no_key=True, of=("self",)).values_list("pk"))


def _mark_rows(table: Table, subject: Subject, column: str, *, is_set: bool) -> int:
    model, at, changed = model_of(table), timezone.now(), 0
    while True:
        with transaction.atomic():
            rows = rows_of(table, subject).filter(**{f"{column}__isnull": is_set})
            keys = list(rows.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True)[:BATCH])
            if not keys:
                return changed
            changed += model._base_manager.filter(pk__in=keys).update(**{column: at if is_set else None})
