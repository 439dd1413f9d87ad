"""Closing the loop: a response is flagged, somebody takes it on in time, and it ends with a note and a root cause."""

from feedback.follow_up.assigning import assign, possible_owners, possible_teams, set_priority, staff_who_see
from feedback.follow_up.barring import Bar, bar_of, bars_of
from feedback.follow_up.clocks import Clock, Urgency, clock_of, first_contact_due, schedule_of, schedules_of
from feedback.follow_up.contacting import log_contact, mark_contacted, recount_contacts
from feedback.follow_up.locking import LONGEST_NOTE, LONGEST_REASON, WITH_A_NOTE, WORK
from feedback.follow_up.moving import Step, change_status, flag, possible_steps
from feedback.follow_up.noting import LONGEST_TEXT, Mentions, write_note
from feedback.follow_up.reminding import ADMINISTER, remind_and_escalate, who_is_told

__all__ = [
    "ADMINISTER",
    "LONGEST_NOTE",
    "LONGEST_REASON",
    "LONGEST_TEXT",
    "WITH_A_NOTE",
    "WORK",
    "Bar",
    "Clock",
    "Mentions",
    "Step",
    "Urgency",
    "assign",
    "bar_of",
    "bars_of",
    "change_status",
    "clock_of",
    "first_contact_due",
    "flag",
    "log_contact",
    "mark_contacted",
    "possible_owners",
    "possible_steps",
    "possible_teams",
    "recount_contacts",
    "remind_and_escalate",
    "schedule_of",
    "schedules_of",
    "set_priority",
    "staff_who_see",
    "who_is_told",
    "write_note",
]
