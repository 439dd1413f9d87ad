"""The decision: which survey to ask of all that might be, or why none and when to check again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from feedback.eligibility.checks import CHECKS, RECHECK
from feedback.eligibility.readings import CYCLE

if TYPE_CHECKING:
    from datetime import datetime

    from django_stubs_ext import StrOrPromise

    from feedback.eligibility.known import Candidate, Facts

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
