"""May this person be asked now: one decision over facts, in ordered checks. It never touches the database.

The order and the numbers are those of the product's promise not to annoy: the first check that fails gives the
answer, its stable code and the time at which asking again makes sense.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from surveys.throttling import Throttles

SHOWN_PENDING: Final = timedelta(minutes=30)
MAILED_PENDING: Final = timedelta(hours=72)
SHOWS_WINDOW: Final = timedelta(days=90)
CYCLE: Final = timedelta(days=90)
# Settings change when staff change them: nobody knows when, so ask again tomorrow.
RECHECK_SETTINGS: Final = timedelta(days=1)

WHY: Final[dict[str, StrOrPromise]] = {
    "eligible": _("This person may be asked now."),
    "forced": _("Asked for a test, whatever the rules say."),
    "inactive": _("No survey of this product is live for this channel at the moment."),
    "url_blocked": _("Nobody is asked on this page."),
    "opted_out": _("This person objected to being asked."),
    "restricted": _("The use of this person's data is restricted."),
    "unidentified": _("This product asks identified people only."),
    "unsigned_identity": _("This product accepts only identities that its backend signed."),
    "too_new": _("This person has not been a customer for long enough."),
    "pending": _("This person is being asked already."),
    "responded_recently": _("This person answered recently."),
    "declined_recently": _("This person declined recently."),
    "snoozed": _("This person asked to be asked later."),
    "shown_recently": _("This person saw a survey recently and did not react."),
    "not_sampled": _("This person is not in the sample of this period."),
}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A survey that might be asked."""

    survey_id: int
    version_id: int | None
    metric: str
    band_profile: str
    channels: tuple[str, ...]
    priority: int
    is_live: bool
    starts_at: datetime | None
    ends_at: datetime | None
    throttles: Throttles


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """An earlier invitation of this person."""

    survey_id: int
    metric: str
    created_at: datetime
    sent_at: datetime | None = None
    shown_at: datetime | None = None
    responded_at: datetime | None = None
    declined_at: datetime | None = None
    snoozed_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        return bool(self.responded_at or self.declined_at or self.snoozed_at)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that is known about the person and the moment."""

    at: datetime
    channel: str
    url: str = ""
    blocked_urls: tuple[str, ...] = ()
    identity_mode: str = "open"
    is_known: bool = False
    is_signed: bool = False
    subject_key: str = ""
    customer_since: datetime | None = None
    first_seen_at: datetime | None = None
    has_objected: bool = False
    is_restricted: bool = False
    history: tuple[Occasion, ...] = ()


@dataclass(frozen=True)
class Obstacle:
    """Why a check failed and when it will pass, as far as that can be known."""

    code: str
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The answer: which survey to ask, or why none and when to check again."""

    code: str
    candidate: Candidate | None
    next_check_at: datetime

    @property
    def eligible(self) -> bool:
        return self.candidate is not None

    @property
    def why(self) -> str:
        return str(WHY[self.code])


def decide(candidates: list[Candidate], facts: Facts) -> Verdict:
    """Choose the survey to ask: of the eligible ones the highest priority, then the one unasked for longest.

    Args:
        candidates: the product's surveys.
        facts: the person, the moment and the invitations of at least the longest throttle's length.
    """
    tomorrow = facts.at + RECHECK_SETTINGS
    obstacles = []
    for candidate in sorted(candidates, key=lambda each: (-each.priority, last_asked(each, facts), each.survey_id)):
        obstacle = first_obstacle(candidate, facts)
        if obstacle is None:
            return Verdict(code="eligible", candidate=candidate, next_check_at=facts.at)
        obstacles.append(obstacle)
    if not obstacles:
        return Verdict(code="inactive", candidate=None, next_check_at=tomorrow)
    # The survey that came nearest to being asked tells more than one that is merely switched off.
    telling = [obstacle for obstacle in obstacles if obstacle.code != "inactive"] or obstacles
    return Verdict(code=telling[0].code, candidate=None, next_check_at=min(obstacle.until for obstacle in obstacles))


def last_asked(candidate: Candidate, facts: Facts) -> float:
    """Return when this survey was last put to the person, in seconds since 1970; never is 0."""
    times = [occasion.created_at for occasion in facts.history if occasion.survey_id == candidate.survey_id]
    return max(times).timestamp() if times else 0.0


def first_obstacle(candidate: Candidate, facts: Facts) -> Obstacle | None:
    """Return the first check that fails, in the order of ``CHECKS``."""
    return next((obstacle for check in CHECKS if (obstacle := check(candidate, facts))), None)


def _is_active(candidate: Candidate, facts: Facts) -> Obstacle | None:
    if not candidate.is_live or candidate.version_id is None or facts.channel not in candidate.channels:
        return Obstacle("inactive", facts.at + RECHECK_SETTINGS)
    if candidate.starts_at and facts.at < candidate.starts_at:
        return Obstacle("inactive", candidate.starts_at)
    if candidate.ends_at and facts.at >= candidate.ends_at:
        return Obstacle("inactive", facts.at + RECHECK_SETTINGS)
    return None


