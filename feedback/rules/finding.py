"""Which responses that are already there a rule would match: to look before saving, and to tag them afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Final

from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone
from psycopg.errors import QueryCanceled

from feedback import triage
from feedback.models import Response, Rule, Tag
from feedback.rules.matching import Conditions, conditions_of, has_keyword

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from django.contrib.auth.models import User
    from django.db.models import QuerySet

LOOKS_BACK: Final = timedelta(days=90)
COUNT_UP_TO: Final = 10_000
# Keywords are looked for in texts one by one; so many take well under a second.
MOST_TEXTS: Final = 20_000
LONGEST_LOOK: Final = 4_000  # milliseconds
NEWEST: Final = 5
CHUNK: Final = 2_000
MOST_CHUNKS: Final = 50


@dataclass(frozen=True)
class Found:
    """What a rule would have matched.

    Args:
        count: matching responses among those looked at, at most ``COUNT_UP_TO``; ``None`` where it took too long.
        is_more: whether there are, or may be, more than that.
        since: the time of the oldest answer looked at; ``None`` where all of them were.
        newest: primary keys of the newest matches, newest first.
    """

    count: int | None
    is_more: bool
    since: datetime | None
    newest: tuple[int, ...] = ()


def look_back(*, rule: Rule, since: datetime | None) -> Found:
    """Count the responses that a rule, saved or not, would match; in bounded time.

    Only the newest responses are looked at where there are very many; then ``since`` is later.

    Args:
        since: the time of the oldest answer to look at; ``None`` for all of them.
    """
    rows = candidates(rule).order_by("-answered_at", "-pk")
    rows = rows.filter(answered_at__gte=since) if since else rows
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {LONGEST_LOOK}")
            conditions = conditions_of(rule)
            found = _read(rows, conditions, since) if conditions.keywords else _count(rows, since)
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        return Found(None, is_more=True, since=since)
    return found


def preview(*, rule: Rule) -> Found:
    """Count the responses of the last 90 days that a rule, saved or not, would have matched."""
    return look_back(rule=rule, since=timezone.now() - LOOKS_BACK)


def candidates(rule: Rule) -> QuerySet[Response]:
    """Return the counted responses of a rule's product for which everything holds but, maybe, its keywords."""
    conditions = conditions_of(rule)
    rows: QuerySet[Response] = Response.objects.counted().filter(
        _in_sql(conditions), product=rule.product_id, completed_at__isnull=False
    )
    return rows


def _in_sql(conditions: Conditions) -> Q:
    """Return what ``matches`` asks, without the keywords; a test holds both against each other."""
    wanted = Q()
    for name, values in (
        ("metric__in", conditions.metrics),
        ("band__in", conditions.bands),
        ("channel__in", conditions.channels),
    ):
        wanted &= Q(**{name: sorted(values)}) if values else Q()
    if conditions.lowest_score is not None:
        wanted &= Q(score__gte=conditions.lowest_score)
    if conditions.highest_score is not None:
        wanted &= Q(score__lte=conditions.highest_score)
    if conditions.with_tag is not None:
        wanted &= Q(pk__in=Response.tags.through.objects.filter(tag=conditions.with_tag).values("response"))
    if conditions.with_contact_permission:
        wanted &= Q(contact_permission=True)
    if conditions.keywords or conditions.with_comment:
        wanted &= ~Q(comment="")
    return wanted


def _count(rows: QuerySet[Response], since: datetime | None) -> Found:
    count = rows.order_by()[: COUNT_UP_TO + 1].count()
    newest = tuple(rows.values_list("pk", flat=True)[:NEWEST]) if count else ()
    return Found(min(count, COUNT_UP_TO), is_more=count > COUNT_UP_TO, since=since, newest=newest)


