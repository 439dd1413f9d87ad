"""What is wrong with a rule, told at the field where it can be put right."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from feedback import follow_up
from feedback.rules.matching import KEYWORD, WORD, fold
from privacy.masking import find_personal_data
from surveys.scales import BandProfile, Metric, scale_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from django.db.models import QuerySet

    from feedback.models import Rule
    from privacy.models import Product

MOST_KEYWORDS: Final = 50
LONGEST_KEYWORD: Final = 80
SHORTEST_BEGINNING: Final = 2
# An asterisk that no letter goes before, or that something other than a space comes after.
MISPLACED: Final = re.compile(r"(?<![^\W_])\*|\*(?!\s|$)")
READ: Final = "feedback.view_response"


def check_rule(rule: Rule, *, receivers: Collection[User]) -> None:
    """Refuse a rule that could never hold, does nothing, or reaches outside of its product.

    Args:
        rule: saved or not.
        receivers: the staff it alerts.

    Raises:
        ValidationError: by field, with the codes ``range_reversed``, ``score_needs_one_metric``,
            ``score_outside_scale``, ``score_outside_bands``, ``too_many``, ``too_long``, ``no_letters``,
            ``misplaced_asterisk``, ``beginning_too_short``, ``personal_data``, ``other_product``, ``own_tag``,
            ``no_action``, ``only_with_follow_up``, ``owner_cannot_work`` and ``receiver_cannot_see``.
    """
    errors: dict[str, list[ValidationError]] = {}
    for field, code, message in (
        *_wrong_scores(rule),
        *_wrong_keywords(rule.keywords),
        *_wrong_actions(rule, receivers),
        *_wrong_people(rule, receivers),
    ):
        errors.setdefault(field, []).append(ValidationError(message, code=code))
    if errors:
        raise ValidationError(errors)


def possible_receivers(product: Product) -> QuerySet[User]:
    """Return the active staff who see a product and may read responses."""
    readers = User.objects.with_perm(READ, backend="django.contrib.auth.backends.ModelBackend")
    sees_it = Q(memberships__product=product) | Q(
        memberships__controller=product.controller_id, memberships__product=None
    )
    return readers.filter(Q(is_superuser=True) | sees_it, is_staff=True, is_active=True).distinct().order_by("username")


def _wrong_scores(rule: Rule) -> Iterator[tuple[str, str, str]]:
    lowest, highest = rule.lowest_score, rule.highest_score
    if lowest is None and highest is None:
        return
    if len(rule.metrics) != 1:
        message = _("A score means something on one scale only: choose exactly one metric.")
        yield "metrics", "score_needs_one_metric", message
        return
    scale = scale_of(rule.metrics[0])
    outside = [name for name in ("lowest_score", "highest_score") if getattr(rule, name) not in {None, *scale.scores}]
    for name in outside:
        params = {"metric": Metric(rule.metrics[0]).label, "min": scale.minimum, "max": scale.maximum}
        yield name, "score_outside_scale", _("%(metric)s goes from %(min)d to %(max)d.") % params
    if outside:
        return
    if lowest is not None and highest is not None and lowest > highest:
        yield "highest_score", "range_reversed", _("The range ends before it begins.")
        return
    scores = range(scale.minimum if lowest is None else lowest, (scale.maximum if highest is None else highest) + 1)
    bands = {scale_of(rule.metrics[0], profile).band(score) for profile in BandProfile for score in scores}
    if rule.bands and not bands & set(rule.bands):
        yield "bands", "score_outside_bands", _("No score of the range is in these bands, so this could never hold.")


def _wrong_keywords(keywords: Collection[str]) -> Iterator[tuple[str, str, str]]:
    if len(keywords) > MOST_KEYWORDS:
        yield "keywords", "too_many", _("At most %(limit)d lines.") % {"limit": MOST_KEYWORDS}
    for keyword in keywords:
        problem = _problem_of(keyword)
        if problem:
            code, message = problem
            yield "keywords", code, message % {"keyword": keyword, "limit": LONGEST_KEYWORD}


def _problem_of(keyword: str) -> tuple[str, str] | None:
    if len(keyword) > LONGEST_KEYWORD:
        return "too_long", _("“%(keyword)s” is longer than %(limit)d characters.")
    if any(unicodedata.category(letter) == "Cc" for letter in keyword) or not WORD.search(fold(keyword)):
        return "no_letters", _("“%(keyword)s” has neither letters nor digits to look for.")
    words = KEYWORD.findall(fold(keyword))
    if MISPLACED.search(keyword):
        return "misplaced_asterisk", _("In “%(keyword)s” the asterisk has to stand at the end of a word.")
    if any(word.endswith("*") and len(word) <= SHORTEST_BEGINNING for word in words):
        return "beginning_too_short", _("In “%(keyword)s” at least two letters have to stand before the asterisk.")
    if find_personal_data(keyword):
        return "personal_data", _("“%(keyword)s” looks like somebody’s address or number. Rules look for topics.")
    return None


def _wrong_actions(rule: Rule, receivers: Collection[User]) -> Iterator[tuple[str, str, str]]:
    if not (rule.adds_tag or rule.opens_follow_up or receivers):
        message = _("Choose what should happen: give a tag, open a follow-up, or alert somebody.")
        yield "adds_tag", "no_action", message
    if rule.adds_tag_id and rule.adds_tag_id == rule.with_tag_id:
        yield "adds_tag", "own_tag", _("Responses that have this tag already need not get it.")
    for name in ("team", "owner"):
        if getattr(rule, f"{name}_id") and not rule.opens_follow_up:
            yield name, "only_with_follow_up", _("Only a follow-up can be assigned; let the rule open one.")
    for name in ("with_tag", "adds_tag", "team"):
        of_product = getattr(rule, name)
        if of_product and of_product.product_id != rule.product_id:
            yield name, "other_product", _("This belongs to another product.")


def _wrong_people(rule: Rule, receivers: Collection[User]) -> Iterator[tuple[str, str, str]]:
    owner: Any = rule.owner
    if owner and not follow_up.possible_owners(rule.product).filter(pk=owner.pk).exists():
        message = _("%(name)s does not see this product or may not work on follow-ups.")
        yield "owner", "owner_cannot_work", message % {"name": owner.get_username()}
    if not receivers:
        return
    allowed = set(possible_receivers(rule.product).values_list("pk", flat=True))
    for user in receivers:
        if user.pk not in allowed:
            message = _("%(name)s does not see this product or may not read responses.")
            yield "alerts", "receiver_cannot_see", message % {"name": user.get_username()}
