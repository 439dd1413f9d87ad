import pytest
from django.utils import translation

from privacy.inventory import PURPOSES, STAFF, Column, Inventory, Store, Table, inventory
from privacy.notice import period_in_words, purposes


def rows(**columns):
    return purposes(language="en", declared=Inventory(tables={"a.B": Table(model="a.B", columns=columns)}))


@pytest.mark.parametrize(
    ("period", "words"),
    [("P3Y", "3 years"), ("P1Y", "1 year"), ("P1Y1M", "1 year and 1 month"), ("P30D", "30 days"), ("P1D", "1 day")],
)
def test_periods_are_words(period, words):
    with translation.override("en"):
        assert period_in_words(period) == words


def test_what_is_no_period_is_refused():
    with pytest.raises(ValueError, match="forever"):
        period_in_words("forever")


def test_a_category_is_kept_as_long_as_the_longest_of_its_columns():
    (row,) = rows(
        a=Column(category="identity", purpose="feedback", keep="P18M"),
        b=Column(category="identity", purpose="feedback", keep="P2Y"),
        c=Column(category="identity", purpose="feedback", keep="P30D"),
        d=Column(personal=False),
    )

    assert [(category.name, category.keep) for category in row.categories] == [("identity", "2 years")]
    assert row.text == PURPOSES["feedback"].text["en"]
    assert row.basis == "our legitimate interest, Art. 6(1)(f) GDPR"


def test_data_of_staff_are_not_in_the_notice_of_data_subjects():
    assert rows(user=STAFF) == []


def test_stores_outside_the_database_are_in_the_notice():
    store = Store(
        name="log", kind="log", column=Column(category="network address", purpose="administration", keep="P1D")
    )

    (row,) = purposes(language="en", declared=Inventory(stores={"log": store}))

    assert [(category.name, category.keep) for category in row.categories] == [("network address", "1 day")]


def test_the_notice_of_the_project_has_every_personal_category_of_its_inventory():
    shown = {category.name for row in purposes(language="en") for category in row.categories}
    columns = [column for table in inventory.tables.values() for column in table.columns.values()]

    assert shown >= {str(column.category) for column in columns if column.personal} - {str(STAFF.category)}
