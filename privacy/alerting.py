"""Mail to officers about what staff do and what requests need: owed in the database until it was accepted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Model, Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from privacy.conditions import is_last_call, last_call, silent_recipients
from privacy.delivery import AUTOMATIC, BATCH, NOT_ACCEPTED, next_attempt
from privacy.models import OVERSEE, Alert, BreakGlass, Controller, Incident, Product, RequestAlarm, StaffChange
from privacy.officers import ROLES, officers_for

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from django.db.models import QuerySet
    from django_stubs_ext import StrOrPromise

logger = logging.getLogger(__name__)

About = BreakGlass | StaffChange | Incident | RequestAlarm
# What alerts are about: the column of an alert, which also names the template of its mail, and the subject.
ABOUT: Final[dict[type[Model], tuple[str, StrOrPromise]]] = {
    BreakGlass: ("break_glass", _("Emergency access to personal data")),
    StaffChange: ("staff_change", _("A staff account was changed")),
    Incident: ("incident", _("Personal data reached the wrong person")),
    RequestAlarm: ("request_alarm", _("Rights request: %(what)s")),
}


def officers_of(controller: Controller) -> QuerySet[User]:
    """Return who watches over a controller's staff: its data protection officers, as their accounts stand now."""
    overseers = User.objects.with_perm(OVERSEE, backend=ROLES, include_superusers=False)
    return overseers.filter(is_active=True, memberships__controller=controller).distinct()


@transaction.atomic
def owe_alerts(*, about: About, controllers: Iterable[Controller]) -> list[Alert]:
    """Owe every officer of the controllers a mail: who works on the request, or the data protection officers.

    An officer of several controllers gets one. A controller that no officer with a mailbox watches over is told at
    its privacy mailbox, so that nothing happens unseen.
    """
    subject = {ABOUT[type(about)][0]: about}
    owed: dict[tuple[str, int], Alert] = {}
    for controller in controllers:
        watching = officers_for(about.request) if isinstance(about, RequestAlarm) else officers_of(controller)
        officers = list(watching.exclude(email=""))
        for officer in officers:
            owed.setdefault(("officer", officer.pk), Alert(recipient=officer, controller=controller, **subject))
        if not officers:
            owed["mailbox", controller.pk] = Alert(controller=controller, **subject)
    return Alert.objects.bulk_create(owed.values())


def due_alert_ids() -> list[int]:
    """Return the ids of alerts that should have gone out, the longest overdue first."""
    return list(_due().order_by("next_attempt_at").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def send_alert(*, alert_id: int) -> bool:
    """Send an alert that is due, once, whoever else tries at the same time.

    A failure is put off with growing waits and in the end given up; the row says so.

    Returns:
        Whether this call sent it.
    """
    alert = _due().select_for_update(skip_locked=True, of=("self",)).filter(pk=alert_id).first()
    if alert is None:
        return False
    alert.attempts += 1
    try:
        _compose(alert).send()
    except NOT_ACCEPTED as error:
        # Only the kind of error: its text may quote the address.
        logger.warning("alert %s was not sent: %s", alert.pk, type(error).__name__)
        again = next_attempt(error, failures=alert.attempts, now=timezone.now())
        if again is None:
            alert.failed_at = timezone.now()
        else:
            alert.next_attempt_at = again
        alert.save(update_fields=["attempts", "next_attempt_at", "failed_at"])
        return False
    alert.sent_at = timezone.now()
    alert.save(update_fields=["attempts", "sent_at"])
    return True


def _due() -> QuerySet[Alert]:
    return Alert.objects.filter(
        Q(sent_at__isnull=True, failed_at__isnull=True), next_attempt_at__lte=timezone.now()
    ).select_related(
        *("recipient", "controller", "break_glass__user", "staff_change__by", "staff_change__account"),
        *("incident__request__controller", "request_alarm__request__controller"),
    )


def _compose(alert: Alert) -> EmailMessage:
    about = alert.break_glass or alert.staff_change or alert.incident or alert.request_alarm
    assert about is not None  # noqa: S101  held by a check constraint
    name, subject = ABOUT[type(about)]
    with translation.override(_language_of(alert.controller)):
        if isinstance(about, RequestAlarm):
            subject = subject % {"what": about.get_kind_display()}
        return EmailMessage(
            subject=str(subject),
            body=render_to_string(f"privacy/mail/{name}.txt", _context(alert, about)),
            to=[alert.recipient.email if alert.recipient else alert.controller.privacy_email],
            headers=dict(AUTOMATIC),
        )


def _context(alert: Alert, about: About) -> dict[str, Any]:
    row = about.request if isinstance(about, RequestAlarm) else about
    page = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    if isinstance(about, Incident | RequestAlarm):
        concerned = [about.request.controller]
    else:
        concerned = list(about.controllers.all())
    told: dict[str, Any] = {}
    if isinstance(about, RequestAlarm):
        told = {
            "silent": silent_recipients(about.request),
            "last_call": last_call(about.request),
            "is_last_call": is_last_call(about.request),
        }
    return {
        **told,
        "alert": alert,
        "about": about,
        "controllers": ", ".join(controller.name for controller in concerned),
        "link": f"{settings.PUBLIC_URL}{page}",
    }


def _language_of(controller: Controller) -> str:
    """Return the language in which a controller's products speak, where our pages speak it too."""
    languages = Product.objects.filter(controller=controller).order_by("pk").values_list("default_language", flat=True)
    return next((code for code in languages if code in dict(settings.LANGUAGES)), settings.LANGUAGE_CODE)
