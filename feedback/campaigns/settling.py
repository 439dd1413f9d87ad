"""What became of a mail that was handed over: it was accepted, or nobody knows, until somebody does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from feedback.campaigns.claiming import note_mailed
from feedback.models import Campaign, CampaignMail, Invitation
from feedback.unsent import UNTOUCHED

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from feedback.models import Respondent

State = CampaignMail.State
Kind = CampaignMail.Kind
# Every mail is settled once: whole rows of its campaign and survey would take a third of that work.
SETTLED_BY: Final = (
    *("kind", "state", "code", "next_attempt_at", "handed_over_at", "sent_at", "provider_message_id"),
    *(
        "respondent",
        "invitation",
        "campaign__state",
        "campaign__reminder_after_days",
        "campaign__survey__allows_reminder",
    ),
)


@transaction.atomic(savepoint=False)
def settle_sent(*, mail_id: int, attempts: int | None = None, provider_id: str = "") -> bool:
    """Write down that a mail was accepted, and owe the reminder where the campaign has one.

    Args:
        attempts: of the claim under which it was handed over; ``None`` where somebody else knows.
        provider_id: what the provider calls the mail from now on, if it said so.

    Returns:
        Whether that was not known before.
    """
    rows = CampaignMail.objects.select_for_update(of=("self",)).select_related("campaign__survey").only(*SETTLED_BY)
    rows = rows.filter(pk=mail_id, state__in=[State.SENDING, State.UNKNOWN], handed_over_at__isnull=False)
    mail = (rows if attempts is None else rows.filter(attempts=attempts)).first()
    if mail is None:
        return False
    is_old_news = attempts is None  # told by somebody else, some time after it left
    mail.state, mail.code, mail.next_attempt_at = State.SENT, "", None
    mail.sent_at = mail.handed_over_at if is_old_news else timezone.now()
    assert mail.sent_at is not None  # noqa: S101  only mails that were handed over were looked for
    mail.provider_message_id = provider_id or mail.provider_message_id
    mail.save(update_fields=["state", "code", "sent_at", "next_attempt_at", "provider_message_id"])
    note_mailed(invitation_id=mail.invitation_id, at=mail.sent_at)
    may_remind = mail.campaign.survey.allows_reminder and mail.campaign.state != Campaign.State.CANCELLED
    days = mail.campaign.reminder_after_days if may_remind else None
    if mail.kind == Kind.FIRST and days:
        assert mail.respondent_id is not None  # noqa: S101  held by a constraint, which the type cannot say
        CampaignMail.objects.get_or_create(
            campaign=mail.campaign,
            respondent_id=mail.respondent_id,
            kind=Kind.REMINDER,
            defaults={
                "invitation_id": mail.invitation_id,
                "state": State.QUEUED,
                "next_attempt_at": mail.sent_at + timedelta(days=days),
            },
        )
        _reopen(mail.campaign)
    return True


def settle_arrived() -> int:
    """Settle the mails of which nobody knew whether they were sent and that somebody has; return how many.

    Somebody was at the link, or loaded the picture. Of a reminder that says nothing: the first mail has the same ones.
    """
    touched = Invitation.including_restricted.exclude(UNTOUCHED)
    unknown = CampaignMail.objects.filter(
        Q(opened_at__isnull=False) | Q(invitation__in=touched),
        campaign__in=Campaign.objects.exclude(state=Campaign.State.DRAFT),  # whose mails an index finds
        kind=Kind.FIRST,
        state=State.UNKNOWN,
    )
    return sum(settle_sent(mail_id=pk) for pk in unknown.values_list("pk", flat=True))


@transaction.atomic
def settle_unknown_by_staff(*, mail: CampaignMail, was_sent: bool) -> bool:
    """Settle a mail of which nobody knows whether it was sent, by the decision of somebody who looked it up.

    Args:
        was_sent: ``False`` sends it again, if the person may still be asked and was not at the link of the mail.

    Returns:
        Whether it was settled as sent.

    Raises:
        ValidationError: ``not_possible`` where it is settled already, or the campaign was cancelled.
    """
    locked = CampaignMail.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=mail.pk)
    is_cancelled = locked.campaign.state == Campaign.State.CANCELLED
    if locked.state != State.UNKNOWN or (is_cancelled and not was_sent):
        message = _("This is not possible now: somebody else may have changed it.")
        raise ValidationError(message, code="not_possible")
    # Whoever was at the link has the mail.
    if was_sent or (locked.kind == Kind.FIRST and has_arrived(locked)):
        settle_sent(mail_id=locked.pk)
        return True
    if locked.kind == Kind.FIRST:
        invitation_of(locked).update(sent_at=None)
    locked.handed_over_at, locked.code = None, ""
    wait(locked, until=timezone.now())
    locked.save(update_fields=["handed_over_at", "code"])
    _reopen(locked.campaign)
    return False


def _reopen(campaign: Campaign) -> None:
    """Let a campaign that had nothing left to do go on: it owes a mail again."""
    finished = Campaign.objects.filter(pk=campaign.pk, state=Campaign.State.FINISHED)
    finished.update(state=Campaign.State.RUNNING, finished_at=None)


def invitation_of(mail: CampaignMail) -> QuerySet[Invitation]:
    ids = [] if mail.invitation_id is None else [mail.invitation_id]
    found: QuerySet[Invitation] = Invitation.including_restricted.filter(pk__in=ids)
    return found


def has_arrived(mail: CampaignMail) -> bool:
    return mail.invitation_id is not None and invitation_of(mail).exclude(UNTOUCHED).exists()


def somebody(mail: CampaignMail) -> Respondent:
    assert mail.respondent is not None  # noqa: S101  held by a constraint, which the type cannot say
    return mail.respondent


def wait(mail: CampaignMail, *, until: datetime) -> None:
    mail.state, mail.claimed_at, mail.next_attempt_at = State.QUEUED, None, until
    CampaignMail.objects.filter(pk=mail.pk).update(
        state=State.QUEUED, claimed_at=None, next_attempt_at=until, handed_over_at=None
    )


@transaction.atomic
def settle_unknown(mail: CampaignMail) -> None:
    rows = CampaignMail.objects.filter(pk=mail.pk, state=State.SENDING, attempts=mail.attempts)
    if rows.update(state=State.UNKNOWN, code="unknown_outcome", next_attempt_at=None):
        known = CampaignMail.objects.get(pk=mail.pk)
        note_mailed(invitation_id=known.invitation_id, at=known.handed_over_at)
