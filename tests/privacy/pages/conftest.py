import pytest

from tests.factories import make_controller


@pytest.fixture
def controller(db):
    return make_controller(name="Brainshare", privacy_email="dpo@example.com")
