"""Keys of a product's backend: shown once, recognised while in force, for what they may do."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from privacy.models import ServerKey
from privacy.server_keys import issue, recognise, revoke
from tests.factories import make_product

pytestmark = pytest.mark.django_db
RIGHTS, ASK = ServerKey.Scope.RIGHTS, ServerKey.Scope.ASK


def test_a_key_is_recognised_by_its_secret_for_what_it_may_do():
    key, secret = issue(product=make_product(), name=" Shop ", scopes=[RIGHTS])

    assert recognise(secret, scope=RIGHTS) == key
    assert recognise(secret, scope=ASK) is None
    assert recognise(secret + "x", scope=RIGHTS) is None
    assert key.name == "Shop"


def test_the_secret_itself_is_not_stored():
    key, secret = issue(product=make_product(), name="Shop", scopes=[RIGHTS])

    key.refresh_from_db()
    assert secret.startswith("sk_")
    assert secret not in {str(value) for value in vars(key).values()}
    assert secret.endswith(key.ending)


def test_a_revoked_key_is_not_recognised_again():
    key, secret = issue(product=make_product(), name="Shop", scopes=[RIGHTS])

    revoke(key=key)
    revoke(key=key)

    assert recognise(secret, scope=RIGHTS) is None


@pytest.mark.parametrize(
    ("name", "scopes", "code"),
    [("", [RIGHTS], "required"), ("Shop", [], "required"), ("Shop", ["everything"], "unknown_scope")],
)
def test_a_key_without_a_name_or_with_unknown_scopes_is_refused(name, scopes, code):
    with pytest.raises(ValidationError) as refused:
        issue(product=make_product(), name=name, scopes=scopes)

    assert refused.value.code == code
    assert not ServerKey.objects.exists()
