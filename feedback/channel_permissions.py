"""Permissions to ask through e-mail: recorded once with their evidence, withdrawn once, never edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from feedback.models import ChannelPermission
from feedback.people import records_of_same_person
from feedback.unsubscribing import is_unsubscribed, resubscribe
from surveys.models import Channel

if TYPE_CHECKING:
    from datetime import date

    from feedback.models import Respondent


def record_permission(
    *, respondent: Respondent, basis: ChannelPermission.Basis, evidence: str, given_on: date
) -> ChannelPermission:
    """Record that the person may be asked by e-mail.

    Args:
        evidence: where it can be looked up.
        given_on: the day on which it was given, where the product is.

    Raises:
        ValidationError: at its field ``no_evidence`` or ``in_the_future``; ``already_permitted``; ``do_not_contact``;
            ``unsubscribed``, unless it is a consent that the person gave since.
    """
    if not evidence.strip():
        raise ValidationError({"evidence": ValidationError(_("Say where it can be looked up."), "no_evidence")})
    if given_on > timezone.now().astimezone(respondent.product.zone).date():
        raise ValidationError({"given_on": ValidationError(_("This day has not come yet."), "in_the_future")})
    if records_of_same_person(respondent).filter(do_not_contact=True).exists():
        raise ValidationError(_("This person asked not to be contacted."), "do_not_contact")
    try:
        with transaction.atomic():
            _end_unsubscription(respondent, basis, given_on)
            permission: ChannelPermission = ChannelPermission.objects.create(
                respondent=respondent,
                channel=Channel.EMAIL,
                basis=basis,
                evidence=evidence.strip(),
                given_on=given_on,
            )
    except IntegrityError as error:
        message = _("A permission is in force already. Withdraw it first if it was recorded wrongly.")
        raise ValidationError(message, "already_permitted") from error
    return permission


def _end_unsubscription(respondent: Respondent, basis: ChannelPermission.Basis, given_on: date) -> None:
    if not is_unsubscribed(respondent):
        return
    if basis != ChannelPermission.Basis.CONSENT or not resubscribe(respondent=respondent, on=given_on):
        message = _("This person has unsubscribed. Only a consent that they gave since then permits e-mails again.")
        raise ValidationError(message, "unsubscribed")


def withdraw_permission(*, permission: ChannelPermission) -> bool:
    """End a permission now; one that ended before keeps its time.

    Returns:
        whether it was in force.
    """
    in_force = ChannelPermission.including_restricted.filter(pk=permission.pk, withdrawn_at=None)
    return bool(in_force.update(withdrawn_at=timezone.now()))
