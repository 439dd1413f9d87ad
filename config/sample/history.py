"""Draws who was asked when, and how it went: a year and more of believable history for given surveys."""

from __future__ import annotations

import math
import secrets
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from config.sample.comments import compose
from config.sample.people import draw_anonymous, draw_known
from feedback.models import Response
from surveys.models import Channel
from surveys.scales import Band, Metric

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from random import Random
    from zoneinfo import ZoneInfo

    from surveys.models import Survey
    from surveys.scales import Scale

Row = dict[str, Any]

GROWTH_PER_MONTH: Final = 0.06
WEEKDAYS: Final = (1.1, 1.1, 1.05, 1.05, 0.95, 0.55, 0.5)  # Monday first
HOURS: Final = (1, 1, 1, 1, 1, 3, 8, 14, 20, 22, 22, 20, 20, 18, 18, 18, 18, 20, 22, 24, 22, 16, 8, 3)  # UTC
CHANNELS: Final = {Channel.WEB: 50, Channel.MOBILE: 28, Channel.EMAIL: 14, Channel.LINK: 8}
LANGUAGES: Final = {"pl": 76, "en": 24}
KNOWN_SHARE: Final = {Channel.WEB: 0.6, Channel.MOBILE: 0.9, Channel.EMAIL: 1.0, Channel.LINK: 0.0}
# How an occasion ends, in per cent; the rest is ignored.
OUTCOMES: Final = {
    Channel.WEB: {"responded": 34, "declined": 16, "snoozed": 5},
    Channel.MOBILE: {"responded": 38, "declined": 18, "snoozed": 6},
    Channel.EMAIL: {"responded": 24},
    Channel.LINK: {"responded": 100},
}
# How often each score is given, lowest first, at the beginning and at the end of the history.
SCORES: Final = {
    Metric.NPS: ((5, 2, 3, 4, 4, 8, 8, 14, 20, 16, 16), (3, 1, 2, 3, 3, 6, 6, 13, 21, 20, 22)),
    Metric.CES: ((6, 7, 10, 14, 22, 25, 16), (4, 5, 8, 12, 23, 28, 20)),
    Metric.CSAT: ((9, 8, 15, 36, 32), (6, 6, 13, 38, 37)),
}
COMMENTED: Final = {Band.DETRACTOR: 0.55, Band.PASSIVE: 0.33, Band.PROMOTER: 0.35}
ASKED_AGAIN: Final = 0.35
REST: Final = (91, 160)  # days until somebody may be asked again
NEWEST: Final = timedelta(minutes=10)  # leaves time for the answer itself
LIFETIME: Final = timedelta(days=60)
PAGES: Final = ("", "konto", "przelewy", "karty", "pomoc", "ustawienia")
APP_VERSIONS: Final = ("5.2.0", "5.3.1", "5.4.0")
TRIAGE: Final = (Response.Triage.READ, Response.Triage.READ, Response.Triage.READ, Response.Triage.ARCHIVED)

COPIED_FROM_INVITATION: Final = (
    *("product_id", "survey_id", "version_id", "respondent_id"),
    *("channel", "language", "url", "device", "app_version"),
)
COPIED_FROM_PERSON: Final = ("country", "company", "name", "email", "properties")


@dataclass(frozen=True)
class Asking:
    """What history must know of a published survey."""

    survey_id: int
    version_id: int
    product_id: int
    metric: str
    band_profile: str
    scale: Scale
    zone: ZoneInfo
    channels: tuple[Channel, ...]
    languages: tuple[str, ...]

    @classmethod
    def of(cls, survey: Survey) -> Asking:
        version = survey.current_version
        if version is None:
            raise ValueError(f"survey {survey.pk} was never published")
        return cls(
            survey_id=survey.pk,
            version_id=version.pk,
            product_id=survey.product_id,
            metric=version.metric,
            band_profile=version.band_profile,
            scale=version.scale,
            zone=survey.product.zone,
            channels=tuple(Channel(channel) for channel in survey.channels),
            languages=tuple(sorted(version.content, key=lambda code: -LANGUAGES.get(code, 1))),
        )


@dataclass
class Chunk:
    """Rows of the three tables, parents before children."""

    respondents: list[Row] = field(default_factory=list)
    invitations: list[Row] = field(default_factory=list)
    responses: list[Row] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.respondents) + len(self.invitations) + len(self.responses)


