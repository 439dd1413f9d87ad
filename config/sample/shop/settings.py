"""Settings of the sample shop: a web site without a database that knows nothing of Odzew but its address and a key."""

from __future__ import annotations

from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.settings import LOGGING, PUBLIC_URL, SECRET_KEY, VAR
from config.variables import BASE_DIR, ENVIRONMENT

if ENVIRONMENT not in {"demo", "test"}:
    raise ImproperlyConfigured("the sample shop runs in the demonstration only")

__all__ = ["BASE_DIR", "ENVIRONMENT", "LOGGING", "PUBLIC_URL", "SECRET_KEY", "VAR"]  # PUBLIC_URL is Odzew's

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "config.sample.shop.urls"
INSTALLED_APPS: list[str] = []
MIDDLEWARE = [
    "csp.middleware.CSPMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "OPTIONS": {"context_processors": ["django.template.context_processors.csrf"]},
    }
]
# Cookies know no ports: under its usual name this one would replace that of Odzew's admin on the same machine.
CSRF_COOKIE_NAME = "shop_csrf"
LANGUAGES = [("pl", "polski"), ("en", "English")]
LANGUAGE_CODE = "pl"
TIME_ZONE = "Europe/Warsaw"
USE_TZ = True
# What the README asks of a host page's policy, and nothing more.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, PUBLIC_URL],
        "connect-src": [PUBLIC_URL],
        "style-src": [SELF],
        "img-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
