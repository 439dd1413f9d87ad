"""Mail to data subjects: rows say what is owed, and a row is settled only when the mail server accepted it."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from privacy import codes, packages
from privacy.answering import conclude_complaint_information, content_of, message_arrived
from privacy.audit import Action, lock, record
from privacy.conditions import LETTERS, lost_messages, tasks_of
from privacy.delivery import AUTOMATIC, BATCH, NOT_ACCEPTED, next_attempt
from privacy.encryption import new_token
from privacy.handing_over import Key, key_of, packages_of
from privacy.identity import TOKEN_LIFE, Standing, look_up_confirmation, mint_token
from privacy.lifecycle import State, advance
from privacy.limits import Limit, hit
from privacy.models import RequestEvent, RequestMessage, RequestTask, RequestToken, RightsRequest
from privacy.officers import authorise
from privacy.planning import again, lost_copies
from privacy.watching import raise_failure

if TYPE_CHECKING:
    from typing import Any

    from django.contrib.auth.models import User
    from django.db.models import QuerySet
    from django_stubs_ext import StrOrPromise

logger = logging.getLogger(__name__)

Kind = RequestMessage.Kind
SYSTEM = RequestEvent.Actor.SYSTEM

# Nobody's mailbox can be filled by somebody else who fills in the form.
PER_MAILBOX: Final = Limit("rights-request-mailbox", times=3, seconds=24 * 60 * 60)
# Mails that anybody can have sent to a mailbox; what is owed at once is due within this time.
LIMITED: Final = (Kind.CONFIRMATION, Kind.COMPLAINT_INFORMATION, Kind.ANSWER)
WITHHELD: Final = timedelta(seconds=1)
# Whoever looks over a shoulder learns nothing from a subject.
SUBJECTS: Final[dict[str, StrOrPromise]] = {
    Kind.CONFIRMATION: _("Please confirm your e-mail address"),
    Kind.ACKNOWLEDGEMENT: _("Your message has arrived"),
    Kind.COMPLAINT_INFORMATION: _("The information you asked for"),
    Kind.INFORMATION_NEEDED: _("A question about your message"),
    Kind.EXTENSION: _("Your message takes us longer"),
    Kind.PACKAGE_READY: _("What you asked for is ready"),
    Kind.ANSWER: _("The answer to your message"),
    Kind.LIFTING: _("Something about your message will change"),
    **dict.fromkeys((Kind.STATUS_CODE, Kind.UNLOCK_CODE), _("Your code")),
}
# Staff print and post these.
BY_POST: Final = Q(kind__in=LETTERS, request__reply_channel=RightsRequest.ReplyChannel.POST)


@transaction.atomic
def owe_confirmation(*, request: RightsRequest) -> RequestMessage | None:
    """Owe the request's mailbox a confirmation link; the fourth of a day is put off until there is room.

    So nobody's mailbox can be filled by somebody else, and nobody's own request waits for ever because of that.
    A request that is only received now waits for the confirmation.
    """
    if request.email_hash is None:
        return None
    message = _owe_within_limit(request, Kind.CONFIRMATION)
    if request.state == State.RECEIVED:
        advance(request=request, to=State.AWAITING_CONFIRMATION, actor=SYSTEM)
    return message


@transaction.atomic
def inform_at_once(*, request: RightsRequest) -> bool:
    """Owe whoever asked for it the information on complaints; return whether that was all they asked for.

    It needs no proof, and goes to the same mailboxes within the same limit as confirmations.
    """
    kind = conclude_complaint_information(request)
    if kind is not None:
        _owe_within_limit(request, kind)
    return kind == Kind.ANSWER


def _owe_within_limit(request: RightsRequest, kind: Kind) -> RequestMessage:
    """Owe a mail now or tomorrow; both take the same statements, so that the time they take tells nothing."""
    wait = hit(PER_MAILBOX, bytes(request.email_hash or b"").hex())
    due = timezone.now() + timedelta(seconds=wait or 0)
    action = Action.MESSAGE_OWED if wait is None else Action.MESSAGE_WITHHELD
    record(request=request, actor=SYSTEM, action=action, fields=[kind])
    return RequestMessage.objects.create(request=request, kind=kind, next_attempt_at=due)


@transaction.atomic
def renew_confirmation(*, token: str) -> RequestMessage | None:
    """Owe a fresh link to the mailbox of a request whose link expired unused; any other link changes nothing."""
    known = look_up_confirmation(token=token)
    if known.standing is not Standing.EXPIRED or known.request is None:
        return None
    request = lock(known.request)
    if not request.email or _owed().filter(request=request, kind=Kind.CONFIRMATION).exists():
        return None
    return owe_confirmation(request=request)


def due_message_ids() -> list[int]:
    """Return the ids of mails that should have gone out, the longest overdue first."""
    return list(_due().order_by("next_attempt_at").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def send_message(*, message_id: int) -> bool:
    """Send a mail that is due, once, whoever else tries at the same time.

    The row stays locked while the mail server is spoken to; another worker skips it. A failure is put off with
    growing waits and in the end given up.

    Returns:
        Whether this call sent it.
    """
    message = (
        _due()
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("request__controller")
        .filter(pk=message_id)
        .first()
    )
    if message is None:
        return False
    if not message.request.email:  # the content of the request was erased meanwhile
        _give_up(message)
        return False
    if _is_withheld_again(message):
        return False
    try:
        _compose(message).send()
    except NOT_ACCEPTED as error:
        # Only the kind of error: its text may quote the address.
        logger.warning("message %s was not sent: %s", message.pk, type(error).__name__)
        _put_off(message, error)
        return False
    message.attempts += 1
    message.sent_at = timezone.now()
    message.save(update_fields=["attempts", "sent_at", "message_id"])
    record(request=message.request, actor=SYSTEM, action=Action.MESSAGE_SENT, fields=[message.kind])
    message_arrived(message)
    return True


@transaction.atomic
def post_message(*, message: RequestMessage, user: User) -> None:
    """Note that a letter was posted to a person who is answered by post.

    Raises:
        PermissionDenied: the user does not work on this request.
        ValidationError: it is no letter that waits to be posted (``no_letter``), or the copy that it speaks of is no
            longer there (``no_copy``).
    """
    authorise(user=user, request=message.request)
    request = lock(message.request)
    if message.kind == Kind.PACKAGE_READY and not packages_of(request).exists():
        raise ValidationError(_("The copy is no longer there. Have it built again first."), "no_copy")
    waits = letters_to_post(request).filter(pk=message.pk)
    if not waits.update(sent_at=timezone.now()):
        raise ValidationError(_("This is no letter that waits to be posted."), "no_letter")
    record(
        request=request, actor=RequestEvent.Actor.STAFF, action=Action.LETTER_POSTED, user=user, fields=[message.kind]
    )
    if message.kind == Kind.PACKAGE_READY and key_of(request) is Key.LETTER:
        codes.keep_code_of_letter(message, life=packages.LIFE)
    message_arrived(message)


@transaction.atomic
def owe_again(*, request: RightsRequest, user: User) -> list[RequestMessage]:
    """Owe the person again what was given up or came back; an answer is written anew instead.

    A copy that is no longer there is built again, and the notice of it is owed once it is.

    Raises:
        PermissionDenied: the user does not work on this request.
        ValidationError: everything else arrived (``nothing_lost``), or there is no mailbox (``by_post``).
    """
    authorise(user=user, request=request)
    current = lock(request)
    lost = messages_to_repeat(current)
    if not lost:
        raise ValidationError(_("Nothing was given up or came back."), "nothing_lost")
    kinds = [message.kind for message in lost]
    record(request=current, actor=RequestEvent.Actor.STAFF, action=Action.MAIL_REPEATED, user=user, fields=kinds)
    if Kind.PACKAGE_READY in kinds and _build_lost_copies(current):
        lost = [message for message in lost if message.kind != Kind.PACKAGE_READY or packages_of(current).exists()]
    if lost and not current.email and current.reply_channel != RightsRequest.ReplyChannel.POST:
        raise ValidationError(_("This person is answered by post."), "by_post")
    repeated = [RequestMessage(request=current, kind=message.kind, text=message.text) for message in lost]
    return RequestMessage.objects.bulk_create(repeated)


def _build_lost_copies(request: RightsRequest) -> int:
    """Plan lost copies anew; of those that a letter was to tell of nothing is posted any more."""
    planned = lost_copies(request).update(**again())
    if planned:
        letters_to_post(request).filter(kind=Kind.PACKAGE_READY).delete()
    return planned


def messages_to_repeat(request: RightsRequest) -> list[RequestMessage]:
    """Return the mails without which the request does not go on, where they did not arrive or do not help.

    That a copy is ready does not help where the copy is gone, and a letter still waits or something is to be deleted.
    """
    lost = lost_messages(request)
    notice = request.messages.filter(kind=Kind.PACKAGE_READY).order_by("pk").last()
    if notice is None or notice in lost or not lost_copies(request).exists():
        return lost
    deletes = tasks_of(request).filter(kind=RequestTask.Kind.ERASE, state=RequestTask.State.PLANNED)
    return [*lost, notice] if notice.sent_at is None or deletes.exists() else lost


def letters_to_post(request: RightsRequest) -> QuerySet[RequestMessage]:
    """Return what the person is owed as letters."""
    return RequestMessage.objects.filter(BY_POST, request=request, sent_at__isnull=True)


def text_of(message: RequestMessage) -> str:
    """Return a letter as it is to be printed, in the person's language."""
    with translation.override(message.request.language):
        return _body(message)


