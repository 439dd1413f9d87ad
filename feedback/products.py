"""What a product asks and whom: its settings and published surveys in one statement, remembered for a moment.

Nearly all calls of the asking endpoints are page views of one product after the other: reading its settings anew for
each would be half of their work. So a change that staff make takes effect within ``PRODUCT_SETTINGS_AGE`` seconds.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

from django.conf import settings
from django.db import connection

from feedback.eligibility import Candidate
from privacy.encryption import decrypt
from surveys.throttling import DEFAULTS, NUMBERS, Throttles

LIFETIME: Final = timedelta(days=60)  # of an invitation that nobody answers
MOST_REMEMBERED: Final = 1_000  # products; somebody who hosts more than that loses speed and nothing else

THROTTLE_COLUMNS: Final = ", ".join(f"coalesce(survey.{name}, throttles.{name})" for name in NUMBERS)

PRODUCT: Final = f"""
SELECT product.id, product.is_live, product.test_key, product.identity_mode, product.allowed_origins,
       product.allowed_url_parameters, product.blocked_urls,
       ARRAY(SELECT secret FROM privacy_signingsecret WHERE product_id = product.id),
       survey.id, survey.current_version_id, survey.metric, survey.band_profile, survey.channels, survey.priority,
       survey.state, survey.starts_at, survey.ends_at, version.default_language, version.content, {THROTTLE_COLUMNS}
FROM privacy_product product
LEFT JOIN surveys_productthrottles throttles ON throttles.product_id = product.id
LEFT JOIN surveys_survey survey ON survey.product_id = product.id AND survey.current_version_id IS NOT NULL
    AND survey.state <> 'archived'
LEFT JOIN surveys_surveyversion version ON version.id = survey.current_version_id
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
    """A product's settings for asking and its published surveys."""

    id: int
    is_live: bool
    test_key: str
    identity_mode: str
    allowed_origins: tuple[str, ...]
    allowed_url_parameters: tuple[str, ...]
    blocked_urls: tuple[str, ...]
    encrypted_secrets: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    wordings: dict[int, VersionWording]

    @cached_property
    def signing_secrets(self) -> list[str]:
        """The secrets with which the product's backend signs identities."""
        return [decrypt(secret) for secret in self.encrypted_secrets]

    @cached_property
    def history_matters(self) -> timedelta:
        """How far back the invitations of a person matter to any of the surveys.

        An invitation can be answered, declined or put off as long as it lives, and the rest begins only then.
        """
        days = [90]
        for candidate in self.candidates:
            throttles = candidate.throttles
            days += [throttles.response_days, throttles.decline_days, throttles.snooze_days, throttles.unanswered_days]
        return timedelta(days=max(days)) + LIFETIME


_remembered: dict[str, tuple[float, ProductFacts]] = {}


def product_facts(public_key: str) -> ProductFacts | None:
    """Return the product with this key, or ``None``; one statement, or none where it was read a moment ago."""
    now = time.monotonic()
    read_at, product = _remembered.get(public_key, (0.0, None))
    if product is None or now - read_at >= settings.PRODUCT_SETTINGS_AGE:
        product = load_product(public_key)
        if len(_remembered) >= MOST_REMEMBERED:
            forget()
        if product is not None:
            _remembered[public_key] = now, product
    return product


def forget() -> None:
    """Read every product's settings anew when they are next needed."""
    _remembered.clear()


def load_product(public_key: str) -> ProductFacts | None:
    """Return the product with this key as it is now, or ``None``; one statement."""
    if "\x00" in public_key:  # no text in PostgreSQL has it
        return None
    with connection.cursor() as cursor:
        cursor.execute(PRODUCT, [public_key])
        rows = cursor.fetchall()
    if not rows:
        return None
    surveys = [row[8:] for row in rows if row[8] is not None]
    key, is_live, test_key, identity_mode, origins, parameters, blocked, secrets = rows[0][:8]
    return ProductFacts(
        id=key,
        is_live=is_live,
        test_key=test_key,
        identity_mode=identity_mode,
        allowed_origins=tuple(origins),
        allowed_url_parameters=tuple(parameters),
        blocked_urls=tuple(blocked),
        encrypted_secrets=tuple(secrets),
        candidates=tuple(_candidate(row, product_is_live=is_live) for row in surveys),
        wordings={row[1]: VersionWording(row[9], row[10]) for row in surveys},
    )


def _candidate(row: tuple[Any, ...], *, product_is_live: bool) -> Candidate:
    survey_id, version_id, metric, band_profile, channels, priority, state, starts_at, ends_at, _, _, *numbers = row
    set_numbers = {name: number for name, number in zip(NUMBERS, numbers, strict=True) if number is not None}
    return Candidate(
        survey_id=survey_id,
        version_id=version_id,
        metric=metric,
        band_profile=band_profile,
        channels=tuple(channels),
        priority=priority,
        is_live=product_is_live and state == "live",
        starts_at=starts_at,
        ends_at=ends_at,
        throttles=Throttles(**set_numbers) if set_numbers else DEFAULTS,
    )
