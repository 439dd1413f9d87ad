"""What was kept long enough goes, as much earlier as backups last."""

from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User

from config.celery import SCHEDULE
from privacy import retention, tasks
from privacy.inventory import STAFF, inventory
from tests.factories import make_staff

pytestmark = pytest.mark.django_db


def log(at):
    user = make_staff("administrator")
    entry = LogEntry.objects.log_actions(user.pk, User.objects.filter(pk=user.pk), CHANGE, single_object=True)
    LogEntry.objects.filter(pk=entry.pk).update(action_time=at)
    return entry.pk


def test_the_log_of_the_admin_goes_after_two_years_less_the_time_of_backups(settings, monkeypatch):
    settings.BACKUP_WINDOW_DAYS = 30
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    now = datetime(2026, 7, 31, tzinfo=UTC)
    for day in (1, 2):
        log(datetime(2024, 8, day, tzinfo=UTC))
    log(datetime(2024, 8, 29, 23, tzinfo=UTC))
    kept = log(datetime(2024, 8, 30, 1, tzinfo=UTC))

    assert retention.purge_admin_log(now=now) == 3
    assert LogEntry.objects.get().pk == kept
    assert retention.purge_admin_log(now=now) == 0
    assert SCHEDULE["purge the admin's log"]["task"] == tasks.purge_admin_log.name


def test_the_log_of_the_admin_names_accounts_of_staff_which_is_declared():
    entry = LogEntry.objects.get(pk=log(datetime(2026, 1, 1, tzinfo=UTC)))
    column = inventory.tables["admin.LogEntry"].columns["object_repr"]

    assert entry.object_repr == entry.user.username
    assert (column.personal, column.category, column.keep) == (True, STAFF.category, "P2Y")
