"""What this application, and the third-party tables that hold people, store about whom."""

from dataclasses import replace
from typing import Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from privacy.inventory import (
    STAFF,
    Access,
    Column,
    Erasure,
    InBrowser,
    Pages,
    Rectification,
    Store,
    Table,
    declare,
    not_personal,
)

FINGERPRINT: Final = _("a fingerprint by which a value is recognised; nothing can be read from it")
KEY_OF_COPY: Final = _("it opens a copy like this one, and is destroyed with it")
# The content of a request goes after twelve months; that it was made, and answered, stays for three years.
REQUEST_CONTENT: Final = Column(
    category=_("request"), purpose="rights", keep="P1Y", erasure=Erasure.BLANK, rectification=Rectification.NOTE
)
REQUEST_FACT: Final = Column(
    category=_("request"), purpose="rights", keep="P3Y", erasure=Erasure.KEEP, rectification=Rectification.NOTE
)
# A number says nothing about a record that is gone.
RECORD_NUMBER: Final = replace(REQUEST_CONTENT, erasure=Erasure.KEEP)
REQUEST_IDENTIFIER: Final = Column(
    category=_("identifier"),
    purpose="rights",
    keep="P1Y",
    access=Access.WITHHELD,
    withheld_because=FINGERPRINT,
    erasure=Erasure.HASH,
)
ACCESS: Final = Column(
    category=_("reads by staff"), purpose="administration", keep="P2Y", access=Access.ROLE, erasure=Erasure.KEEP
)

# Who watches the watchers needs to look back as far as the log of reads does.
OVERSEEN: Final = replace(STAFF, keep="P2Y")

