"""Surveys, whom they are for, the wording staff edit, and the versions that people were actually shown."""

from surveys.models.surveys import Channel, ScoreLinks, Survey, every_channel, new_slug
from surveys.models.targeting import AudienceRule, Event, SegmentQuota
from surveys.models.throttles import ProductThrottles, ThrottleNumbers
from surveys.models.wording import BandWording, SurveyVersion, Wording

__all__ = [
    "AudienceRule",
    "BandWording",
    "Channel",
    "Event",
    "ProductThrottles",
    "ScoreLinks",
    "SegmentQuota",
    "Survey",
    "SurveyVersion",
    "ThrottleNumbers",
    "Wording",
    "every_channel",
    "new_slug",
]
