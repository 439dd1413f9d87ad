"""Tests run on real PostgreSQL: the embedded one, or the server DATABASE_URL names, as its superuser."""

from __future__ import annotations

import os

os.environ.setdefault("ODZEW_ENV", "test")
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's synchronous API runs an event loop

import contextlib

import pytest
from django.core.cache import cache
from django.utils import translation
from hypothesis import settings as hypothesis_settings

from config import embedded
from tests.skipping import pytest_make_collect_report, pytest_runtest_makereport  # noqa: F401  hooks

# How long an example takes says more about what else the machine does than about the code.
hypothesis_settings.register_profile("odzew", deadline=None)
hypothesis_settings.load_profile("odzew")
running = contextlib.ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    from django.conf import settings  # noqa: PLC0415  settings are read once the environment above is set

    from tests import clients  # noqa: PLC0415  likewise

    clients.prepare()
    if settings.EMBEDDED_POSTGRESQL:
        running.enter_context(embedded.server(settings.VAR))


def pytest_unconfigure(config: pytest.Config) -> None:
    running.close()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, django_db_blocker) -> None:
    """Prepare the database of tests before pytest-django makes it."""
    from tests import database  # noqa: PLC0415  likewise

    with django_db_blocker.unblock():
        database.prepare()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker) -> None:
    """Write what every test finds in the database."""
    from tests import database  # noqa: PLC0415  likewise

    with django_db_blocker.unblock():
        database.make_roles()


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Rate limits and remembered settings of one test must not reach the next."""
    from feedback import products  # noqa: PLC0415  the models it imports need Django to be set up
    from privacy import limits  # noqa: PLC0415

    cache.clear()
    limits.forget()
    products.forget()


@pytest.fixture(autouse=True)
def _english() -> None:
    """A request in Polish leaves its language behind in the thread."""
    translation.activate("en")
