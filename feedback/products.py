"""What a product asks and whom: its settings and published surveys in one statement, remembered for a moment.

Nearly all calls of the asking endpoints are page views of one product after the other: reading its settings anew for
each would be half of their work. So a change that staff make takes effect within ``PRODUCT_SETTINGS_AGE`` seconds; the
counts of segments alone, which are counted from the responses one by one, are remembered longer.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.utils import timezone

from feedback.eligibility import Candidate, Quotas, end_of_day
from privacy.encryption import decrypt
from surveys.targeting import Quota, Rule
from surveys.throttling import NUMBERS, resolve

LIFETIME: Final = timedelta(days=60)  # of an invitation that nobody answers
SLOWNESS: Final = 15  # times longer than settings are counts remembered for which responses are read one by one
MOST_REMEMBERED: Final = 1_000  # products; somebody who hosts more than that loses speed and nothing else


def _numbers_of(table: str, prefix: str) -> str:
    return ", ".join(f"{table}.{name} AS {prefix}_{name}" for name in NUMBERS)


def _tag(column: str) -> str:
    """Return the SQL of a language's code with which those of its varieties begin: of EN- for en, EN-GB- for en_gb."""
    return f"upper(replace({column}, '_', '-')) || '-'"


# What a survey has so far is counted from the tallies; a segment that they do not know is counted from the responses,
# as far as its quota goes, unless such counts are still known: then they are NULL.
PRODUCT: Final = f"""
SELECT product.id, product.is_live, product.test_key, product.identity_mode, product.allowed_origins,
       product.allowed_url_parameters, product.blocked_urls, product.time_zone,
       ARRAY(SELECT secret FROM privacy_signingsecret WHERE product_id = product.id) AS secrets,
       ARRAY(SELECT name FROM surveys_event WHERE product_id = product.id) AS events,
       ARRAY(
           SELECT jsonb_build_array(each.id, each.metric) FROM surveys_survey each WHERE each.product_id = product.id
       ) AS metrics,
       survey.id AS survey_id, survey.current_version_id, survey.metric, survey.band_profile, survey.channels,
       survey.priority, survey.state, survey.starts_at, survey.ends_at, survey.is_transactional,
       survey.transactional_floor_days, version.default_language, version.content, survey.daily_cap,
       survey.response_target, given.today, given.total,
       ARRAY(
           SELECT jsonb_build_array(rule.subject, rule.name, rule.operator, rule.values) FROM surveys_audiencerule rule
           WHERE rule.survey_id = survey.id ORDER BY rule.position, rule.id
       ) AS rules,
       ARRAY(
           SELECT jsonb_build_array(quota.id, quota.dimension, quota.name, quota.value, quota.target, CASE WHEN %s
           THEN (
               SELECT count(*) FROM (
                   SELECT FROM feedback_response response
                   WHERE response.survey_id = survey.id AND NOT response.is_test AND NOT response.is_suspect
                       AND response.excluded_at IS NULL AND response.restricted_at IS NULL
                       AND CASE quota.dimension
                           WHEN 'country' THEN upper(response.country) = upper(quota.value)
                           WHEN 'language' THEN starts_with({_tag("response.language")}, {_tag("quota.value")})
                           WHEN 'company' THEN upper(response.company) = upper(quota.value)
                           ELSE upper(response.properties ->> quota.name) = upper(quota.value)
                       END
                   LIMIT quota.target
               ) counted
           ) END)
           FROM surveys_segmentquota quota WHERE quota.survey_id = survey.id ORDER BY quota.id
       ) AS segments,
       {_numbers_of("survey", "own")}, {_numbers_of("throttles", "common")}
FROM privacy_product product
LEFT JOIN surveys_productthrottles throttles ON throttles.product_id = product.id
LEFT JOIN surveys_survey survey ON survey.product_id = product.id AND survey.current_version_id IS NOT NULL
    AND survey.state <> 'archived'
LEFT JOIN surveys_surveyversion version ON version.id = survey.current_version_id
LEFT JOIN LATERAL (
    SELECT coalesce(sum(tally.count), 0) AS total,
           coalesce(sum(tally.count) FILTER (WHERE tally.day = (%s AT TIME ZONE product.time_zone)::date), 0) AS today
    FROM feedback_tally tally
    JOIN surveys_surveyversion own ON own.id = tally.version_id AND own.survey_id = survey.id
    WHERE tally.product_id = product.id
        AND (survey.response_target IS NOT NULL OR tally.day = (%s AT TIME ZONE product.time_zone)::date)
) given ON survey.daily_cap IS NOT NULL OR survey.response_target IS NOT NULL
WHERE product.public_key = %s
"""  # noqa: S608  the columns are names of dataclass fields


@dataclass(frozen=True)
class VersionWording:
    """A version's wording, not parsed before it is needed: most decisions are a no."""

    default_language: str
    json: str

    @cached_property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.json)
        return content


@dataclass(frozen=True, kw_only=True)
class ProductFacts:
    """A product's settings for asking and its published surveys.

    Args:
        metrics: survey → metric, also of surveys that are not asked any more.
    """

    id: int
    is_live: bool
    test_key: str
    identity_mode: str
    allowed_origins: tuple[str, ...]
    allowed_url_parameters: tuple[str, ...]
    blocked_urls: tuple[str, ...]
    zone: ZoneInfo
    events: frozenset[str]
    metrics: dict[int, str]
    encrypted_secrets: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    wordings: dict[int, VersionWording]

    @cached_property
    def signing_secrets(self) -> list[str]:
        """The secrets with which the product's backend signs identities."""
        return [decrypt(secret) for secret in self.encrypted_secrets]

    @cached_property
    def has_audiences(self) -> bool:
        """Whether a survey looks at who somebody is."""
        return any(candidate.rules or candidate.quotas.segments for candidate in self.candidates)

    @cached_property
    def history_matters(self) -> timedelta:
        """How far back the invitations of a person matter to any of the surveys.

        An invitation can be answered, declined or put off as long as it lives, and the rest begins only then.
        """
        days = [90]
        for candidate in self.candidates:
            throttles = candidate.throttles
            days += [throttles.response_days, throttles.decline_days, throttles.snooze_days]
            days += [throttles.unanswered_days, throttles.cooldown_days, throttles.mail_days]
            days += [candidate.transactional_floor_days]
        return timedelta(days=max(days)) + LIFETIME


