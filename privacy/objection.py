"""Objecting, Art. 21: to being contacted, which is absolute and holds at once, and to analysis, which restricts.

Nobody has to prove anything in order not to be contacted. Until they do, only the people who have the mailbox that was
named are left alone; with a proof their identifiers also go on the list of those who are never asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from privacy.answering import conclude_objection
from privacy.audit import Action, lock, record
from privacy.conditions import TO_ANALYSIS, TO_CONTACT
from privacy.encryption import keyed_hash, token_digest
from privacy.erasure import suppress_people
from privacy.identity import normalised_mailbox
from privacy.intake import file_proved_objection
from privacy.inventory import Identifier, Mark
from privacy.models import IdentityProof, Product, RequestEvent, RequestItem, Right, RightsRequest, Suppression
from privacy.performing import Result
from privacy.restriction import mark
from privacy.subjects import (
    Subject,
    find,
    model_of,
    persons_table,
    products_of,
    proved_identifiers,
    subject_of,
    whole_persons,
)
from privacy.suppression import suppress

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from privacy.models import RequestTask

ObjectsTo = RequestItem.ObjectsTo


def object_to_contact(task: RequestTask) -> Result:
    """Do what a proved objection demands: nobody is contacted or asked any more, and analysis stops at once.

    Mail that waits is not sent, because sending asks again whether it may be; follow-ups cannot be opened or worked
    on. Whether analysis may go on is decided later; until then the data are restricted.
    """
    affected = 0
    if task.item.objects_to in TO_CONTACT:
        affected += stop_contact(request=task.item.request)
    if task.item.objects_to in TO_ANALYSIS:
        affected += mark(subject_of(task.item.request), Mark.RESTRICTED)
    return Result.of(affected)


@transaction.atomic
def stop_contact(*, request: RightsRequest) -> int:
    """Leave whoever the request is about alone, from now on; return how many records were marked for the first time.

    Works for every request, proved or not, and may run twice. Others who use the same devices are no part of this.
    """
    lock(request)
    proved = subject_of(request)
    people = whole_persons(proved) | whole_persons(_named(request))
    marked = mark(Subject(people=tuple(sorted(people))), Mark.OBJECTED)
    suppress_people(proved, reason=Suppression.Reason.OBJECTED)
    for product in products_of(request).order_by("pk"):
        suppress(product=product, subject_keys=_proved_keys(request), reason=Suppression.Reason.OBJECTED)
    if not request.events.filter(action=Action.CONTACT_STOPPED).exists():
        record(request=request, actor=RequestEvent.Actor.SYSTEM, action=Action.CONTACT_STOPPED)
    return marked


def objections_to_put_into_effect() -> QuerySet[RightsRequest]:
    """Return the requests with an objection to contact that nobody has acted on yet, proved or not."""
    objecting = RequestItem.objects.filter(right=Right.OBJECTION, objects_to__in=TO_CONTACT)
    done = RequestEvent.objects.filter(action=Action.CONTACT_STOPPED)
    waiting = RightsRequest.objects.filter(pk__in=objecting.values("request")).exclude(pk__in=done.values("request"))
    return waiting.exclude(state=RightsRequest.State.WITHDRAWN).order_by("pk")


# --- From an invitation -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Invited:
    """Whom the link in an invitation leads to.

    Args:
        request: the objection that was filed with the link, if any.
    """

    product: Product
    request: RightsRequest | None


def look_up_invited(*, token: str) -> Invited | None:
    """Tell whom an invitation was for, however old it is, and change nothing; ``None`` where nobody is known."""
    proof = token_digest(token).hex()
    people = find(proved=[(Identifier.INVITATION, proof)], products=Product.objects.all()).people
    if not people:
        return None
    root = persons_table()
    of_person = model_of(root)._base_manager.filter(pk=people[0]).values(root.product)
    return Invited(Product.objects.select_related("controller").get(pk__in=of_person), _filed_with(proof))


@transaction.atomic
def object_with_invitation(*, token: str, language: str) -> Invited | None:
    """File an objection to contact with an invitation as its proof and put it into effect; once, while it lasts.

    One that was filed for this alone has ended with it. Where an earlier one is closed, nothing in it leads to the
    person any more, and another is filed.
    """
    invited = look_up_invited(token=token)
    if invited is None:
        return None
    Product.objects.select_for_update(no_key=True).get(pk=invited.product.pk)  # two presses make one request
    proof = token_digest(token).hex()
    request = _filed_with(proof)
    if request is not None:
        stop_contact(request=request)
        return Invited(invited.product, request)
    request = file_proved_objection(
        product=invited.product,
        language=language,
        kind=IdentityProof.Kind.INVITATION,
        identifier=proof,
    )
    stop_contact(request=request)
    conclude_objection(request)
    return Invited(invited.product, request)


def _filed_with(proof: str) -> RightsRequest | None:
    """Return the first objection to contact that the invitation proves and by which its person is still found."""
    proofs = IdentityProof.objects.filter(kind=IdentityProof.Kind.INVITATION, identifier_hash=_proof_hash(proof))
    objecting = RequestItem.objects.filter(right=Right.OBJECTION, objects_to__in=TO_CONTACT)
    requests = RightsRequest.objects.filter(
        pk__in=proofs.exclude(identifier="").values("request"), items__in=objecting.values("pk")
    )
    return requests.select_related("controller").order_by("pk").first()


def _proof_hash(proof: str) -> bytes:
    return keyed_hash(IdentityProof.Kind.INVITATION, proof)


# --- Whom it is about -------------------------------------------------------------------------------------------------


def _named(request: RightsRequest) -> Subject:
    """Return whom the mailbox leads to that the request gives, also before anybody confirmed it."""
    if not request.email or request.acts_for_another:
        return Subject()
    return find(proved=[(Identifier.MAILBOX, normalised_mailbox(request.email))], products=products_of(request))


def _proved_keys(request: RightsRequest) -> list[str]:
    """Return what the list of suppressed people has of the proved identifiers: it also holds for who comes later."""
    root = persons_table()
    proved = [(root.identifiers.get(identifier), value) for identifier, value in proved_identifiers(request)]
    return sorted(f"{root.suppresses[column]}{value}" for column, value in proved if column is not None)
