"""What signed identities are good for at the door where people are asked."""

from __future__ import annotations

import hashlib
import hmac
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


@pytest.fixture
def sign(survey):
    """Sign claims as the product's backend would; returns the token."""
    secret = SigningSecret.objects.create(product=survey.product).secret

    def sign(*, secret=secret, **claims):
        now = int(time.time())
        return jwt.encode({"iat": now, "exp": now + 300, **claims}, secret, "HS256")

    return sign


def test_trusted_mode_asks_only_those_whom_the_product_signed_for(survey, ask, sign):
    Product.objects.update(identity_mode="trusted")

    assert ask(user=ANNA)["code"] == "unsigned_identity"
    assert ask(identity=sign(id="anna"))["eligible"]
    assert Invitation.objects.get().respondent.subject_key == "id:anna"


@pytest.mark.parametrize("form", ["jwt", "hmac"])
def test_both_forms_of_a_signature_name_the_same_person(survey, ask, form):
    Product.objects.update(identity_mode="trusted")
    secret, now = SigningSecret.objects.create(product=survey.product).secret, int(time.time())
    token = {
        "jwt": jwt.encode({"id": "anna", "iat": now, "exp": now + 300}, secret, "HS256"),
        "hmac": f"hmac:{now}:{hmac.new(secret.encode(), f'{now}.anna'.encode(), hashlib.sha256).hexdigest()}",
    }[form]

    assert ask(user={"id": "anna", "email": "victim@example.com"}, identity=token)["eligible"]
    person = Respondent.objects.get()
    assert (person.subject_key, person.email) == ("id:anna", "")


@pytest.mark.parametrize("mode", ["open", "identified", "trusted"])
@pytest.mark.parametrize(
    ("forged", "code"),
    [
        ({"secret": "another secret that is long enough for it"}, "invalid_identity"),
        ({"exp": int(time.time()) + 3600}, "invalid_identity"),
        ({"iat": int(time.time()) - 1200, "exp": int(time.time()) - 600}, "expired_identity"),
    ],
)
def test_a_signature_that_proves_nothing_is_refused_whoever_may_be_asked(survey, ask, sign, mode, forged, code):
    Product.objects.update(identity_mode=mode)

    refusal = ask(user=ANNA, identity=sign(id="anna", **forged), status=403)

    assert (refusal["code"], list(refusal["fields"])) == (code, ["identity"])
    assert Respondent.objects.count() == 0


def test_a_signature_vouches_for_nothing_that_it_does_not_say(survey, ask, sign):
    Product.objects.update(identity_mode="trusted")

    assert ask(user={"id": "victim"}, identity=sign(email="anna@example.com"))["eligible"]

    person = Respondent.objects.get()
    assert (person.subject_key, person.external_id) == ("mail:anna@example.com", "")


@pytest.mark.parametrize("claims", [{}, {"id": "x" * 300}, {"id": "unknown"}, {"id": "vic\x00tim"}])
def test_a_signature_that_names_nobody_is_refused(survey, ask, sign, claims):
    assert ask(user={"id": "victim"}, identity=sign(**claims), status=403)["code"] == "invalid_identity"
    assert Respondent.objects.count() == 0


def test_the_language_of_a_person_is_theirs_whatever_the_page_speaks(survey, ask):
    ask(user={"id": "anna", "language": "de"}, context={"language": "pl"})

    assert Respondent.objects.get().language == "de"
