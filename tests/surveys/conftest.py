import pytest

from tests.factories import make_product, make_staff


@pytest.fixture
def product():
    return make_product(name="Moja aplikacja")


@pytest.fixture
def administrator(client, product):
    user = make_staff("administrator", product=product)
    client.force_login(user)
    return user


@pytest.fixture
def analyst(client, product):
    user = make_staff("analyst", product=product)
    client.force_login(user)
    return user


@pytest.fixture
def superuser(client):
    user = make_staff(is_superuser=True)
    client.force_login(user)
    return user