class History:
    """Draws chunks of history; the same random source gives the same people, but for tokens and receipts.

    Args:
        surveys: published surveys of one or more products; earlier products get more answers.
        random: where chance comes from.
        until: the newest moment.
        days: how far back the history reaches.
        ids: for each of "respondent", "invitation" and "response" an endless source of primary keys.
    """

    def __init__(
        self,
        surveys: Sequence[Survey],
        *,
        random: Random,
        until: datetime,
        days: int,
        ids: dict[str, Iterator[int]],
    ) -> None:
        self.random = random
        self.until = until - NEWEST
        self.since = self.until - timedelta(days=days)
        self.ids = ids
        self.by_product: dict[int, list[Asking]] = defaultdict(list)
        for survey in surveys:
            self.by_product[survey.product_id].append(Asking.of(survey))
        self.products = list(self.by_product)
        self.product_weights = list(accumulate(1 / place for place in range(1, len(self.products) + 1)))
        self.days = [self.until.date() - timedelta(days=age) for age in range(days)]
        self.day_weights = list(accumulate(map(self._weight_of_day, self.days)))
        self.hour_weights = list(accumulate(HOURS))

    def draw(self, responses: int) -> Chunk:
        """Return a chunk with exactly this number of responses, and whoever was asked in vain besides."""
        chunk = Chunk()
        while len(chunk.responses) < responses:
            self._draw_person(chunk, responses)
        return chunk

    def _draw_person(self, chunk: Chunk, responses: int) -> None:
        random = self.random
        asking = random.choice(self.by_product[random.choices(self.products, cum_weights=self.product_weights)[0]])
        channel = self._weighted(CHANNELS, asking.channels)
        language = self._weighted(LANGUAGES, asking.languages)
        at = self._moment()
        person = self._person(asking.product_id, channel, language, at)
        chunk.respondents.append(person)
        while at <= self.until and len(chunk.responses) < responses:
            person["reservations"] += 1
            self._draw_occasion(chunk, asking, channel, person, at)
            if channel == Channel.LINK or random.random() > ASKED_AGAIN:
                break
            at += timedelta(days=random.randint(*REST), minutes=random.randint(-300, 300))
            asking = random.choice([other for other in self.by_product[asking.product_id] if channel in other.channels])

    def _person(self, product_id: int, channel: Channel, language: str, at: datetime) -> Row:
        random = self.random
        row: Row = {"id": next(self.ids["respondent"]), "product_id": product_id, "reservations": 0}
        if random.random() < KNOWN_SHARE[channel]:
            seen = at - timedelta(days=random.randint(0, 90))
            since = seen - timedelta(days=random.randint(40, 1500))
            return {**row, **draw_known(random, language=language, first_seen_at=seen, customer_since=since)}
        return {**row, **draw_anonymous(random, language=language, first_seen_at=at)}

    def _draw_occasion(self, chunk: Chunk, asking: Asking, channel: Channel, person: Row, at: datetime) -> None:
        random = self.random
        outcome = self._outcome(channel)
        shown_at = at + timedelta(hours=random.randint(1, 30)) if channel == Channel.EMAIL else at
        shown_at = min(shown_at, self.until)
        acted_at = shown_at + timedelta(seconds=random.randint(2, 90))
        was_opened = channel != Channel.EMAIL or outcome or random.random() < 0.4
        invitation: Row = {
            "id": next(self.ids["invitation"]),
            "product_id": asking.product_id,
            "survey_id": asking.survey_id,
            "version_id": asking.version_id,
            "respondent_id": person["id"],
            "channel": channel.value,
            "language": person["language"],
            "token_digest": secrets.token_bytes(32),
            "created_at": at,
            "expires_at": at + LIFETIME,
            "sent_at": at if channel == Channel.EMAIL else None,
            "opened_at": shown_at if channel == Channel.EMAIL and was_opened else None,
            "shown_at": shown_at if was_opened else None,
            "responded_at": acted_at if outcome == "responded" else None,
            "declined_at": acted_at if outcome == "declined" else None,
            "snoozed_at": acted_at if outcome == "snoozed" else None,
            **self._surroundings(channel),
        }
        chunk.invitations.append(invitation)
        if outcome == "responded":
            chunk.responses.append(self._response(asking, person, invitation, acted_at))

    def _response(self, asking: Asking, person: Row, invitation: Row, at: datetime) -> Row:
        random = self.random
        score = self._score(asking, at)
        band = asking.scale.band(score)
        comment = compose(random, invitation["language"], band) if random.random() < COMMENTED[band] else ""
        is_recent = self.until - at < timedelta(days=14)
        return {
            "id": next(self.ids["response"]),
            **{name: invitation[name] for name in COPIED_FROM_INVITATION},
            **{name: person[name] for name in COPIED_FROM_PERSON},
            "invitation_id": invitation["id"],
            "submission_id": f"{random.getrandbits(128):032x}",
            "state": Response.State.COMPLETE.value,
            "metric": asking.metric,
            "band_profile": asking.band_profile,
            "score": score,
            "comment": comment,
            "contact_permission": bool(comment) and person["email"] != "" and random.random() < 0.3,
            "receipt_hash": secrets.token_bytes(32),
            "answered_at": at,
            "answered_on": at.astimezone(asking.zone).date(),
            "received_at": at,
            "completed_at": at + timedelta(seconds=random.randint(3, 120)),
            "triage": (Response.Triage.UNREAD if is_recent else random.choice(TRIAGE)).value,
        }

    def _score(self, asking: Asking, at: datetime) -> int:
        share = (at - self.since) / (self.until - self.since)
        weights = SCORES[Metric(asking.metric)][self.random.random() < share]
        return self.random.choices(asking.scale.scores, weights)[0]

    def _outcome(self, channel: Channel) -> str:
        drawn = self.random.random() * 100
        for outcome, share in OUTCOMES[channel].items():
            drawn -= share
            if drawn < 0:
                return outcome
        return ""

    def _surroundings(self, channel: Channel) -> Row:
        random = self.random
        if channel == Channel.MOBILE:
            return {"url": "", "device": "phone", "app_version": random.choice(APP_VERSIONS)}
        url = f"https://www.modrzew.example/{random.choice(PAGES)}" if channel == Channel.WEB else ""
        return {"url": url, "device": random.choice(("desktop", "desktop", "phone", "tablet")), "app_version": ""}

    def _weighted(self, weights: Mapping[Any, int], available: Sequence[str]) -> Any:
        return self.random.choices(available, [weights.get(name, 1) for name in available])[0]

    def _moment(self) -> datetime:
        random = self.random
        day = random.choices(self.days, cum_weights=self.day_weights)[0]
        hour = random.choices(range(24), cum_weights=self.hour_weights)[0]
        at = datetime.combine(day, time(hour, random.randrange(60), random.randrange(60)), UTC)
        return at if at <= self.until else at - timedelta(days=1)

    def _weight_of_day(self, day: date) -> float:
        months = (self.until.date() - day).days / 30
        return WEEKDAYS[day.weekday()] * math.exp(-GROWTH_PER_MONTH * months)
