"""Whom a survey is for: rules over the person and the moment. Decided without a database, at every page view.

What the rules say about stored people, ``feedback.audiences`` says again in SQL; both must agree, so everything here
compares in a way that PostgreSQL can repeat: texts in capitals, numbers as decimals, days as ``YYYY-MM-DD``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from math import isfinite
from typing import Any, Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class Subject(models.TextChoices):
    """What a rule of an audience looks at."""

    PROPERTY = "property", _("property")
    COUNTRY = "country", _("country")
    COMPANY = "company", _("company")
    LANGUAGE = "language", _("language")
    KNOWN = "known", _("identified or anonymous")
    CUSTOMER_SINCE = "customer_since", _("customer since")
    URL = "url", _("page address")
    EVENT = "event", _("event")
    DEVICE = "device", _("device")


class Operator(models.TextChoices):
    """How a rule compares."""

    IS = "is", _("is")
    IS_NOT = "is_not", _("is not")
    CONTAINS = "contains", _("contains")
    STARTS_WITH = "starts_with", _("starts with")
    MATCHES = "matches", _("matches the pattern")
    GREATER = "greater", _("is greater than")
    LESS = "less", _("is less than")
    BEFORE = "before", _("is before")
    AFTER = "after", _("is after")
    IS_SET = "is_set", _("is set")
    IS_NOT_SET = "is_not_set", _("is not set")


class Dimension(models.TextChoices):
    """What a quota divides people by."""

    COUNTRY = "country", _("country")
    LANGUAGE = "language", _("language")
    COMPANY = "company", _("company")
    PROPERTY = "property", _("property")


class Recognition(models.TextChoices):
    """Whether the product said who somebody is."""

    IDENTIFIED = "identified", _("identified")
    ANONYMOUS = "anonymous", _("anonymous")


class Device(models.TextChoices):
    DESKTOP = "desktop", _("desktop")
    TABLET = "tablet", _("tablet")
    PHONE = "phone", _("phone")


WITHOUT_VALUES: Final = frozenset({Operator.IS_SET, Operator.IS_NOT_SET})
OF_ONE_VALUE: Final = frozenset({Operator.GREATER, Operator.LESS, Operator.BEFORE, Operator.AFTER})
# What only the moment of asking knows: it is stored nowhere, so nobody can be counted by it.
OF_THE_MOMENT: Final = frozenset({Subject.URL, Subject.EVENT, Subject.DEVICE})

_ANY_OF: Final = (Operator.IS, Operator.IS_NOT)
_TEXT: Final = (Operator.CONTAINS, Operator.STARTS_WITH)
_PRESENCE: Final = (Operator.IS_SET, Operator.IS_NOT_SET)
OPERATORS: Final[Mapping[Subject, tuple[Operator, ...]]] = {
    Subject.PROPERTY: (*_ANY_OF, *_TEXT, *sorted(OF_ONE_VALUE, key=list(Operator).index), *_PRESENCE),
    Subject.COUNTRY: (*_ANY_OF, *_PRESENCE),
    Subject.COMPANY: (*_ANY_OF, *_TEXT, *_PRESENCE),
    Subject.LANGUAGE: _ANY_OF,
    Subject.KNOWN: (Operator.IS,),
    Subject.CUSTOMER_SINCE: (Operator.BEFORE, Operator.AFTER, *_PRESENCE),
    Subject.URL: (Operator.MATCHES, *_ANY_OF, *_TEXT),
    Subject.EVENT: (Operator.IS,),
    Subject.DEVICE: _ANY_OF,
}

NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
DAY: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")


@dataclass(frozen=True)
class Rule:
    """One condition. Of several values any one will do; with ``is_not``, none of them may hold.

    Args:
        subject: one of ``Subject``.
        name: of the property, where the subject is one.
        operator: one of those that ``OPERATORS`` offers for the subject.
        values: as ``surveys.audience.clean`` leaves them; one where the operator compares sizes, none for presence.
    """

    subject: str
    name: str = ""
    operator: str = Operator.IS
    values: tuple[str, ...] = ()

    @cached_property
    def texts(self) -> tuple[str, ...]:
        return tuple(fold(value) for value in self.values)

    @cached_property
    def numbers(self) -> tuple[Decimal, ...]:
        return tuple(number for value in self.values if (number := number_of(value)) is not None)

    @cached_property
    def days(self) -> tuple[str, ...]:
        return tuple(day for value in self.values if (day := day_of(value)))


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Who is there, and where: all that rules can look at. What is empty is not known.

    Args:
        properties: the product's own, as it sent them; ``None`` and the empty text count as missing.
        country: two letters.
        language: one code, such as ``pl`` or ``pl-PL``.
        url: the whole address of the page.
        event: the name of what just happened, where something did.
        device: one of ``Device``.
        is_known: whether the product said who this is.
        customer_since: with a time zone; its day is that in UTC.
    """

    properties: Mapping[str, Any] = field(default_factory=dict)
    country: str = ""
    company: str = ""
    language: str = ""
    url: str = ""
    event: str = ""
    device: str = ""
    is_known: bool = False
    customer_since: datetime | None = None


