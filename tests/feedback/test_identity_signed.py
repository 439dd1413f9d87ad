"""Signed identities: what a product's backend vouches for, and everything that must not pass for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from feedback.identity import ExpiredIdentity, ForgedIdentity, IdentityError, verify_identity

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
INSTANT = timedelta(microseconds=1)
NEW, OLD, RETIRED = "new-secret" * 4, "old-secret" * 4, "retired-secret" * 4
IN_FORCE = (NEW, OLD)
ZEROS = "0" * 64
FORMS = ["jwt", "hmac"]


def seconds(at):
    return int(at.timestamp())


def signed_jwt(secret=NEW, *, issued=NOW, lasts=timedelta(minutes=10), **claims):
    return jwt.encode(
        {"id": "anna", "iat": seconds(issued), "exp": seconds(issued + lasts), **claims}, secret, algorithm="HS256"
    )


def signed_hmac(secret=NEW, *, issued=NOW, external_id="anna"):
    time = seconds(issued)
    return f"hmac:{time}:{hmac.new(secret.encode(), f'{time}.{external_id}'.encode(), hashlib.sha256).hexdigest()}"


def signed(form, secret=NEW, *, issued=NOW):
    return signed_jwt(secret, issued=issued) if form == "jwt" else signed_hmac(secret, issued=issued)


def raw_jwt(payload, *, header=b'{"alg":"HS256","typ":"JWT"}', secret=NEW):
    """Sign a payload that no library would write."""
    parts = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (header, payload))
    signature = hmac.digest(secret.encode(), parts, hashlib.sha256)
    return b".".join([parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def verify(token, *, external_id="anna", secrets=IN_FORCE, at=NOW):
    return verify_identity(token, external_id=external_id, secrets=secrets, at=at)


def refusal(token, **circumstances):
    with pytest.raises(IdentityError) as refused:
        verify(token, **circumstances)
    return refused.value.code


# --- What is proved ---------------------------------------------------------------------------------------------------


def test_a_jwt_proves_the_identifiers_that_it_names_and_nothing_else():
    token = signed_jwt(email="Anna@Example.COM", phone="+48601000000", name="Anna", properties={"plan": "gold"})

    assert verify(token, external_id="victim") == {"id": "anna", "email": "Anna@Example.COM", "phone": "+48601000000"}


@pytest.mark.parametrize("claims", [{"id": None}, {"id": ""}])
def test_an_identifier_that_is_empty_is_not_named(claims):
    assert verify(signed_jwt(**claims, email="anna@example.com")) == {"email": "anna@example.com"}


def test_an_hmac_proves_the_id_beside_it():
    assert verify(signed_hmac()) == {"id": "anna"}


@pytest.mark.parametrize("external_id", ["żółć 👍", "a.b.c", "1772366400.anna", "x" * 255, "'; DROP TABLE x; --"])
def test_any_text_may_be_an_id(external_id):
    assert verify(signed_hmac(external_id=external_id), external_id=external_id) == {"id": external_id}
    assert verify(signed_jwt(id=external_id)) == {"id": external_id}


@pytest.mark.parametrize(("number", "external_id"), [(4711, "4711"), (0, "0"), (2**63, str(2**63))])
def test_a_whole_number_is_the_id_in_digits(number, external_id):
    assert verify(signed_jwt(id=number)) == {"id": external_id}


def test_hex_may_be_written_in_capitals():
    start, signature = signed_hmac().rsplit(":", 1)

    assert verify(f"{start}:{signature.upper()}") == {"id": "anna"}


@pytest.mark.parametrize("form", FORMS)
def test_within_its_window_a_token_serves_several_page_views(form):
    token = signed(form)

    assert verify(token, at=NOW) == verify(token, at=NOW + timedelta(minutes=9)) == {"id": "anna"}


def test_claims_that_only_others_understand_are_no_obstacle():
    assert verify(signed_jwt(aud="someone", iss="https://app.example.com", sub=7, jti=8)) == {"id": "anna"}


# --- Secrets in force -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secrets", [(NEW,), (NEW, OLD), (OLD, NEW)])
def test_every_secret_in_force_is_accepted(form, secrets):
    for secret in secrets:
        assert verify(signed(form, secret), secrets=secrets) == {"id": "anna"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secrets", [(NEW, OLD), (NEW,), ()])
def test_a_secret_that_is_retired_or_was_never_given_out_signs_nothing(form, secrets):
    assert refusal(signed(form, RETIRED), secrets=secrets) == "invalid_identity"


@pytest.mark.parametrize("form", FORMS)
def test_secrets_may_be_given_once_only(form):
    assert verify(signed(form, OLD), secrets=iter(IN_FORCE)) == {"id": "anna"}


@pytest.mark.parametrize("form", FORMS)
def test_a_stale_token_of_a_retired_secret_is_forged_not_stale(form):
    assert refusal(signed(form, RETIRED, issued=NOW - timedelta(days=1))) == "invalid_identity"


# --- The window -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("age", "code"),
    [
        (timedelta(0), None),
        (timedelta(minutes=10), None),
        (timedelta(minutes=11), None),
        (timedelta(minutes=11) + INSTANT, "expired_identity"),
        (timedelta(minutes=11) + SECOND, "expired_identity"),
        (timedelta(days=3653), "expired_identity"),
        (-timedelta(seconds=60), None),
        (-timedelta(seconds=60) - INSTANT, "expired_identity"),
        (-timedelta(seconds=61), "expired_identity"),
        (-timedelta(days=3653), "expired_identity"),
    ],
)
def test_a_token_lives_ten_minutes_and_clocks_may_differ_by_one(form, age, code):
    token = signed(form)

    if code:
        assert refusal(token, at=NOW + age) == code
    else:
        assert verify(token, at=NOW + age) == {"id": "anna"}


@pytest.mark.parametrize(
    ("lasts", "at", "code"),
    [
        (timedelta(0), NOW + 60 * SECOND, None),
        (timedelta(0), NOW + 61 * SECOND, "expired_identity"),
        (timedelta(minutes=5), NOW + timedelta(minutes=6), None),
        (timedelta(minutes=5), NOW + timedelta(minutes=6) + INSTANT, "expired_identity"),
        (timedelta(minutes=10), NOW, None),
        (timedelta(minutes=10) + SECOND, NOW, "invalid_identity"),
        (timedelta(hours=1), NOW, "invalid_identity"),
        (-SECOND, NOW, "invalid_identity"),
        (-timedelta(minutes=10), NOW, "invalid_identity"),
    ],
)
def test_a_jwt_names_its_own_end_within_ten_minutes(lasts, at, code):
    token = signed_jwt(lasts=lasts)

    if code:
        assert refusal(token, at=at) == code
    else:
        assert verify(token, at=at) == {"id": "anna"}


def test_a_jwt_is_not_used_before_it_says():
    token = signed_jwt(nbf=seconds(NOW) + 120)

    assert refusal(token, at=NOW) == "expired_identity"
    assert verify(token, at=NOW + 60 * SECOND) == {"id": "anna"}


def test_times_may_have_fractions():
    token = signed_jwt(iat=NOW.timestamp() + 0.5, exp=NOW.timestamp() + 60.5)

    assert verify(token, at=NOW + timedelta(seconds=120.5)) == {"id": "anna"}
    assert refusal(token, at=NOW + timedelta(seconds=120.5) + INSTANT) == "expired_identity"


@pytest.mark.parametrize("year", [-62135596800, -62135596860, 253402300799, 253402300860])
def test_clocks_at_the_ends_of_the_calendar_are_wrong_and_harmless(year):
    assert refusal(signed_jwt(iat=year, exp=year)) == "expired_identity"
    if year > 0:
        assert refusal(signed_hmac().replace(str(seconds(NOW)), str(year))) == "invalid_identity"


# --- Forgeries --------------------------------------------------------------------------------------------------------


def unsigned(alg):
    return raw_jwt(json.dumps(claims()).encode(), header=json.dumps({"alg": alg, "typ": "JWT"}).encode())


def claims(**changes):
    return {"id": "anna", "iat": seconds(NOW), "exp": seconds(NOW) + 600, **changes}


@pytest.mark.parametrize(
    "alg",
    ["none", "None", "NONE", "", "HS1", "HS384", "HS512", "RS256", "ES256", "PS256", None, 7, True, ["HS256"], {}],
)
def test_no_other_algorithm_is_accepted_whatever_the_token_says(alg):
    assert refusal(unsigned(alg)) == "invalid_identity"


def test_none_needs_no_signature_and_gets_no_trust():
    header, payload, _signature = unsigned("none").split(".")

    assert refusal(f"{header}.{payload}.") == "invalid_identity"


def test_a_token_of_a_key_pair_is_no_token_of_ours():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    token = jwt.encode(claims(), key, algorithm="RS256")

    assert refusal(token) == "invalid_identity"
    # Even where somebody stored a public key as a secret, it signs nothing.
    assert refusal(token, secrets=[public.decode()]) == "invalid_identity"
    with_public_key = raw_jwt(json.dumps(claims()).encode(), secret=public.decode())
    assert refusal(with_public_key, secrets=[public.decode()]) == "invalid_identity"


@pytest.mark.parametrize("part", [0, 1, 2])
def test_every_part_of_a_jwt_is_signed(part):
    parts = signed_jwt().split(".")
    parts[part] = (
        signed_jwt(id="victim", email="x@example.com").split(".")[part]
        if part
        else raw_jwt(b"{}", header=b'{"typ":"JWT","alg":"HS256"}').split(".")[0]
    )

    assert refusal(".".join(parts)) == "invalid_identity"


@pytest.mark.parametrize(
    "missing", [("iat",), ("exp",), ("iat", "exp"), ("id",)], ids=["iat", "exp", "iat and exp", "everybody"]
)
def test_a_jwt_says_who_from_when_and_until_when(missing):
    said = {name: value for name, value in claims().items() if name not in missing}

    assert refusal(jwt.encode(said, NEW, "HS256")) == "invalid_identity"


@pytest.mark.parametrize(
    "odd",
    [
        *(True, False, 7.0, ["anna"], [], {"id": "anna"}, "an\x00na", "\x00", " anna", "anna\n", "x" * 256, 10**300),
        *("", " ", "unknown", "NULL", "undefined"),
    ],
)
def test_an_id_of_another_kind_is_nobodys(odd):
    assert refusal(signed_jwt(id=odd)) == "invalid_identity"


@pytest.mark.parametrize("name", ["email", "phone"])
@pytest.mark.parametrize("odd", [7, True, ["a@example.com"], "a\x00@example.com", "x" * 300, "unknown"])
def test_one_odd_identifier_spoils_the_others(name, odd):
    assert refusal(signed_jwt(**{name: odd})) == "invalid_identity"


def test_half_a_character_is_no_id():
    payload = json.dumps(claims(id="\ud800")).encode()

    assert b"\\ud800" in payload
    assert refusal(raw_jwt(payload)) == "invalid_identity"
    assert refusal(signed_hmac(), external_id="\ud800") == "invalid_identity"


@pytest.mark.parametrize("name", ["iat", "exp", "nbf"])
@pytest.mark.parametrize(
    "odd",
    [
        *('"1772366400"', "true", "null", "[]", "{}", "NaN", "Infinity", "-Infinity", "1e400", "9" * 400, "-1e15"),
        *("1772366400000", "-1772366400000"),
    ],
)
def test_a_time_is_a_number_of_seconds(name, odd):
    payload = json.dumps(claims(**{name: "ODD"})).replace('"ODD"', odd).encode()

    assert refusal(raw_jwt(payload)) == "invalid_identity"


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"null", b"[]", b'"anna"', b"{", b"\xff\xfe", b"[" * 3000, b'{"id":' * 500, b"9" * 2900),
        *(b'{"id":"anna","iat":%s}' % (b"9" * 2000), b'{"id":%s}' % (b"[" * 2500)),
    ],
)
def test_a_signed_payload_that_is_no_object_is_refused(payload):
    assert refusal(raw_jwt(payload)) == "invalid_identity"


@pytest.mark.parametrize(
    "header",
    [
        *(b"", b"null", b"[]", b"{", b"\xff", b"[" * 3000, b'{"a":' * 500, b'{"alg":"HS256","kid":7}'),
        *(b'{"alg":"HS256","crit":["x"]}', b'{"alg":"HS256","crit":7}', b'{"alg":"HS256","b64":false}'),
        *(b'{"alg":"HS256","b64":false,"crit":["b64"]}', b'{"alg":"HS256","crit":[{}]}'),
    ],
)
def test_headers_are_read_before_anything_is_proved_and_break_nothing(header):
    assert refusal(raw_jwt(json.dumps(claims()).encode(), header=header)) == "invalid_identity"


@pytest.mark.parametrize(
    "token",
    [
        *("", ".", "..", "...", "a.b.c", "a.b.c.d.e", "nonsense", "Bearer x", "żółć.👍.x", "\x00", "\ud800", "\u202e"),
        *("hmac", "hmac:", "hmac::", "HMAC:1:00", "hmac:1772366400:", "hmac:1772366400:00", f"hmac:-1:{ZEROS}"),
        *(f"hmac:1e9:{ZEROS}", f"hmac:٣:{ZEROS}", f"hmac:{'9' * 4000}:{ZEROS}", f"hmac:1772366400:{ZEROS[1:]}g"),
        *(f"hmac:1772366400:{ZEROS}", f"hmac:1772366400:{ZEROS}\n", f"hmac:1772366400:{ZEROS[1:]}", f"hmac::{ZEROS}"),
        *("x" * 1_000_000, "." * 1_000_000, "hmac:" * 200_000),
    ],
    ids=lambda token: token.encode(errors="replace")[:30].decode(errors="replace"),
)
def test_nonsense_is_refused(token):
    assert refusal(token) == "invalid_identity"


def test_a_token_that_is_too_long_is_refused_although_it_is_signed():
    assert verify(signed_jwt(note="x" * 2500)) == {"id": "anna"}
    assert refusal(signed_jwt(note="x" * 4000)) == "invalid_identity"


def test_surroundings_are_part_of_a_token():
    for token in (signed_jwt(), signed_hmac()):
        for changed in (f" {token}", f"{token} ", f"{token}\n", token[:-1]):
            assert refusal(changed) == "invalid_identity"


@pytest.mark.parametrize("external_id", ["victim", "Anna", "ann", "anna ", "", "unknown", "x" * 300])
def test_an_hmac_is_for_one_id(external_id):
    assert refusal(signed_hmac(), external_id=external_id) == "invalid_identity"


@pytest.mark.parametrize("external_id", ["", " ", " anna", "unknown", "an\x00na", "x" * 256])
def test_an_hmac_of_nobody_proves_nobody(external_id):
    assert refusal(signed_hmac(external_id=external_id), external_id=external_id) == "invalid_identity"


def test_the_time_of_an_hmac_is_signed():
    _hmac, time, signature = signed_hmac(issued=NOW - timedelta(hours=1)).split(":")

    assert refusal(f"hmac:{time}:{signature}") == "expired_identity"
    assert refusal(f"hmac:{seconds(NOW)}:{signature}") == "invalid_identity"
    assert refusal(f"hmac:0{time}:{signature}") == "invalid_identity"


def test_one_form_does_not_pass_for_the_other():
    header, payload, signature = signed_jwt().split(".")
    digest = base64.urlsafe_b64decode(signature + "=").hex()

    assert refusal(f"hmac:{header}:{digest}", external_id=payload) == "invalid_identity"
    assert refusal(signed_hmac().removeprefix("hmac:").replace(":", ".")) == "invalid_identity"


def test_refusals_have_codes_and_words_for_the_answer():
    for error, code in ((ForgedIdentity(), "invalid_identity"), (ExpiredIdentity(), "expired_identity")):
        assert (error.code, error.status, error.field) == (code, 403, "identity")
        assert str(error.message).endswith(".")
        assert "anna" not in str(error)
