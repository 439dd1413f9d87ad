"""The clock of the demonstration can be moved, and no other clock can."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.utils import timezone

from config.management.commands.check_production import PRODUCTION
from config.sample import clock
from config.sample.keys import SHOP_SECRET
from config.sample.shop.people import PEOPLE
from config.sample.shop.words import PRODUCTS, WORDS
from feedback.models import Respondent
from privacy.models import Product, SigningSecret
from tests.factories import make_product, make_survey

LIST_VIEWS = """
import django
django.setup()
from django.urls import URLResolver, get_resolver

def views(patterns):
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        else:
            yield pattern.callback.__module__

modules = set(views(get_resolver().url_patterns))
assert "privacy.views" in modules
assert not {name for name in modules if name.startswith("config.sample")}, modules
import sys
assert "config.sample.clock" not in sys.modules
"""
SHARE_THE_TIME = """
from config.sample import clock
from config.sample.keys import SHOP_SECRET
clock.install()
import django
django.setup()
from django.utils import timezone
print(timezone.now().isoformat())
"""


@pytest.fixture
def var(settings, tmp_path):
    settings.VAR = tmp_path
    return tmp_path


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=configured.BASE_DIR,
        env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_clock_moves_ahead_and_back(var):
    assert clock.ahead() == timedelta(0)

    clock.move(timedelta(days=7))
    clock.move(timedelta(days=1))

    assert clock.ahead() == timedelta(days=8)
    assert clock.now() - clock.real_now() >= timedelta(days=8) - timedelta(seconds=5)
    clock.move_back()
    clock.move_back()
    assert clock.ahead() == timedelta(0)


def test_the_clock_never_moves_farther_than_ten_years(var):
    for _press in range(30):
        clock.move(timedelta(days=365))

    assert clock.ahead() == clock.FARTHEST


def test_what_is_no_number_of_seconds_moves_nothing(var):
    (var / "clock").write_text("soon")

    assert clock.ahead() == timedelta(0)


def test_every_process_of_the_demonstration_has_the_same_time(var):
    clock.move(timedelta(days=92))

    shown = run(SHARE_THE_TIME, ODZEW_ENV="demo", VAR_DIR=str(var))

    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.strip() > (timezone.now() + timedelta(days=91)).isoformat()


@pytest.mark.parametrize(
    "module",
    [
        "config.sample.clock",
        "config.sample.wsgi",
        *(f"config.sample.shop.{name}" for name in ("settings", "views", "urls", "wsgi")),
    ],
)
def test_nothing_that_moves_the_clock_can_be_imported_in_production(module):
    imported = run(f"import {module}", **PRODUCTION)

    assert imported.returncode != 0
    assert "django.core.exceptions.ImproperlyConfigured: the " in imported.stderr
    assert imported.stderr.strip().endswith("in the demonstration only")


def test_no_address_of_a_production_system_leads_to_it():
    looked_for = run(LIST_VIEWS, **PRODUCTION)

    assert looked_for.returncode == 0, looked_for.stderr


def test_the_application_of_a_production_system_has_the_real_clock():
    code = "import config.wsgi, django.utils.timezone as t; print(t.now.__module__)"

    assert run(code, **PRODUCTION).stdout.strip() == "django.utils.timezone"
    assert (
        run(code.replace("config.wsgi", "config.sample.wsgi"), ODZEW_ENV="demo").stdout.strip() == "config.sample.clock"
    )


def test_the_shop_speaks_both_languages_completely():
    assert WORDS["pl"].keys() == WORDS["en"].keys()
    assert all(words.strip() for texts in WORDS.values() for words in texts.values())
    assert all(set(names) == set(WORDS) for _price, names in PRODUCTS.values())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("secret", "is_believed"), [(SHOP_SECRET, True), ("another secret, as long as that one", False)]
)
def test_the_shop_signs_who_is_logged_in_as_a_backend_would(client, secret, is_believed):
    product = make_product(public_key="pk_demo", identity_mode=Product.IdentityMode.TRUSTED)
    SigningSecret.objects.create(product=product, secret=SHOP_SECRET)
    make_survey(product=product)
    token = PEOPLE["marek"].signed_identity(17, secret=secret, at=timezone.now())

    answer = client.post(
        "/api/v1/products/pk_demo/eligibility", {"identity": token}, content_type="application/json"
    ).json()

    assert bool(answer.get("eligible")) is is_believed
    assert Respondent.objects.filter(external_id="shop-marek-17").exists() is is_believed
