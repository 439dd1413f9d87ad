"""Tags as themes: renamed, merged and tidied up; how often each is given and by whom among the bands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Trunc
from django.utils import timezone
from django.utils.translation import gettext as _

from feedback.metrics import rounded
from feedback.models import Improvement, Response, ResponseTag, Rule, SavedView, Tag
from feedback.periods import Bucket
from feedback.small_groups import SMALLEST_GROUP
from surveys.scales import Band

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from privacy.models import Product

LONGEST_NAME: Final = 60
STEPS_SHOWN: Final = {Bucket.WEEK: 13, Bucket.MONTH: 12}
OVERVIEW_DAYS: Final = 90


@dataclass(frozen=True)
class Uses:
    """How many counted responses carry a tag, and how many of them are detractors."""

    n: int = 0
    detractors: int = 0

    @property
    def share(self) -> int | None:
        """Percent of detractors, ``None`` without responses."""
        return int(rounded(Fraction(100 * self.detractors, self.n))) if self.n else None

    @property
    def is_too_few(self) -> bool:
        """Whether the group is so small that its figures could point at one person."""
        return 0 < self.n < SMALLEST_GROUP


@dataclass(frozen=True)
class Step:
    """One step of a tag's trend, by the first day of it."""

    start: date
    uses: Uses


@dataclass(frozen=True)
class Theme:
    """A tag of a product with its uses in a period and in the one before, which was as long."""

    tag: Tag
    now: Uses
    before: Uses


@transaction.atomic
def rename_tag(*, tag: Tag, name: str) -> Tag:
    """Give a tag another name; saved views that filter by it follow.

    Raises:
        ValidationError: ``name_required``, ``too_long``, or ``name_taken`` by another tag of the product, with which
            it can be merged instead.
    """
    name = " ".join(name.split())
    if not name:
        raise ValidationError(_("Name the tag."), code="name_required")
    if len(name) > LONGEST_NAME:
        raise ValidationError(_("At most %(limit)s characters."), code="too_long", params={"limit": LONGEST_NAME})
    tags = list(Tag.objects.filter(product=tag.product_id).order_by("pk").select_for_update())
    if any(other.name.casefold() == name.casefold() for other in tags if other.pk != tag.pk):
        raise ValidationError(_("There is a tag with this name. Merge the two instead."), code="name_taken")
    _let_views_follow(tag, name)
    tag.name = name
    tag.save(update_fields=["name"])
    return tag


@transaction.atomic
def merge_tags(*, source: Tag, target: Tag) -> int:
    """Give every response of one tag another one instead and forget the first; rules, improvements and views follow.

    Measures count responses and not tags, so none of them changes.

    Returns:
        How many responses carried the tag that is gone, as ``count_uses`` counts them.

    Raises:
        ValidationError: ``same_tag`` or ``other_product``.
    """
    if source.pk == target.pk:
        raise ValidationError(_("A tag cannot be merged with itself."), code="same_tag")
    if source.product_id != target.product_id:
        raise ValidationError(_("Only tags of one product can be merged."), code="other_product")
    # Who tags at this moment waits, and then finds no tag of that name or the merged one.
    locked = Tag.objects.filter(pk__in=[source.pk, target.pk]).order_by("pk").select_for_update()
    if len(locked) != 2:
        raise ValidationError(_("One of the tags is gone. Look at the list again."), code="gone")
    count = count_uses(source)
    has_both = ResponseTag.objects.filter(tag=target, response__in=_responses_of(source))
    ResponseTag.objects.filter(tag=source, response__in=has_both.values("response")).delete()
    ResponseTag.objects.filter(tag=source).update(tag=target)
    Rule.objects.filter(adds_tag=source).update(adds_tag=target)
    Rule.objects.filter(with_tag=source).update(with_tag=target)
    target.improvements.add(*Improvement.objects.filter(tags=source).values_list("pk", flat=True))
    _let_views_follow(source, target.name)
    Tag.objects.filter(pk=source.pk).delete()
    return count


@transaction.atomic
def delete_unused_tag(*, tag: Tag) -> None:
    """Forget a tag that nothing carries.

    Raises:
        ValidationError: ``in_use`` by responses, rules or improvements.
    """
    tag = Tag.objects.select_for_update().get(pk=tag.pk)
    if (
        ResponseTag.objects.filter(tag=tag).exists()
        or rules_of(tag).exists()
        or Improvement.objects.filter(tags=tag).exists()
    ):
        raise ValidationError(
            _("Responses, rules or improvements use this tag. Merge it with another one instead."), code="in_use"
        )
    tag.delete()


