"""Models of feedback: people and invitations, responses and their tallies, follow-ups, imports."""

from feedback.models.asking import ChannelPermission, Invitation, Respondent
from feedback.models.capturing import Response, ResponseTag, ScoreChange, Tag, Tally
from feedback.models.following_up import FollowUp
from feedback.models.importing import ImportRowError, ImportRun

__all__ = [
    "ChannelPermission",
    "FollowUp",
    "ImportRowError",
    "ImportRun",
    "Invitation",
    "Respondent",
    "Response",
    "ResponseTag",
    "ScoreChange",
    "Tag",
    "Tally",
]
