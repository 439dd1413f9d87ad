"""Models of feedback: people and invitations, responses and their tallies, follow-ups, imports."""

from feedback.models.asking import ANONYMOUS, DELIVERED, ChannelPermission, Invitation, Respondent, Suspicion
from feedback.models.automating import Rule
from feedback.models.capturing import Response, ResponseTag, ScoreChange, Tag, Tally
from feedback.models.contacting import Contact, Note, StatusChange
from feedback.models.failing import TaskFailure
from feedback.models.following_up import FollowUp, Priority
from feedback.models.importing import ImportRowError, ImportRun
from feedback.models.improving import Improvement, ImprovementMail
from feedback.models.mailing import Campaign, CampaignAudience, CampaignMail, CampaignWording, InvitationCall, MailEvent
from feedback.models.notifying import MailPreference, Notice, StaffMail, Subscription
from feedback.models.reading import SavedView
from feedback.models.segments import Segment
from feedback.models.working import RootCause, Team, WorkingHours

__all__ = [
    "ANONYMOUS",
    "DELIVERED",
    "Campaign",
    "CampaignAudience",
    "CampaignMail",
    "CampaignWording",
    "ChannelPermission",
    "Contact",
    "FollowUp",
    "ImportRowError",
    "ImportRun",
    "Improvement",
    "ImprovementMail",
    "Invitation",
    "InvitationCall",
    "MailEvent",
    "MailPreference",
    "Note",
    "Notice",
    "Priority",
    "Respondent",
    "Response",
    "ResponseTag",
    "RootCause",
    "Rule",
    "SavedView",
    "ScoreChange",
    "Segment",
    "StaffMail",
    "StatusChange",
    "Subscription",
    "Suspicion",
    "Tag",
    "Tally",
    "TaskFailure",
    "Team",
    "WorkingHours",
]
