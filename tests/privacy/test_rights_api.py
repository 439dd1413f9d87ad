"""The door for a product's server: it vouches for its users, sees only its own requests, and sends people here."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.utils import timezone

from privacy.lifecycle import State
from privacy.models import RightsRequest, ServerKey
from privacy.server_keys import issue, revoke
from privacy.subjects import subject_of
from tests.factories import make_product, make_respondent
from tests.privacy.pages.filling_in import FORM, filled

pytestmark = pytest.mark.django_db
REQUESTS, LINKS = "/api/v1/rights-requests/", "/api/v1/rights-requests/links/"


@pytest.fixture
def product():
    return make_product(name="Bank")


@pytest.fixture
def key(product):
    return issue(product=product, name="backend", scopes=[ServerKey.Scope.RIGHTS])


@pytest.fixture
def call(client, key):
    def call(path, body=None, secret=key[1]):
        headers = {"authorization": f"Bearer {secret}"} if secret else {}
        if body is None:
            return client.get(path, headers=headers)
        return client.post(path, body, content_type="application/json", headers=headers)

    return call


def asks(**changes):
    return {"user": {"id": "4711", "email": "anna@example.com"}, "rights": ["access"], "language": "pl", **changes}


def test_a_request_of_a_logged_in_person_is_proved_by_the_products_server(call, product):
    anna = make_respondent(product=product, external_id="4711")
    make_respondent(product=make_product(controller=product.controller), external_id="4711")

    answer = call(REQUESTS, asks(details="All of it", objects_to="contact"))

    filed = RightsRequest.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "reference": filed.reference,
        "state": "verified",
        "received_on": str(filed.received_on),
        "due_on": str(filed.due_on),
        "rights": [{"right": "access", "outcome": ""}],
    }
    assert (filed.state, filed.product, filed.language) == (State.VERIFIED, product, "pl")
    assert subject_of(filed).people == (anna.pk,)


def test_how_a_request_stands_is_told_to_the_product_it_came_from_alone(call, client):
    reference = call(REQUESTS, asks()).json()["reference"]
    _key, other = issue(product=make_product(), name="other", scopes=[ServerKey.Scope.RIGHTS])

    assert call(f"{REQUESTS}{reference}/").json()["reference"] == reference
    refused = call(f"{REQUESTS}{reference}/", secret=other)
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_request")


@pytest.mark.parametrize("secret", ["", "sk_wrong", "tk_demo", "x" * 300])
def test_without_a_key_nothing_is_filed(call, secret):
    refused = call(REQUESTS, asks(), secret=secret)

    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_key")
    assert refused["WWW-Authenticate"] == "Bearer"
    assert not RightsRequest.objects.exists()


def test_a_key_for_something_else_or_a_revoked_one_is_refused(call, key, product):
    _key, asking = issue(product=product, name="asks", scopes=[ServerKey.Scope.ASK])
    revoke(key=key[0])

    assert call(REQUESTS, asks(), secret=asking).status_code == 401
    assert call(REQUESTS, asks()).status_code == 401


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"rights": []}, "rights", "empty"),
        ({"rights": ["flattery"]}, "rights", "invalid_choice"),
        ({"user": {"id": ""}}, "user", "blank"),
        ({"user": {"id": "4711"}}, "email", "required"),
        ({"reply_channel": "post"}, "postal_address", "required"),
        ({"language": "tlh"}, "language", "invalid_choice"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_stored(call, changes, field, code):
    refused = call(REQUESTS, asks(**changes))

    assert refused.status_code == 400
    assert refused.json()["fields"][field][0]["code"] == code
    assert not RightsRequest.objects.exists()


def test_a_link_opens_the_form_for_one_account_and_says_nothing_readable(call, client, product):
    url = call(LINKS, {"user": {"id": "4711", "email": "anna@example.com"}}).json()["url"]

    assert "4711" not in url
    assert "anna" not in url
    parts = urlsplit(url)
    page = client.get(f"{parts.path}?{parts.query}").content.decode()
    assert "You came from Bank" in page
    assert 'value="anna@example.com"' in page
    client.post(f"{FORM}?{parts.query}", filled())
    filed = RightsRequest.objects.get()
    assert (filed.product, filed.source, [proof.identifier for proof in filed.proofs.all()]) == (
        product,
        "product",
        ["4711"],
    )


def test_a_link_ends_after_an_hour_and_a_forged_one_is_worth_nothing(call, client):
    url = call(LINKS, {"user": {"id": "4711"}}).json()["url"]
    who = parse_qs(urlsplit(url).query)["who"][0]

    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert "too old" in client.get(f"{FORM}?who={who}").content.decode()
        client.post(f"{FORM}?who={who}", filled())
    assert "too old" in client.get(f"{FORM}?who={who[:-4]}AAAA").content.decode()
    assert RightsRequest.objects.get().proofs.count() == 0
