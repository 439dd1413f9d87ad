"""What the page of one request shows, from top to bottom; none of it says who asks or what is known about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from privacy.access import RECORD, Treatment, in_words, title_of_column, title_of_table
from privacy.admin.requests.clock import STATE_COLOURS, URGENCY_COLOURS, time_left
from privacy.admin.requests.steps import possible_steps
from privacy.answering import draft
from privacy.audit import Action
from privacy.conditions import is_decided, is_last_call, is_proved, last_call, silent_recipients, tasks_of
from privacy.deciding import is_own_case
from privacy.inventory import inventory
from privacy.lifecycle import State
from privacy.models import Correction, RequestTask
from privacy.officers import DECIDE
from privacy.packages.previewing import COPIES
from privacy.planning import found_records
from privacy.subjects import model_of
from privacy.watching import standing_alarms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

    from privacy.models import Approval, RequestEvent, RightsRequest
    from privacy.revealing import Revealed

DASH = "–"


def context_of(asked: RightsRequest, user: User) -> dict[str, Any]:
    """Return what the page of a request shows to this user."""
    left = time_left(asked)
    return {
        "asked": asked,
        "state_colour": STATE_COLOURS.get(State(asked.state), "info"),
        "left": left and {"words": left[1], "colour": URGENCY_COLOURS[left[0]]},
        "standing": standing_alarms(asked),
        "silent": silent_recipients(asked),
        "last_call": last_call(asked),
        "is_last_call": is_last_call(asked),
        "steps": possible_steps(asked, user),
        "must_be_somebody_else": _must_be_somebody_else(asked, user),
        "records": _records(asked),
        "copies": _copies(asked),
        "items": _items(asked),
        "corrections": _corrections(asked),
        "plan": _plan(asked),
        "approvals": _approvals(asked),
        "answer": getattr(asked, "answer", None),
        "draft": draft(asked) if asked.state == State.RESPONDING and is_decided(asked) else "",
        "notes": asked.notes.select_related("written_by"),
        "proofs": _proofs(asked),
        "mails": _mails(asked),
        "incidents": _incidents(asked),
        "timeline": _table(
            (_("number"), _("time"), _("who"), _("what"), _("state"), _("fields")),
            [_event(event) for event in asked.events.select_related("user")],
        ),
        "duplicates": asked.duplicates.all(),
    }


def facts_of(found: Revealed, asked: RightsRequest) -> list[list[tuple[str, str]]]:
    """Return revealed records in words: for each its number, then labels and values, without what is empty."""
    zone = ZoneInfo(asked.controller.time_zone)
    columns = [column for column in found.dataset.columns if column.treatment is not Treatment.CONTEXT]
    return [
        [
            (_("number of the record"), str(record[RECORD])),
            *((one.title, text) for one in columns if (text := in_words(one.field, record[one.name], zone=zone))),
        ]
        for record in found.records
    ]


def _must_be_somebody_else(asked: RightsRequest, user: User) -> bool:
    open_approvals = asked.approvals.filter(decision="")
    return user.has_perm(DECIDE) and open_approvals.exists() and is_own_case(asked, user)


def _records(asked: RightsRequest) -> list[dict[str, Any]]:
    """Return the tables in which something was found; empty before it is proved who asks."""
    if not is_proved(asked):
        return []
    return [
        {"name": table.model, "title": title_of_table(table), "count": count}
        for table, count in found_records(asked)
        if count
    ]


def _copies(asked: RightsRequest) -> list[tuple[str, str]]:
    """Return the copies that are to be looked through before they are built."""
    if asked.state not in (State.TRIAGE, State.AWAITING_APPROVAL, State.IN_PROGRESS):
        return []
    return [
        (item.get_right_display(), reverse("admin:privacy_requestitem_preview", args=[item.pk]))
        for item in asked.items.filter(right__in=COPIES, outcome="")
    ]


def _items(asked: RightsRequest) -> dict[str, Any]:
    return _table(
        (_("right"), _("outcome"), _("decided")),
        [
            (item.get_right_display(), item.get_outcome_display() or DASH, _at(item.decided_at))
            for item in asked.items.all()
        ],
    )


def _corrections(asked: RightsRequest) -> dict[str, Any]:
    """Return what is put right, without old or new values."""

    def row(one: Correction) -> tuple[Any, ...]:
        table = inventory.tables[one.dataset]
        column = title_of_column(model_of(table)._meta.get_field(one.column))
        return title_of_table(table), one.record_number, column, _at(one.applied_at)

    corrections = Correction.objects.filter(item__request=asked)
    return _table((_("data"), _("number of the record"), _("field"), _("applied")), [row(one) for one in corrections])


def _plan(asked: RightsRequest) -> dict[str, Any]:
    tasks = tasks_of(asked).select_related("item", "recipient").order_by("position", "pk")
    headers = (_("task"), _("data or recipient"), _("state"), _("records"), _("attempts"), _("settled"))
    return _table(headers, [_task(task) for task in tasks])


def _task(task: RequestTask) -> tuple[Any, ...]:
    table = inventory.tables.get(task.dataset)
    of = task.recipient or (table and title_of_table(table)) or DASH
    state = f"{task.get_state_display()} ({task.reason})" if task.reason else task.get_state_display()
    return task.get_kind_display(), of, state, task.affected, task.attempts, _at(task.settled_at)


def _approvals(asked: RightsRequest) -> dict[str, Any]:
    def row(one: Approval) -> tuple[Any, ...]:
        decided = one.get_decision_display() or _("waits for a second person")
        decided = f"{decided}: {one.note}" if one.note else decided
        return one.get_subject_display(), one.asked_by, _at(one.asked_at), decided, one.decided_by or DASH

    headers = (_("subject"), _("asked by"), _("asked"), _("decision"), _("decided by"))
    return _table(headers, [row(one) for one in asked.approvals.select_related("asked_by", "decided_by")])


def _proofs(asked: RightsRequest) -> dict[str, Any]:
    rows = [
        (
            f"{proof.get_kind_display()}: {proof.document}" if proof.document else proof.get_kind_display(),
            f"L{proof.level}",
            _at(proof.proved_at),
            proof.checked_by or DASH,
        )
        for proof in asked.proofs.select_related("checked_by")
    ]
    return _table((_("proof"), _("level"), _("proved"), _("checked by")), rows)


def _mails(asked: RightsRequest) -> dict[str, Any]:
    rows = [
        (
            mail.get_kind_display(),
            _at(mail.created_at),
            mail.attempts,
            _at(mail.sent_at),
            _at(mail.failed_at or mail.bounced_at),
        )
        for mail in asked.messages.all()
    ]
    return _table((_("mail"), _("owed since"), _("attempts"), _("sent"), _("given up or came back")), rows)


def _incidents(asked: RightsRequest) -> list[dict[str, Any]]:
    return [
        {
            "opened": _at(incident.opened_at),
            "notify_by": _at(incident.notify_by),
            "is_open": incident.closed_at is None,
            "link": reverse("admin:privacy_incident_change", args=[incident.pk]),
        }
        for incident in asked.incidents.all()
    ]


def _event(event: RequestEvent) -> tuple[Any, ...]:
    moved = f"{event.get_from_state_display()} → {event.get_to_state_display()}" if event.to_state else DASH
    what = Action(event.action).label if event.action in Action.values else event.action
    who = event.user or event.get_actor_display()
    return event.number, _at(event.at), who, what, moved, ", ".join(_names(event.fields)) or DASH


def _names(fields: Iterable[str]) -> Iterator[str]:
    """Yield the names in an entry of the trail as people read them: tables and tasks have words for theirs."""
    tasks = dict(RequestTask.Kind.choices)
    for name in fields:
        table = inventory.tables.get(name)
        yield str(model_of(table)._meta.verbose_name_plural) if table else str(tasks.get(name, name))


def _table(headers: Iterable[StrOrPromise], rows: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
    return {"headers": list(headers), "rows": [list(row) for row in rows]}


def _at(moment: datetime | None) -> str:
    return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT") if moment else DASH
