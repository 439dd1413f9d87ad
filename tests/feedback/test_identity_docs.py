"""The examples of signing work as they are written."""

from __future__ import annotations

import re
import subprocess

import pytest
from django.conf import settings
from playwright._impl._driver import compute_driver_executable

from feedback.models import Respondent
from privacy.models import Product
from privacy.signing_secrets import issue

GUIDE = (settings.BASE_DIR / "docs" / "identity.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.S)
NODE = re.search(r"```js\n(.*?)```", GUIDE, flags=re.S)[1]

# The browser driver brings one, so that no machine has to have it.
NODE_BINARY, _script = compute_driver_executable()

pytestmark = pytest.mark.django_db


@pytest.fixture
def secret(survey, monkeypatch):
    """The secret of a product that asks only people whose identity it signed."""
    Product.objects.update(identity_mode="trusted")
    secret = issue(product=survey.product).secret
    monkeypatch.setenv("ODZEW_SECRET", secret)
    return secret


def run(example):
    names = {}
    exec(example, names)  # noqa: S102  what the guide tells its readers to run
    return names["signed_identity"]


def test_there_is_one_example_of_each_form():
    assert ["import jwt" in example for example in PYTHON] == [True, False]


def test_the_token_in_python_proves_id_and_email(secret, ask):
    token = run(PYTHON[0])("4711", "anna@example.com")

    assert ask(user={"id": "someone else"}, identity=token)["eligible"]
    person = Respondent.objects.get()
    assert (person.external_id, person.email) == ("4711", "anna@example.com")


def test_the_hmac_in_python_proves_the_id_beside_it(secret, ask):
    assert ask(user={"id": "zażółć-1"}, identity=run(PYTHON[1])("zażółć-1"))["eligible"]
    assert ask(user={"id": "4711"}, identity=run(PYTHON[1])("4712"), status=403)["code"] == "invalid_identity"


def test_the_hmac_in_node_is_the_same(secret, ask):
    script = f"{NODE}\nprocess.stdout.write(signedIdentity('zażółć-1'));"
    token = subprocess.run([NODE_BINARY, "-e", script], capture_output=True, text=True, check=True, timeout=60).stdout

    assert ask(user={"id": "zażółć-1"}, identity=token)["eligible"]


def test_every_code_that_it_explains_exists(secret, ask):
    explained = set(re.findall(r"`(\w+_identity)`", GUIDE))

    stale = "hmac:1:" + "0" * 64
    found = {ask(user={"id": "4711"})["code"], ask(user={"id": "4711"}, identity=stale, status=403)["code"]}

    assert explained == found | {"expired_identity"}
