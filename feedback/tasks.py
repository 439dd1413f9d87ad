"""Background work: each task calls one domain function and may run twice."""

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from feedback import imports, improvements, intake


@shared_task
def complete_abandoned_responses() -> int:
    """Complete the responses whose second step nobody came back to."""
    return intake.complete_abandoned()


@shared_task
def import_responses(run_id: int) -> None:
    """Import a queued file, or what is left of it."""
    imports.process_run(run_id=run_id)


@shared_task
def resume_imports() -> None:
    """Enqueue the imports whose message was lost or whose worker was killed, and remove files nobody came back for."""
    for run_id in imports.unfinished_runs():
        import_responses.delay(run_id)
    imports.remove_old_files(now=timezone.now())


@shared_task
def send_improvement_mail(mail_id: int) -> None:
    """Send one mail about an improvement; running it twice sends one mail."""
    improvements.send_mail(mail_id=mail_id)


@shared_task
def send_improvement_mails() -> None:
    """Queue the mails about improvements that are due: new ones, lost queue messages, and retries."""
    for mail_id in improvements.due_mail_ids():
        send_improvement_mail.delay(mail_id)


def queue_improvement_mails() -> None:
    """Queue owed mails once they are stored. A queue that is down fails no request: the schedule finds them."""
    transaction.on_commit(_queue_improvement_mails, robust=True)


def _queue_improvement_mails() -> None:
    send_improvement_mails.delay()
