"""“You said, we did”: what was done because of feedback, shown to everybody and told back to those who gave it."""

from feedback.improvements.linking import link, linked_responses, responses_to_link, set_tags, unlink
from feedback.improvements.mailing import Audience, Progress, audience, due_mail_ids, mail, progress, send_mail
from feedback.improvements.objecting import UnknownLink, agree_to_contact, find_mail, object_to_contact, objection_token
from feedback.improvements.writing import correct, doubts, publish, save_draft, withdraw

__all__ = [
    "Audience",
    "Progress",
    "UnknownLink",
    "agree_to_contact",
    "audience",
    "correct",
    "doubts",
    "due_mail_ids",
    "find_mail",
    "link",
    "linked_responses",
    "mail",
    "object_to_contact",
    "objection_token",
    "progress",
    "publish",
    "responses_to_link",
    "save_draft",
    "send_mail",
    "set_tags",
    "unlink",
    "withdraw",
]
