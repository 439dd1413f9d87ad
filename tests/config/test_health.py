from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client, override_settings

from config.celery import app
from surveys.migrations import __name__ as surveys_migrations


@pytest.fixture
def probe():
    """Ask in a thread of its own: another test's browser may have left an event loop running in this one."""

    def ask(path, **options):
        def get():
            try:
                return Client().get(path, **options)
            finally:
                connection.close()

        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(get).result()

    return ask


def test_liveness_needs_no_database(probe):
    answer = probe("/livez")

    assert answer.status_code == 200


@pytest.mark.django_db
def test_a_ready_process_names_every_check_it_passed(probe):
    answer = probe("/readyz")

    assert answer.status_code == 200
    assert set(answer.json().values()) == {"OK"}
    assert {name.partition("(")[0] for name in answer.json()} == {"Database", "Migrations", "Cache", "Broker"}


@pytest.mark.django_db
def test_text_is_answered_to_those_who_ask_for_text(probe):
    answer = probe("/readyz", headers={"accept": "text/plain"})

    assert answer["Content-Type"].startswith("text/plain")
    assert "Migrations(): OK" in answer.text


@pytest.mark.django_db(transaction=True)  # probes open connections of their own, which see committed rows only
def test_a_database_behind_the_code_is_not_ready(probe):
    last = MigrationRecorder.Migration.objects.filter(app=surveys_migrations.split(".")[0]).latest("id")
    last.delete()
    try:
        answer = probe("/readyz")
    finally:
        last.save(force_insert=True)

    assert answer.status_code == 503
    assert answer.json()["Migrations()"].endswith(f"Not applied: {last.app}.{last.name}")


@pytest.mark.django_db
def test_a_broker_that_refuses_connections_is_not_ready(probe):
    before = app.conf.broker_write_url
    app.conf.broker_write_url = "redis://127.0.0.1:1/0"
    try:
        answer = probe("/readyz")
    finally:
        app.conf.broker_write_url = before

    assert answer.status_code == 503
    assert "Broker unavailable" in answer.json()["Broker()"]


@pytest.mark.django_db
def test_a_cache_that_refuses_connections_is_not_ready(probe):
    redis = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}}
    with override_settings(CACHES=redis):
        answer = probe("/readyz")

    assert answer.status_code == 503
    assert answer.json()["Cache(alias='default')"] != "OK"


@pytest.mark.django_db
def test_a_database_that_refuses_connections_is_not_ready(probe):
    with patch.dict(connection.settings_dict, {"PORT": "1"}):
        answer = probe("/readyz")

    assert answer.status_code == 503
    assert "Broker()" in answer.json()
    assert answer.json()["Database(alias='default')"] != "OK"
    assert settings.DATABASES["default"]["NAME"] not in answer.text


def test_probes_are_not_sent_to_https(probe):
    with override_settings(SECURE_SSL_REDIRECT=True):
        assert probe("/livez").status_code == 200
