import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import translation

from privacy import server_keys
from privacy.models import ServerKey
from tests.factories import make_product, make_server_key, make_staff

pytestmark = pytest.mark.django_db
ASK = ServerKey.Scope.ASK


@pytest.fixture
def product():
    return make_product()


@pytest.fixture
def administrator(client, product):
    client.force_login(make_staff("administrator", product=product))
    return client


def test_a_key_is_shown_once_and_works(administrator, product):
    form = {"product": product.pk, "name": "Shop", "scopes": ["ask"]}

    page = administrator.post(reverse("admin:privacy_serverkey_add"), form).content.decode()

    secret = page.partition('<code id="secret"')[2].partition(">")[2].partition("<")[0]
    assert server_keys.recognise(secret, scope=ASK).product == product
    listed = administrator.get(reverse("admin:privacy_serverkey_changelist")).content.decode()
    assert secret not in listed
    with translation.override("pl"):
        assert LogEntry.objects.get().get_change_message() == "Dodano."
    assert f"sk_…{secret[-4:]}" in listed


def test_a_key_needs_something_that_it_may_do(administrator, product):
    administrator.post(reverse("admin:privacy_serverkey_add"), {"product": product.pk, "name": "Shop"})

    assert not ServerKey.objects.exists()


def test_nobody_makes_a_key_for_a_product_they_do_not_see(administrator):
    form = {"product": make_product().pk, "name": "Shop", "scopes": ["ask"]}

    administrator.post(reverse("admin:privacy_serverkey_add"), form)

    assert not ServerKey.objects.exists()


def test_a_revoked_key_is_refused_and_stays_listed(administrator, product):
    key, secret = make_server_key(product=product)
    address = reverse("admin:privacy_serverkey_revoke", args=[key.pk])

    assert administrator.get(address).status_code == 200
    assert server_keys.recognise(secret, scope=ASK)
    administrator.post(address, headers={"accept-language": "pl"})

    assert server_keys.recognise(secret, scope=ASK) is None
    history = LogEntry.objects.get()
    with translation.override("en"):
        assert history.get_change_message() == f"Added revocation “server key {key.pk}”."
    with translation.override("pl"):
        assert history.get_change_message() == f"Dodano unieważnienie „server key {key.pk}”."
    assert ServerKey.objects.filter(pk=key.pk, revoked_at__isnull=False).exists()
