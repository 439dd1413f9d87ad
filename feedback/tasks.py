"""Background work: each task calls one domain function and may run twice."""

from celery import shared_task

from feedback import intake


@shared_task
def complete_abandoned_responses() -> int:
    """Complete the responses whose second step nobody came back to."""
    return intake.complete_abandoned()
