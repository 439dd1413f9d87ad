"""Personal data that people write into free text: found by pattern and check digit, and masked.

This flags and masks only. A name or an address is not found, so a masked text is still personal data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import phonenumbers
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from stdnum import iban
from stdnum.pl import nip, pesel

if TYPE_CHECKING:
    from collections.abc import Iterator


class Kind(TextChoices):
    """What a piece of text gives away."""

    EMAIL = "email", _("e-mail")
    IBAN = "iban", _("account number")
    PESEL = "pesel", "PESEL"
    NIP = "nip", "NIP"
    PHONE = "phone", _("phone number")


@dataclass(frozen=True)
class Finding:
    """One piece of personal data: ``text[start:end]``."""

    kind: Kind
    start: int
    end: int


# Every pattern is linear: a match may not begin inside a run of its own characters, and what was matched is never
# given back (possessive quantifiers) or has a fixed greatest length.
EMAIL: Final = re.compile(r"(?<![\w.+%'-])[\w.+%'-]++@(?:[\w-]++\.)*[\w-]*\w")
IBAN: Final = re.compile(r"(?<!\w)(?=([A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}))", re.IGNORECASE)
POLISH_ACCOUNT: Final = re.compile(r"(?<!\w)\d{2}(?:[ -]?\d{4}){6}(?!\w)")
PESEL: Final = re.compile(r"(?<!\d)\d{11}(?!\d)")
NIP: Final = re.compile(r"(?<!\d)(?:\d{10}|\d{3}[ -]\d{3}[ -]\d{2}[ -]\d{2}|\d{3}[ -]\d{2}[ -]\d{2}[ -]\d{3})(?!\d)")

PHONE_REGION: Final = "PL"  # a number without a country code is taken for a Polish one
SHORTEST_IBAN: Final = 15


def find_personal_data(text: str) -> list[Finding]:
    """Return what looks like personal data, in the order of the text; findings never overlap.

    Found are e-mail addresses, phone numbers (Polish without a country code, any with one), PESEL and NIP numbers
    with the right check digit, and bank accounts (IBAN, or Polish ones without the country).
    """
    order = list(Kind)
    found = sorted(_matches(text), key=lambda one: (one.start, -one.end, order.index(one.kind)))
    apart: list[Finding] = []
    for finding in found:
        if apart and finding.start < apart[-1].end:
            last = apart[-1]
            apart[-1] = Finding(last.kind, last.start, max(last.end, finding.end))
        else:
            apart.append(finding)
    return apart


def is_plain_words(text: str) -> bool:
    """Tell whether a text is nothing but words: no digit, and no sign that addresses are made of."""
    return all(word.isalpha() for word in text.split())


def mask(text: str) -> str:
    """Return the text with every finding replaced by its kind in brackets, as "[e-mail]"."""
    pieces, position = [], 0
    for finding in find_personal_data(text):
        pieces += [text[position : finding.start], f"[{finding.kind.label}]"]
        position = finding.end
    return "".join([*pieces, text[position:]])


def _matches(text: str) -> Iterator[Finding]:
    for match in EMAIL.finditer(text):
        if "." in match[0].rpartition("@")[2]:
            yield Finding(Kind.EMAIL, *match.span())
    for match in IBAN.finditer(text):
        if length := _length_of_iban(match[1]):
            yield Finding(Kind.IBAN, match.start(), match.start() + length)
    for match in POLISH_ACCOUNT.finditer(text):
        if iban.is_valid("PL" + match[0]):
            yield Finding(Kind.IBAN, *match.span())
    for match in PESEL.finditer(text):
        if pesel.is_valid(match[0]):
            yield Finding(Kind.PESEL, *match.span())
    for match in NIP.finditer(text):
        if nip.is_valid(match[0]):
            yield Finding(Kind.NIP, *match.span())
    for phone in phonenumbers.PhoneNumberMatcher(text, PHONE_REGION):
        yield Finding(Kind.PHONE, phone.start, phone.end)


def _length_of_iban(candidate: str) -> int:
    """Return how many characters from the beginning make an account number; 0 when none do.

    Words that follow a number look like more of it, so every possible end is tried, the farthest first.
    """
    for end in range(len(candidate), SHORTEST_IBAN - 1, -1):
        if candidate[end - 1].isalnum() and iban.is_valid(candidate[:end]):
            return end
    return 0
