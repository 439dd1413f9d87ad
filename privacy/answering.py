"""The answer to a request: what it must say for each outcome, that it arrived, and what follows from that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from privacy import packages, watching
from privacy.audit import Action, lock, record
from privacy.conditions import NEGATIVE, end_of, has_stopped_contact, is_delivered, is_settled, restricting_tasks
from privacy.erasure import forget_request
from privacy.lifecycle import ANSWERED, State, advance
from privacy.models import (
    Answer,
    Package,
    RequestEvent,
    RequestItem,
    RequestMessage,
    RequestTask,
    Right,
    RightsRequest,
)
from privacy.officers import authorise

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

Kind = RequestMessage.Kind
Outcome = RequestItem.Outcome
STAFF, SYSTEM = RequestEvent.Actor.STAFF, RequestEvent.Actor.SYSTEM

# Mails may come back for days, and a copy can be fetched for seven: so long a request keeps how to reach the person.
CLOSES_AFTER: Final = timedelta(days=7)

DONE: Final[dict[str, StrOrPromise]] = {
    Right.ACCESS: _("The copy of your data is ready; you have got a separate message with a link to it."),
    Right.PORTABILITY: _(
        "Your data are ready in a format for machines; you have got a separate message with a link to them."
    ),
    Right.RECTIFICATION: _("Your data have been corrected as you asked."),
    Right.ERASURE: _("Your data have been deleted."),
    Right.RESTRICTION: _(
        "Your data are kept and not used any more. We tell you at least seven days before this is lifted."
    ),
    Right.OBJECTION: _("We follow your objection."),
    Right.COMPLAINT_INFORMATION: _("You find below where you can complain."),
}
CONTACT_STOPPED: Final = _("We have stopped contacting the mailbox you named.")
# Outcomes after which a receipt code, in another request, may lead further.
INVITES_ANOTHER: Final = (Outcome.NO_DATA, Outcome.UNIDENTIFIABLE)
SENTENCES: Final[dict[str, StrOrPromise]] = {
    Outcome.NO_DATA: _(
        "We found no data under what you confirmed. If you answered without giving it, we can recognise that answer "
        "only by its receipt code (Art. 11(2) GDPR): if you have one, please make a new request with it."
    ),
    Outcome.UNIDENTIFIABLE: _(
        "From what you gave us we cannot tell which data are yours (Art. 11(2) GDPR). If you have a receipt code of an "
        "answer, please make a new request with it."
    ),
    Outcome.NOT_APPLICABLE: _("This right does not apply here."),
    Outcome.EXCEPTION_17_3_B: _("We have to keep the data because the law obliges us to (Art. 17(3)(b) GDPR)."),
    Outcome.EXCEPTION_17_3_E: _("We keep the data because legal claims need them (Art. 17(3)(e) GDPR)."),
    Outcome.COMPELLING_GROUNDS: _(
        "We have compelling legitimate grounds that override your interests (Art. 21(1) GDPR)."
    ),
    Outcome.THIRD_PARTY_RIGHTS: _("It would adversely affect the rights and freedoms of others (Art. 15(4) GDPR)."),
    Outcome.EXCESSIVE: _("We refuse the request because it is manifestly unfounded or excessive (Art. 12(5) GDPR)."),
    Outcome.SUSPECTED_FRAUD: _("We have reasonable doubts about who makes the request (Art. 12(6) GDPR)."),
    Outcome.WITHDRAWN: _("You have withdrawn this."),
}


@dataclass(frozen=True)
class Paragraph:
    """What the answer says about one right."""

    right: str
    sentence: str
    explanation: str


def content_of(request: RightsRequest) -> dict[str, Any]:
    """Return what an answer consists of, in the active language; the law requires more where something is refused."""
    items = list(request.items.all())
    done = {item.right for item in items if item.outcome == Outcome.DONE}
    invites = any(item.outcome in INVITES_ANOTHER for item in items)
    told = RequestTask.objects.filter(item__request=request, kind=RequestTask.Kind.TELL_RECIPIENT, affected__gt=0)
    return {
        "paragraphs": [
            Paragraph(item.get_right_display(), _sentence(item, request), item.explanation) for item in items
        ],
        "names_remedies": any(item.outcome in NEGATIVE or item.right == Right.COMPLAINT_INFORMATION for item in items),
        "recipients": sorted({task.recipient.name for task in told.select_related("recipient") if task.recipient}),
        "leaves_suppression": any(item.leaves_suppression and item.right == Right.ERASURE for item in items)
        and Right.ERASURE in done,
        "new_request": f"{settings.PUBLIC_URL}{reverse('privacy:request')}?lang={get_language()}" if invites else "",
        "backup_days": settings.BACKUP_WINDOW_DAYS if Right.ERASURE in done else 0,
    }


def draft(request: RightsRequest, text: str = "") -> str:
    """Return the whole answer as the person would get it, in their language.

    Args:
        text: what staff add to what the law requires.
    """
    with translation.override(request.language):
        context = {"request": request, "controller": request.controller, "text": text, **content_of(request)}
        return render_to_string("privacy/mail/answer.txt", context)


@transaction.atomic
def send_answer(*, request: RightsRequest, user: User, text: str = "") -> RequestMessage:
    """Write the answer and owe it to the person's mailbox; again where the last one came back.

    Raises:
        PermissionDenied: the user does not work on this request.
        ValidationError: it is not time to answer (``not_responding``), the person has no mailbox or wants a letter
            (``by_post``), or the answer is on its way (``being_sent``).
    """
    authorise(user=user, request=request)
    current = _responding(request)
    if not current.email or current.reply_channel == RightsRequest.ReplyChannel.POST:
        raise ValidationError(_("This person is answered by post."), "by_post")
    if current.messages.filter(kind=Kind.ANSWER, sent_at=None, failed_at=None).exists():
        raise ValidationError(_("The answer is on its way already."), "being_sent")
    _write(current, user, text)
    return RequestMessage.objects.create(request=current, kind=Kind.ANSWER)


@transaction.atomic
def post_answer(*, request: RightsRequest, posted_on: date, user: User, text: str = "") -> None:
    """Note the day on which the answer was posted as a letter, which ends the request.

    Raises:
        PermissionDenied: the user does not work on this request.
        ValidationError: it is not time to answer (``not_responding``), or the day is ahead or before the request
            (``impossible_day``).
    """
    authorise(user=user, request=request)
    current = _responding(request)
    today = timezone.now().astimezone(ZoneInfo(current.controller.time_zone)).date()
    if not current.received_on <= posted_on <= today:
        raise ValidationError(
            {"posted_on": ValidationError(_("A letter is posted between the request and today."), "impossible_day")}
        )
    _write(current, user, text)
    Answer.objects.filter(request=current).update(posted_on=posted_on, accepted_at=timezone.now())
    record(request=current, actor=STAFF, action=Action.ANSWER_DELIVERED, user=user, fields=["posted_on"])
    finish(request)


@transaction.atomic
def conclude_complaint_information(request: RightsRequest) -> Kind | None:
    """Settle the right to information on complaints, which waits for nobody and needs no proof.

    Returns:
        The mail that the person is owed for it: the answer where nothing else was asked for; ``None`` where it was not
            asked for, or the answer is a letter.
    """
    asked = request.items.filter(right=Right.COMPLAINT_INFORMATION, outcome="")
    if not asked or not request.email or request.reply_channel == RightsRequest.ReplyChannel.POST:
        return None
    asked.update(outcome=Outcome.DONE, decided_at=timezone.now())
    if request.items.exclude(right=Right.COMPLAINT_INFORMATION).exists():
        return Kind.COMPLAINT_INFORMATION
    for state in (State.TRIAGE, State.RESPONDING):
        if request.state != state:
            advance(request=request, to=state, actor=SYSTEM)
    _write(request, None, "")
    return Kind.ANSWER


@transaction.atomic
def conclude_objection(request: RightsRequest) -> None:
    """End an objection to contact that was put into effect on a page: the page was the answer, and there is no mailbox.

    Args:
        request: asks for nothing else.
    """
    request.items.filter(outcome="").update(outcome=Outcome.DONE, decided_at=timezone.now())
    for state in (State.TRIAGE, State.RESPONDING):
        advance(request=request, to=state, actor=SYSTEM)
    _write(request, None, "")
    _deliver(request)


@transaction.atomic
def message_arrived(message: RequestMessage) -> None:
    """Follow up on a mail that the mail server accepted: an answer ends its request, a copy can now be fetched."""
    if message.kind == Kind.PACKAGE_READY:
        packages.start_period(request=message.request)
    if message.kind == Kind.ANSWER:
        _deliver(lock(message.request))


@transaction.atomic
def message_came_back(*, message_ids: Iterable[str]) -> bool:
    """Note that one of our mails came back; an answer that did reopens its request, and the officers are told.

    Args:
        message_ids: the Message-IDs that the bounce names.

    Returns:
        Whether it was a mail of ours.
    """
    message = RequestMessage.objects.filter(message_id__in=[one for one in message_ids if one]).first()
    if message is None:
        return False
    request = lock(message.request)
    if not RequestMessage.objects.filter(pk=message.pk, bounced_at=None).update(bounced_at=timezone.now()):
        return True
    if message.kind == Kind.ANSWER:
        Answer.objects.filter(request=request).update(bounced_at=timezone.now())
        record(request=request, actor=SYSTEM, action=Action.ANSWER_CAME_BACK)
        if request.state in ANSWERED:
            advance(request=request, to=State.RESPONDING, actor=SYSTEM)
    watching.raise_failure(request=request, key=f"mail {message.pk}")
    return True


@transaction.atomic
def finish(request: RightsRequest) -> bool:
    """End a request whose answer has arrived and whose tasks are all settled; return whether it ended."""
    current = lock(request)
    if current.state != State.RESPONDING or not (is_delivered(current) and is_settled(current)):
        return False
    end = end_of(current.items.values_list("outcome", flat=True))
    advance(request=request, to=end, actor=SYSTEM)
    return True


def finish_and_close_due_requests() -> None:
    """End the requests whose copies were fetched, and close those that nothing can reopen any more."""
    for request in RightsRequest.objects.filter(state=State.RESPONDING):
        finish(request)
    for request in RightsRequest.objects.filter(state__in=ANSWERED):
        close(request)


@transaction.atomic
def close(request: RightsRequest) -> bool:
    """Close a request a week after its end, once no copy waits and no restriction lasts; return whether it did.

    From then on only hashes tell who made it; of a person who was erased the texts go as well.
    """
    current = lock(request)
    if current.state not in ANSWERED or not (is_settled(current) and is_delivered(current)):
        return False
    last = current.events.filter(to_state=current.state).last()
    now = timezone.now()
    waits = last is None or last.at > now - CLOSES_AFTER
    copies = Package.objects.filter(item__request=current, destroyed_at=None, expires_at__gt=now)
    if waits or copies.exists() or restricting_tasks(current):
        return False
    advance(request=request, to=State.CLOSED, actor=SYSTEM)
    if current.items.filter(right=Right.ERASURE, outcome=Outcome.DONE).exists():
        forget_request(request=current)
    return True


def _sentence(item: RequestItem, request: RightsRequest) -> str:
    if item.outcome == Outcome.DONE:
        return str(DONE[item.right])
    sentence = str(SENTENCES.get(item.outcome, ""))
    # What was done at once, for anybody, is said also where the rest of it could not be.
    if item.outcome != Outcome.WITHDRAWN and has_stopped_contact(item, request):
        return f"{sentence} {CONTACT_STOPPED}"
    return sentence


def _responding(request: RightsRequest) -> RightsRequest:
    current = lock(request)
    if current.state != State.RESPONDING:
        raise ValidationError(_("It is not time to answer."), "not_responding")
    return current


def _write(request: RightsRequest, user: User | None, text: str) -> None:
    written = {"text": text, "written_by": user, "written_at": timezone.now(), "accepted_at": None, "bounced_at": None}
    Answer.objects.update_or_create(request=request, defaults={**written, "posted_on": None})
    actor = STAFF if user else SYSTEM
    record(request=request, actor=actor, action=Action.ANSWER_WRITTEN, user=user, fields=["text"])


def _deliver(request: RightsRequest) -> None:
    Answer.objects.filter(request=request).update(accepted_at=timezone.now(), bounced_at=None)
    record(request=request, actor=SYSTEM, action=Action.ANSWER_DELIVERED)
    finish(request)
