from __future__ import annotations

import json
import uuid

import pytest
from django.db import connection

from tests.factories import make_survey

OURS = ("privacy_", "surveys_", "feedback_")


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


@pytest.fixture
def refused(client):
    """Send something hostile, check that the refusal has the one form and changed nothing, and return its code."""

    def refused(path, body, *, method="POST", status=400, headers=None):
        if not isinstance(body, str | bytes):
            body = json.dumps(body)
        before = contents()
        answer = client.generic(method, path, body, content_type="application/json", headers=headers or {})
        assert answer.status_code == status, answer.content
        assert contents() == before
        said = answer.json()
        assert set(said) == {"code", "detail", "fields"}
        assert said["detail"]
        return said["code"]

    return refused


def contents():
    """Return the number and the fingerprint of the rows of every table of ours."""
    tables = [name for name in connection.introspection.table_names() if name.startswith(OURS)]
    rows = " UNION ALL ".join(
        f"SELECT '{name}', count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM {name} t"  # noqa: S608  names of our own tables
        for name in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(rows)
        return sorted(cursor.fetchall())
