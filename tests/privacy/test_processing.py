"""The record of processing is made from the inventory, and the inventory is written down where changes are seen."""

from dataclasses import replace
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import override

from privacy.inventory import PURPOSES, STAFF, Column, Inventory, inventory
from privacy.models import Membership
from privacy.processing import ARTICLES, STORES, activities, inventory_as_text, record_of_processing
from tests.factories import make_controller, make_recipient, make_staff

GOLDEN = settings.BASE_DIR / "docs" / "inventory.md"


def test_the_written_inventory_is_what_is_declared():
    """After a change that is meant: manage.py inventory > docs/inventory.md"""
    printed = StringIO()
    call_command("inventory", stdout=printed)
    backups = inventory.stores["backups"]
    at_30_days = {**inventory.stores, "backups": replace(backups, column=replace(backups.column, keep="P30D"))}

    assert printed.getvalue() == inventory_as_text()
    assert inventory_as_text(Inventory(inventory.tables, at_30_days)) == GOLDEN.read_text()


@pytest.mark.parametrize("change", [{"keep": "P2Y"}, {"portability": False}, {"category": "poem"}, {"logged": True}])
def test_any_change_of_a_declaration_shows_in_it(change):
    table = inventory.tables["feedback.Response"]
    columns = {**table.columns, "comment": replace(table.columns["comment"], **change)}
    changed = Inventory({**inventory.tables, table.model: replace(table, columns=columns)}, inventory.stores)

    assert inventory_as_text(changed) != inventory_as_text()


@pytest.mark.parametrize("language", ["en", "pl"])
def test_the_record_has_every_purpose_and_category_of_the_inventory(language):
    with override(language):
        found = list(activities(language=language))
        personal = [
            column for table in inventory.tables.values() for column in table.columns.values() if column.personal
        ]

        assert [one.purpose for one in found] == [purpose.text[language] for purpose in PURPOSES.values()]
        named = {row.name for one in found for row in one.categories}
        assert named >= {str(column.category) for column in personal}
        assert all(one.people and one.article and one.places for one in found)


@pytest.mark.parametrize(
    ("language", "basis", "places"),
    [
        ("en", "Art. 6(1)(f) GDPR", {"Backup copies", "Technical logs", "Cache of the servers", "Notes on requests"}),
        ("pl", "art. 6 ust. 1 lit. f RODO", {"Kopie zapasowe", "Dzienniki techniczne", "Notatki do żądań"}),
    ],
)
def test_the_record_says_on_what_basis_and_where(language, basis, places):
    with override(language):
        found = list(activities(language=language))
        kinds = {capfirst(str(STORES[store.kind])) for store in inventory.stores.values() if store.column.personal}

    assert basis in {one.article for one in found}
    assert {place for one in found for place in one.places} >= places | kinds
    for one in found:
        assert len(set(one.places)) == len(one.places), one.purpose


def test_every_basis_and_store_has_a_name_in_both_languages():
    assert {purpose.basis for purpose in PURPOSES.values()} <= ARTICLES.keys()
    for named in (ARTICLES, STORES):
        for text in named.values():
            words = set()
            for language in ("en", "pl"):
                with override(language):
                    words.add(str(text))
            assert len(words) == 2, text


def test_data_of_staff_are_in_the_record_as_theirs():
    declared = Inventory({"auth.User": replace(inventory.tables["auth.User"], columns={"id": STAFF})}, {})

    (found,) = activities(language="en", declared=declared)

    assert found.people == ("members of staff",)
    assert [row.keep for row in found.categories] == ["3 years"]


def test_a_purpose_for_which_nothing_is_stored_is_no_activity():
    declared = Inventory({"auth.User": replace(inventory.tables["auth.User"], columns={"id": Column(personal=False)})})

    assert list(activities(language="en", declared=declared)) == []


@pytest.mark.django_db
def test_the_record_names_recipients_and_their_safeguards():
    controller = make_controller()
    make_recipient(controller=controller, name="Cloud Inc.", country="US", safeguard="adequacy")

    (recipient,) = record_of_processing(controller=controller, language="en").recipients

    assert (recipient.name, recipient.country) == ("Cloud Inc.", "US")
    assert "adequacy" in str(recipient.safeguard)


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "title"), [("en", "Record of processing"), ("pl", "Rejestr czynności")])
def test_officers_see_the_record_of_their_controller(client, language, title):
    controller, other = make_controller(name="Bank S.A."), make_controller()
    officer = make_staff("data_protection_officer")
    Membership.objects.create(user=officer, controller=controller)
    client.force_login(officer)
    address = reverse("admin:privacy_controller_record", args=[controller.pk])

    page = client.get(address, headers={"accept-language": language}).content.decode()

    assert title in page
    assert "Bank S.A." in page
    assert "LIA-1" in page
    assert address in client.get(reverse("admin:privacy_controller_change", args=[controller.pk])).content.decode()
    assert client.get(reverse("admin:privacy_controller_record", args=[other.pk])).status_code == 404
