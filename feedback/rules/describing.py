"""A rule in one sentence: “If NPS, the score is 0 to 6 and the comment has “fee*”: open a follow-up.”"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from feedback.models import Priority
from surveys.models import Channel
from surveys.scales import Band, Metric

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from django.contrib.auth.models import User

    from feedback.models import Rule

MOST_NAMED = 6


def describe(rule: Rule, *, receivers: Collection[User]) -> str:
    """Return what a rule, saved or not, does and when.

    Args:
        receivers: the staff it alerts.
    """
    conditions = _and(_conditions(rule))
    actions = _and(_actions(rule, receivers))
    if not actions:
        return _("This rule does nothing yet.")
    if not conditions:
        return _("For every response: %(actions)s.") % {"actions": actions}
    return _("If %(conditions)s: %(actions)s.") % {"conditions": conditions, "actions": actions}


def _conditions(rule: Rule) -> Iterable[str]:
    if rule.metrics:
        yield _("the metric is %(metrics)s") % {"metrics": _or(Metric(each).label for each in rule.metrics)}
    if rule.bands:
        yield _("the band is %(bands)s") % {"bands": _or(Band(each).label for each in rule.bands)}
    if rule.lowest_score is not None or rule.highest_score is not None:
        yield _scores(rule.lowest_score, rule.highest_score)
    if rule.channels:
        yield _("the channel is %(channels)s") % {"channels": _or(Channel(each).label for each in rule.channels)}
    if rule.keywords:
        named = [_("“%(word)s”") % {"word": word} for word in rule.keywords[:MOST_NAMED]]
        if len(rule.keywords) > MOST_NAMED:
            named.append(_("%(count)d more") % {"count": len(rule.keywords) - MOST_NAMED})
        yield _("the comment has %(words)s") % {"words": _or(named)}
    elif rule.with_comment:
        yield _("there is a comment")
    if rule.with_tag:
        yield _("it has the tag “%(tag)s”") % {"tag": rule.with_tag.name}
    if rule.with_contact_permission:
        yield _("the person may be contacted about it")


def _scores(lowest: int | None, highest: int | None) -> str:
    if highest is None:
        return _("the score is %(lowest)d or higher") % {"lowest": lowest}
    if lowest is None:
        return _("the score is %(highest)d or lower") % {"highest": highest}
    if lowest == highest:
        return _("the score is %(score)d") % {"score": lowest}
    return _("the score is %(lowest)d to %(highest)d") % {"lowest": lowest, "highest": highest}


def _actions(rule: Rule, receivers: Collection[User]) -> Iterable[str]:
    if rule.adds_tag:
        yield _("give the tag “%(tag)s”") % {"tag": rule.adds_tag.name}
    if rule.opens_follow_up:
        yield _follow_up(rule)
    if receivers:
        yield _("alert %(people)s") % {"people": _and(sorted(user.get_username() for user in receivers))}


def _follow_up(rule: Rule) -> str:
    params: dict[str, Any] = {"priority": Priority(rule.priority).label, "owner": rule.owner, "team": rule.team}
    if rule.owner and rule.team:
        return _("open a follow-up of %(priority)s priority for %(owner)s of the team %(team)s") % params
    if rule.owner:
        return _("open a follow-up of %(priority)s priority for %(owner)s") % params
    if rule.team:
        return _("open a follow-up of %(priority)s priority for the team %(team)s") % params
    return _("open a follow-up of %(priority)s priority") % params


def _or(parts: Iterable[Any]) -> str:
    return _join(list(map(str, parts)), pgettext("between the last two of a list", "%(rest)s or %(last)s"))


def _and(parts: Iterable[Any]) -> str:
    return _join(list(map(str, parts)), pgettext("between the last two of a list", "%(rest)s and %(last)s"))


def _join(parts: list[str], template: str) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return template % {"rest": ", ".join(parts[:-1]), "last": parts[-1]}
