"""Times on staff pages go by the clock of the controller the reader works for."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from privacy.models import Suppression
from tests.factories import make_controller, make_product, make_staff

pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 1, 15, 3, tzinfo=UTC)
LIST = "admin:privacy_suppression_changelist"


@pytest.mark.parametrize(
    ("zone", "shown"), [("America/New_York", "Jan. 14, 2026, 10 p.m."), ("Europe/Warsaw", "Jan. 15, 2026, 4 a.m.")]
)
@pytest.mark.parametrize("role", ["data_protection_officer", "administrator"])
def test_a_list_shows_when_it_was_where_the_controller_is(client, zone, shown, role):
    product = make_product(controller=make_controller(time_zone=zone))
    Suppression.objects.create(product=product, digest=b"x" * 32, reason="objected", created_at=NIGHT)
    client.force_login(make_staff(role, product=product))

    assert shown in client.get(reverse(LIST), headers={"accept-language": "en"}).content.decode()


def test_who_is_not_logged_in_yet_is_let_through_to_the_login(client):
    assert client.get("/admin/login/").status_code == 200
