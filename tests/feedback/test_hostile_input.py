"""What attackers and broken clients send: refused with a stable code, and nothing in the database changes."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from django.utils import timezone

from feedback.models import Invitation, Respondent, Response
from privacy.models import Product, SigningSecret
from surveys.models import Survey
from tests.factories import make_invitation, make_product

pytestmark = pytest.mark.django_db

# By the day: what names a test must be the same wherever tests are collected.
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
TEN_YEARS_AGO, IN_TEN_YEARS = ((TODAY + timedelta(days=days)).isoformat() for days in (-3653, 3653))

ELIGIBILITY = "/api/v1/products/pk_test/eligibility"
RESPONSE = "/api/v1/invitations/token-1/response"
ENDINGS = [f"/api/v1/invitations/token-1/{ending}" for ending in ("shown", "decline", "snooze")]
TEN_YEARS = 3653 * 24 * 60 * 60  # seconds


@pytest.fixture
def invitation(survey):
    return make_invitation(survey=survey, token="token-1")


def answer(**changes):
    return {"submission_id": str(uuid.UUID(int=1)), "score": 9, **changes}


# --- Who calls, and with which key ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    [
        *(
            "https://evil.example",
            "null",
            "https://app.example.com.evil.example",
            "https://evil.example/app.example.com",
        ),
        *(
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com/",
            "https://app.example.com ",
        ),
        *("HTTPS://APP.EXAMPLE.COM", "https://user@app.example.com", "//app.example.com", "app.example.com", "*"),
        *("file://", "'; DROP TABLE privacy_product; --", "https://app.example.com, https://evil.example", "x" * 5000),
    ],
    ids=lambda origin: origin[:40],
)
def test_foreign_origins_are_refused_at_every_door(invitation, refused, origin):
    Product.objects.update(allowed_origins=["https://app.example.com"])
    headers = {"Origin": origin}

    assert refused(ELIGIBILITY, {"user": {"id": "anna"}}, status=403, headers=headers) == "origin_blocked"
    assert refused(RESPONSE, answer(), method="PUT", status=403, headers=headers) == "origin_blocked"
    assert refused(RESPONSE, answer(comment="x"), status=403, headers=headers) == "origin_blocked"
    for ending in ENDINGS:
        assert refused(ending, {}, status=403, headers=headers) == "origin_blocked"
    surveys = "/api/v1/products/pk_test/surveys"
    assert refused(surveys, "", method="GET", status=403, headers=headers) == "origin_blocked"


@pytest.mark.parametrize(
    "key",
    [
        *(
            "pk_nobody",
            "PK_TEST",
            "pk_test%20",
            "%20pk_test",
            "pk_test%00",
            "%00",
            "%ff%fe",
            "%F0%9F%98%80",
            "%E2%80%AE",
        ),
        *(
            "tk_test",
            "token-1",
            "'%20OR%201=1--",
            "'%3B%20DROP%20TABLE%20privacy_product%3B--",
            "%25",
            "*",
            "null",
            "_",
        ),
        *("<script>", "a" * 5000, "-1", "1"),
    ],
    ids=lambda key: key[:40],
)
def test_wrong_keys_open_nothing(survey, refused, key):
    assert refused(f"/api/v1/products/{key}/eligibility", {}, status=404) == "unknown_product"
    assert refused(f"/api/v1/products/{key}/surveys", "", method="GET", status=404) == "unknown_product"
    for method in ("PUT", "POST"):
        code = refused(f"/api/v1/invitations/{key}/response", answer(), method=method, status=404)
        assert code == "unknown_token"
    for ending in ("shown", "decline", "snooze"):
        assert refused(f"/api/v1/invitations/{key}/{ending}", {}, status=404) == "unknown_token"


@pytest.mark.parametrize(
    "test_key", ["", "tk_wrong", "TK_TEST", "pk_test", "tk_test ", "\x00tk_test\u202e", "' OR ''='"]
)
def test_a_wrong_test_key_forces_nothing(survey, refused, test_key):
    body = {"user": {"id": "anna"}, "force": True, "test_key": test_key}

    assert refused(ELIGIBILITY, body, status=403) == "invalid_test_key"


# --- Signed identities ------------------------------------------------------------------------------------------------


def signed(form, secret, *, age=0, lasts=600, **claims):
    now = int(time.time()) - age
    if form == "jwt":
        return jwt.encode({"id": "anna", "iat": now, "exp": now + lasts, **claims}, secret, "HS256")
    return f"hmac:{now}:{hmac.new(secret.encode(), f'{now}.anna'.encode(), hashlib.sha256).hexdigest()}"


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")  # attackers use what keys they find
@pytest.mark.parametrize("form", ["jwt", "hmac"])
@pytest.mark.parametrize("mode", Product.IdentityMode.values)
def test_forged_and_replayed_identities_are_refused_in_every_mode(survey, refused, mode, form):
    Product.objects.update(identity_mode=mode)
    secret = SigningSecret.objects.create(product=survey.product).secret
    SigningSecret.objects.create(product=survey.product)
    foreign = SigningSecret.objects.create(product=make_product()).secret
    good, separator = signed(form, secret), {"jwt": ".", "hmac": ":"}[form]
    cases = {
        "another product's secret": (signed(form, foreign), "invalid_identity"),
        "the public key": (signed(form, "pk_test"), "invalid_identity"),
        "the test key": (signed(form, "tk_test"), "invalid_identity"),
        "cut off": (good[:-2], "invalid_identity"),
        "another signature": (f"{good.rpartition(separator)[0]}{separator}{'0' * 64}", "invalid_identity"),
        "replayed": (signed(form, secret, age=11 * 60 + 2), "expired_identity"),
        "replayed next day": (signed(form, secret, age=24 * 3600), "expired_identity"),
        "ten years behind": (signed(form, secret, age=TEN_YEARS), "expired_identity"),
        "ten years ahead": (signed(form, secret, age=-TEN_YEARS), "expired_identity"),
    }

    codes = {
        name: refused(ELIGIBILITY, {"user": {"id": "anna"}, "identity": token}, status=403)
        for name, (token, _code) in cases.items()
    }

    assert codes == {name: code for name, (_token, code) in cases.items()}


@pytest.mark.parametrize(
    "token",
    [
        *(
            "x",
            "...",
            "hmac:",
            "hmac:1:2",
            "eyJhbGciOiJub25lIn0.eyJpZCI6ImFubmEifQ.",
            "żółć",
            "\u202e",
            "\ud800",
            "'; DROP",
        ),
        *("[" * 4000, "." * 4000, "hmac:" + "9" * 4000, "e30.e30.e30", "bnVsbA.bnVsbA.bnVsbA"),
    ],
    ids=lambda token: ascii(token)[:30],
)
def test_an_identity_that_is_none_is_refused(survey, refused, token):
    SigningSecret.objects.create(product=survey.product)

    assert refused(ELIGIBILITY, {"user": {"id": "anna"}, "identity": token}, status=403) == "invalid_identity"


@pytest.mark.parametrize(
    ("token", "code"),
    [("x" * 4097, "max_length"), (7, "invalid"), (True, "invalid"), ([], "invalid"), ({}, "invalid"), (None, "null")],
    ids=["too long", "number", "boolean", "list", "object", "null"],
)
def test_an_identity_is_text_of_limited_length(survey, refused, token, code):
    assert refused(ELIGIBILITY, {"user": {"id": "anna"}, "identity": token}) == code


def test_an_hmac_for_one_person_names_no_other(survey, refused):
    secret = SigningSecret.objects.create(product=survey.product).secret
    token = signed("hmac", secret)

    for beside in ({"id": "victim"}, {"id": "Anna"}, {"email": "anna@example.com"}, {"id": ""}, {}):
        assert refused(ELIGIBILITY, {"user": beside, "identity": token}, status=403) == "invalid_identity"


# --- Bodies -----------------------------------------------------------------------------------------------------------

MALFORMED = {
    "a space": b" ",
    "half an object": b"{",
    "garbage behind": b'{"user":{"id":"anna"}}x',
    "single quotes": b"{'user':{}}",
    "a form": b"user=anna&score=9",
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "no UTF-8": b'{"user":{"id":"\xff\xfe"}}',
    "NUL": b"\x00",
    "gzip": b"\x1f\x8b\x08\x00\x00",
    "a raw line break": b'{"anonymous_id":"a\nb"}',
    "a bad escape": rb'{"anonymous_id":"\x41"}',
    "a number without end": b"9" * 5000,
    "nested lists": b"[" * 30_000,
    "nested objects": b'{"user":' * 4000,
    "nested and closed": b"[" * 16_000 + b"]" * 16_000,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_json_is_refused(invitation, refused, body):
    assert refused(ELIGIBILITY, body) == "malformed_json"
    assert refused(RESPONSE, body, method="PUT") == "malformed_json"


@pytest.mark.parametrize("body", ["null", "7", "true", '"x"', "[]", "NaN", "[" * 100 + "]" * 100])
def test_json_that_is_no_object_is_refused(invitation, refused, body):
    code = "null" if body == "null" else "invalid"

    assert refused(ELIGIBILITY, body) == code
    assert refused(RESPONSE, body, method="PUT") == code


@pytest.mark.parametrize("surplus", [1, 1_000_000, 5_000_000])
def test_large_bodies_are_refused_unread(invitation, refused, surplus):
    def body(largest):
        return b'{"anonymous_id":"a"}'.ljust(largest + surplus)

    assert refused(ELIGIBILITY, body(32 * 1024), status=413) == "body_too_large"
    for method in ("PUT", "POST"):
        assert refused(RESPONSE, body(144 * 1024), method=method, status=413) == "body_too_large"


def test_the_largest_body_that_is_read_is_read(survey, client):
    body = b'{"anonymous_id":"a"}'.ljust(32 * 1024)

    assert client.generic("POST", ELIGIBILITY, body, content_type="application/json").status_code == 200


@pytest.mark.parametrize("many", [51, 1000, 3000])
def test_too_many_properties_are_refused(survey, refused, many):
    properties = {f"k{number}": 1 for number in range(many)}
    body = json.dumps({"user": {"id": "anna", "properties": properties}}, separators=(",", ":"))

    assert refused(ELIGIBILITY, body) == "too_many_properties"


@pytest.mark.parametrize(
    ("field", "opening", "code"),
    [
        *(("user", "[", "invalid"), ("context", "[", "invalid"), ("anonymous_id", "[", "invalid")),
        *(("anonymous_id", '{"a":', "invalid"), ("user.id", "[", "invalid"), ("context.url", '{"a":', "invalid")),
        *(("user.properties.a", "[", "invalid_properties"), ("user.properties", '{"a":', "invalid_properties")),
    ],
)
def test_depth_inside_a_field_is_a_wrong_type(survey, refused, field, opening, code):
    deep = opening * 800 + "1" + {"[": "]", '{"a":': "}"}[opening] * 800
    body = "".join(f'{{"{name}":' for name in field.split(".")) + deep + "}" * (field.count(".") + 1)

    assert refused(ELIGIBILITY, body) == code


def test_of_a_key_said_twice_the_last_one_counts(survey, client):
    body = '{"user":{"id":"victim"},"user":{"id":"a","id":"b"},"anonymous_id":"x","anonymous_id":"y"}'

    assert client.post(ELIGIBILITY, body, content_type="application/json").status_code == 200

    person = Respondent.objects.get(person=None)
    assert (person.external_id, person.anonymous_id) == ("b", "y")


def test_of_a_score_said_twice_the_last_one_counts(invitation, client, refused):
    twice = '{"submission_id":"%s","score":%s,"score":%s}'

    assert refused(RESPONSE, twice % (uuid.UUID(int=1), 9, "11"), method="PUT") == "invalid_score"
    client.put(RESPONSE, twice % (uuid.UUID(int=1), "11", 3), content_type="application/json")

    assert Response.objects.get().score == 3


def test_keys_that_nobody_knows_are_ignored(survey, client):
    body = {"__proto__": {"is_signed": True}, "": 1, "is_signed": True, "user": {"id": "a", "is_signed": 1, "pk": 7}}
    Product.objects.update(identity_mode="trusted")

    assert client.post(ELIGIBILITY, body, content_type="application/json").json()["code"] == "unsigned_identity"


# --- Clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("created_at", "code"),
    [
        ("0001-01-01T00:00:00Z", "eligible"),
        ("0001-01-01T00:00:00", "eligible"),
        (TEN_YEARS_AGO, "eligible"),
        (IN_TEN_YEARS, "too_new"),
        ("9999-12-31T23:59:59.999999Z", "too_new"),
        ("9999-12-15T00:00:00+14:00", "too_new"),
    ],
)
def test_a_customer_of_any_century_gets_an_answer(survey, ask, created_at, code):
    Survey.objects.update(first_survey_delay_days=31)
    question = {"user": {"id": "anna", "created_at": created_at}}

    first, again = ask(**question), ask(**question)

    assert (first["code"], again["code"]) == (code, "pending" if code == "eligible" else code)
    soon = timezone.now() + timedelta(days=366)
    assert datetime.fromisoformat(first["next_check_at"]) < soon
    assert ask(user={"id": "anna"})["code"] == again["code"]  # as it was stored


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        *(("0001-01-01T00:00:00+14:00", "overflow"), ("9999-12-31T23:59:59-14:00", "overflow")),
        *((moment, "invalid") for moment in ("10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z")),
        *(
            (moment, "invalid")
            for moment in ("2026-02-30T00:00:00Z", "2026-01-01T00:00:00+99:00", "2026-01-01T25:00:00Z")
        ),
        *(
            (moment, "invalid")
            for moment in ("", "now", "1772366400", "2026-01-01T00:00:00Z; DROP", "\u202e2026", "\x00")
        ),
        *((moment, "invalid") for moment in (1772366400, 1e300, -1, True, [], {}, ["2026-01-01"])),
    ],
    ids=str,
)
def test_a_moment_outside_the_calendar_is_refused(invitation, refused, moment, code):
    assert refused(ELIGIBILITY, {"user": {"id": "anna", "created_at": moment}}) == code
    assert refused(RESPONSE, answer(answered_at=moment), method="PUT") == code


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", TEN_YEARS_AGO])
@pytest.mark.parametrize("more", [{}, {"comment": "late"}])
def test_an_answer_from_long_ago_is_refused(invitation, refused, moment, more):
    assert refused(RESPONSE, answer(answered_at=moment, **more), method="PUT") == "answered_too_long_ago"


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59.999999Z", IN_TEN_YEARS])
@pytest.mark.parametrize("more", [{}, {"comment": "early"}])
def test_an_answer_from_the_future_was_given_now(invitation, put, moment, more):
    assert put("token-1", score=9, answered_at=moment, **more).status_code == 201

    response = Response.objects.get()
    assert timezone.now() - timedelta(minutes=1) < response.answered_at <= timezone.now()
    assert Invitation.objects.get().shown_at == response.answered_at


# --- Expired and used -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [RESPONSE, *ENDINGS])
def test_an_expired_invitation_takes_nothing(invitation, refused, address):
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert refused(address, answer() if address == RESPONSE else {}, status=410) == "expired"


def test_a_used_invitation_takes_no_second_submission(invitation, refused, client):
    client.put(RESPONSE, answer(), content_type="application/json")

    assert refused(RESPONSE, answer(submission_id=str(uuid.UUID(int=2))), status=410) == "invitation_used"
