from __future__ import annotations

import uuid

import pytest

from tests.factories import make_survey


@pytest.fixture
def survey(db):
    """A live NPS survey of a product with the key ``pk_test`` that asks everybody at once."""
    survey = make_survey()
    survey.product.public_key = "pk_test"
    survey.product.test_key = "tk_test"
    survey.product.save()
    return survey


@pytest.fixture
def ask(client):
    """Ask whether somebody may be asked; returns the answer's body."""

    def ask(*, key="pk_test", status=200, headers=None, **body):
        answer = client.post(
            f"/api/v1/products/{key}/eligibility", body, content_type="application/json", headers=headers or {}
        )
        assert answer.status_code == status, answer.content
        return answer.json()

    return ask


@pytest.fixture
def put(client):
    """Send one message about an answer; returns the HTTP response."""

    def put(token, *, headers=None, **body):
        body = {"submission_id": str(uuid.uuid4()), **body}
        return client.put(
            f"/api/v1/invitations/{token}/response", body, content_type="application/json", headers=headers or {}
        )

    return put
