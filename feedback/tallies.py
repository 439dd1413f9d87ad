"""Reading the tallies, and proving that they equal a recount of the responses they summarise."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection, models, transaction
from django.db.models import Count, F, Max, Min, Sum
from django.db.models.functions import Trunc

from feedback.metrics import Counts
from feedback.models import Response, Tally
from feedback.periods import DAY, Bucket, Period
from surveys.scales import BandProfile, Metric

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from django.db.models import QuerySet


def scores_by_product(*, products: Collection[int], period: Period) -> dict[tuple[int, Metric], Counts]:
    """Return the counts of each product and metric that has answers in the period.

    Args:
        products: primary keys; whoever calls has made sure that the reader may see them.
        period: days of each product's own calendar.
    """
    return _grouped(_tallies(products, period), "product_id")


def scores_by_product_and_bucket(
    *, products: Collection[int], period: Period, bucket: Bucket
) -> dict[tuple[int, date, Metric], Counts]:
    """Return the counts of each product by the first day of each bucket, and metric.

    A bucket that the period only partly covers has the answers of the days inside; one without answers is left out.
    """
    tallies = _tallies(products, period)
    by_bucket = tallies.annotate(bucket=Trunc("day", bucket.value, output_field=models.DateField()))
    return _grouped(by_bucket, "product_id", "bucket")


def days_with_answers(*, products: Collection[int]) -> Period | None:
    """Return the period from the first to the last day with answers to the products; ``None`` without any."""
    days = Tally.objects.filter(product__in=products).order_by().values("day").annotate(total=Sum("count"))
    ends = days.filter(total__gt=0).aggregate(first=Min("day"), last=Max("day"))
    return Period(ends["first"], ends["last"] + DAY) if ends["first"] else None


def _tallies(products: Collection[int], period: Period) -> QuerySet[Tally]:
    return Tally.objects.filter(product__in=products, day__gte=period.start, day__lt=period.end)


def _grouped(tallies: QuerySet[Tally], *keys: str) -> dict[Any, Counts]:
    given: defaultdict[tuple[Any, ...], dict[tuple[BandProfile, int], int]] = defaultdict(dict)
    rows = tallies.values_list(*keys, "version__metric", "version__band_profile", "score").annotate(total=Sum("count"))
    for *values, metric, profile, score, total in rows.filter(total__gt=0).order_by():
        given[*values, Metric(metric)][BandProfile(profile), score] = total
    return {key: Counts(key[-1], scores) for key, scores in given.items()}


# --- Recounting -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Drift:
    """A tally that says something else than its rows; ``dimensions`` are in the order of ``Tally.DIMENSIONS``."""

    dimensions: tuple[Any, ...]
    tallied: int
    recounted: int

    def __str__(self) -> str:
        place = " ".join(f"{name}={value}" for name, value in zip(Tally.DIMENSIONS, self.dimensions, strict=True))
        return f"{place}: tallied {self.tallied}, recounted {self.recounted}"


def find_drift() -> list[Drift]:
    """Return every tally that differs from a recount, and every recount without a tally.

    One statement sees one snapshot, so this is exact while others write. It reads every response once.
    """
    recount, parameters = _recount().query.sql_with_params()
    columns = ", ".join(Tally.DIMENSIONS)
    sql = f"""
        SELECT {columns}, coalesce(tallies.count, 0), coalesce(recount.count, 0)
        FROM (SELECT {columns}, sum(count) AS count FROM {Tally._meta.db_table} GROUP BY {columns}) AS tallies
        FULL JOIN ({recount}) AS recount USING ({columns})
        WHERE coalesce(tallies.count, 0) <> coalesce(recount.count, 0) ORDER BY {columns}
    """  # noqa: S608  names of columns and the ORM's own SQL with its parameters apart
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [Drift(tuple(row[:-2]), row[-2], row[-1]) for row in cursor.fetchall()]


@transaction.atomic
def repair_tallies() -> list[Drift]:
    """Set every tally to the recount of its rows and return what was wrong.

    Writers of responses wait while this runs: a tally that changed between counting and repairing would be lost.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {Tally._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")
        wrong = find_drift()
        columns = ", ".join(Tally.DIMENSIONS)
        cursor.executemany(
            f"""
            INSERT INTO {Tally._meta.db_table} ({columns}, slot, count)
            VALUES ({", ".join(["%s"] * len(Tally.DIMENSIONS))}, 0, %s)
            ON CONFLICT ({columns}, slot) DO UPDATE SET count = {Tally._meta.db_table}.count + excluded.count
            """,  # noqa: S608  names of columns
            [[*drift.dimensions, drift.recounted - drift.tallied] for drift in wrong],
        )
    return wrong


def _recount() -> QuerySet[Response, dict[str, Any]]:
    """Return the counts that tallies must have, from the rows and from nothing but ``Response.COUNTED``."""
    same = [name for name in Tally.DIMENSIONS if name != "day"]
    rows: QuerySet[Response] = Response.including_restricted.counted().order_by()
    counts: QuerySet[Response, dict[str, Any]] = rows.values(*same, day=F("answered_on")).annotate(count=Count("*"))
    return counts
