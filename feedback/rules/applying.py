"""What rules do to responses: each is looked at once it is complete, and what follows happens exactly once.

**When.** A response is due when it is complete and has not been looked at since its answer last changed. Step two of
the question completes it at once, so the text is there when the keywords are looked for; a score that nobody came
back to is completed after half an hour (``intake.complete_abandoned``). The scheduler asks every 20 seconds and the
newest go first, so an alert is owed well within a minute even while a large import is worked off. A text, a corrected
score or a contact permission that arrives later makes the response due again (``intake`` forgets that it was looked
at): what was done stays and is not done twice.

**Exactly once.** A batch is one transaction over responses locked with ``SKIP LOCKED``: tags, follow-ups, alerts and
the mark that it happened are kept together or not at all, so a second worker takes other responses, and those of a
killed worker are due as before. Beyond that a tag is given once, an alert has a key of its own, and no rule opens a
second follow-up of a response.

**What never happens.** Test responses, suspects, excluded ones and those of restricted people are marked and trigger
nothing; nothing about them is computed. Imported responses are old news: they are tagged, and nobody is alerted or
contacted because of them.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from feedback import follow_up, staff_mail, triage
from feedback.models import FollowUp, Notice, Respondent, Response, ResponseTag, Rule
from feedback.rules.checking import possible_receivers
from feedback.rules.matching import Conditions, Facts, conditions_of, matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

logger = logging.getLogger(__name__)

BATCH: Final = 200
# After so many batches a run makes way for other work; the scheduler comes back soon.
MOST_BATCHES: Final = 250


@dataclass
class Applied:
    """What a run did, as numbers.

    Args:
        seen: responses that are no longer due.
        not_opened: why rules opened no follow-up, by code.
    """

    seen: int = 0
    tagged: int = 0
    opened: int = 0
    alerted: int = 0
    not_opened: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Decision:
    """What the rules of its product want done about one response, in their order."""

    response: Response
    tags: tuple[Rule, ...]
    opens: tuple[Rule, ...]
    alerts: tuple[Rule, ...]


def decide(response: Response, rules: Iterable[tuple[Rule, Conditions]], *, tags: Collection[int]) -> Decision:
    """Return what rules, in order, want done about a response; the tags of earlier ones count for later ones.

    Args:
        tags: primary keys of the tags it has.
    """
    has, matched = set(tags), []
    for rule, conditions in rules:
        if matches(conditions, facts_of(response, frozenset(has))):
            matched.append(rule)
            has |= {rule.adds_tag_id} if rule.adds_tag_id else set()
    is_news = response.import_key is None and response.import_run_id is None
    return Decision(
        response,
        tags=tuple(rule for rule in matched if rule.adds_tag_id and rule.adds_tag_id not in tags),
        opens=tuple(rule for rule in matched if rule.opens_follow_up and is_news),
        alerts=tuple(matched) if is_news else (),
    )


def facts_of(response: Response, tags: frozenset[int] = frozenset()) -> Facts:
    return Facts(
        metric=response.metric,
        band=response.band,
        channel=response.channel,
        score=response.score,
        comment=response.comment,
        tags=tags,
        contact_permission=response.contact_permission,
    )


def apply_due_rules() -> Applied:
    """Apply the rules to the responses that are due, in batches, until none is left or it is time to make way."""
    done = Applied()
    for _batch in range(MOST_BATCHES):
        before = done.seen
        if not _apply_batch(done) or done.seen == before:
            break
    return done


@transaction.atomic
def _apply_batch(done: Applied) -> bool:
    """Apply the rules to the next responses that nobody else works on; tell whether there were any."""
    due = Response.including_restricted.filter(rules_applied_at__isnull=True, completed_at__isnull=False)
    rows = due.select_for_update(skip_locked=True, no_key=True).defer("search", "properties")
    responses: Sequence[Response] = list(rows.order_by("-completed_at")[:BATCH])
    put_back: set[int] = set()
    rules = _active_rules({response.product_id for response in responses})
    if rules:
        decisions = _decide_all([response for response in responses if response.product_id in rules], rules)
        put_back = _of_busy_people(decisions)
        decisions = [decision for decision in decisions if decision.response.pk not in put_back]
        _tag(decisions, done)
        _open(decisions, done)
        _alert(decisions, done)
    seen = [response.pk for response in responses if response.pk not in put_back]
    Response.including_restricted.filter(pk__in=seen).update(rules_applied_at=timezone.now())
    done.seen += len(seen)
    return bool(responses)


def _active_rules(products: Collection[int]) -> dict[int, list[tuple[Rule, Conditions]]]:
    rules: dict[int, list[tuple[Rule, Conditions]]] = defaultdict(list)
    active = Rule.objects.filter(product__in=products, is_active=True).order_by("product_id", "position", "pk")
    for rule in active.select_related("product", "adds_tag", "team", "owner"):
        rules[rule.product_id].append((rule, conditions_of(rule)))
    return dict(rules)


def _decide_all(responses: Sequence[Response], rules: dict[int, list[tuple[Rule, Conditions]]]) -> list[Decision]:
    counted = [response for response in responses if _counts(response)]
    pks = [response.pk for response in counted]
    restricted = set(
        Respondent.including_restricted.filter(
            pk__in=[response.respondent_id for response in counted], restricted_at__isnull=False
        ).values_list("pk", flat=True)
    )
    tags: dict[int, set[int]] = defaultdict(set)
    for response, tag in ResponseTag.objects.filter(response__in=pks).values_list("response_id", "tag_id"):
        tags[response].add(tag)
    return [
        decide(response, rules[response.product_id], tags=tags[response.pk])
        for response in counted
        if response.respondent_id not in restricted
    ]


def _counts(response: Response) -> bool:
    """Tell in Python what ``Response.COUNTED`` asks of a row that is locked and cannot change any more."""
    return not (response.is_test or response.is_suspect or response.excluded_at or response.restricted_at)


# --- What follows -----------------------------------------------------------------------------------------------------


def _tag(decisions: Sequence[Decision], done: Applied) -> None:
    wanted: dict[int, tuple[Rule, list[Response]]] = {}
    for decision in decisions:
        for rule in decision.tags:
            assert rule.adds_tag_id is not None  # noqa: S101  what ``decide`` put there
            wanted.setdefault(rule.adds_tag_id, (rule, []))[1].append(decision.response)
    for rule, responses in wanted.values():
        assert rule.adds_tag is not None  # noqa: S101  the same
        done.tagged += triage.add_tag(responses=responses, name=rule.adds_tag.name, by=None)


def _of_busy_people(decisions: Sequence[Decision]) -> set[int]:
    """Lock the people for whom a follow-up opens; return the responses of those whom somebody else holds locked.

    They are looked at again soon. Waiting for a person with responses locked could end in a deadlock with whoever
    restricts or erases them.
    """
    opening = [decision.response for decision in decisions if decision.opens]
    if not opening:
        return set()
    rows = Respondent.including_restricted.select_for_update(skip_locked=True, no_key=True)
    people = rows.filter(pk__in={response.respondent_id for response in opening}).order_by("pk")
    free = set(people.values_list("pk", flat=True))
    return {response.pk for response in opening if response.respondent_id not in free}


def _open(decisions: Sequence[Decision], done: Applied) -> None:
    opening = [decision for decision in decisions if decision.opens]
    if not opening:
        return
    of_response = FollowUp.including_restricted.filter(response__in=[each.response.pk for each in opening])
    had_one = set(of_response.values_list("response_id", flat=True))
    for decision in opening:
        if decision.response.pk in had_one:
            _note(done, decision, "had_one_before")
        else:
            _flag(decision, done)


def _flag(decision: Decision, done: Applied) -> None:
    rule = decision.opens[0]
    with translation.override(_language_of(rule)):
        reason = _("Opened by the rule “%(rule)s”.") % {"rule": rule.name}
    is_possible = rule.owner is None or follow_up.possible_owners(rule.product).filter(pk=rule.owner.pk).exists()
    try:
        follow_up.flag(
            response=decision.response,
            reason=reason,
            by=None,
            # Who left is not a reason to leave the person waiting.
            owner=rule.owner if is_possible else None,
            team=rule.team,
            priority=rule.priority,
        )
    except ValidationError as refusal:
        _note(done, decision, refusal.code or "refused")
    else:
        done.opened += 1


def _language_of(rule: Rule) -> str:
    language = rule.product.default_language
    return language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def _note(done: Applied, decision: Decision, code: str) -> None:
    """Record why a rule opened nothing; an answer of somebody who is in work already is nothing unusual."""
    done.not_opened[code] += 1
    logger.info("rule %s opened no follow-up of response %s: %s", decision.opens[0].pk, decision.response.pk, code)


def _alert(decisions: Sequence[Decision], done: Applied) -> None:
    wanted: dict[int, tuple[Rule, list[Response]]] = {}
    for decision in decisions:
        for rule in decision.alerts:
            wanted.setdefault(rule.pk, (rule, []))[1].append(decision.response)
    for rule, responses in wanted.values():
        for user in rule.alerts.filter(pk__in=possible_receivers(rule.product)):
            for response in responses:
                owed = staff_mail.owe(
                    user=user,
                    notice=Notice.ALERT,
                    key=f"alert:{rule.pk}:{response.pk}",
                    product=rule.product,
                    response=response,
                )
                done.alerted += owed is not None
