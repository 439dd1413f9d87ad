"""Data that reached the wrong person: the key goes at once, the officers hear of it, and 72 hours begin, Art. 33."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from privacy.alerting import owe_alerts
from privacy.audit import Action, lock, record
from privacy.codes import end_codes
from privacy.limits import Limit, hit
from privacy.models import Incident, Package, RequestEvent, RequestToken, RightsRequest
from privacy.packages import destroy

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User
    from django.db.models import QuerySet

TO_TELL: Final = timedelta(hours=72)
# Nobody who knows a reference can fill its trail.
REPORTS: Final = Limit("misdelivery-reports", times=5, seconds=60 * 60)


def report_misdelivery(*, request: RightsRequest) -> None:
    """Write down that something reached the wrong person.

    The same is done whether or not there is a copy, so that neither the answer nor its time tells; what follows from
    it is for a task.
    """
    if hit(REPORTS, str(request.pk)) is None:
        record(request=request, actor=RequestEvent.Actor.PERSON, action=Action.MISDELIVERY_REPORTED)


def reported_request_ids() -> list[int]:
    """Return the requests of which it was said that a copy reached the wrong person, and nothing was done yet."""
    reports = RequestEvent.objects.filter(action=Action.MISDELIVERY_REPORTED)
    return list(_unanswered(reports).order_by("request").values_list("request", flat=True).distinct())


@transaction.atomic
def act_on_report(*, request_id: int) -> Incident | None:
    """Open the incident that was reported; ``None`` where there was no copy, or it was done before."""
    request = lock(RightsRequest.objects.get(pk=request_id))
    reports = request.events.filter(action=Action.MISDELIVERY_REPORTED)
    return open_incident(request=request) if _unanswered(reports).exists() else None


def _unanswered(reports: QuerySet[RequestEvent]) -> QuerySet[RequestEvent]:
    """Leave the reports after which a copy is still there, or was there and is the matter of no incident."""
    copies = Package.objects.filter(item__request=OuterRef("request"), built_at__lte=OuterRef("at"))
    incidents = Incident.objects.filter(
        Q(closed_at__isnull=True) | Q(closed_at__gte=OuterRef("at")), request=OuterRef("request")
    )
    return reports.filter(
        Exists(copies.filter(destroyed_at__isnull=True)) | (Exists(copies) & ~Exists(incidents)),
    )


@transaction.atomic
def open_incident(*, request: RightsRequest, by: User | None = None) -> Incident:
    """Open an incident, or return the open one: the keys of the request's packages go, and the officers are alerted.

    Args:
        by: the member of staff who noticed; nobody where the person who got the mail said so.
    """
    lock(request)
    for package in Package.objects.filter(item__request=request):
        destroy(package=package)
    end_codes(request=request, purpose=RequestToken.Purpose.UNLOCK_CODE)
    known = Incident.objects.filter(request=request, closed_at__isnull=True).first()
    if known is not None:
        return known
    now = timezone.now()
    incident = Incident.objects.create(request=request, opened_by=by, opened_at=now, notify_by=now + TO_TELL)
    actor = RequestEvent.Actor.STAFF if by else RequestEvent.Actor.PERSON
    record(request=request, actor=actor, action=Action.INCIDENT_OPENED, user=by)
    owe_alerts(about=incident, controllers=[request.controller])
    return incident


@transaction.atomic
def assess(
    *, incident: Incident, user: User, assessment: str, notified_at: datetime | None = None, closes: bool = False
) -> Incident:
    """Write down what happened and what was done; once closed it stays as it is.

    Args:
        notified_at: when the supervisory authority was told.
        closes: nothing remains to be done.

    Raises:
        PermissionDenied: the user may not assess incidents of this controller.
        ValidationError: ``closed``, ``no_assessment``, or ``before_it_was_noticed``.
    """
    if not user.has_perm("privacy.change_incident"):
        raise PermissionDenied
    found = Incident.objects.visible_to(user).select_for_update(of=("self",)).filter(pk=incident.pk).first()
    if found is None:
        raise PermissionDenied
    if found.closed_at is not None:
        raise ValidationError(_("This incident is closed."), "closed")
    if closes and not assessment.strip():
        raise ValidationError({"assessment": ValidationError(_("Say what happened first."), "no_assessment")})
    if notified_at is not None and notified_at < found.opened_at.replace(second=0, microsecond=0):
        early = ValidationError(_("That was before the incident was noticed."), "before_it_was_noticed")
        raise ValidationError({"notified_at": early})
    found.assessment, found.notified_at = assessment.strip(), notified_at
    found.closed_at = timezone.now() if closes else None
    found.save(update_fields=["assessment", "notified_at", "closed_at"])
    told = [name for name in ("assessment", "notified_at", "closed_at") if getattr(found, name)]
    record(
        request=found.request,
        actor=RequestEvent.Actor.STAFF,
        action=Action.INCIDENT_ASSESSED,
        user=user,
        fields=told,
    )
    return found