def rules_of(tag: Tag) -> models.QuerySet[Any]:
    """Return the rules that give a tag or look for it."""
    return Rule.objects.filter(Q(adds_tag=tag) | Q(with_tag=tag))


def count_uses(tag: Tag) -> int:
    """Return how many responses carry a tag: also those that measures leave out, but none that is restricted."""
    return unrestricted_uses().filter(tag=tag).count()


def unrestricted_uses() -> models.QuerySet[ResponseTag]:
    """Return the taggings of responses whose use is not restricted, Art. 18 GDPR."""
    # Restricted responses are few; to look up every response that carries a tag takes longer than to count them.
    restricted = Response.including_restricted.filter(restricted_at__isnull=False)
    return ResponseTag.objects.exclude(response__in=restricted.values("pk"))


def trend_of(*, tag: Tag, bucket: Bucket) -> list[Step]:
    """Return the uses of a tag in the last steps, the newest last; steps without any are there too.

    Args:
        bucket: ``WEEK`` for thirteen or ``MONTH`` for twelve of them.
    """
    today = timezone.now().astimezone(tag.product.zone).date()
    starts = _last_starts(bucket, today)
    counted = Response.objects.counted().filter(
        pk__in=_responses_of(tag), answered_on__gte=starts[0], answered_on__lte=today
    )
    steps = counted.annotate(step=Trunc("answered_on", bucket.value, output_field=models.DateField()))
    rows = steps.order_by().values("step").annotate(n=Count("pk"), detractors=Count("pk", filter=_DETRACTOR))
    found = {row["step"]: Uses(row["n"], row["detractors"]) for row in rows}
    return [Step(start, found.get(start, Uses())) for start in starts]


def themes_of(*, product: Product, days: int = OVERVIEW_DAYS) -> list[Theme]:
    """Return every tag of a product with its uses in the last days, the most used first.

    Args:
        days: how long the period is; the one it is compared with ends where it begins.
    """
    today = timezone.now().astimezone(product.zone).date()
    middle, start = today - timedelta(days=days - 1), today - timedelta(days=2 * days - 1)
    now, before = Q(response__answered_on__gte=middle), Q(response__answered_on__lt=middle)
    bad = Q(response__band=Band.DETRACTOR)
    counted = Q(
        **{f"response__{name}": value for name, value in Response.COUNTED.children},  # type: ignore[misc]  # pairs, no nested conditions
        response__answered_on__gte=start,
        response__answered_on__lte=today,
    )
    rows = ResponseTag.objects.filter(counted, tag__product=product).order_by().values(key=F("tag"))
    counts = {
        row["key"]: row
        for row in rows.annotate(
            now=Count("pk", filter=now),
            now_bad=Count("pk", filter=now & bad),
            before=Count("pk", filter=before),
            before_bad=Count("pk", filter=before & bad),
        )
    }
    nothing = dict.fromkeys(("now", "now_bad", "before", "before_bad"), 0)
    themes = []
    for tag in Tag.objects.filter(product=product):
        row = counts.get(tag.pk, nothing)
        themes.append(Theme(tag, Uses(row["now"], row["now_bad"]), Uses(row["before"], row["before_bad"])))
    return sorted(themes, key=lambda theme: (-theme.now.n, theme.tag.name))


def _let_views_follow(tag: Tag, name: str) -> None:
    """Write the name that is to replace a tag's into the saved views that find this tag and no other.

    Views hold names, which several products may use: what its owner sees, and the product it filters by, decide.
    """
    stored = Tag.objects.get(pk=tag.pk)
    for view in SavedView.objects.filter(filters__tag=stored.name).select_related("owner"):
        found = Tag.objects.visible_to(view.owner).filter(name=stored.name)
        product = view.filters.get("product__id__exact", "")
        found = found.filter(product=product) if product.isdecimal() else found
        if list(found) == [stored]:
            view.filters["tag"] = name
            view.save(update_fields=["filters"])


_DETRACTOR: Final = Q(band=Band.DETRACTOR)


def _responses_of(tag: Tag) -> models.QuerySet[ResponseTag, int]:
    return ResponseTag.objects.filter(tag=tag).values("response")  # type: ignore[return-value]  # a subquery


def _last_starts(bucket: Bucket, today: date) -> Sequence[date]:
    starts = [bucket.start(today)]
    while len(starts) < STEPS_SHOWN[bucket]:
        starts.insert(0, bucket.start(starts[0] - timedelta(days=1)))
    return starts
