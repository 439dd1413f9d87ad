"""What each check looks at, in words for staff; the decision itself is made elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from feedback.eligibility import MAILED_PENDING, SHOWN_PENDING, readings
from feedback.models import ChannelPermission
from privacy.models import Product
from surveys.audience import describe
from surveys.models import Channel
from surveys.targeting import holds

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from feedback.eligibility import Candidate, Facts, Occasion
    from feedback.products import ProductFacts

EARLIEST: Final = datetime(1, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(9999, 12, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Input:
    """One thing that a check looked at."""

    label: StrOrPromise
    value: str


@dataclass(frozen=True, kw_only=True)
class Permission:
    """A channel permission as the page lists it."""

    number: int
    basis: str
    evidence: str
    given_on: str
    in_force: bool


@dataclass(frozen=True, kw_only=True)
class Background:
    """What the words need beside the facts of the decision.

    Args:
        origin: the web site that would ask; empty outside of browsers.
        names: key of a survey → its name.
        states: key of a survey → its state in words.
        permissions: all of the person, the withdrawn ones too.
        wants_no_mail: whether the person said so, whatever was permitted.
        is_forced: whether the product's test key is used.
    """

    product: ProductFacts
    origin: str = ""
    names: Mapping[int, str]
    states: Mapping[int, str]
    permissions: tuple[Permission, ...] = ()
    wants_no_mail: bool = False
    is_forced: bool = False


def permissions_of(respondent_id: int) -> tuple[Permission, ...]:
    """Return the e-mail permissions of a person, the newest first; one statement."""
    rows = ChannelPermission.including_restricted.filter(respondent=respondent_id).order_by("-given_on", "-pk")
    return tuple(
        Permission(
            number=row.pk,
            basis=row.get_basis_display(),
            evidence=row.evidence,
            given_on=date_format(row.given_on),
            in_force=row.withdrawn_at is None,
        )
        for row in rows
    )


def inputs_of(number: int, candidate: Candidate, facts: Facts, background: Background) -> tuple[Input, ...]:
    """Return what a check of this number looked at, as labels and values in words."""
    return tuple(INPUTS[number](candidate, facts, background))


def _of_test_key(candidate: Candidate, facts: Facts, background: Background) -> Iterable[Input]:
    used = _("used: all other checks are skipped") if background.is_forced else _("not used")
    yield Input(_("Test key of the product"), used)


def _of_being_live(candidate: Candidate, facts: Facts, background: Background) -> Iterable[Input]:
    yield Input(_("Product"), _("people are asked") if background.product.is_live else _("switched off"))
    yield Input(_("Survey"), background.states.get(candidate.survey_id, ""))
    yield Input(_("Begins"), _when(candidate.starts_at, facts, never=_("at once")))
    yield Input(_("Ends"), _when(candidate.ends_at, facts))
    yield Input(_("Asked through"), _channel(facts.channel))
    yield Input(_("Channels of the survey"), _listed(map(_channel, candidate.channels)))


def _of_the_page(candidate: Candidate, facts: Facts, background: Background) -> Iterable[Input]:
    yield Input(_("Page"), facts.visitor.url or _("not given"))
    yield Input(_("Web site"), background.origin or _("none: not asked from a web page"))
    yield Input(_("Allowed web sites"), _listed(background.product.allowed_origins, nothing=_("any")))
    yield Input(_("Pages where nobody is asked"), _listed(facts.blocked_urls))


def _of_approaching(candidate: Candidate, facts: Facts, background: Background) -> Iterable[Input]:
    yield Input(_("Objected to being asked"), _yes_or_no(facts.has_objected))
    yield Input(_("Use of their data restricted"), _yes_or_no(facts.is_restricted))
    yield Input(_("On the list of suppressed people"), _yes_or_no(facts.is_suppressed))
    yield Input(_("E-mail came back"), _yes_or_no(facts.has_bounced))
    if background.wants_no_mail:
        yield Input(_("Wants no e-mail"), _("unsubscribed, or asked not to be contacted"))
    if not background.permissions:
        yield Input(_("Permission for e-mail"), _no_permission(facts))
    for each in background.permissions:
        in_force, withdrawn = _("%(basis)s, since %(day)s: %(evidence)s"), _("withdrawn: %(basis)s of %(day)s")
        text = in_force if each.in_force else withdrawn
        told = text % {"basis": each.basis, "evidence": each.evidence, "day": each.given_on}
        yield Input(_("Permission for e-mail"), told)


def _no_permission(facts: Facts) -> str:
    return _("none recorded") if facts.channel == Channel.EMAIL else _("none recorded; only e-mail needs one")


def _of_identity(candidate: Candidate, facts: Facts, background: Background) -> Iterable[Input]:
    yield Input(_("Who may be asked"), str(Product.IdentityMode(facts.identity_mode).label))
    yield Input(_("This person"), _("identified") if facts.is_known else _("anonymous"))
    yield Input(_("Signed by the product's backend"), _yes_or_no(facts.is_signed))


def _of_the_audience(candidate: Candidate, facts: Facts, background: Background) -> Iterable[Input]:
    event = facts.visitor.event
    yield Input(_("Event"), event or _("none"))
    if event:
        yield Input(_("Listed by the product"), _yes_or_no(event in facts.events))
    if not candidate.rules:
        yield Input(_("Rules of the audience"), _("none: everybody belongs to it"))
    for rule in candidate.rules:
        text = _("holds: %(value)s") if holds(rule, facts.visitor) else _("does not hold: %(value)s")
        yield Input(describe([rule]), text % {"value": _known(rule, facts)})
    yield Input(_("Languages of the survey"), _listed(candidate.languages))
    yield Input(_("Languages of the person"), _listed(filter(None, facts.languages), nothing=_("not known")))


def _known(rule: Any, facts: Facts) -> str:
    visitor = facts.visitor
    if rule.subject == "property":
        value = visitor.properties.get(rule.name)
    elif rule.subject == "known":
        value = _("identified") if visitor.is_known else _("anonymous")
    else:
        value = getattr(visitor, rule.subject)
    if isinstance(value, datetime):
        return _when(value, facts)
    if isinstance(value, bool):
        return _yes_or_no(value)
    return _("nothing") if value in (None, "") else str(value)


def _of_being_new(candidate: Candidate, facts: Facts, background: Background) -> Iterable[Input]:
    yield Input(_("Customer since"), _when(facts.customer_since, facts, never=_("not known")))
    yield Input(_("First seen"), _when(facts.first_seen_at, facts, never=_("not yet")))
    yield Input(_("Delay before the first survey"), _days(candidate.throttles.first_survey_delay_days))


def _of_open_invitations(candidate: Candidate, facts: Facts, background: Background) -> Iterable[Input]:
    is_open = [each for each in facts.history if (until := readings.open_until(each)) and until > facts.at]
    if not is_open:
        yield Input(_("Open invitations"), _("none"))
    for each in sorted(is_open, key=lambda each: each.created_at, reverse=True):
        values = {"survey": background.names.get(each.survey_id, ""), "time": _when(_reached(each), facts)}
        text = _("%(survey)s, sent %(time)s") if each.sent_at else _("%(survey)s, offered %(time)s")
        yield Input(_("Open invitation"), text % values)
    minutes, hours = SHOWN_PENDING.seconds // 60, MAILED_PENDING.days * 24
    yield Input(
        _("How long one stays open"),
        _("%(minutes)d minutes where shown, %(hours)d hours where mailed") % {"minutes": minutes, "hours": hours},
    )


def _reached(occasion: Occasion) -> datetime:
    return occasion.sent_at or occasion.shown_at or occasion.created_at


def _of_responses(candidate: Candidate, facts: Facts, background: Background) -> Iterable[Input]:
    yield Input(_("Last response"), _last(candidate, facts, background, "responded_at"))
    yield Input(_("Rest after a response"), _days(candidate.throttles.response_days))


def _of_declines(candidate: Candidate, facts: Facts, background: Background) -> Iterable[Input]:
    yield Input(_("Last decline"), _last(candidate, facts, background, "declined_at"))
    yield Input(_("Rest after a decline"), _days(candidate.throttles.decline_days))
    yield Input(_("Last put off"), _last(candidate, facts, background, "snoozed_at"))
    yield Input(_("Rest after “later”"), _days(candidate.throttles.snooze_days))


def _of_shows(candidate: Candidate, facts: Facts, background: Background) -> Iterable[Input]:
    ignored = readings.newest_unanswered(facts)
    yield Input(_("Last shown without a reaction"), _told(ignored, facts, background))
    yield Input(_("Rest after that"), _days(candidate.throttles.unanswered_days))
    shows = len(readings.recent_shows(facts))
    yield Input(_("Shown in 90 days"), _of_most(shows, candidate.throttles.shows_in_90_days))


def _of_mails(candidate: Candidate, facts: Facts, background: Background) -> Iterable[Input]:
    if facts.channel != Channel.EMAIL:
        text = _("%(channel)s: this rest is for e-mail only")
        yield Input(_("Asked through"), text % {"channel": _channel(facts.channel)})
    yield Input(_("Last e-mail"), _told(readings.newest(facts.history, "sent_at"), facts, background))
    yield Input(_("Rest after an e-mail"), _days(candidate.throttles.mail_days))


def _of_cooling_down(candidate: Candidate, facts: Facts, background: Background) -> Iterable[Input]:
    yield Input(_("Last survey shown or sent"), _told(readings.last_reached(facts), facts, background))
    own, common = _("Rest of this transactional survey"), _("Rest after any survey")
    yield Input(own if candidate.is_transactional else common, _days(readings.cooldown_days(candidate)))


def _of_quotas(candidate: Candidate, facts: Facts, background: Background) -> Iterable[Input]:
    quotas = candidate.quotas
    yield Input(_("Responses today"), _of_most(quotas.today, quotas.daily_cap))
    yield Input(_("Responses in all"), _of_most(quotas.total, quotas.target))
    for quota, given in quotas.segments:
        whose = _("this person's segment") if quota.applies_to(facts.visitor) else _("not this person's segment")
        yield Input(describe([quota.rule]), f"{_of_most(given, quota.target)} ({whose})")


def _of_sampling(candidate: Candidate, facts: Facts, background: Background) -> Iterable[Input]:
    whose = _("Sample of identified people") if facts.is_known else _("Sample of anonymous people")
    yield Input(whose, _("%(number)s%%") % {"number": readings.percentage_of(candidate, facts)})
    lot = number_format(readings.lot_of(candidate, facts) / 100, 2)
    yield Input(_("This person's lot"), _("%(lot)s: in the sample if below the percentage") % {"lot": lot})
    yield Input(_("Drawn anew"), _when(readings.end_of_cycle(facts), facts))


INPUTS: Final[Mapping[int, Callable[[Candidate, Facts, Background], Iterable[Input]]]] = {
    0: _of_test_key,
    1: _of_being_live,
    2: _of_the_page,
    3: _of_approaching,
    4: _of_identity,
    5: _of_the_audience,
    6: _of_being_new,
    7: _of_open_invitations,
    8: _of_responses,
    9: _of_declines,
    10: _of_shows,
    11: _of_mails,
    12: _of_cooling_down,
    13: _of_quotas,
    14: _of_sampling,
}


def _last(candidate: Candidate, facts: Facts, background: Background, what: str) -> str:
    return _told(readings.newest_of_metric(candidate, facts, what), facts, background)


def _told(last: readings.Last, facts: Facts, background: Background) -> str:
    """Return when which survey did it; what is older than any rest is not looked at."""
    time, occasion = last
    if occasion is None:
        days = background.product.history_matters.days
        return ngettext("not in the last %(days)d day", "not in the last %(days)d days", days) % {"days": days}
    return f"{_when(time, facts)} ({background.names.get(occasion.survey_id, '')})"


def _when(time: datetime | None, facts: Facts, *, never: str = "") -> str:
    """Return a time where the product is; what hosts tell may lie at an end of the calendar, where no zone reaches."""
    if time is None:
        return never or _("never")
    return date_format(min(max(time, EARLIEST), LATEST).astimezone(facts.zone), "DATETIME_FORMAT")


def _days(days: int) -> str:
    return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}


def _of_most(count: int, most: int | None) -> str:
    if most is None:
        return _("no limit")
    return _("%(count)d of at most %(most)d") % {"count": count, "most": most}


def _channel(channel: str) -> str:
    return str(Channel(channel).label)


def _listed(values: Iterable[str], *, nothing: str = "") -> str:
    return ", ".join(values) or nothing or pgettext("nothing is in the list", "none")


def _yes_or_no(value: bool) -> str:
    return _("yes") if value else _("no")
