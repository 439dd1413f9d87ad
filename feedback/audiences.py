"""Which of the people we know are in an audience: the rules of ``surveys.targeting``, said again in SQL.

Only rules over what is stored about a person can be counted; the page, the event and the device are known at the
moment of asking only. A test runs both sides over the same people, because they must never disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Any, Final

from django.db import OperationalError, connection, transaction
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from psycopg.errors import QueryCanceled

from feedback.models import Respondent
from surveys.targeting import DAY, NUMBER, OF_THE_MOMENT, Operator, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import QuerySet

    from privacy.models import Product
    from surveys.targeting import Rule

COUNT_UP_TO: Final = 10_000
LONGEST_COUNT: Final = 4_000  # milliseconds

# As ``surveys.targeting.fold``. The database's locale makes the capitals, so it has to be one that knows letters
# beyond ASCII, such as C.UTF-8; under plain C, “Łódź” and “ŁÓDŹ” are counted as different.
CAPITALS: Final = "(replace(upper({text}), 'ß', 'SS') COLLATE \"C\")"
COLUMNS: Final = {
    Subject.COUNTRY: "feedback_respondent.country",
    Subject.COMPANY: "feedback_respondent.company",
    Subject.LANGUAGE: "feedback_respondent.language",
    Subject.KNOWN: "CASE WHEN feedback_respondent.subject_key LIKE 'anon:%%' THEN 'anonymous' ELSE 'identified' END",
    Subject.CUSTOMER_SINCE: "to_char(feedback_respondent.customer_since AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
}
ANY_TEXT: Final = "EXISTS (SELECT FROM unnest({texts}::text[]) AS wanted WHERE "
TEXT: Final = {
    Operator.IS: "{capitals} = ANY({texts}::text[])",
    Operator.CONTAINS: ANY_TEXT + "strpos({capitals}, wanted) > 0)",
    Operator.STARTS_WITH: ANY_TEXT + "starts_with({capitals}, wanted))",
    Operator.BEFORE: '{text} COLLATE "C" < ANY({days}::text[])',
    Operator.AFTER: '{text} COLLATE "C" > ANY({days}::text[])',
    Operator.IS_SET: "{text} <> ''",
}
IS_LANGUAGE: Final = ANY_TEXT + ("starts_with(replace({capitals}, '_', '-') || '-', replace(wanted, '_', '-') || '-'))")
# Inside CASE a text becomes a number only after it was seen to be one.
PROPERTY: Final = {
    Operator.IS: (
        "CASE jsonb_typeof({json}) WHEN 'number' THEN {text}::numeric = ANY({numbers}::numeric[])"
        " WHEN 'string' THEN {capitals} = ANY({texts}::text[])"
        " WHEN 'boolean' THEN {capitals} = ANY({texts}::text[]) END"
    ),
    Operator.CONTAINS: f"jsonb_typeof({{json}}) = 'string' AND {TEXT[Operator.CONTAINS]}",
    Operator.STARTS_WITH: f"jsonb_typeof({{json}}) = 'string' AND {TEXT[Operator.STARTS_WITH]}",
    Operator.GREATER: "CASE WHEN {is_number} THEN {text}::numeric > ANY({numbers}::numeric[]) END",
    Operator.LESS: "CASE WHEN {is_number} THEN {text}::numeric < ANY({numbers}::numeric[]) END",
    Operator.BEFORE: 'CASE WHEN {is_day} THEN left({text}, 10) COLLATE "C" < ANY({days}::text[]) END',
    Operator.AFTER: 'CASE WHEN {is_day} THEN left({text}, 10) COLLATE "C" > ANY({days}::text[]) END',
    Operator.IS_SET: "{text} <> ''",
}
IS_NUMBER: Final = "(jsonb_typeof({json}) = 'number' OR jsonb_typeof({json}) = 'string' AND {text} ~ {number})"
IS_DAY: Final = "(jsonb_typeof({json}) = 'string' AND {text} ~ {day})"
OPPOSITES: Final = {Operator.IS_NOT: Operator.IS, Operator.IS_NOT_SET: Operator.IS_SET}


@dataclass(frozen=True)
class Fragment:
    """A piece of SQL with its parameters in order."""

    sql: str
    params: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Count:
    """How many people an audience has.

    Args:
        people: at most ``COUNT_UP_TO``; ``None`` where counting took too long.
        is_more: whether there are more than that.
        not_counted: the rules of the moment, which the number does not heed.
    """

    people: int | None
    is_more: bool
    not_counted: tuple[Rule, ...]


def count_people(*, product: Product, rules: Sequence[Rule]) -> Count:
    """Count the people of a product who may be asked and whom the rules let through, as far as they are stored."""
    not_counted = tuple(rule for rule in rules if rule.subject in OF_THE_MOMENT)
    people = people_in(product=product, rules=[rule for rule in rules if rule not in not_counted])
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {LONGEST_COUNT}")
            found = people.order_by()[: COUNT_UP_TO + 1].count()
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        return Count(None, is_more=False, not_counted=not_counted)
    return Count(min(found, COUNT_UP_TO), is_more=found > COUNT_UP_TO, not_counted=not_counted)


def people_in(*, product: Product, rules: Iterable[Rule]) -> QuerySet[Respondent]:
    """Return the people of a product who may be asked and of whom every rule holds, each once.

    A device that is linked to somebody is not a person of its own. Who is suppressed is counted nevertheless: that
    list holds keyed hashes, which only an identifier leads to.

    Args:
        rules: none of the moment, as ``surveys.audience.clean`` leaves them.
    """
    people: QuerySet[Respondent] = Respondent.objects.filter(
        product=product, person__isnull=True, objected_at__isnull=True
    )
    for rule in rules:
        condition = _condition(rule)
        holds = RawSQL(condition.sql, condition.params, output_field=BooleanField())  # noqa: S611  constants of this file
        people = people.filter(holds)
    return people


def _condition(rule: Rule) -> Fragment:
    """Return the condition of one rule; what is missing makes it NULL, which is no."""
    operator = OPPOSITES.get(Operator(rule.operator), Operator(rule.operator))
    parts = _parts(rule)
    if rule.subject == Subject.PROPERTY:
        condition = _fill(PROPERTY[operator], parts)
    elif rule.subject == Subject.LANGUAGE and operator == Operator.IS:
        condition = _fill(IS_LANGUAGE, parts)
    else:
        condition = _fill(TEXT[operator], parts)
    negation = "NOT " if rule.operator in OPPOSITES else ""
    return Fragment(f"({negation}coalesce({condition.sql}, false))", condition.params)


def _parts(rule: Rule) -> dict[str, Fragment]:
    """Return what the templates name: the value the rule looks at in its forms, and what the rule wants."""
    parts = {
        "texts": Fragment("%s", (list(rule.texts),)),
        "numbers": Fragment("%s", (list(rule.numbers),)),
        "days": Fragment("%s", (list(rule.days),)),
        "number": Fragment("%s", (f"^{NUMBER.pattern}$",)),
        "day": Fragment("%s", (f"^{DAY.pattern}([T ]|$)",)),
    }
    if rule.subject == Subject.PROPERTY:
        parts["text"] = Fragment("(feedback_respondent.properties ->> %s::text)", (rule.name,))
        parts["json"] = Fragment("(feedback_respondent.properties -> %s::text)", (rule.name,))
        parts["is_number"], parts["is_day"] = _fill(IS_NUMBER, parts), _fill(IS_DAY, parts)
    else:
        parts["text"] = Fragment(f"({COLUMNS[Subject(rule.subject)]})")
    parts["capitals"] = _fill(CAPITALS, parts)
    return parts


def _fill(template: str, parts: dict[str, Fragment]) -> Fragment:
    """Put fragments into the places a template names, and their parameters into the same order."""
    sql, params = "", ()
    for text, name, _spec, _conversion in Formatter().parse(template):
        sql += text
        if name:
            sql, params = sql + parts[name].sql, params + parts[name].params
    return Fragment(sql, params)
