"""What a decision is made of: the surveys that might be asked, and all that is known about a person and a moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from surveys.targeting import Quota, Rule, Visitor

if TYPE_CHECKING:
    from surveys.throttling import Throttles


@dataclass(frozen=True, kw_only=True)
class Quotas:
    """How many responses a survey wants, and how many it has.

    Args:
        daily_cap: most responses in a day of the product; ``None`` for no limit.
        target: most responses in total.
        segments: each quota of a segment with the number of its responses.
    """

    daily_cap: int | None = None
    today: int = 0
    target: int | None = None
    total: int = 0
    segments: tuple[tuple[Quota, int], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A survey that might be asked."""

    survey_id: int
    version_id: int | None
    metric: str
    band_profile: str
    channels: tuple[str, ...]
    priority: int
    is_live: bool
    starts_at: datetime | None
    ends_at: datetime | None
    throttles: Throttles
    languages: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    quotas: Quotas = field(default_factory=Quotas)
    is_transactional: bool = False
    transactional_floor_days: int = 1


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """An earlier invitation of this person."""

    survey_id: int
    metric: str
    created_at: datetime
    sent_at: datetime | None = None
    shown_at: datetime | None = None
    responded_at: datetime | None = None
    declined_at: datetime | None = None
    snoozed_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        return bool(self.responded_at or self.declined_at or self.snoozed_at)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that is known about the person, the moment and the product.

    Args:
        is_forced: asked with the product's test key, whatever the checks say.
        visitor: what the rules of an audience look at.
        languages: codes or values of ``Accept-Language`` by which the person may be asked, best first.
        events: names of the events that the product lists.
        zone: where the product's days begin and end.
        wants_no_mail: unsubscribed, or not to be contacted; a personal link goes out in a mail as well.
        history: the invitations of at least the longest rest's length.
    """

    at: datetime
    channel: str
    is_forced: bool = False
    visitor: Visitor = field(default_factory=Visitor)
    languages: tuple[str, ...] = ()
    events: frozenset[str] = frozenset()
    blocked_urls: tuple[str, ...] = ()
    identity_mode: str = "open"
    zone: tzinfo = UTC
    is_known: bool = False
    is_signed: bool = False
    subject_key: str = ""
    customer_since: datetime | None = None
    first_seen_at: datetime | None = None
    has_objected: bool = False
    is_restricted: bool = False
    is_suppressed: bool = False
    has_permission: bool = True
    wants_no_mail: bool = False
    has_bounced: bool = False
    history: tuple[Occasion, ...] = ()
