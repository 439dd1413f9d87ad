"""What signed identities are good for at the door where people are asked."""

from __future__ import annotations

import time

import jwt
import pytest

from feedback.models import Invitation, Respondent
from privacy.models import Product, SigningSecret

pytestmark = pytest.mark.django_db

ANNA = {"id": "anna", "email": " Anna@Example.COM ", "name": "Anna", "country": "pl", "company": "Acme"}


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


def test_a_signed_identifier_obeys_the_limits_of_every_other(survey, ask):
    secret = SigningSecret.objects.create(product=survey.product).secret
    now = int(time.time())
    token = jwt.encode({"id": "x" * 300, "iat": now, "exp": now + 300}, secret, "HS256")

    assert ask(identity=token, status=400)["code"] == "max_length"
