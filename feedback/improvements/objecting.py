"""The way out of every mail about an improvement: one press, no login, and nobody writes to the person again.

Only their own later agreement, which somebody can look up, ends that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.utils.translation import gettext as _

from feedback.models import ImprovementMail, Respondent
from feedback.people import records_of_same_person

if TYPE_CHECKING:
    from django.db.models import QuerySet

SALT: Final = "feedback.improvements.objection"


class UnknownLink(Exception):
    """Nobody signed this link, or a part of it was lost."""


def objection_token(owed: ImprovementMail) -> str:
    """Return what the link out of a mail carries: signed, the same at every attempt, and never out of date.

    Three numbers name the mail, so that after a restore no link can mean another mail with the same number.
    """
    return Signer(salt=SALT).sign_object([owed.pk, owed.improvement_id, owed.respondent_id])


def find_mail(*, token: str) -> ImprovementMail | None:
    """Return the mail a link came with, or ``None`` where the person was erased since.

    Raises:
        UnknownLink: the link is not ours.
    """
    try:
        pk, improvement, respondent = Signer(salt=SALT).unsign_object(token)
    except (BadSignature, ValueError) as error:
        raise UnknownLink from error
    mails = ImprovementMail.objects.select_related("improvement__product__controller", "respondent")
    return mails.filter(pk=pk, improvement=improvement, respondent=respondent).first()


@transaction.atomic
def object_to_contact(*, token: str) -> ImprovementMail | None:
    """See to it that nobody contacts the person again, under none of the records the product has of them.

    What is queued is not sent: sending asks again.

    Raises:
        UnknownLink: the link is not ours.
    """
    owed = find_mail(token=token)
    if owed is not None:
        _locked(records_of_same_person(owed.respondent)).update(do_not_contact=True, contact_agreed="")
    return owed


@transaction.atomic
def agree_to_contact(*, respondent: Respondent, evidence: str) -> None:
    """Let a person who said no be contacted again, as everybody with the same mailbox: a "no" of one holds for all.

    Other wishes stay: an objection to being asked, a restriction, and having unsubscribed. Records that are restricted
    stay as they are.

    Args:
        evidence: where it can be looked up that they agreed since.

    Raises:
        ValidationError: ``no_evidence``.
    """
    if not evidence.strip():
        raise ValidationError(_("Say where it can be looked up."), "no_evidence")
    same = records_of_same_person(respondent).filter(do_not_contact=True, restricted_at=None)
    _locked(same).update(do_not_contact=False, contact_agreed=evidence.strip())


def _locked(records: QuerySet[Respondent]) -> QuerySet[Respondent]:
    """Lock records in one order and return them."""
    keys = [one.pk for one in records.order_by("pk").select_for_update(no_key=True)]
    found: QuerySet[Respondent] = Respondent.including_restricted.filter(pk__in=keys)
    return found
