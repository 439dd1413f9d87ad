"""The tables of the privacy notice, made from the inventory so that they cannot drift from what is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from dateutil.relativedelta import relativedelta
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from privacy.checks import DURATION
from privacy.inventory import PURPOSES, STAFF, inventory, purpose_in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django_stubs_ext import StrOrPromise

    from privacy.inventory import Column, Inventory

BASES: Final[dict[str, StrOrPromise]] = {
    "6(1)(a)": gettext_lazy("your consent, Art. 6(1)(a) GDPR"),
    "6(1)(b)": gettext_lazy("a contract with you, Art. 6(1)(b) GDPR"),
    "6(1)(c)": gettext_lazy("a legal obligation, Art. 6(1)(c) GDPR"),
    "6(1)(f)": gettext_lazy("our legitimate interest, Art. 6(1)(f) GDPR"),
}
UNITS: Final = {
    "years": ngettext_lazy("%(number)d year", "%(number)d years", "number"),
    "months": ngettext_lazy("%(number)d month", "%(number)d months", "number"),
    "days": ngettext_lazy("%(number)d day", "%(number)d days", "number"),
}


@dataclass(frozen=True)
class CategoryRow:
    """A kind of data, and the longest time any of it is kept, in words."""

    name: str
    keep: str


@dataclass(frozen=True)
class PurposeRow:
    """A purpose in the words of the notice, what allows it, and what is stored for it."""

    text: str
    basis: str
    categories: tuple[CategoryRow, ...]


def purposes(*, language: str, declared: Inventory = inventory) -> list[PurposeRow]:
    """Return the purposes for which data of data subjects, rather than of staff, are stored.

    Args:
        language: code of ``LANGUAGES``, which is also the active one.
    """
    rows = []
    for key, purpose in PURPOSES.items():
        categories = longest_periods(column for column in _columns(declared) if column.purpose == key)
        if categories:
            text = purpose_in_words(key, language)
            rows.append(PurposeRow(text, str(BASES.get(purpose.basis, purpose.basis)), categories))
    return rows


def longest_periods(columns: Iterable[Column]) -> tuple[CategoryRow, ...]:
    """Return the kinds of data in these columns with the longest period of each, in the active language."""
    longest: dict[str, str] = {}
    for column in columns:
        name = str(column.category)
        longest[name] = max(longest.get(name, column.keep), column.keep, key=_end)
    return tuple(CategoryRow(name, period_in_words(keep)) for name, keep in longest.items())


def period_in_words(period: str) -> str:
    """Return an ISO 8601 period of years, months and days in the active language: "1 year and 1 month"."""
    words = [str(UNITS[unit] % {"number": number}) for unit, number in _parts(period).items()]
    text = words[0]
    for word in words[1:]:
        text = _("%(period)s and %(more)s") % {"period": text, "more": word}
    return text


def length_of(period: str) -> relativedelta:
    """Return an ISO 8601 period of years, months and days as what can be added to a date."""
    parts = _parts(period)
    return relativedelta(years=parts.get("years", 0), months=parts.get("months", 0), days=parts.get("days", 0))


def _columns(declared: Inventory) -> Iterator[Column]:
    columns = [column for table in declared.tables.values() for column in table.columns.values()]
    columns += [store.column for store in declared.stores.values()]
    return (column for column in columns if column.personal and column.category != STAFF.category)


def _parts(period: str) -> dict[str, int]:
    match = DURATION.match(period)
    if match is None:
        raise ValueError(f"“{period}” is not a period")
    return {unit: int(number) for unit, number in match.groupdict().items() if number}


def _end(period: str) -> date:
    return date(2000, 1, 1) + length_of(period)
