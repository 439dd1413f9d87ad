"""Why somebody is not asked: every check of every survey, from the facts of a page view; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from feedback import facts as stored
from feedback.check_inputs import Background, Input, inputs_of, permissions_of
from feedback.eligibility import CHECKS, RECHECK_PAGE, WHY, Obstacle, decide, in_order
from feedback.invitations import OriginBlocked, facts_of, is_identity_accepted
from privacy.models import origin_is_accepted
from surveys.models import Channel, Survey

if TYPE_CHECKING:
    from datetime import datetime

    from django_stubs_ext import StrOrPromise

    from feedback.eligibility import Candidate, Check, Facts
    from feedback.identity import Person
    from feedback.invitations import Moment
    from feedback.products import ProductFacts

ORIGIN_BLOCKED: Final = "origin_blocked"
ORIGIN_CHECK: Final = 2
# Obstacles that time removes; all others stay until somebody changes something, and nobody knows when that will be.
ENDING_BY_THEMSELVES: Final = frozenset(
    {
        *("too_new", "pending", "responded_recently", "declined_recently", "snoozed", "shown_recently"),
        *("mailed_recently", "cooldown", "daily_cap", "not_sampled"),
    }
)


@dataclass(frozen=True, kw_only=True)
class ExplainedCheck:
    """One check of one survey: what it looked at and, if it failed, why.

    Args:
        ends_by_itself: whether time alone removes the obstacle.
        is_used: false of the test key where nobody uses it.
    """

    number: int
    title: StrOrPromise
    inputs: tuple[Input, ...]
    obstacle: Obstacle | None = None
    ends_by_itself: bool = False
    is_used: bool = True

    @property
    def passed(self) -> bool:
        return self.obstacle is None

    @property
    def why(self) -> str:
        return why(self.obstacle.code) if self.obstacle else ""


@dataclass(frozen=True, kw_only=True)
class ExplainedSurvey:
    """All checks of one survey, in order."""

    survey_id: int
    name: str
    priority: int
    checks: tuple[ExplainedCheck, ...]

    @property
    def failed(self) -> tuple[ExplainedCheck, ...]:
        return tuple(check for check in self.checks if not check.passed)

    @property
    def passed(self) -> bool:
        return not self.failed

    @property
    def code(self) -> str:
        """The code of the first check that fails; ``eligible`` where none does."""
        first = next((check.obstacle for check in self.checks if check.obstacle), None)
        return first.code if first else "eligible"

    @property
    def first_failed(self) -> int | None:
        """The number of the check that gives the answer."""
        return self.failed[0].number if self.failed else None

    @property
    def why(self) -> str:
        return why(self.code)

    @property
    def not_before(self) -> datetime | None:
        """The end of the longest rest, where time alone removes something."""
        ends = [check.obstacle.until for check in self.failed if check.obstacle and check.ends_by_itself]
        return max(ends, default=None)

    @property
    def needs_a_change(self) -> bool:
        """Whether something fails that time alone does not remove."""
        return any(not check.ends_by_itself for check in self.failed)


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """The decision about a person at a moment, and what led to it.

    Args:
        code: what the asking endpoint answers.
        chosen: the survey that would be asked.
        next_check_at: when the person's browser or app is told to ask again.
        surveys: in the order in which they are tried.
        unpublished: names of the surveys that nobody can be asked, with their state.
        record: key of the person's row; ``None`` for somebody never met.
    """

    at: datetime
    code: str
    chosen: int | None
    next_check_at: datetime
    is_forced: bool
    is_restricted: bool
    surveys: tuple[ExplainedSurvey, ...]
    unpublished: tuple[tuple[str, str], ...]
    record: int | None

    @property
    def eligible(self) -> bool:
        return self.chosen is not None

    @property
    def why(self) -> str:
        return why(self.code)

    @property
    def not_before(self) -> datetime | None:
        """When the person can next be asked if nothing is changed; ``None`` where only a change helps, or now."""
        if self.eligible or self.code == ORIGIN_BLOCKED:
            return None
        ends = [survey.not_before for survey in self.surveys if not survey.needs_a_change]
        return min((end for end in ends if end), default=None)


def why(code: str) -> str:
    """Return what a code means, in a sentence."""
    return str(OriginBlocked.message if code == ORIGIN_BLOCKED else WHY[code])


def explain(*, product: ProductFacts, person: Person, moment: Moment, at: datetime) -> Explanation:
    """Return what the asking endpoint would answer about this person now, with every check; nothing is written.

    Takes three statements, however many surveys the product has and however often the person was asked.

    Args:
        person: as a request would describe them.
        moment: where and how they would be asked.
    """
    known = stored.load_person(product, person, channel=moment.channel, at=at)
    # Of somebody whose identity is refused the endpoint looks at nothing that is stored.
    is_looked_up = moment.forced or is_identity_accepted(product, person)
    facts = facts_of(product, person, moment, known if is_looked_up else stored.PersonFacts(), at=at)
    names = dict[int, tuple[str, str]]()
    for survey in Survey.objects.filter(product=product.id).order_by("name"):
        names[survey.pk] = survey.name, survey.get_state_display()
    background = Background(
        product=product,
        origin=origin_of_page(moment),
        names={pk: name for pk, (name, _of) in names.items()},
        states={pk: state for pk, (_of, state) in names.items()},
        permissions=permissions_of(known.own.id) if known.own else (),
        wants_no_mail=known.wants_no_mail,
        is_forced=moment.forced,
    )
    tried = in_order(list(product.candidates), facts)
    code, chosen, next_check_at = _decision(product, facts, background)
    return Explanation(
        at=at,
        code=code,
        chosen=chosen,
        next_check_at=next_check_at,
        is_forced=moment.forced,
        is_restricted=facts.is_restricted,
        surveys=tuple(_explain_survey(candidate, facts, background) for candidate in tried),
        unpublished=tuple(named for pk, named in names.items() if pk not in {each.survey_id for each in tried}),
        record=known.own.id if known.own else None,
    )


def origin_of_page(moment: Moment) -> str:
    """Return the web site from which a page of this address asks; apps and mails ask from none."""
    try:
        parts = urlsplit(moment.url) if moment.channel == Channel.WEB else None
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in {"http", "https"} or not parts.netloc:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()


def _decision(product: ProductFacts, facts: Facts, background: Background) -> tuple[str, int | None, datetime]:
    """Decide as the endpoint does: the origin is looked at before anything else."""
    if not _origin_is_accepted(background):
        return ORIGIN_BLOCKED, None, facts.at
    verdict = decide(list(product.candidates), facts)
    return verdict.code, verdict.candidate.survey_id if verdict.candidate else None, verdict.next_check_at


def _origin_is_accepted(background: Background) -> bool:
    return origin_is_accepted(background.origin, background.product.allowed_origins)


def _explain_survey(candidate: Candidate, facts: Facts, background: Background) -> ExplainedSurvey:
    return ExplainedSurvey(
        survey_id=candidate.survey_id,
        name=background.names.get(candidate.survey_id, ""),
        priority=candidate.priority,
        checks=(
            _explain_test_key(candidate, facts, background),
            *(_explain_check(check, candidate, facts, background) for check in CHECKS),
        ),
    )


def _explain_test_key(candidate: Candidate, facts: Facts, background: Background) -> ExplainedCheck:
    return ExplainedCheck(
        number=0,
        title=_("Asked with the product's test key"),
        inputs=inputs_of(0, candidate, facts, background),
        is_used=background.is_forced,
    )


def _explain_check(check: Check, candidate: Candidate, facts: Facts, background: Background) -> ExplainedCheck:
    obstacle = check.find(candidate, facts)
    if check.number == ORIGIN_CHECK and not _origin_is_accepted(background):
        obstacle = Obstacle(ORIGIN_BLOCKED, facts.at + RECHECK_PAGE)
    return ExplainedCheck(
        number=check.number,
        title=check.title,
        inputs=inputs_of(check.number, candidate, facts, background),
        obstacle=obstacle,
        ends_by_itself=obstacle is not None and _ends_by_itself(obstacle, candidate),
    )


def _ends_by_itself(obstacle: Obstacle, candidate: Candidate) -> bool:
    """Tell whether time removes an obstacle; a survey that is merely early will begin."""
    begins = obstacle.code == "inactive" and obstacle.until == candidate.starts_at
    return begins or obstacle.code in ENDING_BY_THEMSELVES
