"""Background work: each task calls one domain function and may run twice."""

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from feedback import digests, imports, intake, staff_mail_delivery


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
def owe_digests() -> int:
    """Owe the digests whose morning has come to those who subscribed and were not owed them yet."""
    return digests.owe_digests(now=timezone.now())


@shared_task
def send_staff_mail(mail_id: int) -> None:
    """Send one mail that a member of staff is owed; running it twice sends one mail."""
    staff_mail_delivery.send_mail(mail_id=mail_id)


@shared_task
def send_due_staff_mail() -> None:
    """Queue what staff are owed; each mail is a task of its own, so that one that cannot be sent holds up no other."""
    for mail_id in staff_mail_delivery.due_mail_ids():
        send_staff_mail.delay(mail_id)


def queue_staff_mail(mail_id: int) -> None:
    """Queue a mail to staff once it is stored. A queue that is down fails no request: it is found within a minute."""

    def queue() -> None:  # no functools.partial: Django could not name a failing one in its log
        send_staff_mail.delay(mail_id)

    transaction.on_commit(queue, robust=True)
