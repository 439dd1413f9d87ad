"""Campaigns by e-mail: whom they are for, what they say, when they go out, and what comes back."""

from feedback.campaigns.claiming import BATCH, claim, due_campaigns, recover, what_holds
from feedback.campaigns.entries import Entry, StatedPermission, describe
from feedback.campaigns.inviting import MOST_PEOPLE, KeyReused, Order, forget_calls, invite, try_out
from feedback.campaigns.judging import ELIGIBLE, OWED, WHY, Judge, Judged, Records
from feedback.campaigns.letter import Letter, compose, for_example, invitation_token, message_id, write_letter
from feedback.campaigns.lifecycle import (
    MAY_GET_PEOPLE,
    advance_campaigns,
    cancel,
    fits,
    lock,
    pause,
    resume,
    start,
    write_campaign,
)
from feedback.campaigns.removing import remove_audience
from feedback.campaigns.replanning import plan_again
from feedback.campaigns.reports import Report, record_mail_opened, take_report
from feedback.campaigns.sending import send_batch
from feedback.campaigns.settling import settle_arrived, settle_unknown_by_staff
from feedback.campaigns.statistics import Figure, Progress, progress, statistics
from feedback.campaigns.taking_over import (
    MOST_TRIED,
    add_audience,
    counts_of,
    dry_run,
    owe_mails,
    remove_old_files,
    take_over,
    unfinished_audiences,
)

__all__ = [
    "BATCH",
    "ELIGIBLE",
    "MAY_GET_PEOPLE",
    "MOST_PEOPLE",
    "MOST_TRIED",
    "OWED",
    "WHY",
    "Entry",
    "Figure",
    "Judge",
    "Judged",
    "KeyReused",
    "Letter",
    "Order",
    "Progress",
    "Records",
    "Report",
    "StatedPermission",
    "add_audience",
    "advance_campaigns",
    "cancel",
    "claim",
    "compose",
    "counts_of",
    "describe",
    "dry_run",
    "due_campaigns",
    "fits",
    "for_example",
    "forget_calls",
    "invitation_token",
    "invite",
    "lock",
    "message_id",
    "owe_mails",
    "pause",
    "plan_again",
    "progress",
    "record_mail_opened",
    "recover",
    "remove_audience",
    "remove_old_files",
    "resume",
    "send_batch",
    "settle_arrived",
    "settle_unknown_by_staff",
    "start",
    "statistics",
    "take_over",
    "take_report",
    "try_out",
    "unfinished_audiences",
    "what_holds",
    "write_campaign",
    "write_letter",
]
