"""The environment's variables, read strictly: what is missing or malformed stops the start and is named.

No message repeats a value, because some are secrets.
"""

from __future__ import annotations

import os
import re
from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Callable

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
# The demonstration and the tests leave a real installation's servers alone, also where both share a folder.
if os.environ.get("ODZEW_ENV") not in {"demo", "test"}:
    environ.Env.read_env(BASE_DIR / ".env")

ENVIRONMENT: str = env.str("ODZEW_ENV", "") or ("production" if env.str("DATABASE_URL", "") else "demo")
if ENVIRONMENT not in {"production", "demo", "test"}:
    raise ImproperlyConfigured("ODZEW_ENV: must be production, demo or test")
IS_PRODUCTION = ENVIRONMENT == "production"


class UnfitForProductionError(ValueError):
    """A value that only a demonstration or a test can work with; the text says why, without the value."""


def read(name: str, default: Any, parse: Callable[[str], Any] = str) -> Any:
    """Return the parsed variable, or the default; a default of ``None`` makes it required.

    Raises:
        ImproperlyConfigured: the variable is required and missing, or its value is malformed or unfit for production.
    """
    raw = env.str(name, "")
    if not raw:
        if default is None:
            raise ImproperlyConfigured(f"{name}: required in production, see .env.example")
        return default
    try:
        return parse(raw)
    except UnfitForProductionError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from error
    except (ValueError, KeyError, ImproperlyConfigured) as error:
        raise ImproperlyConfigured(f"{name}: malformed value ({type(error).__name__})") from error


def required(local: Any) -> Any:
    """Return the default of a variable that production must set and other environments need not."""
    return None if IS_PRODUCTION else local


def words(raw: str) -> list[str]:
    return [word.strip() for word in raw.split(",") if word.strip()]


def several(raw: str) -> list[str]:
    if not words(raw):
        raise ValueError("empty list")
    return words(raw)


def hosts(raw: str) -> list[str]:
    if "*" in words(raw):
        raise ValueError("accepts every host")
    return several(raw)


def origins(raw: str) -> list[str]:
    return [origin(word) for word in several(raw)]


def natural(raw: str) -> int:
    if int(raw) < 0:
        raise ValueError("negative")
    return int(raw)


def positive(raw: str) -> int:
    if int(raw) < 1:
        raise ValueError("not positive")
    return int(raw)


def days_of_a_year(raw: str) -> int:
    if positive(raw) > 366:
        raise ValueError("more than a year")
    return int(raw)


def flag(raw: str) -> bool:
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[raw.lower()]


def secret(raw: str) -> str:
    if len(raw) < 50:
        raise ValueError("shorter than 50 characters")
    return raw


def fernet_keys(raw: str) -> list[str]:
    for key in several(raw):
        Fernet(key)
    return several(raw)


def database(raw: str) -> dict[str, Any]:
    config: dict[str, Any] = environ.Env.db_url_config(raw)
    if config.get("ENGINE") != "django.db.backends.postgresql" or not config.get("NAME"):
        raise ValueError("not a postgres:// URL with a database name")
    return config


def broker(raw: str) -> str:
    if not raw.startswith(("redis://", "rediss://", "amqp://", "amqps://", "filesystem://")):
        raise ValueError("not the URL of a Redis or RabbitMQ server")
    if IS_PRODUCTION and raw.startswith("filesystem://"):
        raise UnfitForProductionError(
            "workers on other machines would not see the queue; name a Redis or RabbitMQ server"
        )
    return raw


def shared_cache(raw: str) -> dict[str, Any]:
    config: dict[str, Any] = environ.Env.cache_url_config(raw)
    if IS_PRODUCTION and config["BACKEND"].endswith(("LocMemCache", "DummyCache", "FileBasedCache")):
        raise UnfitForProductionError("rate limits must count all processes together; name a Redis server")
    return config


# Providers that take mail over HTTPS: the settings of django-anymail that hold the key, in the order of the URL.
SENDING_SECRETS = {
    "brevo": ("API_KEY",),
    "mailersend": ("API_TOKEN",),
    "mailgun": ("API_KEY",),
    "mailjet": ("API_KEY", "SECRET_KEY"),
    "postal": ("API_KEY",),
    "postmark": ("SERVER_TOKEN",),
    "sendgrid": ("API_KEY",),
    "sparkpost": ("API_KEY",),
}
COUNT_NOTHING = {"track_opens": False, "track_clicks": False}  # whatever is set at the provider
CANNOT_BE_TOLD = ("brevo", "postal")  # those have to be set there


