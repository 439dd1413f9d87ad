"""The database of tests: migrated once for all workers and runs, and emptied quickly."""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path
from sys import modules

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.test import TransactionTestCase

from config.embedded import exclusive
from config.roles import sync_roles

TEMPLATE = "odzew_tests"
# What is there from the start: what ``migrate`` writes besides tables, which no test changes, and the roles.
KEPT = ("django_content_type", "auth_permission", "auth_group", "auth_group_permissions")
ROLES_NOW = """
    SELECT array_agg(auth_group.name || ' ' || permission_id ORDER BY auth_group.name, permission_id)
    FROM auth_group LEFT JOIN auth_group_permissions ON group_id = auth_group.id
"""
roles = []  # what make_roles() wrote; the identifiers of groups change each time


def prepare():
    """Make tests use this module and lose the last moments of a crashed server, which nobody will look for."""
    connection.settings_dict["OPTIONS"].setdefault("options", "-c synchronous_commit=off")
    TransactionTestCase._fixture_teardown = empty
    use_template()


def make_roles():
    """Write the roles into the database of tests, once for all that need staff."""
    with transaction.atomic():
        Group.objects.all().delete()
        sync_roles()
    roles.append(_roles_now())


def _roles_now():
    with connection.cursor() as cursor:
        cursor.execute(ROLES_NOW)
        return cursor.fetchone()


def use_template():
    """Let Django copy the database of tests from one that was migrated already, by whichever worker came first."""
    name = f"{TEMPLATE}_{_migrations()}"
    with exclusive(settings.VAR / "postgres.template"), connection._nodb_cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [TEMPLATE])
        found = {row[0] for row in cursor}
        if name not in found:
            for outdated in found:
                cursor.execute(f'DROP DATABASE "{outdated}"')
            _make_template(cursor, name)
    connection.settings_dict["TEST"]["TEMPLATE"] = name


def _migrations():
    """Return what the migrations of all applications hash to."""
    found = MigrationLoader(None).disk_migrations.values()
    files = sorted(modules[each.__module__].__file__ for each in found)
    return hashlib.sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()[:16]


def _make_template(cursor, name):
    half_made, main = f"{TEMPLATE}_half_made", connection.settings_dict["NAME"]
    cursor.execute(f"CREATE DATABASE {half_made}")
    connection.settings_dict["NAME"] = half_made
    with closing(connection):
        call_command("migrate", verbosity=0)
    connection.settings_dict["NAME"] = main
    cursor.execute(f"ALTER DATABASE {half_made} RENAME TO {name}")


def empty(case):
    """Delete the rows of a test, for which ``flush`` would truncate a hundred tables and write all permissions anew.

    Waits, as it does, for transactions that still write. Triggers and foreign keys do not fire: some refuse to delete.
    """
    tables = [
        each for each in connection.introspection.django_table_names() if each not in (*KEPT, "django_migrations")
    ]
    names = ", ".join(f'"{table}"' for table in tables)
    rows = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in tables)  # noqa: S608
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
        cursor.execute(rows)
        for (table,) in cursor.fetchall():
            cursor.execute(f'DELETE FROM "{table}"')  # noqa: S608
    if _roles_now() != roles[-1]:
        make_roles()
