"""What the asking path reads of a product, and for how long it goes on with it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from feedback import products
from feedback.products import LIFETIME, SLOWNESS, load_product, product_facts
from privacy.models import Product, SigningSecret
from surveys.models import AudienceRule, Event, ProductThrottles, SegmentQuota, Survey
from surveys.publishing import change_state
from surveys.targeting import Quota, Rule
from surveys.throttling import DEFAULTS, NUMBERS, Throttles, resolve
from tests.factories import make_draft, make_product, make_response, make_survey

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # half past midnight in Warsaw, the day on which its clocks change
OWN = dict(zip(NUMBERS, (1, 2, 3, 4, 5, 6, 70, 80, 9, 10), strict=True))
COMMON = dict(zip(NUMBERS, (11, 12, 13, 14, 15, 16, 17, 18, 19, 20), strict=True))


def only(product):
    (found,) = product.candidates
    return found


def load(at=NOW):
    with time_machine.travel(at, tick=False):
        return load_product("pk_test")


def test_all_of_a_products_settings_are_read_in_one_statement(survey):
    Product.objects.update(
        identity_mode="trusted",
        allowed_origins=["https://app.example.com"],
        allowed_url_parameters=["page"],
        blocked_urls=["*/pay*"],
        time_zone="America/New_York",
    )
    Event.objects.create(product=survey.product, name="order.finished")
    Event.objects.create(product=survey.product, name="login")
    Event.objects.create(product=make_product(), name="somebody.elses")
    secrets = [SigningSecret.objects.create(product=survey.product).secret for _ in range(2)]

    with CaptureQueriesContext(connection) as captured:
        product = load_product("pk_test")

    assert len(captured) == 1
    assert (product.id, product.is_live, product.test_key) == (survey.product_id, True, "tk_test")
    assert product.identity_mode == "trusted"
    assert product.allowed_origins == ("https://app.example.com",)
    assert product.allowed_url_parameters == ("page",)
    assert product.blocked_urls == ("*/pay*",)
    assert product.zone.key == "America/New_York"
    assert product.events == {"order.finished", "login"}
    assert sorted(product.signing_secrets) == sorted(secrets)


def test_a_survey_is_read_with_all_that_decides_about_it(survey):
    starts, ends = NOW - timedelta(days=1), NOW + timedelta(days=1)
    Survey.objects.update(
        channels=["web", "link"], priority=7, starts_at=starts, ends_at=ends, metric="ces", is_transactional=True,
        transactional_floor_days=3,
    )  # fmt: skip

    found = only(load())

    assert (found.survey_id, found.version_id) == (survey.pk, survey.current_version_id)
    assert (found.metric, found.band_profile, found.channels) == ("ces", "standard", ("web", "link"))
    assert (found.priority, found.is_live, found.starts_at, found.ends_at) == (7, True, starts, ends)
    assert (found.is_transactional, found.transactional_floor_days) == (True, 3)
    assert set(found.languages) == set(survey.current_version.content)
    wording = load().wordings[survey.current_version_id]
    assert (wording.default_language, wording.content) == ("pl", survey.current_version.content)


@pytest.mark.parametrize(
    ("own", "common", "expected"),
    [
        ({}, {}, asdict(DEFAULTS)),
        ({}, COMMON, COMMON),
        (OWN, {}, OWN),
        (OWN, COMMON, OWN),
        ({"response_days": 0}, COMMON, COMMON | {"response_days": 0}),
        ({"cooldown_days": 3}, {"cooldown_days": 5}, asdict(DEFAULTS) | {"cooldown_days": 5}),
        ({"cooldown_days": 3}, {}, asdict(DEFAULTS)),
        ({"cooldown_days": 9}, {"cooldown_days": 5}, asdict(DEFAULTS) | {"cooldown_days": 9}),
    ],
)
def test_numbers_fall_back_from_the_survey_over_the_product_to_the_defaults(db, own, common, expected):
    product = make_product(public_key="pk_test")
    survey = make_survey(product=product, **{"first_survey_delay_days": None, **own})
    throttles = ProductThrottles.objects.create(product=product, **common) if common else None

    assert only(load()).throttles == Throttles(**expected) == resolve(survey, throttles)


def test_history_reaches_back_as_far_as_any_survey_rests(survey):
    assert load().history_matters == timedelta(days=90) + LIFETIME

    make_survey(product=survey.product, decline_days=400)

    assert load().history_matters == timedelta(days=400) + LIFETIME


def test_rules_come_in_their_order(survey):
    make_rule = AudienceRule.objects.create
    make_rule(survey=survey, position=2, subject="country", operator="is", values=["PL", "DE"])
    make_rule(survey=survey, position=1, subject="property", name="plan", operator="is_set", values=[])
    make_rule(survey=make_survey(), subject="known", operator="is", values=["identified"])

    assert only(load()).rules == (Rule("property", "plan", "is_set", ()), Rule("country", "", "is", ("PL", "DE")))
    assert load().has_audiences


def test_responses_of_today_are_those_of_the_products_day(survey):
    survey.daily_cap, survey.response_target = 100, 1000
    survey.save()
    midnight = datetime(2026, 3, 28, 23, tzinfo=UTC)
    for minutes in (-24 * 60 - 1, -1, 0, 29):
        make_response(survey=survey, answered_at=midnight + timedelta(minutes=minutes))

    assert (only(load()).quotas.today, only(load()).quotas.total) == (2, 4)
    assert only(load(midnight - timedelta(microseconds=1))).quotas.today == 1
    assert only(load(midnight)).quotas.today == 2
    assert only(load(midnight + timedelta(hours=23) - timedelta(microseconds=1))).quotas.today == 2  # a short day
    assert only(load(midnight + timedelta(hours=23))).quotas.today == 0


def test_without_a_cap_nothing_is_counted(survey):
    make_response(survey=survey, answered_at=NOW)

    quotas = only(load()).quotas

    assert (quotas.daily_cap, quotas.target, quotas.today, quotas.total) == (None, None, 0, 0)


@pytest.fixture
def limited(survey):
    """The survey with a limit of each kind."""
    survey.daily_cap, survey.response_target = 100, 1000
    survey.save()
    SegmentQuota.objects.create(survey=survey, dimension="country", value="PL", target=5)
    return survey


NOT_COUNTED = [
    {"is_test": True},
    {"is_suspect": True},
    {"excluded_at": NOW, "exclusion_reason": "duplicate"},
    {"restricted_at": NOW},
]


@pytest.mark.parametrize("why", NOT_COUNTED)
def test_what_does_not_count_in_measures_fills_no_quota(limited, why):
    make_response(survey=limited, answered_at=NOW, country="PL")
    make_response(survey=limited, answered_at=NOW, country="PL", **why)

    quotas = only(load()).quotas

    assert (quotas.today, quotas.total) == (1, 1)
    assert quotas.segments == ((Quota("country", "", "PL", 5), 1),)


def test_another_surveys_responses_fill_no_quota(limited):
    make_response(survey=make_survey(product=limited.product), answered_at=NOW, country="PL")

    quotas = next(each for each in load().candidates if each.survey_id == limited.pk).quotas

    assert (quotas.today, quotas.total, quotas.segments[0][1]) == (0, 0, 0)


def test_responses_to_earlier_versions_count(limited):
    make_response(survey=limited, answered_at=NOW)
    limited.current_version = None
    Survey.objects.filter(pk=limited.pk).update(state="paused", current_version=None)
    version = limited.versions.get()
    newer = type(version).objects.create(
        survey=limited, number=2, metric=version.metric, band_profile=version.band_profile,
        default_language="pl", content=version.content, published_at=NOW,
    )  # fmt: skip
    Survey.objects.filter(pk=limited.pk).update(state="live", current_version=newer)

    assert (only(load()).quotas.today, only(load()).quotas.total) == (1, 1)


SEGMENTS = [
    ("country", "", "PL", {"country": "PL"}, {"country": "DE"}),
    ("company", "", "Acme", {"company": "ACME"}, {"company": "Acme Ltd"}),
    ("language", "", "pl", {"language": "pl"}, {"language": "en"}),
    ("language", "", "en", {"language": "en-GB"}, {"language": "es"}),
    ("property", "plan", "Pro", {"properties": {"plan": "pro"}}, {"properties": {"other": "pro"}}),
    ("property", "seats", "5", {"properties": {"seats": 5}}, {"properties": {"seats": 50}}),
    ("property", "beta", "true", {"properties": {"beta": True}}, {"properties": {"beta": False}}),
]


@pytest.mark.parametrize(("dimension", "name", "value", "one", "another"), SEGMENTS)
def test_a_segment_counts_its_own(survey, dimension, name, value, one, another):
    SegmentQuota.objects.create(survey=survey, dimension=dimension, name=name, value=value, target=2)
    make_response(survey=survey, **another)
    assert only(load()).quotas.segments[0][1] == 0

    make_response(survey=survey, **one)
    assert only(load()).quotas.segments == ((Quota(dimension, name, value, 2), 1),)

    for _ in range(3):
        make_response(survey=survey, **one)
    assert only(load()).quotas.segments[0][1] == 2  # full: further ones need not be counted


def test_a_full_segment_asks_nobody_else_of_it(survey, ask):
    SegmentQuota.objects.create(survey=survey, dimension="country", value="PL", target=1)
    make_response(survey=survey, country="PL")

    assert ask(user={"id": "anna", "country": "pl"})["code"] == "quota_full"
    assert ask(user={"id": "bob", "country": "de"})["eligible"]


def test_surveys_that_cannot_be_asked_are_left_out_or_marked(survey):
    archived, paused = make_survey(product=survey.product), make_survey(product=survey.product)
    make_draft(product=survey.product)
    change_state(survey=archived, to=Survey.State.ARCHIVED)
    change_state(survey=paused, to=Survey.State.PAUSED)

    assert {each.survey_id: each.is_live for each in load().candidates} == {survey.pk: True, paused.pk: False}
    Product.objects.filter(pk=survey.product_id).update(is_live=False)
    assert {each.is_live for each in load().candidates} == {False}


def test_a_product_without_surveys_has_none(db):
    make_product(public_key="pk_test")

    assert load().candidates == ()


@pytest.mark.parametrize(
    "key", ["pk_nobody", "", "PK_TEST", "pk_test ", "pk\x00test", "'; DROP TABLE privacy_product; --"]
)
def test_an_unknown_key_is_no_product(survey, key):
    assert load_product(key) is None
    assert product_facts(key) is None
    assert key not in products._remembered  # strangers cannot fill the memory with keys they make up


def test_the_test_key_asks_the_most_important_survey(survey, ask):
    other = make_survey(product=survey.product, priority=3)

    assert ask(user={"id": "anna"}, test_key="tk_test", force=True)["survey"]["id"] == other.pk


# --- Remembering ------------------------------------------------------------------------------------------------------


@pytest.fixture
def clock(settings):
    """A clock that stands until it is moved; settings of products are remembered for ten seconds of it."""
    settings.PRODUCT_SETTINGS_AGE = 10
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller
    products.forget()


@pytest.fixture
def move(clock, monkeypatch):
    """Let seconds pass, on the clock of the wall and on the one that is never put back."""
    passed = [1000.0]
    monkeypatch.setattr("feedback.products.time.monotonic", lambda: passed[0])

    def move(seconds):
        passed[0] += seconds
        clock.shift(seconds)

    return move


def is_live():
    return product_facts("pk_test").is_live


def test_settings_are_remembered_for_their_age_and_read_anew_afterwards(survey, move):
    assert is_live()
    Product.objects.update(is_live=False)

    move(9.99)
    assert is_live()
    move(0.01)
    assert not is_live()


def test_nothing_is_remembered_where_the_age_is_nought(survey, move, settings):
    settings.PRODUCT_SETTINGS_AGE = 0
    assert is_live()
    Product.objects.update(is_live=False)

    assert not is_live()


def test_settings_are_forgotten_on_demand(survey, move):
    assert is_live()
    Product.objects.update(is_live=False)
    products.forget()

    assert not is_live()


def filled():
    return [given for _quota, given in only(product_facts("pk_test")).quotas.segments]


@pytest.fixture
def segment(survey):
    return SegmentQuota.objects.create(survey=survey, dimension="country", value="PL", target=5)


def test_segments_are_counted_less_often(survey, segment, move):
    assert filled() == [0]
    make_response(survey=survey, country="PL")

    move(10 * SLOWNESS - 0.01)
    assert filled() == [0]
    move(10)
    assert filled() == [1]


def test_quotas_of_segments_delay_no_other_setting(survey, segment, move):
    secret = SigningSecret.objects.create(product=survey.product)
    assert product_facts("pk_test").signing_secrets == [secret.secret]
    Product.objects.update(is_live=False)
    secret.delete()

    move(10)
    assert not is_live()
    assert product_facts("pk_test").signing_secrets == []


def test_a_quota_that_was_not_counted_is_counted_at_once(survey, segment, move):
    make_response(survey=survey, country="DE")
    assert filled() == [0]
    SegmentQuota.objects.create(survey=survey, dimension="country", value="DE", target=5)

    move(10)
    assert filled() == [0, 1]
    SegmentQuota.objects.filter(pk=segment.pk).update(dimension="property", name="plan", value="pro")
    make_response(survey=survey, properties={"plan": "pro"})
    move(10)
    assert filled() == [1, 1]


def test_known_counts_cost_no_statement_and_new_quotas_one(survey, segment, move):
    filled()
    move(10)
    with CaptureQueriesContext(connection) as known:
        filled()
    SegmentQuota.objects.create(survey=survey, dimension="country", value="DE", target=5)
    move(10)
    with CaptureQueriesContext(connection) as new:
        filled()

    assert (len(known), len(new)) == (1, 2)


def test_the_count_of_a_day_ends_with_the_day(limited, move):
    """Or everybody asked in the first seconds of the next one would be told to come back a day later."""
    move(22.5 * 3600 - 5)
    make_response(survey=limited, answered_at=timezone.now())
    assert only(product_facts("pk_test")).quotas.today == 1

    move(4.99)
    assert only(product_facts("pk_test")).quotas.today == 1
    move(0.01)
    assert only(product_facts("pk_test")).quotas.today == 0


def test_a_product_made_after_somebody_asked_for_it_is_found_at_once(db, move):
    assert product_facts("pk_test") is None

    make_product(public_key="pk_test")

    assert is_live()


def test_the_memory_is_bounded(survey, move, monkeypatch):
    monkeypatch.setattr(products, "MOST_REMEMBERED", 3)
    for number in range(10):
        make_product(public_key=f"pk_{number}")
        product_facts(f"pk_{number}")

        assert len(products._remembered) <= 3
