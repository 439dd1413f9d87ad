"""Cases to work on: a person with an answer, their request, and the officers who see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from privacy.identity import mailbox_hash
from privacy.models import IdentityProof, Membership, RequestEvent, RightsRequest
from privacy.performing import Result
from privacy.subjects import rows_of, subject_of
from tests.factories import make_respondent, make_response, make_rights_request, make_staff, make_survey

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from privacy.models import Controller, RequestTask

ANNA = "anna@example.com"
PERSON, STAFF, SYSTEM = RequestEvent.Actor.PERSON, RequestEvent.Actor.STAFF, RequestEvent.Actor.SYSTEM


def make_case(*rights: str, proved: bool = True, known: bool = True, **overrides: Any) -> RightsRequest:
    """Make a request in triage by somebody who answered a survey and, where ``proved``, confirmed their mailbox."""
    survey = make_survey()
    if known:
        anna = make_respondent(product=survey.product, email=ANNA)
        make_response(survey=survey, respondent=anna)
    request = make_rights_request(
        **{
            "controller": survey.product.controller,
            "state": RightsRequest.State.TRIAGE,
            "email": ANNA,
            "email_hash": mailbox_hash(ANNA),
            **overrides,
        }
    )
    for right in rights or ("erasure",):
        request.items.create(right=right)
    if proved:
        IdentityProof.objects.create(
            request=request,
            kind=IdentityProof.Kind.MAILBOX,
            identifier=ANNA,
            identifier_hash=mailbox_hash(ANNA),
        )
    return request


def make_officer(controller: Controller, role: str = "privacy_officer", **overrides: Any) -> User:
    user = make_staff(role, **overrides)
    Membership.objects.create(user=user, controller=controller)
    return user


def make_dpo(controller: Controller, **overrides: Any) -> User:
    return make_officer(controller, "data_protection_officer", **overrides)


def delete_rows(task: RequestTask) -> Result:
    """Erase a table's rows, as the performer of an erasure does."""
    from privacy.inventory import inventory  # noqa: PLC0415

    rows = rows_of(inventory.tables[task.dataset], subject_of(task.item.request))
    return Result.of(rows.delete()[0])
