from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from privacy.access_log import record_access
from privacy.identity import reveal
from privacy.models import AccessLogEntry, Product
from tests.factories import make_product, make_rights_request, make_staff

pytestmark = pytest.mark.django_db
Purpose = AccessLogEntry.Purpose


def make_entry(*, product=None, user=None):
    product = product or make_product()
    return record_access(
        user=user or make_staff(),
        purpose=Purpose.WHY_NOT,
        record=product,
        controller=product.controller,
        product=product,
    )


def test_an_entry_names_the_record_by_kind_and_number():
    product = make_product(name="Secret bank")

    entry = make_entry(product=product)

    assert (entry.record_kind, entry.record_number) == ("privacy.Product", product.pk)
    assert "Secret" not in str(entry)


def test_somebody_who_was_not_found_has_no_number():
    product = make_product()

    entry = record_access(
        user=make_staff(), purpose=Purpose.WHY_NOT, record=Product, controller=product.controller, product=product
    )

    assert (entry.record_kind, entry.record_number) == ("privacy.Product", None)


@pytest.mark.parametrize(
    "change", ["UPDATE privacy_accesslogentry SET at = now()", "DELETE FROM privacy_accesslogentry"]
)
def test_nobody_rewrites_the_log(change):
    make_entry()

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)

    assert AccessLogEntry.objects.count() == 1


def test_what_is_older_than_it_is_kept_may_go():
    old = make_entry()
    AccessLogEntry.objects.bulk_create(
        [
            AccessLogEntry(
                at=timezone.now() - timedelta(days=25 * 31),
                user=old.user,
                controller=old.controller,
                record_kind="privacy.Product",
                purpose=Purpose.WHY_NOT,
            )
        ]
    )

    AccessLogEntry.objects.exclude(pk=old.pk).delete()

    assert list(AccessLogEntry.objects.all()) == [old]


def test_staff_see_the_reads_of_their_products_only():
    mine, _other = make_entry(), make_entry()
    officer = make_staff("data_protection_officer", product=mine.product)

    assert list(AccessLogEntry.objects.visible_to(officer)) == [mine]


def test_revealing_who_makes_a_request_is_logged():
    asked = make_rights_request(product=(product := make_product()), controller=product.controller)
    officer = make_staff("privacy_officer", product=product)

    reveal(request=asked, user=officer)

    entry = AccessLogEntry.objects.get()
    assert (entry.user, entry.record_kind, entry.record_number) == (officer, "privacy.RightsRequest", asked.pk)
    assert (entry.purpose, entry.product) == (Purpose.RIGHTS_REQUEST, product)


def test_reads_are_found_by_when_they_were(client):
    product = make_product()
    client.force_login(make_staff("data_protection_officer", product=product))
    with time_machine.travel(timezone.now() - timedelta(days=40)):
        old = make_entry(product=product)
    new = make_entry(product=product)

    def found(**query):
        return list(client.get(reverse("admin:privacy_accesslogentry_changelist"), query).context["cl"].result_list)

    assert found(when="30") == [new]
    assert found() == [new, old]
