from dataclasses import replace

import pytest
from django.conf import settings

from privacy.access import RECORD
from privacy.checks import is_acceptable_period, models_to_declare, problems
from privacy.inventory import PURPOSES, STAFF, Column, Identifier, Inventory, Mark, Table, inventory, not_personal
from privacy.notice import purposes


def ids(declared):
    return [problem.id for problem in problems(declared, models_to_declare())]


def altered(label, table):
    return Inventory(tables={**inventory.tables, label: table}, stores=inventory.stores)


def test_every_column_of_the_project_is_declared():
    assert ids(inventory) == []


def test_logs_and_backups_are_declared_with_their_windows():
    windows = {store.kind: store.column.keep for store in inventory.stores.values()}

    assert windows["log"] == "P30D"
    assert windows["backup"] == f"P{settings.BACKUP_WINDOW_DAYS}D"


@pytest.mark.parametrize("keep", ["", "P0D", "P4Y"])
def test_a_store_needs_an_acceptable_window(keep):
    store = inventory.stores["backups"]
    changed = {**inventory.stores, "backups": replace(store, column=replace(store.column, keep=keep))}

    assert ids(Inventory(tables=inventory.tables, stores=changed)) == ["privacy.E006"]


def test_the_notice_says_how_long_backups_are_kept():
    shown = {row.name: row.keep for purpose in purposes(language="en") for row in purpose.categories}

    assert shown["backup copy"] == f"{settings.BACKUP_WINDOW_DAYS} days"


def test_an_undeclared_column_is_refused_and_the_message_says_what_to_write():
    table = inventory.tables["feedback.Respondent"]
    columns = {name: column for name, column in table.columns.items() if name != "email"}

    found = list(problems(altered(table.model, replace(table, columns=columns)), models_to_declare()))

    assert [problem.id for problem in found] == ["privacy.E001"]
    assert "feedback.Respondent.email" in found[0].msg
    assert "feedback/personal_data.py" in found[0].hint


def test_a_declared_column_that_vanished_is_refused():
    table = inventory.tables["feedback.Respondent"]

    changed = replace(table, columns={**table.columns, **not_personal("fax")})

    assert ids(altered(table.model, changed)) == ["privacy.E002"]


def test_a_table_with_personal_columns_needs_a_path_to_the_person():
    table = inventory.tables["feedback.Response"]

    assert ids(altered(table.model, replace(table, person=None))) == ["privacy.E003"]
    assert ids(altered(table.model, replace(table, person="no__such__path"))) == ["privacy.E003"]
    assert ids(altered(table.model, replace(table, person="comment"))) == ["privacy.E003"]


def test_a_table_that_leads_to_a_person_says_so_although_nothing_in_it_is_personal():
    table = inventory.tables["feedback.StaffMail"]
    silent = replace(table, waived="", columns=not_personal(*table.columns))

    found = list(problems(altered(table.model, silent), models_to_declare()))

    assert [problem.id for problem in found] == ["privacy.E003"] * 2
    assert [problem.msg.split()[0] for problem in found] == [
        "feedback.StaffMail.response",
        "feedback.StaffMail.follow_up",
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"text": {"en": "We analyse feedback."}}, "privacy.E007"),
        ({"balancing_test": ""}, "privacy.E008"),
        ({"basis": "6(1)(a)", "balancing_test": ""}, None),
    ],
)
def test_a_purpose_needs_a_notice_in_every_language_and_an_interest_its_balancing_test(monkeypatch, change, problem):
    monkeypatch.setitem(PURPOSES, "feedback", replace(PURPOSES["feedback"], **change))

    assert ids(inventory) == ([problem] if problem else [])


@pytest.mark.parametrize(
    "change",
    [
        {"identifiers": {Identifier.RECEIPT: "receipt"}},
        {"marks": {Mark.RESTRICTED: "frozen_at"}},
        {"devices": "phone"},
        {"product": "shop"},
        {"product": ""},
    ],
)
def test_what_finds_and_marks_people_names_columns_and_a_path_that_exist(change):
    table = inventory.tables["feedback.Response"]

    assert ids(altered(table.model, replace(table, **change))) == ["privacy.E010"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [({"purpose": "curiosity"}, "privacy.E004"), ({"category": ""}, "privacy.E005"), ({"keep": "P4Y"}, "privacy.E006")],
)
def test_a_personal_column_needs_a_known_purpose_a_category_and_an_acceptable_period(change, problem):
    table = inventory.tables["feedback.Response"]
    columns = {**table.columns, "comment": replace(table.columns["comment"], **change)}

    assert ids(altered(table.model, replace(table, columns=columns))) == [problem]


def test_declaring_a_table_twice_is_refused():
    declared = Inventory()
    declared.declare(Table(model="app.Model", columns={}))

    with pytest.raises(ValueError, match="declared twice"):
        declared.declare(Table(model="app.Model", columns={"user": STAFF}))


@pytest.mark.parametrize(
    ("period", "acceptable"),
    [
        ("P3Y", True),
        ("P36M", True),
        ("P37M", False),
        ("P1Y1M", True),
        ("P30D", True),
        ("P0D", False),
        ("P", False),
        ("3 years", False),
    ],
)
def test_periods_are_iso_8601_and_at_most_three_years(period, acceptable):
    assert is_acceptable_period(period) is acceptable


def test_a_column_is_personal_unless_it_says_otherwise():
    assert Column().personal


def test_what_copies_leave_out_needs_a_reason():
    table = inventory.tables["feedback.Response"]
    columns = {**table.columns, "search": replace(table.columns["search"], withheld_because="")}

    assert ids(altered(table.model, replace(table, columns=columns))) == ["privacy.E011"]


def test_no_column_is_called_as_the_number_of_a_record_is_in_copies():
    assert not any(RECORD in table.columns for table in inventory.tables.values())
