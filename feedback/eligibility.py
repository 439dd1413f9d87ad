"""May this person be asked now: one decision over facts, in ordered checks. It never touches the database.

The order and the numbers are those of the product's promise not to annoy: the first check that fails gives the
answer and its stable code; all that fail together say when asking again makes sense.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from surveys.targeting import Quota, Rule, Subject, Visitor, first_mismatch
from surveys.wording import choose_language, is_language_known

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from surveys.throttling import Throttles

SHOWN_PENDING: Final = timedelta(minutes=30)
MAILED_PENDING: Final = timedelta(hours=72)
SHOWS_WINDOW: Final = timedelta(days=90)
CYCLE: Final = timedelta(days=90)
DAY: Final = timedelta(days=1)
# Settings and people change when somebody changes them: nobody knows when, so ask again tomorrow.
RECHECK: Final = DAY
# The next page may be another one.
RECHECK_PAGE: Final = timedelta(minutes=1)

WHY: Final[dict[str, StrOrPromise]] = {
    "eligible": _("This person may be asked now."),
    "forced": _("Asked for a test, whatever the rules say."),
    "inactive": _("No survey of this product is live for this channel at the moment."),
    "url_blocked": _("Nobody is asked on this page."),
    "opted_out": _("This person objected to being asked."),
    "restricted": _("The use of this person's data is restricted."),
    "suppressed": _("This person is on the list of those who are never asked."),
    "no_permission": _("This person did not permit being asked through this channel."),
    "bounced": _("E-mail to this person came back."),
    "unidentified": _("This product asks identified people only."),
    "unsigned_identity": _("This product accepts only identities that its backend signed."),
    "event_not_registered": _("The product does not list this event."),
    "not_in_audience": _("This person or moment does not belong to the audience."),
    "no_wording": _("The survey has no wording in a language of this person."),
    "too_new": _("This person has not been a customer for long enough."),
    "pending": _("This person is being asked already."),
    "responded_recently": _("This person answered recently."),
    "declined_recently": _("This person declined recently."),
    "snoozed": _("This person asked to be asked later."),
    "shown_recently": _("This person saw a survey recently and did not react."),
    "mailed_recently": _("This person got an e-mail with a survey recently."),
    "cooldown": _("This person was asked something recently."),
    "daily_cap": _("Enough people answered today."),
    "quota_full": _("Enough people answered."),
    "not_sampled": _("This person is not in the sample of this period."),
}


@dataclass(frozen=True, kw_only=True)
class Quotas:
    """How many responses a survey wants, and how many it has.

    Args:
        daily_cap: most responses in a day of the product; ``None`` for no limit.
        target: most responses in total.
        segments: each quota of a segment with the number of its responses.
    """

    daily_cap: int | None = None
    today: int = 0
    target: int | None = None
    total: int = 0
    segments: tuple[tuple[Quota, int], ...] = ()


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
    languages: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    quotas: Quotas = field(default_factory=Quotas)
    is_transactional: bool = False
    transactional_floor_days: int = 1


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
    """All that is known about the person, the moment and the product.

    Args:
        is_forced: asked with the product's test key, whatever the checks say.
        visitor: what the rules of an audience look at.
        languages: codes or values of ``Accept-Language`` by which the person may be asked, best first.
        events: names of the events that the product lists.
        zone: where the product's days begin and end.
        history: the invitations of at least the longest rest's length.
    """

    at: datetime
    channel: str
    is_forced: bool = False
    visitor: Visitor = field(default_factory=Visitor)
    languages: tuple[str, ...] = ()
    events: frozenset[str] = frozenset()
    blocked_urls: tuple[str, ...] = ()
    identity_mode: str = "open"
    zone: tzinfo = UTC
    is_known: bool = False
    is_signed: bool = False
    subject_key: str = ""
    customer_since: datetime | None = None
    first_seen_at: datetime | None = None
    has_objected: bool = False
    is_restricted: bool = False
    is_suppressed: bool = False
    has_permission: bool = True
    has_bounced: bool = False
    history: tuple[Occasion, ...] = ()


@dataclass(frozen=True)
class Obstacle:
    """Why a check failed and when it will pass, as far as that can be known."""

    code: str
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Check:
    """One of the ordered checks.

    Args:
        number: its place in the order.
        codes: what it answers when it fails.
        title: what it looks at.
        find: returns what stands in the way, or ``None``.
    """

    number: int
    codes: tuple[str, ...]
    title: StrOrPromise
    find: Callable[[Candidate, Facts], Obstacle | None]


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
        facts: the person, the moment and the product.
    """
    published = [candidate for candidate in candidates if candidate.version_id is not None]
    if facts.is_forced and published:
        if facts.is_restricted:  # not even for a test: nothing may be done with what is stored about them
            return Verdict(code="restricted", candidate=None, next_check_at=facts.at + CYCLE)
        most_important = max(published, key=lambda each: each.priority)
        return Verdict(code="forced", candidate=most_important, next_check_at=facts.at)
    failed = []
    for candidate in in_order(candidates, facts):
        obstacles = [obstacle for check in CHECKS if (obstacle := check.find(candidate, facts))]
        if not obstacles:
            return Verdict(code="eligible", candidate=candidate, next_check_at=facts.at)
        failed.append((obstacles[0].code, max(obstacle.until for obstacle in obstacles)))
    if not failed:
        return Verdict(code="inactive", candidate=None, next_check_at=facts.at + RECHECK)
    # The survey that came nearest to being asked tells more than one that is merely switched off.
    telling = [code for code, _until in failed if code != "inactive"] or ["inactive"]
    return Verdict(code=telling[0], candidate=None, next_check_at=min(until for _code, until in failed))


