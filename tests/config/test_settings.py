import ast
import os
import re
import subprocess
import sys

import pytest
from django.conf import settings

from config.management.commands.check_production import PRODUCTION

REQUIRED = sorted(set(PRODUCTION) - {"ODZEW_ENV"})
MALFORMED = {
    "ODZEW_ENV": "staging",
    "SECRET_KEY": "short",
    "SUPPRESSION_KEY": "short",
    "FIELD_ENCRYPTION_KEYS": "not-a-key",
    "PUBLIC_URL": "feedback.example.com",
    "ALLOWED_HOSTS": "*",
    "CSRF_TRUSTED_ORIGINS": "app.example.com",
    "TRUSTED_PROXIES": "-1",
    "RATE_LIMIT_PER_ADDRESS": "0",
    "BEHIND_TLS_PROXY": "perhaps",
    "DATABASE_URL": "mysql://odzew@database.invalid/odzew",
    "CACHE_URL": "cupboard://shelf",
    "CELERY_BROKER_URL": "localhost:6379",
    "EMAIL_URL": "pigeon://roof",
    "DEFAULT_FROM_EMAIL": "Odzew",
}


def start(**changes):
    """Start Django as production would, with some variables changed; an empty one hides a local .env file's."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import django; django.setup()"],
        cwd=settings.BASE_DIR,
        env={
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "config.settings",
            **PRODUCTION,
            **changes,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def variables_that_settings_read():
    tree = ast.parse((settings.BASE_DIR / "config" / "settings.py").read_text())
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)
    return {
        call.args[0].value
        for call in calls
        if ast.unparse(call.func) in {"read", "env.str"} and isinstance(call.args[0], ast.Constant)
    }


def test_complete_production_settings_start():
    started = start()

    assert started.returncode == 0, started.stderr


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_variable_stops_the_start_and_is_named(name):
    started = start(**{name: ""})

    assert started.returncode != 0
    assert f"ImproperlyConfigured: {name}: required" in started.stderr


@pytest.mark.parametrize("name", sorted(MALFORMED))
def test_a_malformed_variable_stops_the_start_and_is_named_without_its_value(name):
    started = start(**{name: MALFORMED[name]})

    last_line = started.stderr.strip().splitlines()[-1]
    assert started.returncode != 0
    assert f"ImproperlyConfigured: {name}: " in last_line
    assert MALFORMED[name] not in last_line


def test_the_example_explains_every_variable_that_settings_read():
    example = (settings.BASE_DIR / ".env.example").read_text()
    explained = re.findall(r"^# .+\n([A-Z_]+)=", example, flags=re.MULTILINE)
    mentioned = re.findall(r"^([A-Z_]+)=", example, flags=re.MULTILINE)

    assert set(mentioned) == variables_that_settings_read()
    assert explained == mentioned


def test_production_settings_pass_the_deployment_checks():
    checked = subprocess.run(
        [sys.executable, "manage.py", "check_production"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr


def test_a_broker_and_a_cache_on_one_machine_do_not_pass_the_deployment_checks():
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=settings.BASE_DIR,
        env={
            "PATH": os.environ["PATH"],
            **PRODUCTION,
            "CELERY_BROKER_URL": "filesystem://",
            "CACHE_URL": "locmemcache://",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode != 0
    assert "config.E001" in checked.stderr
    assert "config.E002" in checked.stderr
