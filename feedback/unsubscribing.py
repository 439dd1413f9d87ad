"""The way out of every mail that asks: one press, no login, in force at once and also with a link of long ago."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from feedback.invitations import UnknownInvitation
from feedback.models import DELIVERED, CampaignMail, ChannelPermission, Invitation, Respondent
from feedback.people import records_of_same_person
from feedback.unsent import drop_waiting
from privacy.encryption import token_digest
from surveys.models import Channel

if TYPE_CHECKING:
    from datetime import date, datetime


def find_subscription(token: str) -> Invitation:
    """Return the invitation that a link to unsubscribe came with, however old, with its person and product.

    Raises:
        UnknownInvitation: this token was delivered to nobody.
    """
    rows = Invitation.including_restricted.select_related("respondent", "product__controller")
    invitation = rows.filter(DELIVERED, token_digest=token_digest(token)).first()
    if invitation is None:
        raise UnknownInvitation
    return invitation


@transaction.atomic
def unsubscribe(token: str) -> Invitation:
    """See to it that the product asks this person by e-mail no more, under none of the records it has of them.

    The permission ends now, so that what is queued fails when it is about to be sent. It is also remembered: no
    permission that was given before, or that rests on being a customer, can be recorded again. The invitation says
    which mail it was that they had enough of.

    Raises:
        UnknownInvitation: this token was delivered to nobody.
    """
    invitation, at = find_subscription(token), timezone.now()
    stop_mail(respondent=invitation.respondent, at=at)
    if invitation.unsubscribed_at is None:
        invitation.unsubscribed_at = at
        invitation.save(update_fields=["unsubscribed_at"])
    mails = CampaignMail.objects.filter(invitation=invitation, handed_over_at__isnull=False)
    mails.filter(unsubscribed_at=None).update(unsubscribed_at=at)
    return invitation


@transaction.atomic
def stop_mail(*, respondent: Respondent, at: datetime) -> None:
    """End the permission to ask a person by e-mail, and let staff see at once that what waits for them will not go."""
    same = [one.pk for one in records_of_same_person(respondent).order_by("pk").select_for_update(no_key=True)]
    permissions = ChannelPermission.including_restricted.filter(respondent__in=same, channel=Channel.EMAIL)
    permissions.filter(withdrawn_at=None).update(withdrawn_at=at)
    Respondent.including_restricted.filter(pk__in=same, unsubscribed_at=None).update(unsubscribed_at=at)
    drop_waiting(CampaignMail.objects.filter(respondent__in=same), code="no_permission")


def is_unsubscribed(respondent: Respondent) -> bool:
    """Tell whether the product may not write to this person, under any record that has the same address."""
    return records_of_same_person(respondent).filter(unsubscribed_at__isnull=False).exists()


def resubscribe(*, respondent: Respondent, on: date) -> bool:
    """Let a consent that was given after the person unsubscribed end that; return whether it did.

    Args:
        on: the day of the consent, where the product is.
    """
    same = records_of_same_person(respondent).filter(unsubscribed_at__isnull=False)
    zone = respondent.product.zone
    if any(record.unsubscribed_at.astimezone(zone).date() > on for record in same if record.unsubscribed_at):
        return False
    same.update(unsubscribed_at=None)
    return True
