"""What mail about one response or follow-up says, from what its receiver may see at that moment.

Nobody is named who answered, and personal data that are found in what is quoted are replaced for everybody: the page
shows them to those who may know, and logs that they looked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from feedback.follow_up import ADMINISTER, bar_of
from feedback.letters import Letter, link_to
from feedback.models import Contact, FollowUp, Note, Notice
from feedback.numbers import band_name
from feedback.reports import SEE_FOLLOW_UPS, SEE_RESPONSES
from privacy.masking import mask
from surveys.scales import scale_of

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

    from feedback.models import Response, StaffMail

LONGEST_QUOTE: Final = 1000
# How the keys of mails begin that tell of an e-mail that came back.
CAME_BACK: Final = "came_back"
# What is no longer worth a mail once nobody has to act on it.
CALLS_FOR_WORK: Final = (Notice.ASSIGNED, Notice.REMINDER, Notice.ESCALATION)
CALLS_FOR_CONTACT: Final = (Notice.REMINDER, Notice.ESCALATION)

WHY: Final[dict[str, StrOrPromise]] = {
    Notice.ALERT: gettext_lazy("You get this mail because a rule alerts you about such responses."),
    Notice.ASSIGNED: gettext_lazy("You get this mail when a follow-up is assigned to you or your team."),
    Notice.MENTION: gettext_lazy("You get this mail when a colleague mentions you in a note."),
    Notice.REMINDER: gettext_lazy("You get this mail before a follow-up that you work on is due."),
    Notice.ESCALATION: gettext_lazy("You get this mail when a follow-up is overdue."),
    Notice.REPLY: gettext_lazy(
        "You get this mail when a person replies, or an e-mail to them comes back, in a follow-up that you work on."
    ),
}
STOP: Final[dict[str, StrOrPromise]] = {
    Notice.ALERT: gettext_lazy("No more alerts"),
    Notice.ASSIGNED: gettext_lazy("No more mail about assignments"),
    Notice.MENTION: gettext_lazy("No more mail about mentions"),
    Notice.REMINDER: gettext_lazy("No more reminders"),
    Notice.ESCALATION: gettext_lazy("No more mail about overdue follow-ups"),
    Notice.REPLY: gettext_lazy("No more mail about replies"),
}


@dataclass(frozen=True)
class Quote:
    """Words that somebody wrote, without the personal data that were found in them."""

    caption: str
    text: str
    is_masked: bool


def write_notice(*, mail: StaffMail) -> Letter | None:
    """Return the letter, in the active language and time zone; ``None`` when there is nothing left to tell."""
    if mail.notice == Notice.ALERT:
        return _write_alert(mail)
    return _write_about_follow_up(mail)


def _write_alert(mail: StaffMail) -> Letter | None:
    response = mail.response
    if response is None or _is_restricted(response) or not mail.user.has_perm(SEE_RESPONSES):
        return None
    product = {"product": response.product.name}
    return Letter(
        _("Alert: a response to %(product)s") % product,
        "notice",
        {
            "heading": _("A response you want to know about"),
            "facts": _about_response(response),
            "quotes": _comment(response),
            "link": link_to("admin:feedback_response_change", response.pk),
            "link_label": _("Open the response"),
            "why": WHY[Notice.ALERT],
            "stop_label": STOP[Notice.ALERT],
        },
    )


def _write_about_follow_up(mail: StaffMail) -> Letter | None:
    follow_up, notice = mail.follow_up, Notice(mail.notice)
    if follow_up is None or not is_worth_telling(mail, follow_up):
        return None
    if not mail.user.has_perm(SEE_FOLLOW_UPS):
        return _write_to_administrator(follow_up)
    subject, heading = _titles(mail, follow_up)
    return Letter(
        subject,
        "notice",
        {
            "heading": heading,
            "facts": [*_about_follow_up(follow_up), *_about_response(follow_up.response)],
            "quotes": _quotes(notice, mail, follow_up),
            "link": link_to("admin:feedback_followup_change", follow_up.pk),
            "link_label": _("Open the follow-up"),
            "why": WHY[notice],
            "stop_label": STOP[notice],
        },
    )


def _write_to_administrator(follow_up: FollowUp) -> Letter:
    """Say that nobody could be told, and nothing of the follow-up: administrators do not see what people answered."""
    product = {"product": follow_up.product.name}
    return Letter(
        _("Overdue, and nobody to tell: a follow-up of %(product)s") % product,
        "notice",
        {
            "heading": _("A follow-up is overdue and nobody who works on it could be told"),
            "facts": [(_("Product"), follow_up.product.name)],
            "quotes": [],
            "link": link_to("admin:feedback_workinghours_changelist"),
            "link_label": _("Choose who is told"),
            "why": _("You get this mail as an administrator of the product, because nobody else could be told."),
            "stop_label": STOP[Notice.ESCALATION],
        },
    )


def is_worth_telling(mail: StaffMail, follow_up: FollowUp) -> bool:
    """Tell whether a mail about a follow-up still says something that its receiver may know and can act on.

    A mention or a reply is news also where the follow-up was closed meanwhile; a call for work is none. Nobody is urged
    to contact a person who was contacted meanwhile or must be left alone, nor told that a date is near once it passed.
    That a follow-up is overdue is also for administrators to know.
    """
    if _is_restricted(follow_up.response) or not _may_know(mail.user, mail.notice):
        return False
    if mail.notice in CALLS_FOR_WORK and not follow_up.is_open:
        return False
    if mail.notice in CALLS_FOR_CONTACT and (follow_up.contacted_at is not None or bar_of(follow_up.response)):
        return False
    if mail.notice == Notice.REMINDER and (follow_up.due_at is None or follow_up.due_at < timezone.now()):
        return False
    return mail.notice != Notice.ASSIGNED or follow_up.owner_id in {None, mail.user_id}


def _may_know(user: User, notice: str) -> bool:
    return user.has_perm(SEE_FOLLOW_UPS) or (notice == Notice.ESCALATION and user.has_perm(ADMINISTER))


def _is_restricted(response: Response) -> bool:
    return response.restricted_at is not None or response.respondent.restricted_at is not None


def _titles(mail: StaffMail, follow_up: FollowUp) -> tuple[str, str]:
    """Return the subject and the heading."""
    product = {"product": follow_up.product.name}
    if mail.notice == Notice.ASSIGNED and follow_up.owner_id != mail.user_id:
        return _("A follow-up of %(product)s waits for your team") % product, _("A follow-up waits for your team")
    if _came_back(mail):
        return _("E-mail not delivered: a follow-up of %(product)s") % product, _("Our e-mail to the person came back")
    return {
        Notice.ASSIGNED: (_("A follow-up of %(product)s is yours") % product, _("This follow-up is yours")),
        Notice.MENTION: (
            _("You are mentioned in a follow-up of %(product)s") % product,
            _("A colleague mentions you"),
        ),
        Notice.REMINDER: (_("Soon due: a follow-up of %(product)s") % product, _("This follow-up is due soon")),
        Notice.ESCALATION: (_("Overdue: a follow-up of %(product)s") % product, _("This follow-up is overdue")),
        Notice.REPLY: (_("A reply in a follow-up of %(product)s") % product, _("The person replied")),
    }[Notice(mail.notice)]


def _came_back(mail: StaffMail) -> bool:
    return mail.key.startswith(CAME_BACK)


def _about_response(response: Response) -> list[tuple[str, str]]:
    most = scale_of(response.metric, response.band_profile).maximum
    score = f"{response.score} / {most} · {band_name(response.band, response.metric)}"
    return [
        (_("Product"), response.product.name),
        (_("Score"), score),
        (pgettext("when", "Answered"), _moment(response.answered_at)),
    ]


def _about_follow_up(follow_up: FollowUp) -> list[tuple[str, str]]:
    facts = [(_("Status"), str(follow_up.get_status_display())), (_("Priority"), follow_up.get_priority_display())]
    if follow_up.owner is not None:
        facts.append((_("Assigned to"), str(follow_up.owner)))
    if follow_up.due_at is not None and follow_up.contacted_at is None:
        facts.append((_("First contact due"), _moment(follow_up.due_at)))
    return facts


def _quotes(notice: Notice, mail: StaffMail, follow_up: FollowUp) -> list[Quote]:
    if notice == Notice.MENTION:
        notes = Note.objects.filter(follow_up=follow_up, mentions=mail.user, pk=_number_in(mail.key))
        note = notes.select_related("author").first()
        caption = _("Note by %(name)s") % {"name": note.author} if note else ""
        return [_quote(caption, note.text)] if note else []
    if notice == Notice.REPLY and not _came_back(mail):
        replies = Contact.objects.filter(follow_up=follow_up, kind=Contact.Kind.EMAIL_IN, pk=_number_in(mail.key))
        reply = replies.first()
        return [_quote(_("Reply"), reply.text)] if reply else []
    return [_quote(_("Reason"), follow_up.reason), *_comment(follow_up.response)]


def _number_in(key: str) -> int:
    """Return the number of the record that an occasion ends with; 0, which no record has, where it names none."""
    number = key.rpartition(":")[2]
    return int(number) if number.isdecimal() else 0


def _comment(response: Response) -> list[Quote]:
    return [_quote(_("Comment"), response.comment)] if response.comment.strip() else []


def _quote(caption: str, text: str) -> Quote:
    # Masked before it is cut: half an e-mail address at the end would no longer be found.
    shown = mask(text)
    return Quote(caption, Truncator(shown.strip()).chars(LONGEST_QUOTE), is_masked=shown != text)


def _moment(at: datetime) -> str:
    return date_format(localtime(at), "DATETIME_FORMAT")