def _owed() -> QuerySet[RequestMessage]:
    return RequestMessage.objects.exclude(BY_POST).filter(sent_at__isnull=True, failed_at__isnull=True)


def _due() -> QuerySet[RequestMessage]:
    return _owed().filter(next_attempt_at__lte=timezone.now())


def _is_withheld_again(message: RequestMessage) -> bool:
    """Count what was withheld once more, now that it is due, and put it off again where there is enough for today.

    What many requests to one mailbox were owed on one day would else go out in one moment of the next.
    """
    if message.kind not in LIMITED or message.attempts or message.next_attempt_at - message.created_at < WITHHELD:
        return False
    wait = hit(PER_MAILBOX, bytes(message.request.email_hash or b"").hex())
    if wait is None:
        return False
    message.next_attempt_at = timezone.now() + timedelta(seconds=wait)
    message.save(update_fields=["next_attempt_at"])
    return True


def _put_off(message: RequestMessage, error: Exception) -> None:
    message.attempts += 1
    again = next_attempt(error, failures=message.attempts, now=timezone.now())
    if again is None:
        _give_up(message)
        return
    message.next_attempt_at = again
    message.save(update_fields=["attempts", "next_attempt_at"])


def _give_up(message: RequestMessage) -> None:
    message.failed_at = timezone.now()
    message.save(update_fields=["attempts", "failed_at"])
    record(request=message.request, actor=SYSTEM, action=Action.MESSAGE_FAILED, fields=[message.kind])
    if message.kind in (*LETTERS, Kind.ANSWER):  # without it the request does not go on
        raise_failure(request=message.request, key=f"mail {message.pk}")


