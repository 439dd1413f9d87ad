"""System checks of the inventory: a column that nobody declared stops ``migrate`` and CI."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from dateutil.relativedelta import relativedelta
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import FieldDoesNotExist

from privacy.inventory import BROWSER_KINDS, PURPOSES, Access, Column, Inventory, Store, Table, inventory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model

# Tables of other projects that hold people; everything else of theirs is theirs.
THIRD_PARTY_TABLES: Final = ("auth.User", "admin.LogEntry", "sessions.Session")
LONGEST_KEEP: Final = relativedelta(years=3)
DURATION = re.compile(r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<days>\d+)D)?\Z")


@register()
def inventory_is_complete(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse to start unless every concrete column of every table of ours is declared, and correctly."""
    return list(problems(inventory, models_to_declare()))


def models_to_declare() -> list[type[Model]]:
    """Return our models, with automatic many-to-many tables, and the third-party ones that hold people."""
    ours = [
        model
        for label in settings.LOCAL_APPS
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
    ]
    return [model for model in ours if not model._meta.proxy] + [apps.get_model(label) for label in THIRD_PARTY_TABLES]


def problems(declared: Inventory, models: list[type[Model]]) -> Iterator[CheckMessage]:
    """Yield a message for each thing that is missing or wrong, naming the field and the line to write."""
    labels = {model._meta.label: model for model in models}
    for label, model in labels.items():
        table = declared.tables.get(label, Table(model=label, columns={}))
        yield from _declaration_problems(model, table)
        yield from _path_problems(model, table)
        yield from _forgotten_path_problems(model, table, declared)
        yield from _finding_problems(model, table)
        yield from _content_problems(table)
    for label in sorted(set(declared.tables) - set(labels)):
        yield Error(
            f"{label} is declared but is no table that needs a declaration.", hint="Remove it.", id="privacy.E002"
        )
    for store in declared.stores.values():
        yield from _store_problems(store)
    yield from _purpose_problems()


def _declaration_problems(model: type[Model], table: Table) -> Iterator[CheckMessage]:
    """Yield a message for each column that is declared or exists alone."""
    columns = {column.name for column in model._meta.concrete_fields}
    app = model._meta.app_label if model._meta.app_label in settings.LOCAL_APPS else "privacy"
    for name in sorted(columns - set(table.columns)):
        yield Error(
            f"{table.model}.{name} is not declared.",
            hint=f'Add not_personal("{name}") or "{name}": Column(…) to {table.model} in {app}/personal_data.py.',
            id="privacy.E001",
        )
    for name in sorted(set(table.columns) - columns):
        yield Error(
            f"{table.model}.{name} is declared but does not exist.",
            hint=f'Remove "{name}" from the table {table.model} in {app}/personal_data.py.',
            id="privacy.E002",
        )


def _path_problems(model: type[Model], table: Table) -> Iterator[CheckMessage]:
    """Yield what keeps the rows of a table from being found as somebody's."""
    if any(column.personal for column in table.columns.values()) and table.person is None and not table.waived:
        yield Error(
            f"{table.model} has personal columns but no path to the person.",
            hint='Write person="path__to__respondent", or waived="why there is none".',
            id="privacy.E003",
        )
    if table.person and not _leads_to_a_row(model, table.person):
        yield Error(
            f"{table.model} names a path to the person that does not exist: {table.person}.",
            hint="Write the names of foreign keys, joined by two underscores.",
            id="privacy.E003",
        )


def _forgotten_path_problems(model: type[Model], table: Table, declared: Inventory) -> Iterator[CheckMessage]:
    """Yield each way to a person that a table has without personal columns: that a row is there says something, too."""
    if table.person is not None or table.waived or any(column.personal for column in table.columns.values()):
        return
    for column in model._meta.concrete_fields:
        related = column.related_model
        known = None if related is None or isinstance(related, str) else declared.tables.get(related._meta.label)
        if known is not None and known.person is not None:
            yield Error(
                f"{table.model}.{column.name} leads to a person, and the table does not say so.",
                hint=f'Write person="{column.name}…", or waived="why the rows are about nobody".',
                id="privacy.E003",
            )


