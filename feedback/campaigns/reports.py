"""What comes back about a mail: the provider's reports, and that it was opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from feedback.campaigns.letter import MESSAGE_ID, bare, message_id
from feedback.campaigns.settling import settle_sent
from feedback.identity import normalise_email
from feedback.looking_up import person_of
from feedback.models import CampaignMail, MailEvent, Respondent
from feedback.suppressing import suppress_person
from feedback.unsent import drop_waiting
from feedback.unsubscribing import stop_mail
from privacy.encryption import token_digest
from privacy.models import Suppression

if TYPE_CHECKING:
    from privacy.models import Product

Kind = MailEvent.Kind
State = CampaignMail.State
# A report that names no mail of ours is about the last one to the address, if that is not older than this.
RECENT: Final = timedelta(days=30)
WHOLE_SECONDS: Final = timedelta(seconds=1)  # in which some providers count
COLUMNS: Final = {
    Kind.DELIVERED: "delivered_at",
    Kind.BOUNCED: "bounced_at",
    Kind.COMPLAINED: "complained_at",
    Kind.UNSUBSCRIBED: "unsubscribed_at",
}
WISHES: Final = (Kind.COMPLAINED, Kind.UNSUBSCRIBED)


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a mail provider says about a mail.

    Args:
        message_id: ours, or what the provider called the mail when it took it.
        recipient: the address, in any writing; used only to find the mail and to tell whether it is still theirs.
        is_final: of a bounce, whether the address will never take mail.
        key: what makes the report recognisable when it comes again.
    """

    kind: MailEvent.Kind
    message_id: str
    recipient: str
    at: datetime
    key: str
    reason: str = ""
    is_final: bool = True


@transaction.atomic
def take_report(*, report: Report) -> bool:
    """Note what a provider says about a mail of a campaign, once, and act on it at once.

    A final bounce stops mail to the address, a complaint stops everything, an unsubscription withdraws the permission;
    of whatever waits for the person nothing is sent. A mail of which nobody knew whether it was sent is known now.

    A complaint or an unsubscription from another address than the person's is not theirs.

    Returns:
        Whether it is about a mail of ours and was not known before.
    """
    address = _address(report)
    mail = _mail_of(report, address)
    if mail is None or mail.respondent is None:
        return False
    has_moved = mail.respondent.email != address
    if has_moved and address and report.kind in WISHES:
        return False  # whoever wished it is not whom we know
    event, is_new = MailEvent.objects.get_or_create(
        mail=mail,
        digest=token_digest(f"{report.kind} {report.key}"),
        defaults={"kind": report.kind, "reason": report.reason[:40], "at": report.at},
    )
    if not is_new:
        return False
    if mail.state in {State.SENDING, State.UNKNOWN}:
        settle_sent(mail_id=mail.pk)
    _note(mail, report)
    _act(event, mail.campaign.product, mail.respondent, is_final=report.is_final and not has_moved)
    return True


@transaction.atomic
def record_mail_opened(*, token: str) -> None:
    """Note the first time that the picture in a mail was loaded, where the product counts that."""
    opened = CampaignMail.objects.filter(
        invitation__token_digest=token_digest(token),
        campaign__product__tracks_opens=True,
        handed_over_at__isnull=False,
        opened_at__isnull=True,
        respondent__restricted_at__isnull=True,
    )
    opened.update(opened_at=timezone.now())


def _address(report: Report) -> str:
    try:
        return normalise_email(report.recipient)
    except ValidationError:
        return ""


def _mail_of(report: Report, address: str) -> CampaignMail | None:
    """Return the mail that a report names, else the last one to the address that it can be about.

    What is named as ours are and is none of them is another installation's, which shares the provider. Other mail goes
    to the same address too: what names none of ours tells nothing about a mail of which nobody knows whether it was
    sent, nor about one that the provider calls by another name, nor where several products write to the address.
    """
    mails = CampaignMail.objects.select_related("campaign__product", "respondent").filter(
        handed_over_at__isnull=False, respondent__isnull=False
    )
    if named := MESSAGE_ID.fullmatch(report.message_id.strip()):
        mail = mails.filter(pk=int(named[1])).first()
        return mail if mail and bare(message_id(mail)) == bare(report.message_id) else None
    if (name := bare(report.message_id)) and (mail := mails.filter(provider_message_id=name).order_by("pk").last()):
        return mail
    if not address:
        return None
    recent = mails.filter(
        state=State.SENT,
        respondent__email=address,
        provider_message_id="",
        handed_over_at__gt=report.at - RECENT,
        handed_over_at__lt=report.at + WHOLE_SECONDS,
    )
    found = list(recent.order_by("-handed_over_at", "-pk"))
    return found[0] if len({mail.campaign.product_id for mail in found}) == 1 else None


def _note(mail: CampaignMail, report: Report) -> None:
    """Keep when something was reported first; of coming back and arriving, what happened last holds."""
    mails, column = CampaignMail.objects.filter(pk=mail.pk), COLUMNS[report.kind]
    if report.kind == Kind.DELIVERED:
        mails.filter(bounced_at__lt=report.at).update(bounced_at=None)
    elif report.kind == Kind.BOUNCED:
        mails = mails.exclude(delivered_at__gt=report.at)
    mails.filter(**{f"{column}__isnull": True}).update(**{column: report.at})


def _act(event: MailEvent, product: Product, respondent: Respondent, *, is_final: bool) -> None:
    """Do what a report demands, and let staff see at once what sending would find out: nothing more goes out."""
    if event.kind == Kind.BOUNCED and is_final:
        everybody = Respondent.including_restricted.filter(product=product, email=respondent.email)
        everybody.filter(mail_bounced_at__isnull=True).update(mail_bounced_at=event.at)
        drop_waiting(CampaignMail.objects.filter(respondent__in=everybody), code="bounced")
    elif event.kind == Kind.COMPLAINED:
        suppress_person(product=product, person=person_of(respondent), reason=Suppression.Reason.OBJECTED)
        drop_waiting(CampaignMail.objects.filter(respondent=respondent), code="opted_out")
    elif event.kind == Kind.UNSUBSCRIBED:
        stop_mail(respondent=respondent, at=event.at)
