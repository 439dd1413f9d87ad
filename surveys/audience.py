"""What staff write about an audience: values taken apart, rules checked and tidied, all of it said in a sentence."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from privacy.models.organisation import COUNTRY
from surveys.targeting import (
    NUMBER,
    OF_ONE_VALUE,
    OPERATORS,
    WITHOUT_VALUES,
    Device,
    Operator,
    Recognition,
    Rule,
    Subject,
    day_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from django_stubs_ext import StrOrPromise

MOST_VALUES: Final = 100
LONGEST_VALUE: Final = 500

PHRASES: Final[dict[str, StrOrPromise]] = {
    Operator.IS: gettext_lazy("%(what)s is %(values)s"),
    Operator.IS_NOT: gettext_lazy("%(what)s is not %(values)s"),
    Operator.CONTAINS: gettext_lazy("%(what)s contains %(values)s"),
    Operator.STARTS_WITH: gettext_lazy("%(what)s starts with %(values)s"),
    Operator.MATCHES: gettext_lazy("%(what)s matches %(values)s"),
    Operator.GREATER: gettext_lazy("%(what)s is greater than %(values)s"),
    Operator.LESS: gettext_lazy("%(what)s is less than %(values)s"),
    Operator.BEFORE: gettext_lazy("%(what)s is before %(values)s"),
    Operator.AFTER: gettext_lazy("%(what)s is after %(values)s"),
    Operator.IS_SET: gettext_lazy("%(what)s is set"),
    Operator.IS_NOT_SET: gettext_lazy("%(what)s is not set"),
}


def split_values(text: str) -> list[str]:
    """Return the values that somebody wrote, one per line or separated by commas, each once.

    A value that contains a comma stands in double quotes.

    Raises:
        ValidationError: ``invalid_quotes``.
    """
    lines = [line.strip() for line in text.replace("\x00", "").splitlines()]
    try:
        rows = list(csv.reader((line for line in lines if line), skipinitialspace=True, strict=True))
    except csv.Error as error:
        message = _('A value in double quotes must end with one: "Smith, Ltd".')
        raise ValidationError(message, code="invalid_quotes") from error
    values = (value.strip() for row in rows for value in row)
    return list(dict.fromkeys(value for value in values if value))


def join_values(values: Iterable[str]) -> str:
    """Return values as ``split_values`` reads them, one per line."""
    return "\n".join(
        '"{}"'.format(value.replace('"', '""')) if "," in value or '"' in value else value for value in values
    )


def clean(rule: Rule, *, events: Collection[str] = ()) -> Rule:
    """Return a rule as it is stored: its values in one writing, and its name empty where it has none.

    Args:
        events: names of the product's registered events.

    Raises:
        ValidationError: by field: ``operator_not_offered``, ``name_required``, ``name_not_allowed``,
            ``values_required``, ``values_not_allowed``, ``one_value``, ``too_many_values``, ``too_long``,
            ``not_a_number``, ``not_a_date``, ``invalid_country``, ``invalid_language``, ``unknown_value`` or
            ``event_not_registered``.
    """
    subject, operator = Subject(rule.subject), Operator(rule.operator)
    if operator not in OPERATORS[subject]:
        offered = ", ".join(str(each.label) for each in OPERATORS[subject])
        message = _("This cannot be compared so. It can be: %(offered)s.") % {"offered": offered}
        raise ValidationError({"operator": ValidationError(message, code="operator_not_offered")})
    name = clean_name(rule.name, is_needed=subject == Subject.PROPERTY)
    try:
        values = _clean_values(subject, operator, [value.strip() for value in rule.values], events)
    except ValidationError as error:
        raise ValidationError({"values": error}) from error
    return replace(rule, name=name, values=values)


def clean_name(name: str, *, is_needed: bool) -> str:
    """Return the name of a property without the space around it.

    Raises:
        ValidationError: ``name_required`` or ``name_not_allowed`` at ``name``.
    """
    name = name.strip()
    if is_needed and not name:
        message = _("Write the name of the property, as the product sends it.")
        raise ValidationError({"name": ValidationError(message, code="name_required")})
    if name and not is_needed:
        message = _("Only a property has a name here. Empty this field, or choose “property”.")
        raise ValidationError({"name": ValidationError(message, code="name_not_allowed")})
    return name


def clean_value(subject: Subject, value: str, *, events: Collection[str] = ()) -> str:
    """Return one value of a subject in the writing in which it is compared.

    Raises:
        ValidationError: ``too_long``, ``invalid_country``, ``invalid_language``, ``unknown_value`` or
            ``event_not_registered``.
    """
    if len(value) > LONGEST_VALUE:
        raise ValidationError(
            _("A value may have at most %(longest)d characters."), "too_long", {"longest": LONGEST_VALUE}
        )
    if subject == Subject.COUNTRY:
        value = value.upper()
        COUNTRY(value)
    elif subject == Subject.LANGUAGE:
        value = value.replace("_", "-").lower()
        parts = value.split("-")
        if not all(part.isascii() and part.isalnum() for part in parts) or not 2 <= len(parts[0]) <= 3:
            raise ValidationError(
                _("“%(value)s” is not a language; examples are pl and pt-br."), "invalid_language", {"value": value}
            )
    elif subject in CHOICES:
        return _choice(CHOICES[subject], value)
    elif subject == Subject.EVENT and value not in events:
        raise ValidationError(
            _("“%(value)s” is not a registered event of this product."), "event_not_registered", {"value": value}
        )
    return value


CHOICES: Final[dict[Subject, type[Recognition | Device]]] = {Subject.KNOWN: Recognition, Subject.DEVICE: Device}


def _clean_values(
    subject: Subject, operator: Operator, values: Sequence[str], events: Collection[str]
) -> tuple[str, ...]:
    values = [value for value in values if value]
    if operator in WITHOUT_VALUES:
        if values:
            raise ValidationError(_("This comparison takes no value. Empty this field."), "values_not_allowed")
        return ()
    if not values:
        raise ValidationError(_("Write at least one value."), "values_required")
    if operator in OF_ONE_VALUE and len(values) > 1:
        raise ValidationError(_("This comparison takes one value."), "one_value")
    if len(values) > MOST_VALUES:
        raise ValidationError(_("At most %(most)d values."), "too_many_values", {"most": MOST_VALUES})
    if operator in {Operator.GREATER, Operator.LESS} and not NUMBER.fullmatch(values[0]):
        raise ValidationError(_("Write a number, such as 100 or 9.5."), "not_a_number")
    if operator in {Operator.BEFORE, Operator.AFTER} and not _is_date(values[0]):
        raise ValidationError(_("Write a date as year-month-day: 2026-01-31."), "not_a_date")
    cleaned = map(partial(clean_value, subject, events=events), values)
    return tuple(dict.fromkeys(cleaned))


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return day_of(text) == text  # other writings of a date are no text to compare days with


def _choice(choices: type[Recognition | Device], written: str) -> str:
    """Return the choice that somebody wrote by its code or by its name in their language."""
    names = {str(name).casefold(): value for value, label in choices.choices for name in (value, label)}
    value = names.get(written.casefold())
    if value is None:
        offered = ", ".join(str(label) for label in choices.labels)
        raise ValidationError(
            _("“%(value)s” is none of: %(offered)s."), "unknown_value", {"value": written, "offered": offered}
        )
    return str(value)


def describe(rules: Iterable[Rule]) -> str:
    """Return whom the rules let through, in a sentence: “country is PL or DE and plan is pro”."""
    return _(" and ").join(_describe_rule(rule) for rule in rules)


def _describe_rule(rule: Rule) -> str:
    values = pgettext("between the values of a rule", " or ").join(_name_of(rule, value) for value in rule.values)
    if rule.subject == Subject.KNOWN:
        return _("the person is %(values)s") % {"values": values}
    if rule.subject == Subject.EVENT:
        return _("%(values)s has just happened") % {"values": values}
    what = rule.name if rule.subject == Subject.PROPERTY else str(Subject(rule.subject).label)
    return str(PHRASES[rule.operator]) % {"what": what, "values": values}


def _name_of(rule: Rule, value: Any) -> str:
    choices = CHOICES.get(Subject(rule.subject))
    return str(choices(value).label) if choices else str(value)
