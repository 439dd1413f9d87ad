"""Who may call the asking endpoints, from where and how often, and what of their answers may be kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine
from django.utils import timezone

from feedback.models import Invitation, Respondent
from privacy.models import Product
from tests.factories import make_invitation

pytestmark = pytest.mark.django_db

ANNA = {"id": "anna", "email": " Anna@Example.COM ", "name": "Anna", "country": "pl", "company": "Acme"}


def test_the_test_key_asks_at_once_and_marks_everything_as_a_test(survey, ask):
    ask(user=ANNA)

    forced = ask(user=ANNA, force=True, test_key="tk_test")

    assert forced["code"] == "forced"
    assert Invitation.objects.filter(is_test=True).count() == 1
    assert ask(user=ANNA, force=True, test_key="tk_wrong", status=403)["code"] == "invalid_test_key"
    assert ask(user=ANNA, force=True, status=403)["code"] == "invalid_test_key"


def test_an_unknown_product_is_not_found(db, ask):
    assert ask(key="pk_nobody", status=404)["code"] == "unknown_product"


def test_a_foreign_web_site_may_not_ask(survey, ask, client):
    Product.objects.update(allowed_origins=["https://app.example.com"])

    assert ask(user=ANNA, headers={"Origin": "https://evil.example"}, status=403)["code"] == "origin_blocked"
    assert Respondent.objects.count() == 0
    assert ask(user=ANNA, headers={"Origin": "https://app.example.com"})["eligible"]


def test_a_browser_on_another_site_may_call_without_credentials(survey, client):
    answer = client.options(
        "/api/v1/products/pk_test/eligibility",
        headers={
            "Origin": "https://app.example.com",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )

    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_send_beacon_may_send_plain_text(survey, client):
    answer = client.post("/api/v1/products/pk_test/eligibility", "{}", content_type="text/plain;charset=UTF-8")

    assert answer.status_code == 200


def test_what_may_be_asked_is_cacheable_and_names_nobody(survey, client):
    first = client.get("/api/v1/products/pk_test/surveys")

    again = client.get("/api/v1/products/pk_test/surveys", headers={"If-None-Match": first.headers["ETag"]})

    assert [each["id"] for each in first.json()["surveys"]] == [survey.pk]
    assert "s-maxage=300" in first.headers["Cache-Control"]
    assert "Cookie" not in first.headers.get("Vary", "")
    assert again.status_code == 304


def test_refusals_may_not_be_cached_for_everybody(survey, client):
    assert "public" not in client.get("/api/v1/products/pk_nobody/surveys").headers.get("Cache-Control", "")


def test_a_key_with_nul_is_no_product(survey, client):
    assert client.get("/api/v1/products/pk%00test/surveys").json()["code"] == "unknown_product"


@pytest.mark.parametrize("limit", ["ADDRESS", "PRODUCT", "PERSON"])
def test_too_many_calls_are_told_when_to_come_back(survey, client, settings, limit):
    setattr(settings, f"RATE_LIMIT_PER_{limit}", 2)

    def call():
        body = {"user": {"id": "anna"}}
        return client.post("/api/v1/products/pk_test/eligibility", body, content_type="application/json")

    with time_machine.travel(datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC), tick=False):
        assert [call().status_code for _ in range(2)] == [200, 200]
        refused = call()

    assert (refused.status_code, refused.json()["code"], refused.headers["Retry-After"]) == (429, "throttled", "30")


def test_one_invitation_cannot_be_hammered(survey, put, settings):
    settings.RATE_LIMIT_PER_PERSON = 2
    make_invitation(survey=survey, token="token-1")

    with time_machine.travel(timezone.now(), tick=False):
        statuses = [put("token-1", score="nonsense").status_code for _ in range(3)]

    assert statuses == [400, 400, 429]
