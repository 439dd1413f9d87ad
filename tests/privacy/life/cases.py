"""Cases to work on: a person with an answer, their request, and the officers who see it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from privacy.deciding import decide_approval, propose
from privacy.fulfilment import due_task_ids, run_task
from privacy.identity import mailbox_hash
from privacy.inventory import inventory
from privacy.models import IdentityProof, Membership, Package, RequestEvent, RightsRequest
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


def state_of(request: RightsRequest) -> str:
    """Return the state that is stored; a protected state cannot be refreshed."""
    return RightsRequest.objects.get(pk=request.pk).state


def make_officer(controller: Controller, role: str = "privacy_officer", **overrides: Any) -> User:
    user = make_staff(role, **overrides)
    Membership.objects.create(user=user, controller=controller)
    return user


def make_dpo(controller: Controller, **overrides: Any) -> User:
    return make_officer(controller, "data_protection_officer", **overrides)


def begin(case: RightsRequest) -> None:
    """Propose the plan, and have it approved where it must be."""
    for approval in propose(request=case, user=make_officer(case.controller)):
        decide_approval(approval=approval, decision="approved", user=make_dpo(case.controller))


def work(case: RightsRequest) -> list[int]:
    """Run what may run until nothing may; return what ran."""
    ran = []
    while ids := due_task_ids(case):
        ran += [task_id for task_id in ids if run_task(task_id=task_id)]
    return ran


def delete_rows(task: RequestTask) -> Result:
    """Erase a table's rows, as the performer of an erasure does."""
    rows = rows_of(inventory.tables[task.dataset], subject_of(task.item.request))
    return Result.of(rows.delete()[0])


def build_package(task: RequestTask) -> Result:
    """Leave a package that can be fetched for a week."""
    now = timezone.now()
    Package.objects.update_or_create(
        item=task.item,
        defaults={
            **{"file_name": f"{task.pk}", "key": "k", "size": 1, "fetched_at": None, "destroyed_at": None},
            **{"built_at": now, "expires_at": now + timedelta(days=7)},
        },
    )
    return Result.of(1)
