"""Failures of tasks, from Celery's signal to where administrators see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.signals import task_failure

from feedback.task_failures import record_failure

if TYPE_CHECKING:
    from celery import Task


@task_failure.connect
def note_failure(sender: Task[Any, Any], exception: BaseException, **_more: Any) -> None:
    """Record what failed for good; Celery sends another signal for what it tries again."""
    record_failure(task=sender.name, error=type(exception))
