from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from feedback.models import Invitation, Respondent
from privacy.models import Product, SigningSecret
from surveys.models import Survey
from surveys.publishing import change_state
from tests.factories import make_draft, make_invitation, make_product, make_respondent, make_survey

pytestmark = pytest.mark.django_db

ANNA = {"id": "anna", "email": " Anna@Example.COM ", "name": "Anna", "country": "pl", "company": "Acme"}


def test_an_eligible_person_gets_an_invitation_and_the_question(survey, ask):
    answer = ask(user=ANNA, context={"channel": "web", "language": "pl", "url": "https://app.example.com/a?b=c#d"})

    assert (answer["eligible"], answer["code"]) == (True, "eligible")
    assert answer["invitation"]
    assert answer["survey"]["scale"] == {"min": 0, "max": 10}
    assert answer["survey"]["language"] == "pl"
    assert answer["survey"]["question"] == survey.current_version.content["pl"]["question"]
    assert set(answer["survey"]["follow_up"]) == {"detractor", "passive", "promoter"}
    assert answer["survey"]["rest_days"] == {"answered": 90, "declined": 30, "snoozed": 7, "ignored": 7}
    invitation = Invitation.objects.get()
    assert invitation.url == "https://app.example.com/a"
    person = invitation.respondent
    assert (person.subject_key, person.email, person.country) == ("id:anna", "anna@example.com", "PL")


def test_the_second_tab_finds_the_invitation_pending(survey, ask):
    ask(user=ANNA)

    second = ask(user=ANNA)

    assert (second["eligible"], second["code"], second["survey"]) == (False, "pending", None)
    assert Invitation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("already_met", [False, True])
def test_parallel_requests_of_one_person_reserve_one_invitation(survey, client, already_met):
    if already_met:
        make_respondent(product=survey.product, subject_key="id:anna")
    codes = []
    start = threading.Barrier(8)

    def ask_once():
        start.wait()
        try:
            answer = client.post(
                "/api/v1/products/pk_test/eligibility", {"user": {"id": "anna"}}, content_type="application/json"
            )
            codes.append(answer.json()["code"])
        finally:
            connection.close()

    threads = [threading.Thread(target=ask_once) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(codes) == ["eligible"] + ["pending"] * 7
    assert Invitation.objects.count() == 1
    assert Respondent.objects.count() == 1


def test_somebody_unknown_is_remembered_so_that_the_first_delay_can_end(survey, ask):
    Survey.objects.update(first_survey_delay_days=31)

    assert ask(anonymous_id="device-1")["code"] == "too_new"
    assert ask(anonymous_id="device-1")["code"] == "too_new"

    person = Respondent.objects.get()
    assert person.subject_key == "anon:device-1"
    Respondent.objects.update(first_seen_at=timezone.now() - timedelta(days=31))
    assert ask(anonymous_id="device-1")["eligible"]


@pytest.mark.parametrize("nobody", ["Unknown", "unknown", "", "null", "undefined", " anonymous "])
def test_placeholders_for_nobody_never_become_one_shared_person(survey, ask, nobody):
    ask(user={"id": nobody, "email": nobody})
    ask(user={"id": nobody, "email": nobody})

    assert Respondent.objects.count() == 2
    assert not Respondent.objects.filter(subject_key__icontains="unknown").exists()


def test_what_the_device_did_counts_after_the_person_logs_in(survey, ask):
    ask(anonymous_id="device-1")

    assert ask(anonymous_id="device-1", user={"id": "anna"})["code"] == "pending"


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ({"responded_at": timedelta(days=89)}, "responded_recently"),
        ({"declined_at": timedelta(days=29)}, "declined_recently"),
        ({"snoozed_at": timedelta(days=6)}, "snoozed"),
        ({"shown_at": timedelta(days=6)}, "shown_recently"),
        ({"responded_at": timedelta(days=90)}, "eligible"),
        ({"declined_at": timedelta(days=30)}, "eligible"),
        ({"snoozed_at": timedelta(days=7)}, "eligible"),
        ({"shown_at": timedelta(days=7)}, "eligible"),
        ({"sent_at": timedelta(hours=71)}, "pending"),
        ({}, "eligible"),
    ],
)
def test_how_earlier_invitations_ended_decides_when_to_ask_again(survey, ask, outcome, code):
    ago = max(outcome.values(), default=timedelta(hours=1))
    times = {name: timezone.now() - length for name, length in outcome.items()}
    person = make_respondent(product=survey.product, subject_key="id:anna")
    make_invitation(survey=survey, respondent=person, created_at=timezone.now() - ago, **times)

    assert ask(user={"id": "anna"})["code"] == code


def test_three_shows_in_ninety_days_are_enough(survey, ask):
    person = make_respondent(product=survey.product, subject_key="id:anna")
    for days in (80, 50, 20):
        at = timezone.now() - timedelta(days=days)
        make_invitation(survey=survey, respondent=person, created_at=at, shown_at=at)

    answer = ask(user={"id": "anna"})

    assert answer["code"] == "shown_recently"
    assert datetime.fromisoformat(answer["next_check_at"]).date() == (timezone.now() + timedelta(days=10)).date()


@pytest.mark.parametrize("state", [Survey.State.PAUSED, Survey.State.ARCHIVED])
def test_a_survey_that_is_not_live_is_not_asked(survey, ask, state):
    change_state(survey=survey, to=state)

    assert ask(user=ANNA)["code"] == "inactive"