declare(
    Table(
        model="privacy.Controller",
        columns=not_personal(
            *("id", "name", "group_name", "address", "contact_email", "privacy_email"),
            *("supervisory_authority", "country", "time_zone"),
        ),
    ),
    Table(
        model="privacy.Product",
        columns=not_personal(
            *("id", "controller", "name", "public_key", "test_key", "is_live", "time_zone", "default_language"),
            *("allowed_origins", "allowed_url_parameters", "blocked_urls", "identity_mode"),
            *("colour", "tracks_opens"),
        ),
    ),
    Table(model="privacy.SigningSecret", columns=not_personal("id", "product", "secret", "created_at")),
    Table(
        model="privacy.ServerKey",
        columns=not_personal("id", "product", "name", "digest", "ending", "scopes", "created_at", "revoked_at"),
    ),
    Table(
        model="privacy.Recipient",
        waived="companies and authorities; their mailbox is not a person's",
        columns=not_personal(
            *("id", "controller", "name", "kind", "country", "purposes", "contact_email", "agreement", "agreed_on"),
            *("safeguard", "clauses_module", "clauses_on", "supplementary_measures"),
        ),
    ),
    Table(model="privacy.Disclosure", columns=not_personal("id", "recipient", "dataset", "since", "until")),
    Table(
        model="privacy.Suppression",
        waived="an HMAC that is kept so that a person whose data are gone is not asked again",
        columns={
            **not_personal("id", "product", "reason", "created_at"),
            "digest": Column(
                category=_("identifier"),
                purpose="suppression",
                access=Access.WITHHELD,
                withheld_because=FINGERPRINT,
                erasure=Erasure.KEEP,
            ),
        },
    ),
    Table(
        model="privacy.Membership",
        waived="a member of staff, not a data subject of a survey",
        columns={**not_personal("id", "controller", "product"), "user": STAFF},
    ),
    Table(
        model="privacy.RightsRequest",
        waived="a request stands by itself: who made it is only known after proof",
        columns={
            **not_personal("id", "controller", "product", "language", "source", "state", "waits_until"),
            **not_personal("claims_checked_at"),
            "reference": REQUEST_FACT,
            "email": REQUEST_CONTENT,
            "email_hash": REQUEST_IDENTIFIER,
            "receipt_hash": REQUEST_IDENTIFIER,
            "invitation_hash": REQUEST_IDENTIFIER,
            "details": REQUEST_CONTENT,
            "reply_channel": REQUEST_FACT,
            "postal_address": REQUEST_CONTENT,
            "acts_for_another": REQUEST_FACT,
            "mandate": REQUEST_CONTENT,
            "received_at": REQUEST_FACT,
            "received_on": REQUEST_FACT,
            "target_on": REQUEST_FACT,
            "due_on": REQUEST_FACT,
            "due_extended_on": REQUEST_FACT,
            "extended_at": REQUEST_FACT,
            "extension_reason": REQUEST_FACT,
            "closed_at": REQUEST_FACT,
            "duplicate_of": REQUEST_FACT,
            "entered_by": STAFF,
        },
    ),
    Table(
        model="privacy.RequestItem",
        person="request",
        columns={
            **not_personal("id", "request"),
            "right": REQUEST_FACT,
            "objects_to": REQUEST_FACT,
            "leaves_suppression": REQUEST_FACT,
            "outcome": REQUEST_FACT,
            "explanation": REQUEST_CONTENT,
            "decided_at": REQUEST_FACT,
        },
    ),
    Table(
        model="privacy.IdentityProof",
        person="request",
        columns={
            **not_personal("id", "request"),
            "kind": REQUEST_FACT,
            "identifier": replace(
                REQUEST_CONTENT,
                access=Access.WITHHELD,
                withheld_because=_("it is what you showed us to prove who you are, and opens your data"),
            ),
            "identifier_hash": REQUEST_IDENTIFIER,
            "document": REQUEST_FACT,
            "proved_at": REQUEST_FACT,
            "checked_by": STAFF,
        },
    ),
    Table(
        model="privacy.RequestToken",
        person="request",
        columns={
            **not_personal("id", "request", "purpose", "digest", "tries", "expires_at"),
            "created_at": REQUEST_FACT,
            "used_at": REQUEST_FACT,
        },
    ),
    Table(
        model="privacy.RequestMessage",
        person="request",
        columns={
            **not_personal("id", "request", "message_id", "attempts", "next_attempt_at"),
            "kind": REQUEST_FACT,
            "text": REQUEST_CONTENT,
            "created_at": REQUEST_FACT,
            "sent_at": REQUEST_FACT,
            "failed_at": REQUEST_FACT,
            "bounced_at": REQUEST_FACT,
        },
    ),
    Table(
        model="privacy.RequestEvent",
        person="request",
        columns={
            **not_personal("id", "request", "number", "fields", "previous_hash", "hash"),
            "at": REQUEST_FACT,
            "actor": REQUEST_FACT,
            "user": STAFF,
            "action": REQUEST_FACT,
            "from_state": REQUEST_FACT,
            "to_state": REQUEST_FACT,
        },
    ),
    Table(
        model="privacy.RequestTask",
        person="item__request",
        columns={
            **not_personal("id", "item", "position", "attempts", "next_attempt_at"),
            **dict.fromkeys(
                ("kind", "dataset", "recipient", "state", "reason", "affected", "settled_at"), REQUEST_FACT
            ),
        },
    ),
    Table(
        model="privacy.Correction",
        person="item__request",
        columns={
            **not_personal("id", "item"),
            **dict.fromkeys(("dataset", "column", "applied_at"), REQUEST_FACT),
            "record_number": RECORD_NUMBER,
            "value": REQUEST_CONTENT,
        },
    ),
    Table(
        model="privacy.Approval",
        person="request",
        columns={
            **not_personal("id", "request", "plan_hash"),
            **dict.fromkeys(("subject", "asked_at", "decision", "decided_at", "note"), REQUEST_FACT),
            **dict.fromkeys(("asked_by", "decided_by"), STAFF),
        },
    ),
    Table(
        model="privacy.Answer",
        person="request",
        columns={
            **not_personal("id", "request"),
            "text": REQUEST_CONTENT,
            "written_by": STAFF,
            **dict.fromkeys(("written_at", "posted_on", "accepted_at", "bounced_at"), REQUEST_FACT),
        },
    ),
    Table(
        model="privacy.RequestNote",
        person="request",
        columns={
            **not_personal("id", "request"),
            "text": REQUEST_CONTENT,
            "written_by": STAFF,
            "written_at": REQUEST_FACT,
        },
    ),
    Table(
        model="privacy.RequestAlarm",
        person="request",
        columns={**not_personal("id", "request", "key"), **dict.fromkeys(("kind", "raised_at"), REQUEST_FACT)},
    ),
    Table(
        model="privacy.Redaction",
        person="item__request",
        columns={
            **not_personal("id", "item"),
            **dict.fromkeys(("dataset", "column", "redacted_at"), REQUEST_FACT),
            "record_number": RECORD_NUMBER,
            "redacted_by": STAFF,
        },
    ),
    Table(
        model="privacy.Package",
        person="item__request",
        columns={
            **not_personal("id", "item", "size", "file_name"),
            "key": replace(REQUEST_CONTENT, keep="P7D", access=Access.WITHHELD, withheld_because=KEY_OF_COPY),
            **dict.fromkeys(("built_at", "expires_at", "destroyed_at", "fetched_at"), REQUEST_FACT),
        },
    ),
    Table(
        model="privacy.Unlock",
        person="package__item__request",
        columns={
            **not_personal("id", "package", "digest"),
            **dict.fromkeys(("at", "until", "fetched_at"), REQUEST_FACT),
        },
    ),
    Table(
        model="privacy.Incident",
        person="request",
        columns={
            **not_personal("id", "request"),
            "opened_by": STAFF,
            **dict.fromkeys(("opened_at", "notify_by", "notified_at", "assessment", "closed_at"), REQUEST_FACT),
        },
    ),
    Table(
        model="privacy.AccessLogEntry",
        waived="names a record by its number, which says nothing once the record is gone; tells of whom staff read",
        columns={
            **not_personal("id", "controller", "product", "record_kind"),
            "at": ACCESS,
            "user": replace(STAFF, keep="P2Y"),
            "record_number": ACCESS,
            "purpose": ACCESS,
        },
    ),
    Table(
        model="privacy.BreakGlass",
        waived="what an administrator did in an emergency; the reason names nobody",
        columns={
            **not_personal("id"),
            **dict.fromkeys(("user", "reason", "opened_at", "expires_at", "ended_at"), OVERSEEN),
        },
    ),
    Table(model="privacy.BreakGlass_controllers", columns=not_personal("id", "breakglass", "controller")),
    Table(
        model="privacy.StaffChange",
        waived="what one member of staff changed for another",
        columns={**not_personal("id", "kind", "given", "taken"), **dict.fromkeys(("at", "by", "account"), OVERSEEN)},
    ),
    Table(model="privacy.StaffChange_controllers", columns=not_personal("id", "staffchange", "controller")),
    Table(
        model="privacy.Alert",
        waived="mail between members of staff",
        columns={
            **not_personal("id", "controller", "break_glass", "staff_change", "request_alarm", "incident"),
            **not_personal("attempts", "next_attempt_at"),
            **dict.fromkeys(("recipient", "sent_at", "failed_at"), OVERSEEN),
        },
    ),
    Table(
        model="auth.User",
        waived="a member of staff, not a data subject of a survey",
        columns={
            **not_personal("id", "is_superuser", "is_staff", "is_active"),
            "password": STAFF,
            "last_login": STAFF,
            "username": STAFF,
            "first_name": STAFF,
            "last_name": STAFF,
            "email": STAFF,
            "date_joined": STAFF,
        },
    ),
    Table(
        model="admin.LogEntry",
        waived="what members of staff did; texts name records by number, and only accounts of staff by their names",
        columns={
            **not_personal("id", "content_type", "object_id", "action_flag", "change_message"),
            **dict.fromkeys(("action_time", "user", "object_repr"), OVERSEEN),
        },
    ),
    Table(
        model="sessions.Session",
        waived="sessions of members of staff; data subjects have none",
        columns={**not_personal("session_key", "expire_date"), "session_data": STAFF},
    ),
    Store(
        name="sessionid",
        kind="cookie",
        column=STAFF,
        browser=InBrowser(
            on=Pages.OURS,
            set_by=_("The admin, when a member of staff logs in."),
            why=_("It keeps the member of staff logged in."),
            holds=_("A random number of the session; what belongs to it stays on the server."),
            lasts=_("12 hours, or until they log out."),
            because=_("The login that the member of staff asked for does not work without it."),
        ),
    ),
    Store(
        name="csrftoken",
        kind="cookie",
        column=STAFF,
        browser=InBrowser(
            on=Pages.OURS,
            set_by=_("The admin, when its login page is opened."),
            why=_("It keeps other sites from sending forms in the name of a member of staff."),
            holds=_("A random text."),
            lasts=_("One year."),
            because=_("The login that the member of staff asked for is not safe without it."),
        ),
    ),
    Store(
        name="django_language",
        kind="cookie",
        column=STAFF,
        browser=InBrowser(
            on=Pages.OURS,
            set_by=_("The admin, when a member of staff chooses a language there."),
            why=_("It shows the admin in that language."),
            holds=_("The code of the language."),
            lasts=_("Until the browser is closed."),
            because=_("It does what the member of staff chose."),
        ),
    ),
    Store(
        name="messages",
        kind="cookie",
        column=STAFF,
        browser=InBrowser(
            on=Pages.OURS,
            set_by=_("The admin, when a member of staff saved something."),
            why=_("It says on the next page how that went."),
            holds=_("The message, signed against changes."),
            lasts=_("Until the next page shows it, at the latest until the browser is closed."),
            because=_("It is the answer to what the member of staff did."),
        ),
    ),
    Store(
        name="adminTheme",
        kind="local storage",
        column=STAFF,
        browser=InBrowser(
            on=Pages.OURS,
            set_by=_("The admin, when a member of staff chooses its appearance."),
            why=_("It shows the admin light or dark as they chose."),
            holds=_("“light”, “dark” or “auto”."),
            lasts=_("Until the member of staff clears it in the browser."),
            because=_("It does what the member of staff chose."),
        ),
    ),
    Store(
        name="sidebarDesktopOpen",
        kind="local storage",
        column=STAFF,
        browser=InBrowser(
            on=Pages.OURS,
            set_by=_("The admin, when a member of staff opens or closes its side bar."),
            why=_("It leaves the side bar as they want it."),
            holds=_("Whether the side bar is open."),
            lasts=_("Until the member of staff clears it in the browser."),
            because=_("It does what the member of staff chose."),
        ),
    ),
    Store(
        name="rate limits",
        kind="cache",
        column=Column(category=_("network address"), purpose="administration", keep="P1D", erasure=Erasure.KEEP),
        detail="keyed hashes of address prefixes and mailboxes, at most a day",
    ),
    Store(
        name="outgoing mail",
        kind="mail provider",
        column=REQUEST_CONTENT,
        detail="the operator's mail provider delivers answers to requests",
    ),
    Store(
        name="packages",
        kind="file",
        column=replace(REQUEST_CONTENT, keep="P7D", access=Access.WITHHELD, erasure=Erasure.DELETE_ROW),
        detail="encrypted copies that wait to be fetched, in PACKAGES_DIR; each has a key of its own, which goes after "
        "seven days",
    ),
    Store(
        name="logs",
        kind="log",
        column=Column(
            category=_("technical log"),
            purpose="administration",
            keep="P30D",
            access=Access.WITHHELD,
            erasure=Erasure.KEEP,
        ),
        detail="standard error of every process: times, numbers of records and addresses of pages without their "
        "tokens, never a value; the operator keeps them for at most 30 days",
    ),
    Store(
        name="backups",
        kind="backup",
        column=Column(
            category=_("backup copy"),
            purpose="administration",
            keep=f"P{settings.BACKUP_WINDOW_DAYS}D",
            access=Access.WITHHELD,
            erasure=Erasure.KEEP,
        ),
        detail="copies of the whole database; the operator overwrites them within BACKUP_WINDOW_DAYS",
    ),
)
