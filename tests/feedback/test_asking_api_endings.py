"""How an invitation ends without a response."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from feedback.models import Invitation
from privacy.models import Product
from tests.factories import make_invitation

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("ending", ["shown", "decline", "snooze"])
def test_endings_are_stamped_once_and_only_the_first_counts(survey, client, ending):
    make_invitation(survey=survey, token="token-1")
    column = {"shown": "shown_at", "decline": "declined_at", "snooze": "snoozed_at"}[ending]

    assert client.post(f"/api/v1/invitations/token-1/{ending}").status_code == 204
    first = getattr(Invitation.objects.get(), column)
    assert client.post(f"/api/v1/invitations/token-1/{ending}").status_code == 204

    assert first is not None
    assert getattr(Invitation.objects.get(), column) == first


@pytest.mark.parametrize("ending", ["shown", "decline", "snooze"])
def test_endings_of_unknown_expired_or_foreign_invitations_are_refused(survey, client, ending):
    make_invitation(survey=survey, token="token-1", expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    Product.objects.update(allowed_origins=["https://app.example.com"])

    foreign = client.post(f"/api/v1/invitations/token-1/{ending}", headers={"Origin": "https://evil.example"})

    assert client.post(f"/api/v1/invitations/nobody/{ending}").json()["code"] == "unknown_token"
    assert client.post(f"/api/v1/invitations/token-1/{ending}").status_code == 410
    assert foreign.status_code == 403


def test_a_decline_after_a_response_is_ignored(survey, client, put):
    make_invitation(survey=survey, token="token-1")
    put("token-1", score=9)

    assert client.post("/api/v1/invitations/token-1/decline").status_code == 204

    assert Invitation.objects.get().declined_at is None


@pytest.mark.parametrize("ending", ["decline", "snooze"])
def test_who_ends_an_invitation_has_seen_it(survey, client, ending):
    make_invitation(survey=survey, token="token-1")

    client.post(f"/api/v1/invitations/token-1/{ending}")

    assert Invitation.objects.get().shown_at is not None
