"""Plain factories: each makes one valid thing, and what a test cares about is an argument."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.contrib.auth.models import Group, User
from django.utils import timezone

from feedback.campaigns import write_campaign
from feedback.models import Campaign, ChannelPermission, Improvement, Invitation, Respondent, Response, TaskFailure
from feedback.task_failures import record_failure
from privacy.access_log import record_access
from privacy.break_glass import end_access, open_access
from privacy.deadlines import deadlines
from privacy.encryption import new_token, token_digest
from privacy.incidents import open_incident
from privacy.models import (
    AccessLogEntry,
    BreakGlass,
    Controller,
    Disclosure,
    Incident,
    Membership,
    Product,
    Recipient,
    RightsRequest,
    ServerKey,
    StaffChange,
    Suppression,
)
from privacy.server_keys import issue as issue_server_key
from privacy.staffing import record_change
from privacy.suppression import suppress, suppressions_of
from surveys.models import Survey
from surveys.publishing import publish
from surveys.scales import Metric
from surveys.wording import add_default_wording

if TYPE_CHECKING:
    from collections.abc import Sequence

numbers = itertools.count(1)


def make_controller(**overrides: Any) -> Controller:
    number = next(numbers)
    return Controller.objects.create(
        **{
            "name": f"Controller {number}",
            "contact_email": "office@example.com",
            "privacy_email": "privacy@example.com",
            "supervisory_authority": "Urząd Ochrony Danych Osobowych",
            **overrides,
        }
    )


def make_product(**overrides: Any) -> Product:
    if "controller" not in overrides:
        overrides["controller"] = make_controller()
    return Product.objects.create(**{"name": f"Product {next(numbers)}", **overrides})


def make_draft(**overrides: Any) -> Survey:
    """Make a survey with the shipped wording that was never published."""
    if "product" not in overrides:
        overrides["product"] = make_product()
    survey = Survey.objects.create(**{"name": f"Survey {next(numbers)}", "metric": Metric.NPS, **overrides})
    add_default_wording(survey=survey)
    return survey


def make_survey(**overrides: Any) -> Survey:
    """Make a published survey that asks everybody at once: no delay before the first survey."""
    survey = make_draft(**{"first_survey_delay_days": 0, **overrides})
    publish(survey=survey)
    survey.refresh_from_db()
    return survey


def make_respondent(**overrides: Any) -> Respondent:
    if "product" not in overrides:
        overrides["product"] = make_product()
    return Respondent.objects.create(
        **{"subject_key": f"id:person-{next(numbers)}", "first_seen_at": timezone.now(), **overrides}
    )


def make_invitation(*, survey: Survey | None = None, token: str | None = None, **overrides: Any) -> Invitation:
    survey = survey or make_survey()
    if "respondent" not in overrides:
        overrides["respondent"] = make_respondent(product=survey.product)
    now = timezone.now()
    return Invitation.objects.create(
        **{
            "product": survey.product,
            "survey": survey,
            "version": survey.current_version,
            "channel": "web",
            "language": "en",
            "token_digest": token_digest(token or new_token()),
            "created_at": now,
            "expires_at": now + timedelta(days=60),
            **overrides,
        }
    )


def make_response(*, survey: Survey | None = None, **overrides: Any) -> Response:
    survey = survey or make_survey()
    if "invitation" not in overrides:
        overrides["invitation"] = make_invitation(
            survey=survey,
            **{name: overrides[name] for name in ("respondent", "channel", "language") if name in overrides},
        )
    invitation = overrides["invitation"]
    answered_at = overrides.get("answered_at", timezone.now())
    version = survey.current_version
    assert version is not None
    return Response.objects.create(
        **{
            "product": survey.product,
            "survey": survey,
            "version": version,
            "respondent": invitation.respondent,
            "submission_id": uuid.uuid4(),
            "metric": version.metric,
            "band_profile": version.band_profile,
            "score": version.scale.maximum,
            "receipt_hash": token_digest(new_token()),
            "answered_at": answered_at,
            "answered_on": answered_at.astimezone(survey.product.zone).date(),
            "received_at": answered_at,
            "channel": invitation.channel,
            "language": invitation.language,
            **overrides,
        }
    )


def make_permission(**overrides: Any) -> ChannelPermission:
    """Make a permission for e-mail that is in force."""
    if "respondent" not in overrides:
        overrides["respondent"] = make_respondent()
    return ChannelPermission.objects.create(
        **{"channel": "email", "basis": "consent", "evidence": "form 7", "given_on": "2026-01-31", **overrides}
    )


def make_suppression(*, product: Product | None = None, key: str = "", reason: str = "by_staff") -> Suppression:
    product, key = product or make_product(), key or f"id:person-{next(numbers)}"
    suppress(product=product, subject_keys=[key], reason=Suppression.Reason(reason))
    return suppressions_of(product=product, subject_keys=[key]).get()


def make_recipient(*, datasets: Sequence[str] = ("feedback.Respondent",), **overrides: Any) -> Recipient:
    """Make a company of the group that gets these tables, since a year ago."""
    if "controller" not in overrides:
        overrides["controller"] = make_controller()
    recipient = Recipient.objects.create(
        **{
            "name": f"Recipient {next(numbers)}",
            "kind": "group_company",
            "country": "PL",
            "purposes": ["feedback"],
            "contact_email": "data@recipient.example",
            **overrides,
        }
    )
    since = timezone.localdate() - timedelta(days=365)
    Disclosure.objects.bulk_create(Disclosure(recipient=recipient, dataset=each, since=since) for each in datasets)
    return recipient


def make_read(*, product: Product) -> AccessLogEntry:
    """Make an entry of the access log: somebody looked at a person of the product."""
    return record_access(
        user=make_staff(),
        purpose=AccessLogEntry.Purpose.WHY_NOT,
        record=make_respondent(product=product),
        controller=product.controller,
        product=product,
    )


def make_emergency(*, user: User | None = None, product: Product | None = None) -> BreakGlass:
    """Make an emergency access of an administrator that is over, so that it grants nothing any more."""
    user = user or make_staff("administrator", product=product or make_product())
    access = open_access(user=user, reason="Something is on fire")
    end_access(user=user)
    return access


def make_staff_change(*, product: Product) -> StaffChange:
    """Make the record of a change of an account that sees the product."""
    by, account = (make_staff(product=product) for _ in range(2))
    return record_change(by=by, account=account, kind=StaffChange.Kind.PASSWORD)


def make_staff(role: str | None = None, *, product: Product | None = None, **overrides: Any) -> User:
    """Make a member of staff with a role, who sees the product."""
    user = User.objects.create_user(
        **{"username": f"{role or 'staff'}-{next(numbers)}", "password": "secret", "is_staff": True, **overrides}
    )
    if role:
        user.groups.add(Group.objects.get(name=role))
    if product:
        Membership.objects.create(user=user, controller=product.controller, product=product)
    return user


def make_improvement(**overrides: Any) -> Improvement:
    """Make a draft that nothing is linked to."""
    if "created_by" not in overrides:
        overrides["created_by"] = make_staff("reviewer", product=overrides["product"])
    return Improvement.objects.create(
        **{
            "language": "en",
            "title": "Transfers arrive in a minute",
            "said": "Waiting for days is not what a bank is for.",
            "text": "Transfers between our customers are instant.",
            "done_on": timezone.localdate(),
            **overrides,
        }
    )


def make_rights_request(**overrides: Any) -> RightsRequest:
    """Make a bare request in whatever state, without items or trail."""
    if "controller" not in overrides:
        overrides["controller"] = make_controller()
    received_at = overrides.setdefault("received_at", timezone.now())
    zone, country = ZoneInfo(overrides["controller"].time_zone), overrides["controller"].country
    return RightsRequest.objects.create(
        **{"language": "en", **asdict(deadlines(received_at, zone=zone, country=country)), **overrides}
    )


def make_incident(**overrides: Any) -> Incident:
    """Make an open incident of a bare request."""
    return open_incident(request=make_rights_request(**overrides))


def make_campaign(*, survey: Survey, **overrides: Any) -> Campaign:
    """Make a draft with the shipped wording."""
    row = Campaign(**{"product": survey.product, "survey": survey, "name": f"Campaign {next(numbers)}", **overrides})
    return write_campaign(campaign=row, by=None)


def make_task_failure(task: str = "feedback.tasks.apply_rules") -> TaskFailure:
    record_failure(task=task, error=ValueError)
    return TaskFailure.objects.get(task=task)


def make_server_key(*, product: Product, scopes: tuple[str, ...] = ("ask",)) -> tuple[ServerKey, str]:
    """Make a key of a product's backend; return it with its secret."""
    return issue_server_key(product=product, name="shop", scopes=scopes)
