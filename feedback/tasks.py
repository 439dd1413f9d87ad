"""Background work: each task calls one domain function and may run twice."""

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from feedback import (
    campaigns,
    correspondence,
    digests,
    follow_up,
    imports,
    improvements,
    inbound_mailbox,
    intake,
    rules,
    scanners,
    staff_mail_delivery,
    task_failures,
)


@shared_task
def complete_abandoned_responses() -> int:
    """Complete the responses whose second step nobody came back to."""
    return intake.complete_abandoned()


@shared_task
def forget_fingerprints() -> int:
    """Remove what recognises the browsers of answers that can no longer be changed."""
    return scanners.forget_fingerprints(at=timezone.now())


@shared_task
def forget_task_failures() -> int:
    """Delete the failures of tasks that have not come back for a month."""
    return task_failures.forget_failures(now=timezone.now())


@shared_task
def import_responses(run_id: int) -> None:
    """Import a queued file, or what is left of it."""
    imports.process_run(run_id=run_id)


def queue_import(run_id: int) -> None:
    """Queue an import once it is stored. A queue that is down fails no request: the schedule finds the run."""

    def queue() -> None:
        import_responses.delay(run_id)

    transaction.on_commit(queue, robust=True)


@shared_task
def resume_imports() -> None:
    """Enqueue the imports whose message was lost or whose worker was killed, and remove files nobody came back for."""
    for run_id in imports.unfinished_runs():
        import_responses.delay(run_id)
    imports.remove_old_files(now=timezone.now())


@shared_task
def send_contact(contact_id: int) -> None:
    """Send one e-mail to a person; running it twice sends one."""
    correspondence.send_contact(contact_id=contact_id)


@shared_task
def send_due_contacts() -> None:
    """Queue again the e-mails to people that did not go out: lost queue messages, and retries whose time has come."""
    for contact_id in correspondence.due_contact_ids():
        send_contact.delay(contact_id)


def queue_contact(contact_id: int) -> None:
    """Queue an e-mail once it is stored. A queue that is down fails no request: the row is found within a minute."""

    def queue() -> None:
        send_contact.delay(contact_id)

    transaction.on_commit(queue, robust=True)


@shared_task
def fetch_replies() -> None:
    """Fetch people's replies from the mailbox, where one is configured."""
    inbound_mailbox.fetch_replies()


@shared_task
def watch_follow_ups() -> int:
    """Remind of first contacts that are due soon, and escalate those that are overdue."""
    return follow_up.remind_and_escalate()


@shared_task
def apply_rules() -> int:
    """Apply the rules to the responses that are due; return how many were."""
    return rules.apply_due_rules().seen


@shared_task
def tag_existing_responses(rule_id: int) -> None:
    """Give responses that are already there a rule's tag, and go on later where some are left."""
    if rules.tag_existing(rule_id=rule_id):
        tag_existing_responses.delay(rule_id)


@shared_task
def resume_taggings() -> None:
    """Enqueue the taggings whose message was lost or whose worker was killed."""
    for rule_id in rules.unfinished_taggings():
        tag_existing_responses.delay(rule_id)


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


@shared_task
def run_campaigns() -> None:
    """Begin, feed and finish campaigns, take care of mails whose worker was killed, and queue what is due.

    Mails of which nobody knew whether they were sent are settled where somebody was at their link. Files that nobody
    came back for are removed.

    Each task sends a part, so that workers share a campaign, other work gets its turn, and a lost message costs a
    minute; what is not begun within that minute is queued anew by the next run.
    """
    now = timezone.now()
    campaigns.recover(now=now)
    campaigns.settle_arrived()
    campaigns.advance_campaigns(now=now)
    campaigns.forget_calls(now=now)
    campaigns.remove_old_files(now=now)
    for audience_id in campaigns.unfinished_audiences():
        take_over_audience.delay(audience_id)
    for campaign_id, due in campaigns.due_campaigns(now=now).items():
        for _part in range(-(-due // campaigns.BATCH)):
            send_campaign_mails.apply_async((campaign_id,), expires=60)


@shared_task(soft_time_limit=9 * 60, time_limit=10 * 60)
def send_campaign_mails(campaign_id: int) -> None:
    """Send one part of what a campaign owes; running it twice, or many at once, mails nobody twice."""
    campaigns.send_batch(campaign_id=campaign_id)


@shared_task
def take_over_audience(audience_id: int) -> None:
    """Turn an audience into owed mails, or what is left of it."""
    campaigns.take_over(audience_id=audience_id)


def queue_campaigns() -> None:
    """Look after campaigns once a change is stored. A queue that is down fails no request: the schedule does it."""
    transaction.on_commit(_queue_campaigns, robust=True)


def _queue_campaigns() -> None:
    run_campaigns.delay()