def in_order(candidates: list[Candidate], facts: Facts) -> list[Candidate]:
    """Return the surveys in the order in which they are tried."""
    return sorted(candidates, key=lambda each: (-each.priority, last_asked(each, facts), each.survey_id))


def last_asked(candidate: Candidate, facts: Facts) -> float:
    """Return when this survey was last put to the person, in seconds since 1970; never is 0."""
    times = [occasion.created_at for occasion in facts.history if occasion.survey_id == candidate.survey_id]
    return max(times).timestamp() if times else 0.0


def _is_active(candidate: Candidate, facts: Facts) -> Obstacle | None:
    if not candidate.is_live or candidate.version_id is None or facts.channel not in candidate.channels:
        return Obstacle("inactive", facts.at + RECHECK)
    if candidate.starts_at and facts.at < candidate.starts_at:
        return Obstacle("inactive", candidate.starts_at)
    if candidate.ends_at and facts.at >= candidate.ends_at:
        return Obstacle("inactive", facts.at + RECHECK)
    return None


def _url_is_allowed(candidate: Candidate, facts: Facts) -> Obstacle | None:
    if any(fnmatchcase(facts.visitor.url, pattern) for pattern in facts.blocked_urls):
        return Obstacle("url_blocked", facts.at + RECHECK_PAGE)
    return None


def _may_be_approached(candidate: Candidate, facts: Facts) -> Obstacle | None:
    if facts.has_objected:
        return Obstacle("opted_out", facts.at + CYCLE)
    if facts.is_restricted:
        return Obstacle("restricted", facts.at + CYCLE)
    if facts.is_suppressed:
        return Obstacle("suppressed", facts.at + CYCLE)
    if facts.channel == "email" and facts.has_bounced:
        return Obstacle("bounced", facts.at + CYCLE)
    if facts.channel == "email" and not facts.has_permission:
        return Obstacle("no_permission", facts.at + RECHECK)
    return None


def _is_identified(candidate: Candidate, facts: Facts) -> Obstacle | None:
    code = identity_obstacle(facts.identity_mode, is_known=facts.is_known, is_signed=facts.is_signed)
    return Obstacle(code, facts.at) if code else None


def identity_obstacle(mode: str, *, is_known: bool, is_signed: bool) -> str | None:
    """Return the code by which a product of this mode refuses an identity, or ``None`` where it accepts it."""
    if mode != "open" and not is_known:
        return "unidentified"
    if mode == "trusted" and not is_signed:
        return "unsigned_identity"
    return None


def _is_in_the_audience(candidate: Candidate, facts: Facts) -> Obstacle | None:
    if facts.visitor.event and facts.visitor.event not in facts.events:
        return Obstacle("event_not_registered", facts.at + RECHECK)
    if rule := first_mismatch(candidate.rules, facts.visitor):
        recheck = RECHECK_PAGE if rule.subject == Subject.URL else RECHECK
        return Obstacle("not_in_audience", facts.at + recheck)
    speaks_it = choose_language(candidate.languages, "", *facts.languages) or not is_language_known(*facts.languages)
    return None if speaks_it else Obstacle("no_wording", facts.at + RECHECK)


def _is_no_newcomer(candidate: Candidate, facts: Facts) -> Obstacle | None:
    # Somebody met by a request that runs beside this one was first seen a moment after this one began.
    since = min(facts.customer_since or facts.first_seen_at or facts.at, facts.at)
    return _rest(facts, "too_new", since, candidate.throttles.first_survey_delay_days)


def _is_not_being_asked(candidate: Candidate, facts: Facts) -> Obstacle | None:
    ends = []
    for occasion in facts.history:
        if not occasion.is_over:
            ends.append((occasion.shown_at or occasion.created_at) + SHOWN_PENDING)
            if occasion.sent_at:
                ends.append(occasion.sent_at + MAILED_PENDING)
    last = max(ends, default=facts.at)
    return Obstacle("pending", last) if facts.at < last else None


def _has_not_responded(candidate: Candidate, facts: Facts) -> Obstacle | None:
    last = _latest(candidate, facts, "responded_at")
    return _rest(facts, "responded_recently", last, candidate.throttles.response_days)


