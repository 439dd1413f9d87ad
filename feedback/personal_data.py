"""What this application stores about the people who are asked."""

from dataclasses import replace
from typing import Final

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from feedback.correcting import person_was_corrected, response_was_corrected
from feedback.in_browsers import ASKED, COMMENT, LEFT_IN_BROWSERS
from feedback.models import ANONYMOUS, DELIVERED
from privacy.inventory import (
    STAFF,
    Access,
    Column,
    Erasure,
    Expiry,
    Identifier,
    Mark,
    Rectification,
    Store,
    Table,
    declare,
    not_personal,
)

IDENTITY: Final = Column(category=_("identity"), purpose="feedback", portability=True, rectification=Rectification.EDIT)
CONTEXT: Final = Column(category=_("context of the answer"), purpose="feedback", portability=True)
SCORE: Final = Column(
    category=_("answer"), purpose="feedback", portability=True, expiry=Expiry.COARSEN, rectification=Rectification.EDIT
)
DERIVED: Final = Column(
    category=_("derived from the answer"),
    purpose="feedback",
    access=Access.LABELLED,
    rectification=Rectification.RECOMPUTE,
)
FINGERPRINT: Final = _("a fingerprint by which a value is recognised; nothing can be read from it")
IDENTIFIER_HASH: Final = Column(
    category=_("identifier"), purpose="feedback", access=Access.WITHHELD, withheld_because=FINGERPRINT
)
FOLLOW_UP: Final = Column(
    category=_("follow-up"), purpose="follow_up", keep="P1Y", access=Access.ROLE, rectification=Rectification.NOTE
)
WISH: Final = replace(ASKED, category=_("wishes of the person"))

