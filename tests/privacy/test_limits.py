from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache

from privacy import limits
from privacy.limits import UNKNOWN, Limit, address_prefix, hit

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
THREE_AN_HOUR = Limit("test", times=3, seconds=3600)


def test_hits_up_to_the_limit_pass_and_the_next_one_waits_for_the_window_to_end():
    with time_machine.travel(NOON + timedelta(minutes=50), tick=False):
        assert [hit(THREE_AN_HOUR, "a") for _hit in range(3)] == [None, None, None]
        assert hit(THREE_AN_HOUR, "a") == 600

    with time_machine.travel(NOON + timedelta(minutes=60), tick=False):
        assert hit(THREE_AN_HOUR, "a") is None


def test_values_and_limits_are_counted_apart():
    with time_machine.travel(NOON, tick=False):
        for _hit in range(4):
            hit(THREE_AN_HOUR, "a")

        assert hit(THREE_AN_HOUR, "b") is None
        assert hit(Limit("other", times=3, seconds=3600), "a") is None


def test_no_value_appears_in_the_cache():
    hit(THREE_AN_HOUR, "anna@example.com")

    assert cache._cache
    assert not [key for key in cache._cache if "anna" in key]


def test_a_key_that_the_cache_drops_is_counted_anew(monkeypatch):
    monkeypatch.setattr(cache, "add", lambda *args, **kwargs: True)  # what a full cache answers: stored, and gone

    assert hit(THREE_AN_HOUR, "a") is None


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("192.0.2.77:5123", "192.0.2.0/24"),
        ("[2001:db8:1::4]:443", "2001:db8:1::/48"),
        ("", UNKNOWN),
        ("unix:", UNKNOWN),
    ],
)
def test_an_address_becomes_its_network(rf, address, prefix):
    assert address_prefix(rf.get("/", REMOTE_ADDR=address)) == prefix


@pytest.mark.parametrize(
    ("proxies", "forwarded", "prefix"),
    [
        (0, "203.0.113.5", "192.0.2.0/24"),
        (1, "203.0.113.5", "203.0.113.0/24"),
        (1, "1.1.1.1, 203.0.113.5", "203.0.113.0/24"),
        (2, "1.1.1.1, 203.0.113.5, 10.0.0.1", "203.0.113.0/24"),
        (2, "203.0.113.5", "203.0.113.0/24"),
        (1, "", "192.0.2.0/24"),
    ],
)
def test_only_what_trusted_proxies_wrote_is_believed(rf, settings, proxies, forwarded, prefix):
    settings.TRUSTED_PROXIES = proxies

    request = rf.get("/", REMOTE_ADDR="192.0.2.1", headers={"X-Forwarded-For": forwarded})

    assert address_prefix(request) == prefix


@time_machine.travel("2026-03-01T12:00:10Z", tick=False)
@pytest.mark.parametrize(("times", "unreported"), [(3, 0), (30, 1), (60, 3), (600, 7)])
def test_processes_count_together_but_for_a_few_hits_each(times, unreported):
    limit = Limit("together", times, 60)
    for _ in range(times // 2):
        assert hit(limit, "somebody") is None
    limits.forget()  # what another process knows

    more = sum(hit(limit, "somebody") is None for _ in range(times))

    assert times - times // 2 <= more <= times - times // 2 + unreported
    assert hit(limit, "somebody") == 50
    assert hit(limit, "somebody else") is None


def remembered():
    return [key for _window, tabs in limits._tabs.values() for key in tabs]


@pytest.mark.parametrize("value", ["anna@example.com", "x" * 100_000, "żółć", "\udcff"])
def test_no_value_stays_in_memory(value):
    assert hit(Limit("together", 600, 60), value) is None

    (key,) = remembered()
    assert (len(key), type(key)) == (16, bytes)


@time_machine.travel("2026-03-01T12:00:10Z", tick=False)
def test_a_full_memory_forgets_nobody_and_counts_those_beyond_as_well(monkeypatch):
    monkeypatch.setattr(limits, "MOST_TABS", 2)
    limit = Limit("together", 30, 60)
    for _ in range(30):
        hit(limit, "first")
    for number in range(100):
        assert hit(limit, f"stranger {number}") is None

    assert len(remembered()) == 2
    assert hit(limit, "first") == 50
    assert [hit(limit, "beyond") for _ in range(31)] == [None] * 30 + [50]


@time_machine.travel("2026-03-01T12:00:10Z", tick=False)
def test_only_the_present_window_is_remembered():
    hit(Limit("together", 30, 60), "first")
    with time_machine.travel("2026-03-01T12:01:10Z", tick=False):
        hit(Limit("together", 30, 60), "second")

        assert len(remembered()) == 1
