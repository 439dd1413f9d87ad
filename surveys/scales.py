"""Metrics, their scales and bands. The category of a score is always derived from the raw score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class Metric(models.TextChoices):
    NPS = "nps", "NPS"
    CES = "ces", "CES"
    CSAT = "csat", "CSAT"


class Band(models.TextChoices):
    DETRACTOR = "detractor", _("detractor")
    PASSIVE = "passive", _("passive")
    PROMOTER = "promoter", _("promoter")


class BandProfile(models.TextChoices):
    """Where the bands of a scale begin; ``wootric`` keeps the history of surveys that came from there comparable."""

    STANDARD = "standard", _("standard")
    WOOTRIC = "wootric", "Wootric"


@dataclass(frozen=True)
class Scale:
    """A range of integers, both ends included, and the lowest score of the two upper bands."""

    minimum: int
    maximum: int
    passive_from: int
    promoter_from: int

    def __contains__(self, score: object) -> bool:
        return type(score) is int and self.minimum <= score <= self.maximum

    @property
    def scores(self) -> range:
        return range(self.minimum, self.maximum + 1)

    def band(self, score: int) -> Band:
        """Return the band of a score.

        Raises:
            ValueError: the score is outside the scale.
        """
        if score not in self:
            raise ValueError(f"{score!r} is outside {self.minimum}–{self.maximum}")
        if score >= self.promoter_from:
            return Band.PROMOTER
        return Band.PASSIVE if score >= self.passive_from else Band.DETRACTOR


SCALES: Final[dict[tuple[str, str], Scale]] = {
    (Metric.NPS, BandProfile.STANDARD): Scale(0, 10, passive_from=7, promoter_from=9),
    (Metric.CES, BandProfile.STANDARD): Scale(1, 7, passive_from=4, promoter_from=5),
    (Metric.CSAT, BandProfile.STANDARD): Scale(1, 5, passive_from=3, promoter_from=4),
    (Metric.NPS, BandProfile.WOOTRIC): Scale(0, 10, passive_from=7, promoter_from=9),
    (Metric.CES, BandProfile.WOOTRIC): Scale(1, 7, passive_from=4, promoter_from=6),
    (Metric.CSAT, BandProfile.WOOTRIC): Scale(1, 5, passive_from=3, promoter_from=4),
}


def scale_of(metric: str, profile: str = BandProfile.STANDARD) -> Scale:
    """Return the scale of a metric under a band profile."""
    return SCALES[metric, profile]
