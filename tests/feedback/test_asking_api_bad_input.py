"""What is no valid question is refused with a stable code, and nothing is stored."""

from __future__ import annotations

import pytest

from feedback.models import Respondent

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", "malformed_json"),
        ("[" * 5000, "malformed_json"),
        (b"\xff\xfe\x00", "malformed_json"),
        ("[]", "invalid"),
        ('{"user": {"email": "no address"}}', "invalid_email"),
        ('{"user": {"phone": "12"}}', "invalid_phone"),
        ('{"user": {"properties": {"a": {"b": 1}}}}', "invalid_properties"),
        ('{"user": {"properties": {"a": NaN}}}', "invalid_properties"),
        ('{"user": {"properties": [1]}}', "invalid_properties"),
        ('{"user": {"id": 7}}', "invalid"),
        ('{"user": {"id": "%s"}}' % ("x" * 300), "max_length"),
        ('{"context": {"channel": "fax"}}', "invalid_choice"),
        ('{"user": {"created_at": "yesterday"}}', "invalid"),
    ],
)
def test_bad_input_gets_a_stable_code_and_stores_nothing(survey, client, body, code):
    answer = client.post("/api/v1/products/pk_test/eligibility", body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert set(answer.json()) == {"code", "detail", "fields"}
    assert Respondent.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"user": {"properties": {"a": %s}}}' % ("9" * 400), "invalid_properties"),
        ('{"user": {"email": "%s@example.com"}}' % ("ß" * 200), "invalid_email"),
        ('{"user": {"phone": "+380 12345678901234567"}}', "invalid_phone"),
    ],
)
def test_input_that_grows_when_it_is_normalised_is_refused_too(survey, client, body, code):
    answer = client.post("/api/v1/products/pk_test/eligibility", body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_more_than_fifty_properties_are_refused(survey, ask):
    properties = {f"key{number}": number for number in range(51)}

    assert ask(user={"properties": properties}, status=400)["code"] == "too_many_properties"


def test_a_body_over_32_kb_is_refused(survey, client):
    body = '{"anonymous_id": "x"}' + " " * 33_000

    answer = client.post("/api/v1/products/pk_test/eligibility", body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_text_that_a_database_cannot_hold_is_cleaned(survey, client):
    body = r'{"user": {"id": "a\u0000b", "name": "\ud800", "properties": {"k\u0000": "\udfff"}}}'

    answer = client.post("/api/v1/products/pk_test/eligibility", body, content_type="application/json")

    person = Respondent.objects.get()
    assert answer.status_code == 200
    assert (person.external_id, person.name, person.properties) == ("ab", "?", {"k": "?"})
