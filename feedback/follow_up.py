"""Closing the loop: a response is flagged, somebody takes it on, and it ends with a note."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from feedback.models import FollowUp, Priority, Respondent, Response, Team
from privacy.models import Product

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django_stubs_ext import StrOrPromise

LONGEST_REASON: Final = 1000
LONGEST_NOTE: Final = 2000
WITH_A_NOTE: Final = (FollowUp.Status.CLOSED, FollowUp.Status.DISMISSED)
WORK: Final = "feedback.change_followup"


@dataclass(frozen=True)
class Step:
    """A change of status that is possible now."""

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
        by: who flags it; nobody where a rule does.
        owner: the member of staff who should work on it; nobody yet when missing.

    Raises:
        ValidationError: ``reason_required``, ``too_long``, ``test_response``, ``may_not_be_contacted``,
            ``already_open``, ``owner_not_staff`` or ``owner_cannot_see_product``.
    """
    reason = _text(reason, LONGEST_REASON, _("Say why this person should be contacted."), "reason_required")
    if response.is_test:
        raise ValidationError(_("A test response has nobody behind it to contact."), code="test_response")
    respondent = _lock(response.respondent_id)
    _check_contact(respondent, response)
    _check_nothing_open(respondent)
    _check_owner(owner, response.product_id)
    created: FollowUp = FollowUp.objects.create(
        response=response,
        respondent=respondent,
        product_id=response.product_id,
        reason=reason,
        owner=owner,
        team=team,
        priority=priority,
        flagged_by=by,
    )
    return created


@transaction.atomic
def change_status(*, follow_up: FollowUp, to: str, by: User, note: str = "") -> FollowUp:
    """Move a follow-up along its status machine; two people who press at once cannot both succeed.

    Args:
        by: who does it; becomes the owner when work begins on a follow-up that nobody owns.
        note: required to close or dismiss, at most 2000 characters; other changes take none.

    Raises:
        ValidationError: ``not_possible`` from the status it has now, ``note_required``, ``too_long``,
            ``already_open`` when reopening beside another one, or ``may_not_be_contacted``.
    """
    respondent = _lock(follow_up.respondent_id)
    follow_up = _lock_follow_up(follow_up)
    moves = follow_up.possible_moves()
    if to not in moves:
        raise ValidationError(
            _("It is “%(status)s” now, so this is not possible. Somebody else may have changed it."),
            code="not_possible",
            params={"status": follow_up.get_status_display()},
        )
    move = getattr(follow_up, moves[to].name)
    if to in WITH_A_NOTE:
        move(at=timezone.now(), note=_text(note, LONGEST_NOTE, _("Say how it ended."), "note_required"))
    else:
        _check_contact(respondent, follow_up.response)
        if not follow_up.is_open and to == FollowUp.Status.OPEN:
            _check_nothing_open(respondent)
        move()
    if to == FollowUp.Status.IN_PROGRESS and follow_up.owner_id is None:
        follow_up.owner = by
    follow_up.save(update_fields=["status", "closed_at", "closing_note", "owner"])
    return follow_up


@transaction.atomic
def assign(*, follow_up: FollowUp, to: User | None, by: User) -> FollowUp:
    """Give a follow-up to a member of staff, or to nobody.

    Raises:
        ValidationError: ``not_open``, ``owner_not_staff`` or ``owner_cannot_see_product``.
    """
    follow_up = _lock_follow_up(follow_up)
    if follow_up.status in WITH_A_NOTE:
        raise ValidationError(_("It is closed; reopen it first."), code="not_open")
    _check_owner(to, follow_up.product_id)
    follow_up.owner = to
    follow_up.save(update_fields=["owner"])
    return follow_up


def possible_steps(follow_up: FollowUp) -> list[Step]:
    """Return the changes of status that are possible from here, in the order of the work."""
    moves = follow_up.possible_moves()
    return [Step(to, moves[to].custom["label"], to in WITH_A_NOTE) for to in FollowUp.Status if to in moves]


def possible_owners(product: Product) -> QuerySet[User]:
    """Return the active staff who see a product and may work on follow-ups."""
    workers = User.objects.with_perm(WORK, backend="django.contrib.auth.backends.ModelBackend")
    sees_it = Q(memberships__product=product) | Q(
        memberships__controller=product.controller_id, memberships__product=None
    )
    return workers.filter(Q(is_superuser=True) | sees_it, is_staff=True, is_active=True).distinct().order_by("username")


def _text(text: str, longest: int, message: str, code: str) -> str:
    text = text.strip()
    if not text:
        raise ValidationError(message, code=code)
    if len(text) > longest:
        raise ValidationError(_("At most %(limit)s characters."), code="too_long", params={"limit": longest})
    return text


def _lock(respondent_id: int) -> Respondent:
    """Make everybody who opens a follow-up of this person wait in line; new invitations need not wait."""
    return Respondent.including_restricted.select_for_update(no_key=True).get(pk=respondent_id)


def _lock_follow_up(follow_up: FollowUp) -> FollowUp:
    rows = FollowUp.including_restricted.select_for_update(of=["self"], no_key=True)
    return rows.select_related("response").get(pk=follow_up.pk)


def _check_contact(respondent: Respondent, response: Response) -> None:
    if not respondent.may_be_contacted or response.restricted_at is not None:
        raise ValidationError(_("This person must not be contacted."), code="may_not_be_contacted")


def _check_nothing_open(respondent: Respondent) -> None:
    if FollowUp.including_restricted.filter(respondent=respondent).open().exists():
        raise ValidationError(_("Another follow-up of this person is open already."), code="already_open")


def _check_owner(owner: User | None, product_id: int) -> None:
    if owner is None:
        return
    if not (owner.is_staff and owner.is_active):
        raise ValidationError(_("Only an active member of staff can work on it."), code="owner_not_staff")
    if not owner.has_perm(WORK):
        raise ValidationError(
            _("%(name)s may not work on follow-ups."), code="owner_may_not_work", params={"name": owner.get_username()}
        )
    if not Product.objects.visible_to(owner).filter(pk=product_id).exists():
        raise ValidationError(
            _("%(name)s does not see this product."),
            code="owner_cannot_see_product",
            params={"name": owner.get_username()},
        )
