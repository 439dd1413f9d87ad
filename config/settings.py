"""Settings, all of them from the environment; .env.example lists and explains every variable.

``ODZEW_ENV`` is ``production`` where DATABASE_URL is set and ``demo`` where it is not, unless it says otherwise.
In production a missing or malformed value stops the start and the message names the variable.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from whitenoise.compress import Compressor

from config import embedded
from config.variables import (
    BASE_DIR,
    ENVIRONMENT,
    EVENT_SECRETS,
    INBOUND_SECRETS,
    IS_PRODUCTION,
    broker,
    database,
    days_of_a_year,
    domain,
    env,
    events_provider,
    fernet_keys,
    flag,
    hook_secret,
    hosts,
    imap_server,
    inbound_provider,
    mail_server,
    mailbox,
    natural,
    origin,
    origins,
    positive,
    read,
    required,
    secret,
    shared_cache,
)

# Everything that is written at run time: the embedded database, the queue of the demo, logs, mail, static files.
VAR = Path(env.str("VAR_DIR", "") or BASE_DIR / "var").resolve()

# --- Secrets and hosts ------------------------------------------------------------------------------------------------

SECRET_KEY: str = read("SECRET_KEY", required("odzew-local-key-that-protects-nothing-but-a-demonstration"), secret)
# Recognises suppressed people; unlike SECRET_KEY it can never be changed, or they would be asked again.
SUPPRESSION_KEY: str = read(
    "SUPPRESSION_KEY", required("recognises-suppressed-people-of-a-local-demonstration"), secret
)
# Encrypts identifiers in the database; the first key encrypts, all of them decrypt.
FIELD_ENCRYPTION_KEYS: list[str] = read(
    "FIELD_ENCRYPTION_KEYS", required(["b2R6ZXctbG9jYWwta2V5LW9mLWEtZGVtb25zdHJhdGk="]), fernet_keys
)
DEBUG = False
ALLOWED_HOSTS: list[str] = read("ALLOWED_HOSTS", required(["*"]), hosts)
CSRF_TRUSTED_ORIGINS: list[str] = read("CSRF_TRUSTED_ORIGINS", [], origins)
PUBLIC_URL: str = read("PUBLIC_URL", required("http://127.0.0.1:8000"), origin)
# How many proxies in front of the application append to X-Forwarded-For; 0 trusts the connection's address only.
TRUSTED_PROXIES: int = read("TRUSTED_PROXIES", 0, natural)

# --- Applications -----------------------------------------------------------------------------------------------------

LOCAL_APPS = ["config", "feedback", "surveys", "privacy"]
INSTALLED_APPS = [
    *LOCAL_APPS,
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "csp",
    "django_celery_beat",
    "health_check",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.security.AdminPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "privacy.middleware.StaffZoneMiddleware",
    "privacy.middleware.BreakGlassMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# Of the endpoints that host pages call; see config/wsgi.py.
ASKING_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "config.wsgi.AskingMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Stores -----------------------------------------------------------------------------------------------------------

EMBEDDED_POSTGRESQL = not env.str("DATABASE_URL", "")
if EMBEDDED_POSTGRESQL and (IS_PRODUCTION or not embedded.is_installed()):
    raise ImproperlyConfigured("DATABASE_URL: required where the embedded PostgreSQL is not installed")
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **(embedded.connection(VAR) if EMBEDDED_POSTGRESQL else read("DATABASE_URL", None, database)),
        "ENGINE": "config.postgresql",
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
}
DATABASES["default"]["OPTIONS"] = {**DATABASES["default"].get("OPTIONS", {}), "server_side_binding": True}
CACHES = {"default": read("CACHE_URL", required(environ.Env.cache_url_config("locmemcache://")), shared_cache)}

# How long a backup exists, which only its keeper knows: people are told, and live data have to go that much earlier.
BACKUP_WINDOW_DAYS: int = read("BACKUP_WINDOW_DAYS", required(30), days_of_a_year)

# Encrypted copies of people's data that wait to be fetched: a folder that all web servers and workers share.
PACKAGES_DIR = Path(env.str("PACKAGES_DIR", "") or VAR / "packages").resolve()

# --- Background work --------------------------------------------------------------------------------------------------

CELERY_BROKER_URL: str = read("CELERY_BROKER_URL", required("filesystem://"), broker)
if CELERY_BROKER_URL == "filesystem://":
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(VAR / "broker" / "queue"),
        "data_folder_out": str(VAR / "broker" / "queue"),
        "control_folder": str(VAR / "broker" / "control"),
        "store_processed": False,
    }
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TASK_TIME_LIMIT = 15 * 60
CELERY_TASK_SOFT_TIME_LIMIT = 14 * 60
CELERY_TASK_ACKS_LATE = True  # a killed worker's task is delivered again; every task may run twice
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ALWAYS_EAGER = ENVIRONMENT == "test"
CELERY_TASK_EAGER_PROPAGATES = True
CELERY_TIMEZONE = "UTC"

# --- Mail -------------------------------------------------------------------------------------------------------------

mail: dict[str, Any] = read(
    "EMAIL_URL",
    required(
        {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend", "EMAIL_FILE_PATH": str(VAR / "mail")}
    ),
    mail_server,
)
EMAIL_BACKEND = mail["EMAIL_BACKEND"]
EMAIL_FILE_PATH = mail.get("EMAIL_FILE_PATH", "")
EMAIL_HOST, EMAIL_PORT = mail.get("EMAIL_HOST") or "localhost", mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = mail.get("EMAIL_HOST_USER") or "", mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = mail.get("EMAIL_USE_TLS", False), mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL: str = read("DEFAULT_FROM_EMAIL", required("Odzew <privacy@odzew.example>"), mailbox)

# Replies of people to e-mails that staff wrote to them: where they are addressed to, and the ways they come in.
REPLY_DOMAIN: str = read("REPLY_DOMAIN", "", domain)
IMAP: dict[str, Any] = read("IMAP_URL", {}, imap_server)
INBOUND_MAIL_PROVIDER: str = read("INBOUND_MAIL_PROVIDER", "", inbound_provider)
ANYMAIL: dict[str, Any] = mail.get("ANYMAIL", {})
if INBOUND_MAIL_PROVIDER:
    ANYMAIL |= read("INBOUND_MAIL_SECRET", None, hook_secret(INBOUND_SECRETS[INBOUND_MAIL_PROVIDER]))
if bool(REPLY_DOMAIN) != bool(IMAP or INBOUND_MAIL_PROVIDER):
    raise ImproperlyConfigured("REPLY_DOMAIN: goes together with IMAP_URL or INBOUND_MAIL_PROVIDER, one or both")

# What becomes of the mails of campaigns: the provider that reports it, in place of or behind the mail server.
MAIL_EVENTS_PROVIDER: str = read("MAIL_EVENTS_PROVIDER", "", events_provider)
if MAIL_EVENTS_PROVIDER:
    secret_of_events = read("MAIL_EVENTS_SECRET", None, hook_secret(EVENT_SECRETS[MAIL_EVENTS_PROVIDER]))
    if any(ANYMAIL.get(name, value) != value for name, value in secret_of_events.items()):
        raise ImproperlyConfigured("MAIL_EVENTS_SECRET: has to be the same as INBOUND_MAIL_SECRET of this provider")
    ANYMAIL |= secret_of_events

# --- Languages and time -----------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("pl", "polski"), ("en", "English")]
LOCALE_PATHS = [*(BASE_DIR / app / "locale" for app in LOCAL_APPS), BASE_DIR / "config" / "theme" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

# --- Static files -----------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
WHITENOISE_USE_FINDERS = not IS_PRODUCTION
# Source maps, half of all bytes, are for debuggers only: compressing them would take half of a build's time.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if IS_PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- Security ---------------------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "config.break_glass.BreakGlassBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
if ENVIRONMENT == "test":  # hashing that is slow on purpose would take most of the suite's time
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = IS_PRODUCTION
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if IS_PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]  # probes come from inside, without TLS
if read("BEHIND_TLS_PROXY", default=False, parse=flag):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# No page of ours may send its address to another site: addresses of personal pages carry tokens.
SECURE_REFERRER_POLICY = "no-referrer"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
# Any site may call the asking endpoints without credentials; each product then checks the origin itself.
CORS_URLS_REGEX = r"^/api/v1/(products|invitations)/"
CORS_ALLOW_ALL_ORIGINS = True
CORS_PREFLIGHT_MAX_AGE = 24 * 60 * 60
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

# --- API --------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.api.error_response",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Odzew",
    "DESCRIPTION": "Ask one question, capture the answer, respect the person.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# Calls to the asking endpoints in a minute: from one network (/24 or /48), for one product, about one person.
RATE_LIMIT_PER_ADDRESS: int = read("RATE_LIMIT_PER_ADDRESS", 600, positive)
RATE_LIMIT_PER_PRODUCT: int = read("RATE_LIMIT_PER_PRODUCT", 60_000, positive)
RATE_LIMIT_PER_PERSON: int = read("RATE_LIMIT_PER_PERSON", 60, positive)
# Seconds for which the asking endpoints of one process go on with a product's settings after staff changed them.
PRODUCT_SETTINGS_AGE = 0 if ENVIRONMENT == "test" else 2

# --- Admin ------------------------------------------------------------------------------------------------------------

UNFOLD = {
    "SITE_TITLE": "Odzew",
    "SITE_HEADER": "Odzew",
    "SITE_SUBHEADER": _("Customer feedback that respects the customer"),
    "SITE_SYMBOL": "graphic_eq",
    "SHOW_LANGUAGES": True,
    "SHOW_HISTORY": True,
    "DASHBOARD_CALLBACK": "feedback.admin.dashboard.show_dashboard",
    "SITE_URL": None,
    "STYLES": [lambda request: static("privacy/admin.css")],
    "SCRIPTS": [lambda request: static("privacy/labelled_search.js")],
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": "config.navigation.sidebar",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"no_tokens": {"()": "config.security.TokenFilter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["no_tokens"]}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
