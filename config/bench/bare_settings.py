"""Settings of the floor: Django and the REST framework with nothing else, on the same database and server."""

import environ

SECRET_KEY = "the-floor-keeps-no-secrets-and-signs-nothing-at-all"  # noqa: S105
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "config.bench.bare_urls"
INSTALLED_APPS: list[str] = []
MIDDLEWARE: list[str] = []
DATABASES = {"default": {**environ.Env.db_url_config(environ.Env().str("DATABASE_URL")), "CONN_MAX_AGE": 600}}
USE_TZ = True
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
}
