"""What calls of one network count against."""

import pytest
import time_machine

from feedback.limiting import seconds_to_wait
from privacy import limits


@pytest.fixture(autouse=True)
def _twelve_o_clock(settings):
    settings.RATE_LIMIT_PER_ADDRESS, settings.RATE_LIMIT_PER_PRODUCT, settings.RATE_LIMIT_PER_PERSON = 5, 20, 20
    with time_machine.travel("2026-03-01T12:00:10Z", tick=False):
        yield


def test_a_network_over_its_limit_fills_no_memory_with_tokens_it_makes_up():
    for number in range(50):
        seconds_to_wait(network="192.0.2.0/24", invitation=f"made up {number}")

    _window, tabs = limits._tabs["asking-invitation"]
    assert len(tabs) == 5


def test_a_network_over_its_limit_uses_up_nothing_of_others():
    waits = [seconds_to_wait(network="192.0.2.0/24", product="pk_a", invitation="token") for _ in range(100)]

    assert waits == [None] * 5 + [50] * 95
    assert seconds_to_wait(network="198.51.100.0/24", product="pk_a", invitation="token") is None