@pytest.mark.parametrize(
    "change",
    [
        {"starts_at": timezone.now() + timedelta(days=1)},
        {"ends_at": timezone.now() - timedelta(days=1)},
        {"channels": ["email"]},
    ],
)
def test_schedule_and_channels_are_respected(survey, ask, change):
    Survey.objects.update(**change)

    assert ask(user=ANNA)["code"] == "inactive"


def test_a_product_that_is_switched_off_asks_nobody(survey, ask):
    Product.objects.update(is_live=False)

    assert ask(user=ANNA)["code"] == "inactive"


def test_blocked_pages_ask_nobody(survey, ask):
    Product.objects.update(blocked_urls=["https://app.example.com/checkout*"])

    assert ask(user=ANNA, context={"url": "https://app.example.com/checkout/2"})["code"] == "url_blocked"
    assert ask(user=ANNA, context={"url": "https://app.example.com/"})["eligible"]


def test_a_product_may_ask_identified_people_only(survey, ask):
    Product.objects.update(identity_mode="identified")

    assert ask(anonymous_id="device-1")["code"] == "unidentified"
    assert ask(user=ANNA)["eligible"]


def test_trusted_mode_refuses_what_the_product_did_not_sign(survey, ask):
    Product.objects.update(identity_mode="trusted")
    secret = SigningSecret.objects.create(product=survey.product).secret
    now = int(time.time())
    claims = {"id": "anna", "iat": now, "exp": now + 300}

    assert ask(user=ANNA)["code"] == "unsigned_identity"
    for forged in (
        jwt.encode(claims, "another secret that is long enough for it", "HS256"),
        jwt.encode({**claims, "exp": now + 3600}, secret, "HS256"),
        jwt.encode({**claims, "iat": now - 1200, "exp": now - 600}, secret, "HS256"),
        "nonsense",
    ):
        assert ask(user=ANNA, identity=forged)["code"] == "unsigned_identity"

    assert ask(identity=jwt.encode(claims, secret, "HS256"))["eligible"]
    assert Invitation.objects.get().respondent.subject_key == "id:anna"


def test_the_test_key_asks_at_once_and_marks_everything_as_a_test(survey, ask):
    ask(user=ANNA)

    forced = ask(user=ANNA, force=True, test_key="tk_test")

    assert forced["code"] == "forced"
    assert Invitation.objects.filter(is_test=True).count() == 1
    assert ask(user=ANNA, force=True, test_key="tk_wrong", status=403)["code"] == "invalid_test_key"
    assert ask(user=ANNA, force=True, status=403)["code"] == "invalid_test_key"


def test_the_highest_priority_goes_first_then_what_was_unasked_for_longest(survey, ask):
    make_survey(product=survey.product, metric="csat", priority=5)

    assert ask(user=ANNA)["survey"]["metric"] == "csat"


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


def test_a_draft_is_neither_listed_nor_asked(db, client, ask):
    make_draft(product=make_product(public_key="pk_test"))

    assert client.get("/api/v1/products/pk_test/surveys").json()["surveys"] == []
    assert ask(user=ANNA)["code"] == "inactive"


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


@pytest.mark.parametrize(
    ("signed", "claimed"), [({"email": "anna@example.com"}, {"id": "victim"}), ({}, {"id": "victim"})]
)
def test_a_signature_vouches_for_nothing_that_it_does_not_say(survey, ask, signed, claimed):
    Product.objects.update(identity_mode="trusted")
    secret = SigningSecret.objects.create(product=survey.product).secret
    now = int(time.time())
    token = jwt.encode({**signed, "iat": now, "exp": now + 300}, secret, "HS256")

    answer = ask(user=claimed, identity=token)

    assert answer["code"] == ("eligible" if signed else "unsigned_identity")
    assert Respondent.objects.filter(subject_key="id:victim", email="anna@example.com").count() == 0
    assert not Invitation.objects.filter(respondent__external_id="victim").exists()


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


def test_a_key_with_nul_is_no_product(survey, client):
    assert client.get("/api/v1/products/pk%00test/surveys").json()["code"] == "unknown_product"


def test_a_signed_identifier_obeys_the_limits_of_every_other(survey, ask):
    secret = SigningSecret.objects.create(product=survey.product).secret
    now = int(time.time())
    token = jwt.encode({"id": "x" * 300, "iat": now, "exp": now + 300}, secret, "HS256")

    assert ask(identity=token, status=400)["code"] == "max_length"


def test_an_answer_that_came_late_in_the_life_of_its_invitation_rests_as_long(survey, ask):
    person = make_respondent(product=survey.product, subject_key="id:anna")
    made, answered = timezone.now() - timedelta(days=110), timezone.now() - timedelta(days=60)
    make_invitation(survey=survey, respondent=person, created_at=made, responded_at=answered)

    assert ask(user={"id": "anna"})["code"] == "responded_recently"


def test_refusals_may_not_be_cached_for_everybody(survey, client):
    assert "public" not in client.get("/api/v1/products/pk_nobody/surveys").headers.get("Cache-Control", "")


@pytest.mark.parametrize("ending", ["decline", "snooze"])
def test_who_ends_an_invitation_has_seen_it(survey, client, ending):
    make_invitation(survey=survey, token="token-1")

    client.post(f"/api/v1/invitations/token-1/{ending}")

    assert Invitation.objects.get().shown_at is not None
