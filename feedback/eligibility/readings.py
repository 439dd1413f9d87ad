"""What the checks read from the facts, each thing once: to decide by it, and to tell staff what was decided by."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, tzinfo
from operator import itemgetter
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feedback.eligibility.known import Candidate, Facts, Occasion

    Last: TypeAlias = tuple[datetime, Occasion] | tuple[None, None]

NEVER: Final = (None, None)
SHOWN_PENDING: Final = timedelta(minutes=30)
MAILED_PENDING: Final = timedelta(hours=72)
SHOWS_WINDOW: Final = timedelta(days=90)
CYCLE: Final = timedelta(days=90)
DAY: Final = timedelta(days=1)


def newest(occasions: Iterable[Occasion], what: str) -> Last:
    """Return when this last happened and on which occasion; ``what`` names one of its times."""
    happened = [(time, each) for each in occasions if (time := getattr(each, what))]
    return max(happened, key=itemgetter(0), default=NEVER)


def newest_of_metric(candidate: Candidate, facts: Facts, what: str) -> Last:
    """Return when this last happened to a survey of the same metric."""
    return newest([each for each in facts.history if each.metric == candidate.metric], what)


def newest_unanswered(facts: Facts) -> Last:
    """Return when a survey was last seen that was left without any reaction."""
    return newest([each for each in facts.history if not each.is_over], "shown_at")


def recent_shows(facts: Facts) -> list[datetime]:
    """Return when surveys were seen in the last 90 days, the oldest first."""
    since = facts.at - SHOWS_WINDOW
    return sorted(each.shown_at for each in facts.history if each.shown_at and each.shown_at > since)


def last_reached(facts: Facts) -> Last:
    """Return when any survey was last seen or sent, and which."""
    reached = [(time, each) for each in facts.history for time in (each.shown_at, each.sent_at) if time]
    return max(reached, key=itemgetter(0), default=NEVER)


def cooldown_days(candidate: Candidate) -> int:
    """Return for how long the survey rests after any other; a transactional one has a floor of its own."""
    return candidate.transactional_floor_days if candidate.is_transactional else candidate.throttles.cooldown_days


def open_until(occasion: Occasion) -> datetime | None:
    """Return until when somebody may still be answering an invitation; ``None`` where it has ended."""
    if occasion.is_over:
        return None
    shown = (occasion.shown_at or occasion.created_at) + SHOWN_PENDING
    return max(shown, occasion.sent_at + MAILED_PENDING) if occasion.sent_at else shown


def percentage_of(candidate: Candidate, facts: Facts) -> int:
    """Return how much of the people like this one is asked."""
    throttles = candidate.throttles
    return throttles.known_percentage if facts.is_known else throttles.anonymous_percentage


def lot_of(candidate: Candidate, facts: Facts) -> int:
    """Return the person's lot in this cycle."""
    return draw(candidate.survey_id, facts.subject_key, _cycle(facts))


def end_of_cycle(facts: Facts) -> datetime:
    """Return when lots are drawn anew."""
    return datetime.fromtimestamp((_cycle(facts) + 1) * CYCLE.total_seconds(), facts.at.tzinfo)


def _cycle(facts: Facts) -> int:
    return int(facts.at.timestamp() // CYCLE.total_seconds())


def draw(survey_id: int, subject_key: str, cycle: int) -> int:
    """Return the person's lot in 0…9 999, the same at every page view of a 90-day cycle.

    Lowering a percentage only removes people and raising it only adds some; drawing anew at each view would ask
    nearly everybody sooner or later (https://github.com/formbricks/formbricks/issues/1960).
    """
    digest = hashlib.sha256(f"{survey_id}\x00{subject_key}\x00{cycle}".encode()).digest()
    return int.from_bytes(digest) % 10_000


def end_of_day(at: datetime, zone: tzinfo) -> datetime:
    """Return the first instant of the next day in that zone."""
    return datetime.combine(at.astimezone(zone).date() + DAY, datetime.min.time(), zone)