@dataclass(frozen=True)
class Quota:
    """At most ``target`` responses from the people whose ``dimension`` is ``value``.

    Args:
        dimension: one of ``Dimension``.
        name: of the property, where the dimension is one.
    """

    dimension: str
    name: str
    value: str
    target: int

    @cached_property
    def rule(self) -> Rule:
        return Rule(self.dimension, self.name, Operator.IS, (self.value,))

    def applies_to(self, visitor: Visitor) -> bool:
        """Tell whether this person is one of the segment."""
        return holds(self.rule, visitor)


def first_mismatch(rules: Sequence[Rule], visitor: Visitor) -> Rule | None:
    """Return the first rule that does not hold, or ``None`` where the visitor is in the audience."""
    for rule in rules:
        if not holds(rule, visitor):
            return rule
    return None


def holds(rule: Rule, visitor: Visitor) -> bool:
    """Tell whether a rule holds. What is missing is not set, is not anything, and matches nothing else."""
    value = _value(rule, visitor)
    operator = rule.operator
    if operator == Operator.IS_SET or operator == Operator.IS_NOT_SET:
        return (value is not None) == (operator == Operator.IS_SET)
    if operator == Operator.IS_NOT:
        return value is None or not _is(rule, value)
    return value is not None and COMPARISONS[operator](rule, value)


def fold(text: str) -> str:
    """Return a text with which others that differ in case only are equal; “ß” equals “ss”."""
    capitals = text.upper()
    return capitals if len(capitals) == len(text) else "".join(map(_capital, text))


def _capital(letter: str) -> str:
    """Return the one capital of a letter: of “ß” the usual two, of others that have several none, as in PostgreSQL."""
    if letter == "ß":
        return "SS"
    return next((each for each in (letter.upper(), letter.title()) if len(each) == 1), letter)


def number_of(value: Any) -> Decimal | None:
    """Return a finite number, or a text that is written as one; yes and no are none."""
    if isinstance(value, str):
        return Decimal(value) if NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return Decimal(repr(value))


def day_of(value: Any) -> str:
    """Return the day as it is written, whatever zone follows it, or an empty text where there is none.

    A moment without text, which nobody wrote down in a zone, has its day in UTC.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC).date().isoformat()
    if isinstance(value, str) and DAY.match(value) and value[10:11] in {"", "T", " "}:
        return value[:10]
    return ""


def matches_pattern(pattern: str, text: str) -> bool:
    """Tell whether the text is the pattern, in which ``*`` stands for any characters or none.

    Neither regular expressions nor ``fnmatch``: ``?`` and ``[`` are ordinary in addresses, and this takes time
    proportional to the length of both, whatever staff write.
    """
    first, *parts = pattern.split("*")
    if not parts:
        return text == pattern
    *middle, last = parts
    if not text.startswith(first):
        return False
    position = len(first)
    for part in middle:
        position = text.find(part, position)
        if position < 0:
            return False
        position += len(part)
    return len(text) - len(last) >= position and text.endswith(last)


def _value(rule: Rule, visitor: Visitor) -> Any:
    """Return what the rule looks at, or ``None`` where it is missing."""
    subject = rule.subject
    if subject == Subject.PROPERTY:
        value = visitor.properties.get(rule.name)
    elif subject == Subject.KNOWN:
        return Recognition.IDENTIFIED.value if visitor.is_known else Recognition.ANONYMOUS.value
    else:
        value = getattr(visitor, subject)
    return None if value == "" else value


def _is(rule: Rule, value: Any) -> bool:
    if rule.subject == Subject.LANGUAGE:
        tag = _tag(value)
        return any(tag == wanted or tag.startswith(f"{wanted}-") for wanted in map(_tag, rule.values))
    if isinstance(value, str):
        return fold(value) in rule.texts
    if isinstance(value, bool):
        return str(value).upper() in rule.texts
    number = number_of(value)
    return number is not None and number in rule.numbers


def _tag(language: str) -> str:
    return fold(language).replace("_", "-")


def _contains(rule: Rule, value: Any) -> bool:
    return isinstance(value, str) and any(text in fold(value) for text in rule.texts)


def _starts_with(rule: Rule, value: Any) -> bool:
    return isinstance(value, str) and fold(value).startswith(rule.texts)


def _matches(rule: Rule, value: Any) -> bool:
    return isinstance(value, str) and any(matches_pattern(pattern, fold(value)) for pattern in rule.texts)


def _is_greater(rule: Rule, value: Any) -> bool:
    number = number_of(value)
    return number is not None and any(number > limit for limit in rule.numbers)


def _is_less(rule: Rule, value: Any) -> bool:
    number = number_of(value)
    return number is not None and any(number < limit for limit in rule.numbers)


def _is_before(rule: Rule, value: Any) -> bool:
    day = day_of(value)
    return bool(day) and any(day < limit for limit in rule.days)


def _is_after(rule: Rule, value: Any) -> bool:
    day = day_of(value)
    return bool(day) and any(day > limit for limit in rule.days)


COMPARISONS: Final[Mapping[str, Callable[[Rule, Any], bool]]] = {
    Operator.IS: _is,
    Operator.CONTAINS: _contains,
    Operator.STARTS_WITH: _starts_with,
    Operator.MATCHES: _matches,
    Operator.GREATER: _is_greater,
    Operator.LESS: _is_less,
    Operator.BEFORE: _is_before,
    Operator.AFTER: _is_after,
}