def _compose(message: RequestMessage) -> EmailMessage:
    request = message.request
    message.message_id = message.message_id or f"<{new_token()}@{urlsplit(settings.PUBLIC_URL).hostname}>"
    with translation.override(request.language):
        return EmailMessage(
            subject=str(SUBJECTS[message.kind]),
            body=_body(message),
            to=[request.email],
            reply_to=[request.controller.privacy_email],
            headers={**AUTOMATIC, "Message-ID": message.message_id},
        )


def _body(message: RequestMessage) -> str:
    return render_to_string(f"privacy/mail/{message.kind}.txt", _context(message))


def _context(message: RequestMessage) -> dict[str, Any]:
    """Return what the mail says; nothing in it was written by whoever filled in the form."""
    request = message.request
    context: dict[str, Any] = {
        "request": request,
        "text": message.text,
        "controller": request.controller,
        "rights": [item.get_right_display() for item in request.items.all()],
    }
    if message.kind == Kind.CONFIRMATION:
        purpose = RequestToken.Purpose.CONFIRM_MAILBOX
        token = mint_token(request=request, purpose=purpose)
        address = reverse("privacy:confirm", kwargs={"token": token})
        context["link"] = f"{settings.PUBLIC_URL}{address}?lang={request.language}"
        context["days"] = TOKEN_LIFE[purpose].days
    if message.kind == Kind.PACKAGE_READY:
        address = reverse("privacy:package", kwargs={"reference": request.reference})
        context["link"] = f"{settings.PUBLIC_URL}{address}?lang={request.language}"
        context["days"] = packages.LIFE.days
        if key_of(request) is Key.LETTER:
            context["code"] = codes.code_of_letter(message)
    if message.kind == Kind.ANSWER:
        context |= {"text": request.answer.text, **content_of(request)}
    if message.kind in (Kind.STATUS_CODE, Kind.UNLOCK_CODE):
        context["code"] = codes.mint_code(request=request, purpose=RequestToken.Purpose(message.kind))
        context["minutes"] = codes.LIFE.seconds // 60
    return context
