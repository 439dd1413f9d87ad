"""Providers that take mails over HTTP, and what their silence says about whether they have one."""

from __future__ import annotations

import socket
import threading

import pytest

from feedback import campaigns
from feedback.models import CampaignMail
from tests.feedback.campaigns.conftest import outcomes

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider_at(settings):
    def provider_at(address):
        settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
        settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "token", "POSTMARK_API_URL": address}

    return provider_at


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/", "http://no-such-host.invalid/"])
def test_a_provider_that_cannot_be_reached_has_nothing_and_is_tried_again(started, person, provider_at, address):
    provider_at(address)
    campaign = started(person("a@example.com"), person("b@example.com"))

    campaigns.send_batch(campaign_id=campaign.pk)

    assert outcomes(campaign) == {"a@example.com": ("queued", ""), "b@example.com": ("queued", "")}
    # The second is not even tried: it would fare no better.
    assert list(CampaignMail.objects.order_by("pk").values_list("failures", flat=True)) == [1, 0]


def test_a_provider_that_is_reached_and_hangs_up_may_have_the_mail(started, person, provider_at):
    campaign = started(person())
    with socket.create_server(("127.0.0.1", 0)) as server:
        provider_at(f"http://127.0.0.1:{server.getsockname()[1]}/")
        threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()

        campaigns.send_batch(campaign_id=campaign.pk)

    assert outcomes(campaign) == {"anna@example.com": ("unknown", "unknown_outcome")}