def _content_problems(table: Table) -> Iterator[CheckMessage]:
    """Yield what is wrong with the declarations of columns."""
    for name, column in table.columns.items():
        yield from _column_problems(f"{table.model}.{name}", column)
        if column.personal and column.access == Access.WITHHELD and not column.withheld_because:
            yield Error(
                f"{table.model}.{name} is withheld from copies without a reason.",
                hint='Write withheld_because=_("…") in the words that the person reads.',
                id="privacy.E011",
            )


def _finding_problems(model: type[Model], table: Table) -> Iterator[CheckMessage]:
    """Yield what keeps a proved identifier from leading to its records, or a mark from being set."""
    named = (*table.identifiers.values(), *table.marks.values(), *table.suppresses, *filter(None, [table.devices]))
    columns = {column.name for column in model._meta.concrete_fields}
    for name in (name for name in named if name not in columns):
        yield Error(
            f"{table.model} names a column for finding or marking people that it does not have: {name}.",
            hint="identifiers, marks, suppresses and devices name columns of the table itself.",
            id="privacy.E010",
        )
    if (table.identifiers or table.suppresses) and not _leads_to_a_row(model, table.product):
        yield Error(
            f"{table.model} has identifiers but no path to the product they were given to.",
            hint='Write product="path__to__product".',
            id="privacy.E010",
        )


def _leads_to_a_row(model: type[Model], path: str) -> bool:
    """Tell whether the path is one foreign key after the other."""
    for name in path.split("__"):
        try:
            related = model._meta.get_field(name).related_model
        except FieldDoesNotExist:  # also where the path is empty
            return False
        if related is None or isinstance(related, str):
            return False
        model = related
    return True


def _column_problems(name: str, column: Column) -> Iterator[CheckMessage]:
    if not column.personal:
        return
    if column.purpose not in PURPOSES:
        yield Error(
            f"{name} has no known purpose.", hint=f"Use one of {', '.join(sorted(PURPOSES))}.", id="privacy.E004"
        )
    if not column.category:
        yield Error(f"{name} has no category.", hint='Write category="…" as the notice names it.', id="privacy.E005")
    if not is_acceptable_period(column.keep):
        yield Error(
            f"{name} is kept for “{column.keep}”.",
            hint='Write keep as an ISO 8601 period up to "P3Y".',
            id="privacy.E006",
        )


def _store_problems(store: Store) -> Iterator[CheckMessage]:
    yield from _column_problems(f"the store {store.name}", store.column)
    if (store.kind in BROWSER_KINDS) != (store.browser is not None):
        yield Error(
            f"The register of cookies does not know what to say about the store {store.name}, a {store.kind}.",
            hint=f"Give browser=InBrowser(…) to a {', a '.join(BROWSER_KINDS)}, and to nothing else.",
            id="privacy.E009",
        )


def _purpose_problems() -> Iterator[CheckMessage]:
    for key, purpose in PURPOSES.items():
        missing = [code for code, _name in settings.LANGUAGES if not purpose.text.get(code)]
        if missing:
            yield Error(
                f"The purpose {key} has no notice text in: {', '.join(missing)}.",
                hint="Add the sentence to PURPOSES in privacy/inventory.py.",
                id="privacy.E007",
            )
        if purpose.basis == "6(1)(f)" and not purpose.balancing_test:
            yield Error(
                f"The purpose {key} rests on a legitimate interest without a balancing test.",
                hint="Name the document in balancing_test.",
                id="privacy.E008",
            )


def is_acceptable_period(period: str) -> bool:
    """Tell whether the text is an ISO 8601 period of years, months and days, above zero and of at most three years."""
    match = DURATION.match(period)
    if match is None:
        return False
    parts: dict[str, Any] = {unit: int(number) for unit, number in match.groupdict().items() if number}
    start = date(2000, 1, 1)  # any day does: a leap year only makes both ends later
    return start < start + relativedelta(**parts) <= start + LONGEST_KEEP
