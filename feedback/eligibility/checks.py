"""The ordered checks: each says what stands in the way of asking a survey, or that nothing does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from feedback.eligibility.readings import (
    CYCLE,
    DAY,
    SHOWS_WINDOW,
    cooldown_days,
    end_of_cycle,
    end_of_day,
    last_reached,
    lot_of,
    newest,
    newest_of_metric,
    newest_unanswered,
    open_until,
    percentage_of,
    recent_shows,
)
from surveys.targeting import Subject, first_mismatch
from surveys.wording import choose_language, is_language_known

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from feedback.eligibility.known import Candidate, Facts

# Settings and people change when somebody changes them: nobody knows when, so ask again tomorrow.
RECHECK: Final = DAY
# The next page may be another one.
RECHECK_PAGE: Final = timedelta(minutes=1)


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
    if facts.channel == "link" and facts.wants_no_mail:
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
    last = max((end for end in map(open_until, facts.history) if end), default=facts.at)
    return Obstacle("pending", last) if facts.at < last else None


def _has_not_responded(candidate: Candidate, facts: Facts) -> Obstacle | None:
    last, _survey = newest_of_metric(candidate, facts, "responded_at")
    return _rest(facts, "responded_recently", last, candidate.throttles.response_days)


def _has_not_declined(candidate: Candidate, facts: Facts) -> Obstacle | None:
    last, _survey = newest_of_metric(candidate, facts, "declined_at")
    declined = _rest(facts, "declined_recently", last, candidate.throttles.decline_days)
    last, _survey = newest_of_metric(candidate, facts, "snoozed_at")
    return declined or _rest(facts, "snoozed", last, candidate.throttles.snooze_days)


def _has_not_ignored(candidate: Candidate, facts: Facts) -> Obstacle | None:
    last, _survey = newest_unanswered(facts)
    if obstacle := _rest(facts, "shown_recently", last, candidate.throttles.unanswered_days):
        return obstacle
    shows, most = recent_shows(facts), candidate.throttles.shows_in_90_days
    if len(shows) >= most:
        return Obstacle("shown_recently", shows[-most] + SHOWS_WINDOW)
    return None


def _was_not_mailed(candidate: Candidate, facts: Facts) -> Obstacle | None:
    if facts.channel != "email":
        return None
    last, _survey = newest(facts.history, "sent_at")
    return _rest(facts, "mailed_recently", last, candidate.throttles.mail_days)


def _has_cooled_down(candidate: Candidate, facts: Facts) -> Obstacle | None:
    return _rest(facts, "cooldown", last_reached(facts)[0], cooldown_days(candidate))


def _are_more_wanted(candidate: Candidate, facts: Facts) -> Obstacle | None:
    quotas = candidate.quotas
    if quotas.target is not None and quotas.total >= quotas.target:
        return Obstacle("quota_full", facts.at + RECHECK)
    if any(given >= quota.target and quota.applies_to(facts.visitor) for quota, given in quotas.segments):
        return Obstacle("quota_full", facts.at + RECHECK)
    if quotas.daily_cap is not None and quotas.today >= quotas.daily_cap:
        return Obstacle("daily_cap", end_of_day(facts.at, facts.zone))
    return None


def _is_sampled(candidate: Candidate, facts: Facts) -> Obstacle | None:
    percentage = percentage_of(candidate, facts)
    if percentage >= 100 or lot_of(candidate, facts) < percentage * 100:
        return None
    return Obstacle("not_sampled", end_of_cycle(facts))


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