def _read(rows: QuerySet[Response], conditions: Conditions, since: datetime | None) -> Found:
    """Look for keywords in the newest texts, as many as there is time for."""
    until = monotonic() + LONGEST_LOOK / 1000
    count, newest, oldest = 0, list[int](), since
    texts = rows.values_list("pk", "comment", "answered_at")[: MOST_TEXTS + 1]
    for looked_at, (pk, comment, answered_at) in enumerate(texts.iterator(chunk_size=CHUNK)):
        if looked_at == MOST_TEXTS or monotonic() > until:
            return Found(count, is_more=True, since=oldest, newest=tuple(newest))
        oldest = answered_at
        if has_keyword(conditions.keywords, comment):
            count += 1
            newest += [pk] if len(newest) < NEWEST else []
    return Found(count, is_more=False, since=since, newest=tuple(newest))


# --- Tagging what is already there ------------------------------------------------------------------------------------


@transaction.atomic
def save_rule(*, rule: Rule, receivers: Collection[User]) -> None:
    """Save a rule that was checked, with its receivers and a tag that is new.

    Tagging what is already there ends where it was going on: it was asked for with what the rule said before.
    """
    if rule.adds_tag is not None and rule.adds_tag.pk is None:
        rule.adds_tag = Tag.objects.get_or_create(product=rule.product, name=rule.adds_tag.name)[0]
    rule.tags_existing_before = None
    rule.save()
    rule.alerts.set(receivers)


@transaction.atomic
def switch_rules(*, rules: Iterable[Rule], on: bool) -> list[Rule]:
    """Switch rules on or off; return those that were not so before.

    A rule that is switched on looks at what comes in from then on.
    """
    wanted = Rule.objects.filter(pk__in=[rule.pk for rule in rules]).exclude(is_active=on)
    changed = list(wanted.order_by("pk").select_for_update(no_key=True))
    Rule.objects.filter(pk__in=[rule.pk for rule in changed]).update(is_active=on)
    return changed


@transaction.atomic
def queue_tagging(*, rule: Rule) -> bool:
    """Say that the responses which are already there should get the rule's tag; return whether it gives one.

    Nothing else that the rule does happens to them. What is left to do stands in the database, so a worker that dies
    loses nothing.
    """
    locked = Rule.objects.select_for_update(no_key=True).get(pk=rule.pk)
    if locked.adds_tag_id is None:
        return False
    newest = (
        Response.including_restricted.filter(product=locked.product_id).order_by("-pk").values_list("pk", flat=True)
    )
    locked.tags_existing_before = (newest.first() or 0) + 1
    locked.existing_tagged = 0
    locked.save(update_fields=["tags_existing_before", "existing_tagged"])
    return True


def unfinished_taggings() -> list[int]:
    """Return the primary keys of the rules that have responses left to tag."""
    return list(Rule.objects.filter(tags_existing_before__isnull=False).order_by("pk").values_list("pk", flat=True))


def tag_existing(*, rule_id: int) -> bool:
    """Tag the responses that are already there, newest first, chunk by chunk; return whether some are left.

    A chunk is one transaction under the rule's lock: another worker does nothing meanwhile, and what a killed one did
    is not done again.
    """
    return all(_tag_chunk(rule_id) for _chunk in range(MOST_CHUNKS))


@transaction.atomic
def _tag_chunk(rule_id: int) -> bool:
    rules = Rule.objects.select_for_update(skip_locked=True, no_key=True, of=["self"]).select_related("adds_tag")
    rule = rules.filter(pk=rule_id, tags_existing_before__isnull=False).first()
    if rule is None:
        return False
    if rule.adds_tag is None:  # it was taken off the rule meanwhile
        return _go_on(rule, None, 0)
    rows = candidates(rule).filter(pk__lt=rule.tags_existing_before, respondent__restricted_at__isnull=True)
    chunk = list(rows.order_by("-pk").only("pk", "comment")[:CHUNK])
    matching = [row for row in chunk if not rule.keywords or has_keyword(rule.keywords, row.comment)]
    tagged = triage.add_tag(responses=matching, name=rule.adds_tag.name, by=None) if matching else 0
    return _go_on(rule, chunk[-1].pk if len(chunk) == CHUNK else None, tagged)


def _go_on(rule: Rule, before: int | None, tagged: int) -> bool:
    rule.tags_existing_before = before
    rule.existing_tagged = (rule.existing_tagged or 0) + tagged
    rule.save(update_fields=["tags_existing_before", "existing_tagged"])
    return before is not None
