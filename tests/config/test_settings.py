import ast
import json
import os
import re
import subprocess
import sys

import pytest
from django.conf import settings

from config.management.commands.check_production import PRODUCTION

NOTHING_IS_COUNTED = {"track_opens": False, "track_clicks": False}
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
    "BACKUP_WINDOW_DAYS": "367",
    "CACHE_URL": "cupboard://shelf",
    "CELERY_BROKER_URL": "localhost:6379",
    "EMAIL_URL": "pigeon://roof",
    "DEFAULT_FROM_EMAIL": "Odzew",
    "REPLY_DOMAIN": "Replies Example",
    "IMAP_URL": "pop3://me:word@mail.example.com",
    "INBOUND_MAIL_PROVIDER": "pigeon",
}


def start(code="import config.settings", **changes):
    """Read settings as production would, with some variables changed; an empty one hides a local .env file's."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
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
    trees = [ast.parse((settings.BASE_DIR / "config" / name).read_text()) for name in ("settings.py", "variables.py")]
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)
    return {
        call.args[0].value
        for call in calls
        if ast.unparse(call.func) in {"read", "env.str"} and isinstance(call.args[0], ast.Constant)
    }


def test_complete_production_settings_start():
    started = start("import django; django.setup()")

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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EMAIL_URL", "consolemail://"),
        ("EMAIL_URL", "filemail:///var/mail"),
        ("EMAIL_URL", "memorymail://"),
        ("EMAIL_URL", "dummymail://"),
        ("CACHE_URL", "locmemcache://"),
        ("CACHE_URL", "dummycache://"),
        ("CACHE_URL", "filecache:///var/cache"),
        ("CELERY_BROKER_URL", "filesystem://"),
    ],
)
def test_what_only_suits_a_demonstration_stops_the_start_of_production(name, value):
    started = start(**{name: value})

    last_line = started.stderr.strip().splitlines()[-1]
    assert started.returncode != 0
    assert re.search(rf"ImproperlyConfigured: {name}: .+; name an? .+ server$", last_line)
    assert value not in last_line
    assert start(ODZEW_ENV="demo", **{name: value}).returncode == 0


def test_what_the_address_of_the_database_says_beside_its_name_is_kept():
    told = start(
        "import json; from django.conf import settings; print(json.dumps(settings.DATABASES['default']['OPTIONS']))",
        DATABASE_URL="postgres://odzew:word@database.invalid/odzew?sslmode=verify-full",
    )

    assert json.loads(told.stdout) == {"sslmode": "verify-full", "server_side_binding": True}, told.stderr


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postmark://key%2F1", {"POSTMARK_SERVER_TOKEN": "key/1", "POSTMARK_SEND_DEFAULTS": NOTHING_IS_COUNTED}),
        (
            "mailgun://key@api.eu.mailgun.net/v3",
            {
                **{"MAILGUN_API_KEY": "key", "MAILGUN_API_URL": "https://api.eu.mailgun.net/v3"},
                "MAILGUN_SEND_DEFAULTS": NOTHING_IS_COUNTED,
            },
        ),
        ("postal://key@postal.example.com", {"POSTAL_API_KEY": "key", "POSTAL_API_URL": "https://postal.example.com"}),
        (
            "mailjet://key:secret",
            {"MAILJET_API_KEY": "key", "MAILJET_SECRET_KEY": "secret", "MAILJET_SEND_DEFAULTS": NOTHING_IS_COUNTED},
        ),
    ],
)
def test_mail_leaves_through_a_provider_that_counts_nothing_of_its_own(url, expected):
    told = start(
        "import django, json; django.setup(); from django.conf import settings; "
        "from django.core.mail import get_connection; get_connection(); "
        "print(json.dumps([settings.EMAIL_BACKEND, settings.ANYMAIL]))",
        EMAIL_URL=url,
    )

    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == [f"anymail.backends.{url.partition(':')[0]}.EmailBackend", expected]


@pytest.mark.parametrize("url", ["postmark://", "mailjet://key", "postal://key", "postmark://key:another"])
def test_half_a_provider_stops_the_start(url):
    assert "ImproperlyConfigured: EMAIL_URL: malformed" in start(EMAIL_URL=url).stderr


REPLIES = {"REPLY_DOMAIN": "replies.example.com"}
MAILBOX = "imaps://replies%40example.com:pass%2Fword@mail.example.com/Replies"
KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"


@pytest.mark.parametrize(
    "ways",
    [
        {"IMAP_URL": MAILBOX},
        {"INBOUND_MAIL_PROVIDER": "mailgun", "INBOUND_MAIL_SECRET": KEY},
        {"INBOUND_MAIL_PROVIDER": "postmark", "INBOUND_MAIL_SECRET": f"odzew:{KEY}", "IMAP_URL": MAILBOX},
    ],
    ids=["mailbox", "webhook", "both"],
)
def test_replies_come_in_by_mailbox_by_webhook_or_both(ways):
    started = start(**REPLIES, **ways)

    assert started.returncode == 0, started.stderr


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        (REPLIES, "REPLY_DOMAIN"),
        ({"IMAP_URL": MAILBOX}, "REPLY_DOMAIN"),
        ({**REPLIES, "IMAP_URL": MAILBOX.replace("imaps", "imap")}, "IMAP_URL"),
        ({**REPLIES, "IMAP_URL": "imaps://mail.example.com/Replies"}, "IMAP_URL"),
        ({**REPLIES, "INBOUND_MAIL_PROVIDER": "postmark"}, "INBOUND_MAIL_SECRET"),
        ({**REPLIES, "INBOUND_MAIL_PROVIDER": "postmark", "INBOUND_MAIL_SECRET": KEY}, "INBOUND_MAIL_SECRET"),
        ({**REPLIES, "INBOUND_MAIL_PROVIDER": "mailgun", "INBOUND_MAIL_SECRET": "short"}, "INBOUND_MAIL_SECRET"),
    ],
)
def test_replies_that_would_get_lost_or_could_be_forged_stop_the_start(variables, named):
    started = start(**variables)

    last_line = started.stderr.strip().splitlines()[-1]
    assert started.returncode != 0
    assert f"ImproperlyConfigured: {named}: " in last_line
    assert KEY not in last_line
