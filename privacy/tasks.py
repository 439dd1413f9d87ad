"""Background work of the ground floor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import shared_task
from django.db import transaction

from privacy import (
    alerting,
    answering,
    claims,
    fulfilment,
    incidents,
    lifecycle,
    lifting,
    mailing,
    objection,
    packages,
    planning,
    retention,
    watching,
)
from privacy.models import RequestTask, RightsRequest

if TYPE_CHECKING:
    from privacy.models import BreakGlass, Incident, StaffChange


@shared_task
def send_message(message_id: int) -> None:
    """Send one mail that is owed; running it twice sends one mail."""
    mailing.send_message(message_id=message_id)


@shared_task
def send_due_messages() -> None:
    """Queue again what is owed and did not go out: lost queue messages, and retries whose time has come.

    Each mail is a task of its own, so that one that cannot be composed holds up no other.
    """
    for message_id in mailing.due_message_ids():
        send_message.delay(message_id)


def queue_mail(message_id: int) -> None:
    """Queue a mail once it is stored. A queue that is down fails no request: the row is found within a minute."""

    def queue() -> None:  # no functools.partial: Django could not name a failing one in its log
        send_message.delay(message_id)

    transaction.on_commit(queue, robust=True)


@shared_task
def check_claims(request_id: int) -> None:
    """Check the codes that came with one request; running it twice proves nothing twice."""
    claims.check_claims(request_id=request_id)


@shared_task
def check_unchecked_claims() -> None:
    """Queue again the requests whose claims nobody has checked."""
    for request_id in claims.unchecked_request_ids():
        check_claims.delay(request_id)


def queue_work_of(request: RightsRequest) -> None:
    """Queue all mail that a new request is owed, and the check of what it claims."""
    for message_id in request.messages.values_list("pk", flat=True):
        queue_mail(message_id)
    if request.claims_checked_at is None:
        number = request.pk
        transaction.on_commit(lambda: check_claims.delay(number), robust=True)


@shared_task
def run_task(task_id: int) -> None:
    """Run one task of a plan, then queue what its request can do next; running it twice ends the same way."""
    if fulfilment.run_task(task_id=task_id):
        queue_tasks_of(RequestTask.objects.select_related("item__request").get(pk=task_id).item.request)


@shared_task
def run_due_tasks() -> None:
    """Queue every task that may run now: what was planned, lost on the way, or is to be tried again."""
    planning.plan_due_objections()
    lifting.plan_due_liftings()
    for task_id in fulfilment.due_task_ids():
        run_task.delay(task_id)


def queue_tasks_of(request: RightsRequest) -> None:
    """Queue what a request can do now, once that is stored; a queue that is down fails nobody's request."""

    def queue() -> None:
        for task_id in fulfilment.due_task_ids(request):
            run_task.delay(task_id)

    transaction.on_commit(queue, robust=True)


@shared_task
def watch_requests() -> None:
    """Warn of deadlines, let lapse what waited for too long, and close what is over."""
    watching.raise_due_alarms()
    lifecycle.lapse_due_requests()
    answering.finish_and_close_due_requests()


@shared_task
def send_alert(alert_id: int) -> None:
    """Send one alert that a data protection officer is owed; running it twice sends one mail."""
    alerting.send_alert(alert_id=alert_id)


@shared_task
def send_due_alerts() -> None:
    """Queue again the alerts that are owed and did not go out."""
    for alert_id in alerting.due_alert_ids():
        send_alert.delay(alert_id)


def queue_alerts_of(about: BreakGlass | StaffChange | Incident) -> None:
    """Queue the alerts that are owed, once they are stored; a queue that is down fails nobody's request."""

    def queue() -> None:
        for alert_id in about.alerts.values_list("pk", flat=True):
            send_alert.delay(alert_id)

    transaction.on_commit(queue, robust=True)


@shared_task
def act_on_report(request_id: int) -> None:
    """Take back what was said to have reached the wrong person; running it twice opens one incident."""
    incident = incidents.act_on_report(request_id=request_id)
    if incident is not None:
        queue_alerts_of(incident)


@shared_task
def act_on_reports() -> None:
    """Queue again the reports on which nobody has acted yet."""
    for request_id in incidents.reported_request_ids():
        act_on_report.delay(request_id)


def queue_report_about(request: RightsRequest) -> None:
    """Queue what follows from a report once it is stored, for every request alike; a lost one is found again."""
    number = request.pk
    transaction.on_commit(lambda: act_on_report.delay(number), robust=True)


@shared_task
def destroy_expired_packages() -> None:
    """Destroy the keys and files of packages whose time is over; reading checks the time anyway."""
    packages.destroy_expired()


@shared_task
def purge_admin_log() -> None:
    """Delete what the admin's log has kept long enough."""
    retention.purge_admin_log()


@shared_task
def stop_contact(request_id: int) -> None:
    """Leave whoever objected to contact alone; running it twice changes nothing."""
    objection.stop_contact(request=RightsRequest.objects.get(pk=request_id))


@shared_task
def stop_contacts() -> None:
    """Queue every objection to contact that nobody has acted on yet.

    Nothing in a form's request looks anybody up, so that its answer takes as long for people we do not know.
    """
    for request_id in objection.objections_to_put_into_effect().values_list("pk", flat=True):
        stop_contact.delay(request_id)