def _has_not_declined(candidate: Candidate, facts: Facts) -> Obstacle | None:
    declined, snoozed = _latest(candidate, facts, "declined_at"), _latest(candidate, facts, "snoozed_at")
    return _rest(facts, "declined_recently", declined, candidate.throttles.decline_days) or _rest(
        facts, "snoozed", snoozed, candidate.throttles.snooze_days
    )


def _has_not_ignored(candidate: Candidate, facts: Facts) -> Obstacle | None:
    unanswered = [each.shown_at for each in facts.history if each.shown_at and not each.is_over]
    if obstacle := _rest(facts, "shown_recently", max(unanswered, default=None), candidate.throttles.unanswered_days):
        return obstacle
    shows = sorted(each.shown_at for each in facts.history if each.shown_at and each.shown_at > facts.at - SHOWS_WINDOW)
    most = candidate.throttles.shows_in_90_days
    if len(shows) >= most:
        return Obstacle("shown_recently", shows[-most] + SHOWS_WINDOW)
    return None


def _was_not_mailed(candidate: Candidate, facts: Facts) -> Obstacle | None:
    if facts.channel != "email":
        return None
    sent = max((each.sent_at for each in facts.history if each.sent_at), default=None)
    return _rest(facts, "mailed_recently", sent, candidate.throttles.mail_days)


def _has_cooled_down(candidate: Candidate, facts: Facts) -> Obstacle | None:
    days = candidate.transactional_floor_days if candidate.is_transactional else candidate.throttles.cooldown_days
    reached = [time for each in facts.history for time in (each.shown_at, each.sent_at) if time]
    return _rest(facts, "cooldown", max(reached, default=None), days)


def _are_more_wanted(candidate: Candidate, facts: Facts) -> Obstacle | None:
    quotas = candidate.quotas
    if quotas.target is not None and quotas.total >= quotas.target:
        return Obstacle("quota_full", facts.at + RECHECK)
    if any(given >= quota.target and quota.applies_to(facts.visitor) for quota, given in quotas.segments):
        return Obstacle("quota_full", facts.at + RECHECK)
    if quotas.daily_cap is not None and quotas.today >= quotas.daily_cap:
        return Obstacle("daily_cap", end_of_day(facts.at, facts.zone))
    return None


def end_of_day(at: datetime, zone: tzinfo) -> datetime:
    """Return the first instant of the next day in that zone."""
    return datetime.combine(at.astimezone(zone).date() + DAY, datetime.min.time(), zone)


def _is_sampled(candidate: Candidate, facts: Facts) -> Obstacle | None:
    throttles = candidate.throttles
    percentage = throttles.known_percentage if facts.is_known else throttles.anonymous_percentage
    cycle = int(facts.at.timestamp() // CYCLE.total_seconds())
    if percentage >= 100 or draw(candidate.survey_id, facts.subject_key, cycle) < percentage * 100:
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


def _rest(facts: Facts, code: str, since: datetime | None, days: int) -> Obstacle | None:
    """Return an obstacle while a rest that began at ``since`` lasts; it ends with its last instant."""
    if since is not None and facts.at < (until := since + timedelta(days=days)):
        return Obstacle(code, until)
    return None


# Check 0 is the product's test key, which skips all of these.
CHECKS: Final = (
    Check(number=1, codes=("inactive",), title=_("Live, in its schedule, and asked in this channel"), find=_is_active),
    Check(number=2, codes=("url_blocked",), title=_("On a page where people are asked"), find=_url_is_allowed),
    Check(
        number=3,
        codes=("opted_out", "restricted", "suppressed", "bounced", "no_permission"),
        title=_("May be approached"),
        find=_may_be_approached,
    ),
    Check(
        number=4,
        codes=("unidentified", "unsigned_identity"),
        title=_("Identified as the product demands"),
        find=_is_identified,
    ),
    Check(
        number=5,
        codes=("event_not_registered", "not_in_audience", "no_wording"),
        title=_("In the audience, and in a language they know"),
        find=_is_in_the_audience,
    ),
    Check(number=6, codes=("too_new",), title=_("A customer for long enough"), find=_is_no_newcomer),
    Check(number=7, codes=("pending",), title=_("Not being asked at the moment"), find=_is_not_being_asked),
    Check(number=8, codes=("responded_recently",), title=_("No recent response"), find=_has_not_responded),
    Check(number=9, codes=("declined_recently", "snoozed"), title=_("No recent decline"), find=_has_not_declined),
    Check(number=10, codes=("shown_recently",), title=_("No recent survey left unanswered"), find=_has_not_ignored),
    Check(number=11, codes=("mailed_recently",), title=_("No recent e-mail"), find=_was_not_mailed),
    Check(number=12, codes=("cooldown",), title=_("At rest since any survey"), find=_has_cooled_down),
    Check(number=13, codes=("quota_full", "daily_cap"), title=_("More responses are wanted"), find=_are_more_wanted),
    Check(number=14, codes=("not_sampled",), title=_("In the sample"), find=_is_sampled),
)
