"""How a follow-up moves: opened about a response, along its status machine, and back when it was not the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from feedback.follow_up.assigning import check_owner, check_priority, check_team, tell_of_assignment
from feedback.follow_up.barring import check_contact
from feedback.follow_up.clocks import first_contact_due, schedule_of
from feedback.follow_up.locking import (
    LONGEST_NOTE,
    LONGEST_REASON,
    WITH_A_NOTE,
    lock_follow_up,
    lock_respondent,
    required_text,
)
from feedback.models import FollowUp, Priority, Respondent, Response, RootCause, StatusChange

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

    from feedback.models import Team


@dataclass(frozen=True)
class Step:
    """A change of status that is possible now.

    Args:
        needs_note: it ends the work, so it says how; every other step leads to contact with the person.
    """

    to: FollowUp.Status
    label: StrOrPromise
    needs_note: bool


@transaction.atomic
def flag(
    *,
    response: Response,
    reason: str,
    by: User | None,
    owner: User | None = None,
    team: Team | None = None,
    priority: str = Priority.NORMAL,
) -> FollowUp:
    """Open the one follow-up that a respondent may have at a time, about a response they gave.

    Args:
        reason: why somebody should contact the person, at most 1000 characters.
        by: who flagged it; ``None`` for a rule.
        owner: the member of staff who should work on it; nobody yet when missing.
        team: the team of the product that should.
        priority: one of ``Priority``; high sets a date for the first contact also where the person is no detractor.

    Raises:
        ValidationError: ``reason_required``, ``too_long``, ``invalid_priority``, ``test_response``,
            ``may_not_be_contacted``, ``already_open``, ``owner_not_staff``, ``owner_may_not_work``,
            ``owner_cannot_see_product`` or ``foreign_team``.
    """
    missing = _("Say why this person should be contacted.")
    reason = required_text(reason, LONGEST_REASON, message=missing, code="reason_required")
    check_priority(priority)
    respondent = _lock_whom_to_contact(response)
    check_owner(owner, response.product_id)
    check_team(team, response.product_id)
    work = {"reason": reason, "owner": owner, "team": team, "priority": priority}
    created = _open(response, respondent, by=by, at=timezone.now(), **work)
    if owner is not None and owner != by:
        tell_of_assignment(created, owner)
    return created


@transaction.atomic
def change_status(
    *, follow_up: FollowUp, to: str, by: User | None, note: str = "", root_cause: RootCause | str | None = None
) -> FollowUp:
    """Move a follow-up along its status machine; two people who press at once cannot both succeed.

    Args:
        by: who does it; becomes the owner when work begins on a follow-up that nobody owns.
        note: required to close or dismiss, at most 2000 characters; other changes take none.
        root_cause: required to close: one of the product's, or the name of one, which is made where it is new.

    Raises:
        ValidationError: ``not_possible`` from the status it has now, ``note_required``, ``too_long``,
            ``root_cause_required``, ``foreign_root_cause``, ``already_open`` when reopening beside another one, or
            ``may_not_be_contacted``.
    """
    respondent = lock_respondent(follow_up.respondent_id)
    follow_up = lock_follow_up(follow_up)
    before, now, move = follow_up.status, timezone.now(), _move_to(to, follow_up)
    if to in WITH_A_NOTE:
        text = required_text(note, LONGEST_NOTE, message=_("Say how it ended."), code="note_required")
        if to == FollowUp.Status.CLOSED:
            follow_up.root_cause = _root_cause(root_cause, follow_up.product_id)
        move(at=now, note=text)
    else:
        check_contact(follow_up.response, respondent)
        if not follow_up.is_open and to == FollowUp.Status.OPEN:
            _check_nothing_open(respondent)
            _restart_clock(follow_up, now)
        move()
    if to == FollowUp.Status.IN_PROGRESS and follow_up.owner_id is None:
        follow_up.owner = by
    follow_up.save(
        update_fields=["status", "closed_at", "closing_note", "root_cause", "owner", "due_at", "escalated_at"]
    )
    _record(follow_up, before=before, by=by, at=now)
    return follow_up


def possible_steps(follow_up: FollowUp) -> list[Step]:
    """Return the changes of status that are possible from here, in the order of the work."""
    moves = follow_up.possible_moves()
    return [Step(to, moves[to].custom["label"], to in WITH_A_NOTE) for to in FollowUp.Status if to in moves]


def _lock_whom_to_contact(response: Response) -> Respondent:
    """Return whom a new follow-up would be about, locked, or refuse it."""
    if response.is_test:
        raise ValidationError(_("A test response has nobody behind it to contact."), code="test_response")
    respondent = lock_respondent(response.respondent_id)
    check_contact(response, respondent)
    _check_nothing_open(respondent)
    return respondent


def _open(response: Response, respondent: Respondent, *, by: User | None, at: datetime, **work: Any) -> FollowUp:
    created: FollowUp = FollowUp.objects.create(
        response=response,
        respondent=respondent,
        product_id=response.product_id,
        flagged_by=by,
        due_at=_due(response, work["priority"], at),
        **work,
    )
    _record(created, before="", by=by, at=at)
    return created


def _move_to(status: str, follow_up: FollowUp) -> Callable[..., None]:
    moves = follow_up.possible_moves()
    if status not in moves:
        raise ValidationError(
            _("It is “%(status)s” now, so this is not possible. Somebody else may have changed it."),
            code="not_possible",
            params={"status": follow_up.get_status_display()},
        )
    move: Callable[..., None] = getattr(follow_up, moves[status].name)
    return move


def _record(follow_up: FollowUp, *, before: str, by: User | None, at: datetime) -> None:
    StatusChange.objects.create(follow_up=follow_up, from_status=before, to_status=follow_up.status, by=by, at=at)


def _due(response: Response, priority: str, now: datetime) -> datetime | None:
    schedule = schedule_of(response.product)
    return first_contact_due(band=response.band, priority=priority, opened_at=now, schedule=schedule)


def _restart_clock(follow_up: FollowUp, now: datetime) -> None:
    """Give a person who was never contacted a new date: the old one passed while nobody was meant to work on it."""
    if follow_up.contacted_at is None:
        follow_up.due_at, follow_up.escalated_at = _due(follow_up.response, follow_up.priority, now), None


def _root_cause(chosen: RootCause | str | None, product_id: int) -> RootCause:
    if isinstance(chosen, RootCause):
        if chosen.product_id != product_id:
            raise ValidationError(_("This root cause belongs to another product."), code="foreign_root_cause")
        return chosen
    longest = RootCause._meta.get_field("name").max_length or 0
    missing = _("Say what caused it, so that it can be put right for others too.")
    name = required_text(chosen or "", longest, message=missing, code="root_cause_required")
    causes = RootCause.objects.filter(product=product_id)
    known, _created = causes.get_or_create(name__iexact=name, defaults={"product_id": product_id, "name": name})
    return cast("RootCause", known)


def _check_nothing_open(respondent: Respondent) -> None:
    if FollowUp.including_restricted.filter(respondent=respondent).open().exists():
        raise ValidationError(_("Another follow-up of this person is open already."), code="already_open")
