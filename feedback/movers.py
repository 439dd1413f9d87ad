"""Which groups of people answered most differently from the period before."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db.models import Count, Q, TextChoices
from django.utils.translation import gettext_lazy as _

from feedback.metrics import Counts, compare, headline
from feedback.models import Response
from feedback.small_groups import SMALLEST_GROUP
from surveys.models import Channel
from surveys.scales import BandProfile, Metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from django.db.models import QuerySet

    from feedback.metrics import Difference, Estimate
    from feedback.periods import Period
    from privacy.models import Product

MOST: Final = 3


class Dimension(TextChoices):
    """What people are grouped by; the value is the column."""

    TAG = "tags__name", _("tag")
    VERSION = "version_id", _("survey version")
    CHANNEL = "channel", _("channel")
    LANGUAGE = "language", _("language")
    COUNTRY = "country", _("country")
    COMPANY = "company", _("company")
    APP_VERSION = "app_version", _("app version")


@dataclass(frozen=True)
class Group:
    """The answers of some people in a period and in the one before.

    Args:
        people: how many gave them now, and how many before; somebody may give several.
    """

    dimension: Dimension
    name: str
    now: Counts
    before: Counts
    people: tuple[int, int]

    @property
    def value(self) -> Estimate | None:
        return headline(self.now)

    @property
    def value_before(self) -> Estimate | None:
        return headline(self.before)

    @property
    def difference(self) -> Difference | None:
        return compare(self.now, self.before)


def find_movers(*, product: Product, period: Period, previous: Period) -> dict[Metric, list[Group]]:
    """Return the groups of a product whose value moved most, of each metric; none where none may be told.

    Args:
        product: whoever calls has made sure that the reader may see its figures.
        period: days of the product's calendar, as is ``previous``, which ends where it begins.
    """
    answers = _answers(product, period, previous)
    totals = {group.now.metric: group for group in _groups(answers, "product_id", period)}
    found: defaultdict[Metric, list[Group]] = defaultdict(list)
    for dimension in Dimension:
        for group in _groups(answers.exclude(_nothing(dimension)), dimension.value, period, dimension):
            found[group.now.metric].append(group)
    return {metric: choose_movers(groups, total=totals[metric]) for metric, groups in found.items()}


def choose_movers(groups: Iterable[Group], *, total: Group) -> list[Group]:
    """Return at most three groups: the significant moves first, of these and then of the others the farthest.

    Left out are groups of fewer than five people in either period, groups that leave fewer than five others, who
    could be told by subtracting, and groups of everybody, which moved as the whole did.
    """
    told = []
    for group in groups:
        difference = group.difference
        if difference is None or not difference.change:
            continue
        others = [total.now.n - group.now.n, total.before.n - group.before.n]
        if min(group.people) < SMALLEST_GROUP or not any(others):
            continue
        # At least so many others: who answered inside of the group and outside of it is taken off.
        rest = [whole - part for whole, part in zip(total.people, group.people, strict=True)]
        if any(answers and people < SMALLEST_GROUP for answers, people in zip(others, rest, strict=True)):
            continue
        told.append((not difference.is_significant, -abs(difference.change), group.dimension, group.name, group))
    return [group for *_order, group in sorted(told, key=lambda one: one[:-1])[:MOST]]


def _answers(product: Product, period: Period, previous: Period) -> QuerySet[Response]:
    """Return the counted answers of both periods; the instants are what is indexed, the days are what is meant."""
    first, last = previous.instants(product.zone)[0], period.instants(product.zone)[1]
    day = timedelta(days=1)
    rows: QuerySet[Response] = (
        Response.objects.counted()
        .filter(product=product, answered_on__gte=previous.start, answered_on__lt=period.end)
        .filter(answered_at__gte=first - day, answered_at__lt=last + day)
        .order_by()
    )
    return rows


def _nothing(dimension: Dimension) -> Q:
    if dimension in {Dimension.TAG, Dimension.VERSION}:
        return Q(**{f"{dimension.value}__isnull": True})
    return Q(**{dimension.value: ""})


def _groups(
    answers: QuerySet[Response], column: str, period: Period, dimension: Dimension = Dimension.TAG
) -> list[Group]:
    now, before = Q(answered_on__gte=period.start), Q(answered_on__lt=period.start)
    rows = answers.values_list(column, "metric", "band_profile", "score").annotate(
        now=Count("pk", filter=now), before=Count("pk", filter=before)
    )
    people = {
        (value, Metric(metric)): (first, second)
        for value, metric, first, second in answers.values_list(column, "metric").annotate(
            now=Count("respondent", distinct=True, filter=now), before=Count("respondent", distinct=True, filter=before)
        )
    }
    given: defaultdict[tuple[Any, Metric], tuple[dict[Any, int], dict[Any, int]]] = defaultdict(lambda: ({}, {}))
    for value, metric, profile, score, *counts in rows:
        for scores, count in zip(given[value, Metric(metric)], counts, strict=True):
            scores[BandProfile(profile), score] = count
    return [
        Group(dimension, str(value), Counts(metric, periods[0]), Counts(metric, periods[1]), people[value, metric])
        for (value, metric), periods in given.items()
    ]


def names_of(groups: Sequence[Group], versions: Mapping[int, str]) -> list[str]:
    """Return what the groups are called, in the active language.

    Args:
        versions: names of survey versions by primary key.
    """
    names = []
    for group in groups:
        name = group.name
        if group.dimension == Dimension.CHANNEL:
            name = str(Channel(name).label)
        elif group.dimension == Dimension.VERSION:
            name = versions[int(name)]
        names.append(f"{group.dimension.label}: {name}")
    return names
