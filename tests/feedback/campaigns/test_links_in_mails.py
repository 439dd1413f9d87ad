"""Every link of a mail that was really sent: opened by machines it does nothing, pressed it holds for what waits."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from django.core import mail as outbox

from feedback import campaigns
from feedback.models import ChannelPermission, Invitation, Respondent, Response
from privacy.models import RightsRequest
from tests.feedback.campaigns.conftest import outcomes, owe

pytestmark = pytest.mark.django_db
MACHINES = ("Mozilla/5.0 (compatible; Barracuda Sentinel)", "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0.0.0", "")


@pytest.fixture
def links(started, person):
    """Send a campaign to Anna; return the paths of every link in both parts and in the headers of her mail."""
    campaigns.send_batch(campaign_id=started(person()).pk)
    (message,) = outbox.outbox
    html, _type = message.alternatives[0]
    text = "\n".join([message.body, html, message.extra_headers["List-Unsubscribe"]])
    found = {urlsplit(link.replace("&amp;", "&")) for link in re.findall(r"https?://[^\s\"<>]+", text)}
    return sorted({link.path + (f"?{link.query}" if link.query else "") for link in found})


@pytest.fixture
def waiting(links, campaign):
    """Another campaign that owes Anna a mail."""
    row = campaign()
    owe(row, Respondent.objects.get())
    return row


def link_to(links, what):
    return next(link for link in links if what in link)


def test_a_scanner_that_opens_every_link_answers_stops_and_objects_to_nothing(client, links, waiting):
    assert len(links) == 14  # eleven scores, unsubscribing, objecting, the notice

    for agent in MACHINES:
        for address in ("203.0.113.1", "198.51.100.2"):
            for link in links:
                for method in (client.head, client.get):
                    said = method(link, headers={"User-Agent": agent}, REMOTE_ADDR=address)
                    assert said.status_code == 200, link

    assert not Response.objects.exists()
    assert not RightsRequest.objects.exists()
    assert ChannelPermission.objects.get().withdrawn_at is None
    anna, invitation = Respondent.objects.get(), Invitation.objects.get()
    assert (anna.unsubscribed_at, anna.objected_at) == (None, None)
    assert (invitation.responded_at, invitation.declined_at, invitation.unsubscribed_at) == (None, None, None)
    assert invitation.suspicion
    assert outcomes(waiting) == {"anna@example.com": ("queued", "")}


def test_the_button_of_the_mail_program_stops_what_waits(client, links, waiting):
    answer = client.post(link_to(links, "/unsubscribe/"), {"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 200
    assert outcomes(waiting) == {"anna@example.com": ("skipped", "no_permission")}


def test_objecting_through_the_mail_stops_what_waits(client, links, waiting):
    campaigns.start(campaign=waiting)
    assert client.post(link_to(links, "/privacy/object/")).status_code == 200

    campaigns.send_batch(campaign_id=waiting.pk)

    assert len(outbox.outbox) == 1
    assert outcomes(waiting) == {"anna@example.com": ("skipped", "opted_out")}