def _url_is_allowed(candidate: Candidate, facts: Facts) -> Obstacle | None:
    if any(fnmatchcase(facts.url, pattern) for pattern in facts.blocked_urls):
        return Obstacle("url_blocked", facts.at)
    return None


def _may_be_approached(candidate: Candidate, facts: Facts) -> Obstacle | None:
    if facts.has_objected:
        return Obstacle("opted_out", facts.at + CYCLE)
    if facts.is_restricted:
        return Obstacle("restricted", facts.at + CYCLE)
    return None


def _is_identified(candidate: Candidate, facts: Facts) -> Obstacle | None:
    if facts.identity_mode != "open" and not facts.is_known:
        return Obstacle("unidentified", facts.at)
    if facts.identity_mode == "trusted" and not facts.is_signed:
        return Obstacle("unsigned_identity", facts.at)
    return None


def _is_no_newcomer(candidate: Candidate, facts: Facts) -> Obstacle | None:
    # Somebody met by a request that runs beside this one was first seen a moment after this one began.
    since = min(facts.customer_since or facts.first_seen_at or facts.at, facts.at)
    return _rest(facts, "too_new", since, timedelta(days=candidate.throttles.first_survey_delay_days))


def _is_not_being_asked(candidate: Candidate, facts: Facts) -> Obstacle | None:
    for occasion in facts.history:
        if occasion.is_over:
            continue
        asked = occasion.shown_at or occasion.created_at
        mailed = _rest(facts, "pending", occasion.sent_at, MAILED_PENDING)
        if obstacle := mailed or _rest(facts, "pending", asked, SHOWN_PENDING):
            return obstacle
    return None


def _has_not_responded(candidate: Candidate, facts: Facts) -> Obstacle | None:
    last = _latest(candidate, facts, "responded_at")
    return _rest(facts, "responded_recently", last, timedelta(days=candidate.throttles.response_days))


def _has_not_declined(candidate: Candidate, facts: Facts) -> Obstacle | None:
    declined, snoozed = _latest(candidate, facts, "declined_at"), _latest(candidate, facts, "snoozed_at")
    return _rest(facts, "declined_recently", declined, timedelta(days=candidate.throttles.decline_days)) or _rest(
        facts, "snoozed", snoozed, timedelta(days=candidate.throttles.snooze_days)
    )


def _has_not_ignored(candidate: Candidate, facts: Facts) -> Obstacle | None:
    unanswered = [each.shown_at for each in facts.history if each.shown_at and not each.is_over]
    if unanswered:
        rest = timedelta(days=candidate.throttles.unanswered_days)
        if obstacle := _rest(facts, "shown_recently", max(unanswered), rest):
            return obstacle
    shows = sorted(each.shown_at for each in facts.history if each.shown_at and each.shown_at > facts.at - SHOWS_WINDOW)
    most = candidate.throttles.shows_in_90_days
    if len(shows) >= most:
        return Obstacle("shown_recently", shows[-most] + SHOWS_WINDOW)
    return None


def _is_sampled(candidate: Candidate, facts: Facts) -> Obstacle | None:
    throttles = candidate.throttles
    percentage = throttles.known_percentage if facts.is_known else throttles.anonymous_percentage
    cycle = int(facts.at.timestamp() // CYCLE.total_seconds())
    if draw(candidate.survey_id, facts.subject_key, cycle) < percentage * 100:
        return None
    next_cycle = datetime.fromtimestamp((cycle + 1) * CYCLE.total_seconds(), facts.at.tzinfo)
    return Obstacle("not_sampled", next_cycle)


def draw(survey_id: int, subject_key: str, cycle: int) -> int:
    """Return the person's lot in 0…9 999, the same at every page view of a 90-day cycle.

    Lowering a percentage only removes people and raising it only adds some; drawing anew at each view would ask
    nearly everybody sooner or later (https://github.com/formbricks/formbricks/issues/1960).
    """
    digest = hashlib.sha256(f"{survey_id}\x00{subject_key}\x00{cycle}".encode()).digest()
    return int.from_bytes(digest) % 10_000


def _latest(candidate: Candidate, facts: Facts, what: str) -> datetime | None:
    times = [getattr(each, what) for each in facts.history if each.metric == candidate.metric and getattr(each, what)]
    return max(times, default=None)


def _rest(facts: Facts, code: str, since: datetime | None, length: timedelta) -> Obstacle | None:
    """Return an obstacle while a rest that began at ``since`` lasts; it ends with its last instant."""
    if since is not None and facts.at < since + length:
        return Obstacle(code, since + length)
    return None


CHECKS: Final[tuple[Callable[[Candidate, Facts], Obstacle | None], ...]] = (
    _is_active,
    _url_is_allowed,
    _may_be_approached,
    _is_identified,
    _is_no_newcomer,
    _is_not_being_asked,
    _has_not_responded,
    _has_not_declined,
    _has_not_ignored,
    _is_sampled,
)