declare(
    Table(
        model="feedback.Respondent",
        person="",
        product="product",
        identifiers={Identifier.MAILBOX: "email", Identifier.ACCOUNT: "external_id"},
        suppresses={"external_id": "id:", "email": "mail:", "phone": "tel:"},
        devices="person",
        corrected=person_was_corrected,
        marks={Mark.RESTRICTED: "restricted_at", Mark.OBJECTED: "objected_at"},
        columns={
            **not_personal("id", "product", "reservations", "person"),
            "subject_key": replace(IDENTITY, rectification=Rectification.RECOMPUTE),
            "external_id": IDENTITY,
            "email": IDENTITY,
            "phone": IDENTITY,
            "anonymous_id": IDENTITY,
            "name": IDENTITY,
            "company": IDENTITY,
            "country": IDENTITY,
            "language": IDENTITY,
            "properties": IDENTITY,
            "customer_since": IDENTITY,
            "first_seen_at": CONTEXT,
            "mail_bounced_at": ASKED,
            "unsubscribed_at": WISH,
            "do_not_contact": WISH,
            "contact_agreed": WISH,
            "objected_at": WISH,
            "restricted_at": WISH,
        },
    ),
    Table(
        model="feedback.ChannelPermission",
        person="respondent",
        columns={
            **not_personal("id", "respondent", "channel"),
            "basis": WISH,
            "evidence": WISH,
            "given_on": WISH,
            "withdrawn_at": WISH,
        },
    ),
    Table(
        model="feedback.Invitation",
        person="respondent",
        product="product",
        identifiers={Identifier.INVITATION: "token_digest"},
        # What an anonymous visitor has been given leads to what that visitor did.
        proves=DELIVERED | Q(respondent__subject_key__startswith=ANONYMOUS),
        columns={
            **not_personal("id", "product", "survey", "version", "respondent", "is_test", "expires_at"),
            # It is another record than the one that was asked: somebody else's device, or the same address.
            "borrowed_device": replace(
                ASKED,
                access=Access.WITHHELD,
                withheld_because=_("it is the record of somebody else"),
                portability=False,
                erasure=Erasure.UNLINK,
            ),
            "channel": ASKED,
            "language": ASKED,
            "token_digest": IDENTIFIER_HASH,
            "url": ASKED,
            "device": ASKED,
            "app_version": ASKED,
            "created_at": ASKED,
            "sent_at": ASKED,
            "opened_at": ASKED,
            "shown_at": ASKED,
            "responded_at": ASKED,
            "declined_at": ASKED,
            "snoozed_at": ASKED,
            "unsubscribed_at": ASKED,
            **dict.fromkeys(("score_opened", "score_opened_at", "suspicion"), replace(ASKED, portability=False)),
        },
    ),
    Table(
        model="feedback.Response",
        person="respondent",
        product="product",
        identifiers={Identifier.RECEIPT: "receipt_hash"},
        suppresses={"email": "mail:"},
        corrected=response_was_corrected,
        marks={Mark.RESTRICTED: "restricted_at"},
        columns={
            **not_personal("id", "product", "survey", "version", "respondent", "invitation", "submission_id", "seq"),
            **not_personal(
                "state", "metric", "band_profile", "is_test", "received_at", "import_run", "rules_applied_at"
            ),
            "score": SCORE,
            "band": DERIVED,
            "comment": COMMENT,
            "search": replace(
                DERIVED,
                access=Access.WITHHELD,
                withheld_because=_("the words of the comment once more, as an index; the comment is in the copy"),
            ),
            "reasons": COMMENT,
            "contact_permission": COMMENT,
            "receipt_hash": IDENTIFIER_HASH,
            "answered_at": SCORE,
            "answered_on": SCORE,
            "completed_at": CONTEXT,
            "channel": SCORE,
            "language": SCORE,
            "country": SCORE,
            "company": CONTEXT,
            "name": IDENTITY,
            "email": IDENTITY,
            "url": CONTEXT,
            "device": CONTEXT,
            "app_version": CONTEXT,
            "properties": CONTEXT,
            **dict.fromkeys(("is_suspect", "suspicion", "is_confirmed"), DERIVED),
            # Of the browser that answered on our pages; removed once the answer can no longer be changed.
            "fingerprint": replace(IDENTIFIER_HASH, keep="P15D", expiry=Expiry.BLANK),
            "excluded_at": DERIVED,
            "excluded_by": STAFF,
            "exclusion_reason": DERIVED,
            "restricted_at": WISH,
            "triage": DERIVED,
            "import_key": replace(IDENTIFIER_HASH, category=_("imported row")),
        },
    ),
    Table(
        model="feedback.ScoreChange",
        person="response__respondent",
        columns={**not_personal("id", "response"), "score": SCORE, "changed_at": SCORE},
    ),
    Table(model="feedback.Tag", columns=not_personal("id", "product", "name")),
    Table(
        model="feedback.ResponseTag",
        person="response__respondent",
        columns={**not_personal("id", "response"), "tag": DERIVED, "added_by": STAFF, "added_at": DERIVED},
    ),
    Table(
        model="feedback.Tally",
        columns=not_personal(
            "id", "product", "version", "channel", "language", "country", "day", "score", "slot", "count"
        ),
    ),
    Table(
        model="feedback.FollowUp",
        person="response__respondent",
        columns={
            **not_personal("id", "response", "respondent", "product", "priority", "team"),
            "status": FOLLOW_UP,
            "reason": FOLLOW_UP,
            "owner": STAFF,
            "flagged_by": STAFF,
            "created_at": FOLLOW_UP,
            "due_at": FOLLOW_UP,
            "contacted_at": FOLLOW_UP,
            "escalated_at": FOLLOW_UP,
            "closed_at": FOLLOW_UP,
            "closing_note": FOLLOW_UP,
            "root_cause": FOLLOW_UP,
        },
    ),
    Table(
        model="feedback.Contact",
        person="follow_up__response__respondent",
        columns={
            **not_personal("id", "follow_up", "attempts", "next_attempt_at", "failed_at", "failure"),
            "kind": FOLLOW_UP,
            "actor": STAFF,
            "at": FOLLOW_UP,
            "subject": FOLLOW_UP,
            "text": FOLLOW_UP,
            "sender": FOLLOW_UP,
            "message_id": replace(
                FOLLOW_UP,
                access=Access.WITHHELD,
                withheld_because=_("the technical number of an e-mail; its text is in the copy"),
            ),
            "reply_digest": replace(FOLLOW_UP, access=Access.WITHHELD, withheld_because=FINGERPRINT),
            "sent_at": FOLLOW_UP,
        },
    ),
    Table(
        model="feedback.Note",
        person="follow_up__response__respondent",
        columns={
            **not_personal("id", "follow_up"),
            "author": STAFF,
            "text": FOLLOW_UP,
            "created_at": FOLLOW_UP,
        },
    ),
    Table(
        model="feedback.StatusChange",
        person="follow_up__response__respondent",
        columns={
            **not_personal("id", "follow_up"),
            "from_status": FOLLOW_UP,
            "to_status": FOLLOW_UP,
            "by": STAFF,
            "at": FOLLOW_UP,
        },
    ),
    Table(
        model="feedback.Rule",
        columns={
            **not_personal("id", "product", "name", "is_active", "position", "metrics", "bands", "channels"),
            **not_personal("lowest_score", "highest_score", "keywords", "with_tag", "with_comment"),
            **not_personal("with_contact_permission", "adds_tag", "opens_follow_up", "priority", "team", "owner"),
            **not_personal("tags_existing_before", "existing_tagged"),
        },
    ),
    Table(model="feedback.Team", columns=not_personal("id", "product", "name", "reply_address")),
    Table(
        model="feedback.Team_members",
        waived="members of staff, not data subjects of a survey",
        columns={**not_personal("id", "team"), "user": STAFF},
    ),
    Table(
        model="feedback.Rule_alerts",
        waived="members of staff, not data subjects of a survey",
        columns={**not_personal("id", "rule"), "user": STAFF},
    ),
    Table(
        model="feedback.Note_mentions",
        waived="members of staff, not data subjects of a survey",
        columns={**not_personal("id", "note"), "user": STAFF},
    ),
    Table(model="feedback.RootCause", columns=not_personal("id", "product", "name")),
    Table(
        model="feedback.WorkingHours",
        columns=not_personal("id", "product", "days", "opens", "closes", "first_contact_hours", "remind_hours"),
    ),
    Table(
        model="feedback.WorkingHours_escalate_to",
        waived="members of staff, not data subjects of a survey",
        columns={**not_personal("id", "workinghours"), "user": STAFF},
    ),
    Table(
        model="feedback.SavedView",
        waived="a member of staff's own",
        columns={**not_personal("id", "name", "filters", "is_shared"), "owner": STAFF},
    ),
    Table(
        model="feedback.Subscription",
        waived="a member of staff, not a data subject of a survey",
        columns={**not_personal("id", "product", "notice"), "user": STAFF},
    ),
    Table(
        model="feedback.MailPreference",
        waived="a member of staff, not a data subject of a survey",
        columns={
            **not_personal("id", "muted"),
            **dict.fromkeys(("user", "quiet_from", "quiet_until", "time_zone", "language"), STAFF),
        },
    ),
    Table(
        model="feedback.StaffMail",
        waived="a member of staff, not a data subject of a survey; what it said is not kept",
        columns={
            **not_personal("id", "notice", "key", "product", "response", "follow_up", "day", "attempts"),
            **not_personal("next_attempt_at", "failed_at"),
            # As long as the follow-ups it is about; its key keeps the same news from being mailed twice.
            **dict.fromkeys(("user", "created_at", "sent_at", "dropped_at"), replace(STAFF, keep=FOLLOW_UP.keep)),
        },
    ),
    Table(model="feedback.Improvement_tags", columns=not_personal("id", "improvement", "tag")),
    Table(
        model="feedback.Improvement_responses",
        person="response__respondent",
        columns={**not_personal("id", "response"), "improvement": DERIVED},
    ),
    Table(
        model="feedback.Improvement",
        waived="what staff wrote about their own work",
        columns={
            **not_personal("id", "product", "language", "title", "said", "text", "done_on", "published_at"),
            **not_personal("corrected_at", "withdrawn_at", "mailed_at"),
            "created_by": STAFF,
        },
    ),
    Table(
        model="feedback.ImprovementMail",
        person="respondent",
        columns={
            **not_personal("id", "respondent", "attempts", "next_attempt_at", "failed_at"),
            "improvement": ASKED,
            "sent_at": ASKED,
            "dropped_at": ASKED,
            "dropped_why": ASKED,
        },
    ),
    Table(
        model="feedback.Campaign",
        waived="what staff plan; whom it reaches is in its mails",
        columns={
            **not_personal("id", "product", "survey", "version", "name", "sender_name", "reply_to", "starts_at"),
            **not_personal("window_from", "window_until", "pace", "reminder_after_days", "state", "created_at"),
            **not_personal("started_at", "finished_at"),
            "created_by": STAFF,
        },
    ),
    Table(model="feedback.CampaignWording", columns=not_personal("id", "campaign", "language", "subject", "intro")),
    Table(
        model="feedback.CampaignAudience",
        waived="holds a file of many people only until they are taken over",
        columns={
            **not_personal("id", "campaign", "kind", "segment", "basis", "evidence", "given_on", "state", "failure"),
            **not_personal("position", "created_at"),
            "file_name": replace(ASKED, category=_("audience of a campaign"), keep="P30D", portability=False),
            "content": replace(
                ASKED,
                category=_("audience of a campaign"),
                keep="P30D",
                access=Access.WITHHELD,
                withheld_because=_("a file about many people; what it says of you is in the copy"),
                portability=False,
            ),
        },
    ),
    Table(
        model="feedback.CampaignMail",
        person="respondent",
        columns={
            **not_personal("id", "respondent", "invitation", "line", "attempts", "failures"),
            **not_personal("next_attempt_at", "claimed_at"),
            **dict.fromkeys(("campaign", "kind", "state", "code", "handed_over_at", "sent_at", "delivered_at"), ASKED),
            **dict.fromkeys(("bounced_at", "complained_at", "opened_at", "unsubscribed_at"), ASKED),
            "provider_message_id": replace(
                ASKED,
                access=Access.WITHHELD,
                withheld_because=_("recognises a mail; only the mail provider can read anything from it"),
                portability=False,
            ),
        },
    ),
    Table(
        model="feedback.MailEvent",
        person="mail__respondent",
        columns={
            **not_personal("id", "mail"),
            **dict.fromkeys(("kind", "reason", "at"), ASKED),
            "digest": replace(ASKED, access=Access.WITHHELD, withheld_because=FINGERPRINT, portability=False),
        },
    ),
    Table(
        model="feedback.InvitationCall",
        columns=not_personal("id", "product", "key_digest", "body_digest", "answer", "created_at"),
    ),
    Table(
        model="feedback.Segment",
        columns=not_personal(
            *("id", "product", "name", "countries", "languages", "companies", "property_name", "property_values"),
            *("customer_before", "customer_after"),
        ),
    ),
    Table(
        model="feedback.ImportRun",
        waived="holds a file of many people only until its rows are imported",
        columns={
            **not_personal("id", "controller", "mapping", "metric", "is_dry_run", "state", "total_rows", "done_rows"),
            **not_personal("imported", "already_there", "in_error", "failure", "created_at", "finished_at"),
            "file_name": replace(CONTEXT, category=_("imported file"), keep="P30D", portability=False),
            "content": replace(
                CONTEXT,
                category=_("imported file"),
                keep="P30D",
                access=Access.WITHHELD,
                withheld_because=_("a file about many people; what it says of you is in the copy"),
                portability=False,
            ),
            "created_by": STAFF,
        },
    ),
    Table(model="feedback.ImportRowError", columns=not_personal("id", "run", "line", "code", "reason")),
    Table(model="feedback.TaskFailure", columns=not_personal("id", "task", "error", "times", "first_at", "last_at")),
    Store(
        name="queue of background work",
        kind="queue",
        column=Column(personal=False),
        detail="numbers of records only",
    ),
    Store(
        name="person_looked_up",
        kind="session",
        column=Column(
            category=_("identity"), purpose="throttling", keep="P1D", access=Access.WITHHELD, erasure=Erasure.KEEP
        ),
        detail="identifiers that a member of staff looked up last, encrypted; ends with their session, after 12 hours",
    ),
    Store(
        name="e-mails about follow-ups",
        kind="mail provider",
        column=replace(FOLLOW_UP, keep="P30D", access=Access.WITHHELD, erasure=Erasure.KEEP),
        detail="the operator's mail provider delivers them and, where INBOUND_MAIL_PROVIDER names it, receives the "
        "replies; the agreement with it has to limit how long it keeps them",
    ),
    Store(
        name="e-mails of campaigns",
        kind="mail provider",
        column=replace(ASKED, keep="P30D", access=Access.WITHHELD, erasure=Erasure.KEEP),
        detail="the operator's mail provider delivers them and, where MAIL_EVENTS_PROVIDER names it, reports what "
        "became of each; the agreement with it has to limit how long it keeps them",
    ),
    Store(
        name="mailbox of replies",
        kind="mailbox",
        column=replace(FOLLOW_UP, keep="P1D", access=Access.WITHHELD),
        detail="the mailbox that IMAP_URL names; each mail is deleted there once it was read, within minutes",
    ),
    *LEFT_IN_BROWSERS,
)