Counts = dict[int, tuple[Quota, int]]  # number of a quota → the quota, and how much of it was filled

_remembered: dict[str, tuple[float, ProductFacts]] = {}
_counted: dict[str, tuple[float, Counts]] = {}


def product_facts(public_key: str) -> ProductFacts | None:
    """Return the product with this key, or ``None``.

    One statement, or none where it was read a moment ago; two where a quota is newer than what was counted.
    """
    now = time.monotonic()
    good_until, product = _remembered.get(public_key, (0.0, None))
    if product is None or now >= good_until:
        at = timezone.now()
        product = _read(public_key, now)
        if len(_remembered) >= MOST_REMEMBERED:
            forget()
        if product is not None:
            until_tomorrow = (end_of_day(at, product.zone) - at).total_seconds()  # what it was answered today ends then
            _remembered[public_key] = now + min(settings.PRODUCT_SETTINGS_AGE, until_tomorrow), product
    return product


def _read(public_key: str, now: float) -> ProductFacts | None:
    """Read a product's settings, and its segments only where what was counted of them is no longer good."""
    good_until, counts = _counted.get(public_key, (0.0, None))
    if counts is not None and now < good_until:
        rows = _rows(public_key, counts_segments=False)
        if all(counts.get(number, (None,))[0] == quota for number, quota, _given in _segments(rows)):
            return _facts(rows, {number: given for number, (_quota, given) in counts.items()})
    rows = _rows(public_key, counts_segments=True)
    counts = {number: (quota, given) for number, quota, given in _segments(rows)}
    _counted.pop(public_key, None)
    if counts:
        if len(_counted) >= MOST_REMEMBERED:
            _counted.clear()
        _counted[public_key] = now + settings.PRODUCT_SETTINGS_AGE * SLOWNESS, counts
    return _facts(rows)


def forget() -> None:
    """Read every product's settings anew when they are next needed."""
    _remembered.clear()
    _counted.clear()


def load_product(public_key: str) -> ProductFacts | None:
    """Return the product with this key as it is now, or ``None``; one statement."""
    return _facts(_rows(public_key, counts_segments=True))


def _rows(public_key: str, *, counts_segments: bool) -> list[dict[str, Any]]:
    """Return a row for each survey of the product, or one without a survey; none where there is no such product."""
    if "\x00" in public_key:  # no text in PostgreSQL has it
        return []
    at = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(PRODUCT, [counts_segments, at, at, public_key])
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        row["segments"] = [
            (number, Quota(*quota), given) for number, *quota, given in map(json.loads, row["segments"] or ())
        ]
    return rows


def _segments(rows: list[dict[str, Any]]) -> list[tuple[int, Quota, int]]:
    return [segment for row in rows for segment in row["segments"]]


def _facts(rows: list[dict[str, Any]], counts: dict[int, int] | None = None) -> ProductFacts | None:
    """Return what the rows say.

    Args:
        counts: number of a quota → how much of it was filled, where the rows do not say it.
    """
    if not rows:
        return None
    product, surveys = rows[0], [row for row in rows if row["survey_id"] is not None]
    return ProductFacts(
        id=product["id"],
        is_live=product["is_live"],
        test_key=product["test_key"],
        identity_mode=product["identity_mode"],
        allowed_origins=tuple(product["allowed_origins"]),
        allowed_url_parameters=tuple(product["allowed_url_parameters"]),
        blocked_urls=tuple(product["blocked_urls"]),
        zone=ZoneInfo(product["time_zone"]),
        events=frozenset(product["events"]),
        metrics=dict(map(json.loads, product["metrics"])),
        encrypted_secrets=tuple(product["secrets"]),
        candidates=tuple(_candidate(row, counts or {}) for row in surveys),
        wordings={
            row["current_version_id"]: VersionWording(row["default_language"], row["content"]) for row in surveys
        },
    )


def _candidate(row: dict[str, Any], counts: dict[int, int]) -> Candidate:
    own, common = (
        SimpleNamespace(**{name: row[f"{prefix}_{name}"] for name in NUMBERS}) for prefix in ("own", "common")
    )
    return Candidate(
        survey_id=row["survey_id"],
        version_id=row["current_version_id"],
        metric=row["metric"],
        band_profile=row["band_profile"],
        channels=tuple(row["channels"]),
        priority=row["priority"],
        is_live=row["is_live"] and row["state"] == "live",
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        throttles=resolve(own, common),
        languages=tuple(json.loads(row["content"])),
        rules=tuple(
            Rule(subject, name, operator, tuple(values))
            for subject, name, operator, values in map(json.loads, row["rules"])
        ),
        quotas=Quotas(
            daily_cap=row["daily_cap"],
            target=row["response_target"],
            today=int(row["today"] or 0),
            total=int(row["total"] or 0),
            segments=tuple((quota, counts.get(number, given)) for number, quota, given in row["segments"]),
        ),
        is_transactional=row["is_transactional"],
        transactional_floor_days=row["transactional_floor_days"],
    )
