"""The inventory: a declaration of every stored column and store, and of what each right does to it.

Each application declares its tables in ``personal_data.py``, which is discovered like the admin's modules. The
system checks refuse a column that nobody declared, so that forgetting one is loud. GDPR Art. 5, 15, 17, 20, 30.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.db.models import Q
    from django_stubs_ext import StrOrPromise


class Access(StrEnum):
    """What a copy under Art. 15 contains."""

    EXACT = "exact"
    LABELLED = "labelled"  # exact, and marked as derived by us
    ROLE = "role"  # members of staff appear as a role, third parties are redacted
    WITHHELD = "withheld"  # never delivered; the reason is given instead


class Erasure(StrEnum):
    """What happens to the column under Art. 17."""

    DELETE_ROW = "delete_row"  # one such column is enough for the row to go
    BLANK = "blank"
    UNLINK = "unlink"  # the row is about somebody else, and forgets this person
    HASH = "hash"  # only the keyed hash that it already is remains
    KEEP = "keep"


class Expiry(StrEnum):
    """What happens when the period ends."""

    DELETE_ROW = "delete_row"
    BLANK = "blank"
    COARSEN = "coarsen"


class Rectification(StrEnum):
    """What happens under Art. 16."""

    EDIT = "edit"
    REPLACE = "replace"  # the old text is erased
    RECOMPUTE = "recompute"
    NOTE = "note"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Purpose:
    """Why data are processed, in the words of the notice.

    Args:
        basis: the article that allows it, as "6(1)(f)".
        balancing_test: where the balancing test of a legitimate interest is written down.
        text: language → sentence.
    """

    basis: str
    text: Mapping[str, str]
    balancing_test: str = ""


PURPOSES: Final[dict[str, Purpose]] = {
    "feedback": Purpose(
        basis="6(1)(f)",
        balancing_test="LIA-1",
        text={
            "pl": "Zbieramy i analizujemy informacje zwrotne, aby ulepszać nasze produkty i usługi.",
            "en": "We collect and analyse feedback in order to improve our products and services.",
        },
    ),
    "follow_up": Purpose(
        basis="6(1)(f)",
        balancing_test="LIA-2",
        text={
            "pl": "Kontaktujemy się z osobą, która odpowiedziała, aby lepiej zrozumieć jej odpowiedź.",
            "en": "We contact a person who answered in order to understand the answer better.",
        },
    ),
    "throttling": Purpose(
        basis="6(1)(f)",
        balancing_test="LIA-3",
        text={
            "pl": "Pamiętamy, kiedy pytaliśmy, aby nie pytać zbyt często.",
            "en": "We remember when we asked, so that we do not ask too often.",
        },
    ),
    "rights": Purpose(
        basis="6(1)(c)",
        text={
            "pl": "Rozpatrujemy żądania osób, których dane dotyczą, i wykazujemy, że to zrobiliśmy.",
            "en": "We handle requests of data subjects and can show that we did.",
        },
    ),
    "suppression": Purpose(
        basis="6(1)(c)",
        text={
            "pl": "Pamiętamy, kogo nie wolno nam pytać, w postaci, z której nie da się odczytać, kim jest.",
            "en": "We remember whom we must not ask, in a form that does not tell who it is.",
        },
    ),
    "administration": Purpose(
        basis="6(1)(f)",
        balancing_test="LIA-4",
        text={
            "pl": "Prowadzimy konta pracowników i dbamy o bezpieczeństwo systemu.",
            "en": "We keep accounts of our staff and the system secure.",
        },
    ),
}


def purpose_in_words(key: str, language: str) -> str:
    """Return a purpose in a language, else in English; one that there is no more as its key."""
    purpose = PURPOSES.get(key)
    return (purpose.text.get(language) or purpose.text["en"]) if purpose else key


@dataclass(frozen=True, kw_only=True)
class Column:
    """How a column is treated; ``personal=False`` is a declaration too.

    Args:
        category: kind of data as the notice names it.
        purpose: key of ``PURPOSES``.
        keep: longest period as an ISO 8601 duration, counted from collection.
        portability: whether a copy under Art. 20 has it: provided or observed data only.
        withheld_because: why a copy under Art. 15 leaves it out, for the person; given where access is withheld.
        logged: whether its value may appear in logs.
    """

    personal: bool = True
    category: StrOrPromise = ""
    purpose: str = ""
    keep: str = "P3Y"
    access: Access = Access.EXACT
    withheld_because: StrOrPromise = ""
    portability: bool = False
    erasure: Erasure = Erasure.DELETE_ROW
    expiry: Expiry = Expiry.DELETE_ROW
    rectification: Rectification = Rectification.NONE
    logged: bool = False


NOT_PERSONAL: Final = Column(personal=False, logged=True)

STAFF: Final = Column(
    category=_("staff account"),
    purpose="administration",
    access=Access.ROLE,
    erasure=Erasure.KEEP,
    rectification=Rectification.EDIT,
)


def not_personal(*names: str) -> dict[str, Column]:
    """Declare columns that say nothing about a person."""
    return dict.fromkeys(names, NOT_PERSONAL)


class Identifier(StrEnum):
    """What a data subject can prove to be theirs, and is then found by."""

    MAILBOX = "mailbox"  # an e-mail address, normalised
    ACCOUNT = "account"  # their id in the product
    RECEIPT = "receipt"  # the hash of a receipt code: names one record
    INVITATION = "invitation"  # the digest of an invitation's token: names one occasion, hence its person


class Mark(StrEnum):
    """What a row says of the use that may be made of it: the time since when, in a column of its table."""

    RESTRICTED = "restricted"
    OBJECTED = "objected"


@dataclass(frozen=True, kw_only=True)
class Table:
    """The declaration of one model.

    Args:
        model: label as "app.Model".
        person: path of foreign keys from a row to the person it is about; empty for the person's own table.
        waived: why there is no such path, where the people in the table are no data subjects of a survey.
        columns: name of the concrete field → treatment.
        product: path of foreign keys from a row to the product it belongs to; given for tables with identifiers.
        identifiers: identifier → column that holds it, normalised or hashed as the proof is.
        proves: of a table with invitations, the rows whose token nobody but the person was given; ``None``: all.
        devices: foreign key from a row of the person's own table to the person whose device it was.
        marks: mark → column.
        suppresses: column → what the list of suppressed people puts before its value, as "mail:"; in tables with a
            path to the product.
        corrected: puts right what follows from columns of a row that were corrected; called with the row, changed and
            not saved yet, and the old values by column.
    """

    model: str
    columns: Mapping[str, Column]
    person: str | None = None
    waived: str = ""
    product: str = ""
    identifiers: Mapping[Identifier, str] = field(default_factory=dict)
    suppresses: Mapping[str, str] = field(default_factory=dict)
    proves: Q | None = None
    devices: str = ""
    marks: Mapping[Mark, str] = field(default_factory=dict)
    corrected: Callable[[Any, Mapping[str, Any]], None] | None = None


class Pages(StrEnum):
    """Whose pages leave something in a browser."""

    OURS = "ours"
    HOST = "host"  # web sites that embed the widget


BROWSER_KINDS: Final = ("cookie", "local storage", "session storage")


@dataclass(frozen=True, kw_only=True)
class InBrowser:
    """What the register of cookies says about a store in a browser, in whole sentences.

    Reading and writing there needs consent unless it is strictly necessary, whether the data are personal or not:
    Art. 5(3) of Directive 2002/58/EC.

    Args:
        on: whose pages leave it; it is always of the first party, because these pages load nothing from elsewhere.
        set_by: who leaves it there, and when.
        why: what it is for.
        holds: what is in it.
        lasts: when it goes.
        needs_consent: whether it may be there only after consent.
        because: why it does or does not need consent.
    """

    on: Pages
    set_by: StrOrPromise
    why: StrOrPromise
    holds: StrOrPromise
    lasts: StrOrPromise
    needs_consent: bool = False
    because: StrOrPromise


@dataclass(frozen=True, kw_only=True)
class Store:
    """Something outside our tables that holds data: a cookie, a cache, a log, a backup.

    Args:
        name: as it is called there; a part that varies stands in angle brackets.
        browser: what the register of cookies says; given where, and only where, the kind is one of ``BROWSER_KINDS``.
    """

    name: str
    kind: str
    column: Column
    detail: str = ""
    browser: InBrowser | None = None


@dataclass
class Inventory:
    """All declarations of the running project."""

    tables: dict[str, Table] = field(default_factory=dict)
    stores: dict[str, Store] = field(default_factory=dict)

    def declare(self, *declarations: Table | Store) -> None:
        """Add declarations.

        Raises:
            ValueError: the same table or store was declared before.
        """
        for declaration in declarations:
            known: dict[str, Table] | dict[str, Store]
            if isinstance(declaration, Table):
                known, name = self.tables, declaration.model
            else:
                known, name = self.stores, declaration.name
            if name in known:
                raise ValueError(f"{name} is declared twice")
            known[name] = declaration  # type: ignore[assignment]  # the branch above chose the matching dictionary


inventory: Final = Inventory()
declare = inventory.declare