def mail_server(raw: str) -> dict[str, Any]:
    """Return the settings of a mail server, or of a provider that is named as provider://key@host/path."""
    scheme, _separator, rest = raw.partition("://")
    if scheme in SENDING_SECRETS:
        return _provider(scheme, rest)
    config: dict[str, Any] = environ.Env.email_url_config(raw)
    if IS_PRODUCTION and not config["EMAIL_BACKEND"].endswith("smtp.EmailBackend"):
        raise UnfitForProductionError("no mail would reach anybody; name a provider or an SMTP server")
    return config


def _provider(name: str, rest: str) -> dict[str, Any]:
    secrets, _at, place = rest.partition("@")
    values = [unquote(part) for part in secrets.split(":")]
    if len(values) != len(SENDING_SECRETS[name]) or not all(values) or (name == "postal" and not place):
        raise ValueError("not provider://key, or provider://key@host")
    said: dict[str, Any] = dict(zip(SENDING_SECRETS[name], values, strict=True))
    if place:
        said["API_URL"] = f"https://{place}"
    if name not in CANNOT_BE_TOLD:
        said["SEND_DEFAULTS"] = COUNT_NOTHING
    return {
        "EMAIL_BACKEND": f"anymail.backends.{name}.EmailBackend",
        "ANYMAIL": {f"{name.upper()}_{setting}": value for setting, value in said.items()},
    }


def origin(raw: str) -> str:
    parts = urlsplit(raw)
    if parts.scheme not in ({"https"} if IS_PRODUCTION else {"http", "https"}) or not parts.hostname:
        raise ValueError("not an https URL")
    return raw.rstrip("/")


def mailbox(raw: str) -> str:
    if "@" not in parseaddr(raw)[1]:
        raise ValueError("not an e-mail address")
    return raw


def domain(raw: str) -> str:
    if not re.fullmatch(r"(?=.{1,190}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", raw):
        raise ValueError("not a domain in small letters")
    return raw


def imap_server(raw: str) -> dict[str, Any]:
    parts = urlsplit(raw)
    security, port = {"imaps": ("tls", 993), "imap+tls": ("starttls", 143), "imap": ("", 143)}[parts.scheme]
    if not parts.hostname or not parts.username or not parts.password or parts.query or parts.fragment:
        raise ValueError("not imaps://user:password@host/FOLDER")
    if IS_PRODUCTION and not security:
        raise UnfitForProductionError("the password would travel unencrypted; use imaps:// or imap+tls://")
    folder = unquote(parts.path.strip("/")) or "INBOX"
    if not folder.isprintable() or set(folder) & set('"\\'):
        raise ValueError("not the name of a folder")
    return {
        "host": parts.hostname,
        "port": parts.port or port,
        "user": unquote(parts.username),
        "password": unquote(parts.password),
        "folder": folder,
        "security": security,
    }


# How each provider proves that a delivered mail comes from it: the setting of django-anymail that holds the secret.
INBOUND_SECRETS = {
    "mailersend": "MAILERSEND_INBOUND_SECRET",
    "mailgun": "MAILGUN_WEBHOOK_SIGNING_KEY",
    "mailjet": "WEBHOOK_SECRET",
    "postal": "POSTAL_WEBHOOK_KEY",
    "postmark": "WEBHOOK_SECRET",
    "sparkpost": "WEBHOOK_SECRET",
}


# The same for what becomes of mails: delivered, came back, reported as spam.
EVENT_SECRETS = {
    "brevo": "WEBHOOK_SECRET",
    "mailersend": "MAILERSEND_SIGNING_SECRET",
    "mailgun": "MAILGUN_WEBHOOK_SIGNING_KEY",
    "mailjet": "WEBHOOK_SECRET",
    "postal": "POSTAL_WEBHOOK_KEY",
    "postmark": "WEBHOOK_SECRET",
    "sendgrid": "WEBHOOK_SECRET",
    "sparkpost": "WEBHOOK_SECRET",
}


def events_provider(raw: str) -> str:
    if raw not in EVENT_SECRETS:
        raise ValueError("not a provider whose reports are understood")
    return raw


def inbound_provider(raw: str) -> str:
    if raw not in INBOUND_SECRETS:
        raise ValueError("not a provider whose inbound mail is understood")
    return raw


def hook_secret(name: str) -> Callable[[str], dict[str, str]]:
    """Return the reader of the secret of a provider's hook: "user:password" where the provider signs nothing.

    Args:
        name: the setting of django-anymail that holds it.
    """

    def secret_of_provider(raw: str) -> dict[str, str]:
        if len(raw) < 20 or not raw.isascii() or (name == "WEBHOOK_SECRET" and not re.fullmatch(r"[^:]+:.+", raw)):
            raise ValueError("too short, or not user:password")
        return {name: raw}

    return secret_of_provider
