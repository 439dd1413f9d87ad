"""The page of one follow-up: who the person is and what they said, what happened since, and what can be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from feedback import follow_up as work
from feedback.admin.follow_up_forms import AssignmentForm, CaseForm, ContactForm, EndingForm, NoteForm, PriorityForm
from feedback.admin.response_page import score_label, wording_shown
from feedback.correspondence import email_of
from feedback.disclosure import disclosed_to
from feedback.follow_up.clocks import HOW_IT_COUNTS
from feedback.models import Contact, FollowUp
from privacy.masking import mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from django.contrib.auth.models import User

    from feedback.disclosure import Disclosure

MOST_SHOWN: Final = 200
NOTE_AS_REVIEWER: Final = "feedback.flag_response"
ICONS: Final = {"call": "call", "other": "handshake", "email_out": "outgoing_mail", "email_in": "mail"}


@dataclass(frozen=True)
class Entry:
    """One thing that happened.

    Args:
        who: a user name; empty where nobody of the staff did it.
        text: as far as the reader may see it.
    """

    at: datetime
    what: str
    who: str
    icon: str
    text: str = ""
    state: str = ""


def may_work(user: User) -> bool:
    return user.has_perm(work.WORK)


def may_note(user: User) -> bool:
    """Tell whether somebody may write notes: who works on it, and the reviewers to whom it is escalated."""
    return may_work(user) or user.has_perm(NOTE_AS_REVIEWER)


def context_of(follow_up: FollowUp, user: User, *, bound: CaseForm | None = None) -> dict[str, Any]:
    """Return what the page shows to this user.

    Args:
        bound: a form that was sent and refused; it is shown again with what was typed.
    """
    shown, now = disclosed_to(user, follow_up.response), timezone.now()
    bar = work.bar_of(follow_up.response, follow_up.respondent)
    clock = work.clock_of(follow_up, schedule=work.schedule_of(follow_up.product), now=now)
    return {
        "follow_up": follow_up,
        "zone": follow_up.product.zone,
        "bar": bar,
        "clock": clock,
        "how_it_counts": HOW_IT_COUNTS,
        "person": _person(follow_up) if shown.identity else None,
        "question": wording_shown(follow_up.response).question,
        "score": score_label(follow_up.response),
        "comment": _as_seen(follow_up.response.comment, shown),
        "is_masked": not shown.comment,
        "reason": _as_seen(follow_up.reason, shown),
        "closing_note": _as_seen(follow_up.closing_note, shown),
        "timeline": timeline_of(follow_up, shown),
        **_possible(follow_up, user, may_be_contacted=bar is None, bound=bound),
    }


def timeline_of(follow_up: FollowUp, shown: Disclosure) -> list[Entry]:
    """Return what happened, latest first; of each kind the latest two hundred."""
    entries = [*_contacts(follow_up, shown), *_notes(follow_up, shown), *_moves(follow_up)]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def _possible(follow_up: FollowUp, user: User, *, may_be_contacted: bool, bound: CaseForm | None) -> dict[str, Any]:
    """Return the moves and forms that make sense now; what means contact is missing where there must be none.

    Of a restricted case there are none: it is kept and not used.
    """
    if follow_up.response.restricted_at:
        return {"moves": [], "ending": None, "forms": {}}
    forms: list[type[CaseForm]] = [NoteForm] if may_note(user) else []
    steps = work.possible_steps(follow_up) if may_work(user) else []
    endings = [step for step in steps if step.needs_note]
    if may_work(user) and follow_up.status not in work.WITH_A_NOTE:
        forms += [AssignmentForm, PriorityForm, *([ContactForm] if may_be_contacted else [])]
    forms += [EndingForm] if endings else []
    made = {form.name: form(follow_up=follow_up) for form in forms}
    if bound is not None:
        made[bound.name] = bound
    return {
        "moves": [step for step in steps if not step.needs_note and may_be_contacted],
        "ending": endings[0] if endings else None,
        "forms": made,
    }


def _person(follow_up: FollowUp) -> list[tuple[str, str, str]]:
    """Return what is known of the person: a label, the value, and the address to open it with."""
    response, respondent = follow_up.response, follow_up.respondent
    known = [
        (_("name or id"), response.name or respondent.name or respondent.external_id, ""),
        (_("e-mail"), email_of(follow_up), ""),
        (_("phone"), respondent.phone, f"tel:{respondent.phone}"),
        (_("company"), response.company or respondent.company, ""),
        (_("language"), response.language, ""),
    ]
    return [row for row in known if row[1]]


def _as_seen(text: str, shown: Disclosure) -> str:
    return text if shown.comment else mask(text)


def _contacts(follow_up: FollowUp, shown: Disclosure) -> Iterator[Entry]:
    rows: Iterable[Contact] = follow_up.contacts.select_related("actor").order_by("-at", "-pk")[:MOST_SHOWN]
    for row in rows:
        what = f"{row.get_kind_display()}: {_as_seen(row.subject, shown)}" if row.subject else row.get_kind_display()
        who = row.actor.get_username() if row.actor else ""
        yield Entry(row.at, what, who, ICONS[row.kind], _as_seen(row.text, shown), _state_of(row))


def _state_of(contact: Contact) -> str:
    if contact.kind != Contact.Kind.EMAIL_OUT:
        return ""
    return str(contact.what_went_wrong) or ("" if contact.sent_at else _("not sent yet"))


def _notes(follow_up: FollowUp, shown: Disclosure) -> Iterator[Entry]:
    for row in follow_up.notes.select_related("author").order_by("-created_at", "-pk")[:MOST_SHOWN]:
        author = row.author.get_username()
        yield Entry(row.created_at, _("note"), author, "sticky_note_2", _as_seen(row.text, shown))


def _moves(follow_up: FollowUp) -> Iterator[Entry]:
    for row in follow_up.status_changes.select_related("by").order_by("-at", "-pk")[:MOST_SHOWN]:
        if row.from_status:
            steps = {"before": row.get_from_status_display(), "after": row.get_to_status_display()}
            what = _("status from “%(before)s” to “%(after)s”") % steps
        else:
            what = _("flagged for follow-up") if row.by else _("flagged by a rule")
        yield Entry(row.at, what, row.by.get_username() if row.by else "", "arrow_forward")
