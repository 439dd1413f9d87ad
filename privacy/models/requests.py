"""What data subjects ask for: the request, the rights in it, the proofs of identity, and the trail of what was done."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_fsm import FSMField

from privacy.encryption import EncryptedTextField
from privacy.models.organisation import Controller, Product

if TYPE_CHECKING:
    from datetime import date

    from django.contrib.auth.models import AnonymousUser, User

# Without 0/O, 1/I/L and U: a reference is read aloud on the phone.
REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_reference() -> str:
    letters = "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(10))
    return f"{letters[:5]}-{letters[5:]}"


class Right(models.TextChoices):
    """The rights a data subject may exercise with the form."""

    ACCESS = "access", _("access: a copy of my data")
    RECTIFICATION = "rectification", _("rectification: correct my data")
    ERASURE = "erasure", _("erasure: delete my data")
    RESTRICTION = "restriction", _("restriction: stop using my data for now")
    OBJECTION = "objection", _("objection: stop contacting me or analysing my feedback")
    PORTABILITY = "portability", _("portability: my data in a format for machines")
    COMPLAINT_INFORMATION = "complaint_information", _("information on how to complain")


class RightsRequestQuerySet(models.QuerySet["RightsRequest"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the requests about products the user sees, and those about none to controllers they see as a whole."""
        if user.is_superuser:
            return self
        return self.filter(
            Q(product__in=Product.objects.visible_to(user))
            | Q(product__isnull=True, controller__in=Controller.objects.wholly_visible_to(user))
        )

    def open(self) -> Self:
        """Keep the requests that still wait for somebody: neither answered nor closed nor lapsed."""
        return self.filter(state__in=RightsRequest.OPEN_STATES)


class RightsRequest(models.Model):
    """A data subject's request; its clock runs from the day of arrival, whatever happens to it afterwards."""

    class State(models.TextChoices):
        RECEIVED = "received", pgettext_lazy("rights request", "received")
        AWAITING_CONFIRMATION = "awaiting_confirmation", _("awaiting confirmation")
        VERIFIED = "verified", _("verified")
        TRIAGE = "triage", _("triage")
        NEEDS_INFORMATION = "needs_information", _("needs information")
        IN_PROGRESS = "in_progress", pgettext_lazy("rights request", "in progress")
        AWAITING_APPROVAL = "awaiting_approval", _("awaiting approval")
        PARTIALLY_FAILED = "partially_failed", _("partially failed")
        RESPONDING = "responding", _("responding")
        FULFILLED = "fulfilled", _("fulfilled")
        PARTLY_REFUSED = "partly_refused", _("partly refused")
        REFUSED = "refused", _("refused")
        NO_DATA = "no_data", _("no data")
        LAPSED = "lapsed", _("lapsed")
        WITHDRAWN = "withdrawn", _("withdrawn")
        CLOSED = "closed", pgettext_lazy("rights request", "closed")

    OPEN_STATES = (
        State.RECEIVED,
        State.AWAITING_CONFIRMATION,
        State.VERIFIED,
        State.TRIAGE,
        State.NEEDS_INFORMATION,
        State.IN_PROGRESS,
        State.AWAITING_APPROVAL,
        State.PARTIALLY_FAILED,
        State.RESPONDING,
    )

    class Source(models.TextChoices):
        FORM = "form", _("form")
        POST = "post", _("post")
        PHONE = "phone", _("phone")
        EMAIL = "email", _("e-mail")
        IN_PERSON = "in_person", _("in person")
        PRODUCT = "product", _("from inside the product")

    class ReplyChannel(models.TextChoices):
        EMAIL = "email", _("by e-mail")
        POST = "post", _("by post")

    reference = models.CharField(_("reference"), max_length=16, unique=True, default=new_reference, editable=False)
    controller = models.ForeignKey(
        Controller, on_delete=models.PROTECT, related_name="rights_requests", verbose_name=_("controller")
    )
    product = models.ForeignKey(
        Product,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="rights_requests",
        verbose_name=_("product"),
    )
    state = FSMField(_("state"), max_length=32, choices=State.choices, default=State.RECEIVED, protected=True)
    source = models.CharField(_("source"), max_length=16, choices=Source, default=Source.FORM)
    language = models.CharField(_("language"), max_length=10)

    email = EncryptedTextField(_("e-mail"), blank=True)
    email_hash = models.BinaryField(_("hash of the e-mail"), max_length=32, null=True, editable=False, db_index=True)
    receipt_hash = models.BinaryField(_("hash of the receipt code"), max_length=32, null=True, editable=False)
    details = EncryptedTextField(_("in their own words"), blank=True)
    reply_channel = models.CharField(_("reply"), max_length=16, choices=ReplyChannel, default=ReplyChannel.EMAIL)
    postal_address = EncryptedTextField(_("postal address"), blank=True)
    acts_for_another = models.BooleanField(_("acts for somebody else"), default=False)
    mandate = EncryptedTextField(_("mandate"), blank=True)

    received_at = models.DateTimeField(_("received at"))
    received_on = models.DateField(_("received on"), help_text=_("The day of arrival where the controller is."))
    target_on = models.DateField(_("target"))
    due_on = models.DateField(_("due"))
    due_extended_on = models.DateField(_("due if extended"))
    extended_at = models.DateTimeField(_("extended at"), null=True, blank=True)
    extension_reason = models.TextField(_("reason for the extension"), blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    waits_until = models.DateTimeField(
        _("waits until"), null=True, blank=True, help_text=_("When it lapses unless the person does something.")
    )

    duplicate_of = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="duplicates",
        verbose_name=_("duplicate of"),
    )
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("entered by"),
    )

    objects = RightsRequestQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]
        verbose_name = _("rights request")
        verbose_name_plural = _("rights requests")
        permissions = [("reveal_rightsrequest", _("Can see who makes a request"))]
        indexes = [models.Index(fields=["controller", "state", "due_on"], name="rights_request_queue")]
        constraints = [
            models.CheckConstraint(
                condition=Q(due_on__gt=F("received_on")) & Q(due_extended_on__gt=F("due_on")),
                name="rights_request_dates_in_order",
            ),
            models.CheckConstraint(
                condition=Q(extended_at__isnull=True) | ~Q(extension_reason=""),
                name="rights_request_extension_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def current_due_on(self) -> date:
        return self.due_extended_on if self.extended_at else self.due_on


class RequestItem(models.Model):
    """One right in a request; each ends with an outcome of its own."""

    class Outcome(models.TextChoices):
        DONE = "done", _("done")
        NO_DATA = "no_data", _("no data")
        UNIDENTIFIABLE = "unidentifiable", _("the person cannot be identified")
        NOT_APPLICABLE = "not_applicable", _("not applicable")
        EXCEPTION_17_3_B = "exception_17_3_b", _("kept under Art. 17(3)(b)")
        EXCEPTION_17_3_E = "exception_17_3_e", _("kept under Art. 17(3)(e)")
        COMPELLING_GROUNDS = "compelling_grounds", _("compelling legitimate grounds")
        THIRD_PARTY_RIGHTS = "third_party_rights", _("rights of others")
        EXCESSIVE = "excessive", _("manifestly unfounded or excessive")
        SUSPECTED_FRAUD = "suspected_fraud", _("suspected fraud")
        WITHDRAWN = "withdrawn", _("withdrawn")

    REFUSALS = (
        *(Outcome.EXCEPTION_17_3_B, Outcome.EXCEPTION_17_3_E, Outcome.COMPELLING_GROUNDS),
        *(Outcome.THIRD_PARTY_RIGHTS, Outcome.EXCESSIVE, Outcome.SUSPECTED_FRAUD),
    )

    class ObjectsTo(models.TextChoices):
        CONTACT = "contact", _("being contacted")
        ANALYSIS = "analysis", _("analysis of what they said")
        BOTH = "both", _("both")

    request = models.ForeignKey(
        RightsRequest, on_delete=models.CASCADE, related_name="items", verbose_name=_("rights request")
    )
    right = models.CharField(_("right"), max_length=32, choices=Right)
    objects_to = models.CharField(_("objects to"), max_length=8, choices=ObjectsTo, blank=True)
    leaves_suppression = models.BooleanField(
        _("not to be asked again"),
        default=True,
        help_text=_("After an erasure a fingerprint stays by which the person is not asked again."),
    )
    outcome = models.CharField(_("outcome"), max_length=32, choices=Outcome, blank=True)
    explanation = EncryptedTextField(_("explanation"), blank=True, help_text=_("Why it was refused, for the person."))
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("requested right")
        verbose_name_plural = _("requested rights")
        constraints = [models.UniqueConstraint(fields=["request", "right"], name="request_item_unique")]

    def __str__(self) -> str:
        return self.get_right_display()


class IdentityProof(models.Model):
    """Evidence of who asks; levels as in the assurance table, from mailbox (1) to checked by staff (4)."""

    class Kind(models.TextChoices):
        MAILBOX = "mailbox", _("mailbox confirmed")
        RECEIPT = "receipt", _("receipt code")
        INVITATION = "invitation", _("invitation link")
        SIGNED = "signed", _("identity signed by the product")
        STAFF = "staff", _("checked by staff")

    LEVELS = {Kind.MAILBOX: 1, Kind.RECEIPT: 2, Kind.INVITATION: 2, Kind.SIGNED: 3, Kind.STAFF: 4}

    request = models.ForeignKey(
        RightsRequest, on_delete=models.CASCADE, related_name="proofs", verbose_name=_("rights request")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    identifier = EncryptedTextField(_("proved identifier"), blank=True, editable=False)
    identifier_hash = models.BinaryField(_("hash of the proved identifier"), max_length=32, null=True, editable=False)
    document = models.CharField(
        _("document seen"), max_length=100, blank=True, help_text=_("Its kind only; no copy and no number is kept.")
    )
    proved_at = models.DateTimeField(_("proved at"), auto_now_add=True)
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("checked by"),
    )

    class Meta:
        ordering = ["proved_at"]
        verbose_name = _("proof of identity")
        verbose_name_plural = _("proofs of identity")

    def __str__(self) -> str:
        return f"proof {self.pk}"

    @property
    def level(self) -> int:
        return self.LEVELS[self.Kind(self.kind)]


class RequestToken(models.Model):
    """A one-time secret sent to somebody; only its digest is kept, bound to one request and one purpose."""

    class Purpose(models.TextChoices):
        CONFIRM_MAILBOX = "confirm_mailbox", _("confirm the mailbox")
        CONFIRM_CODE = "confirm_code", _("code that confirms the mailbox")
        STATUS_CODE = "status_code", _("code for the page about the request")
        UNLOCK_CODE = "unlock_code", _("code that opens a package")

    request = models.ForeignKey(
        RightsRequest, on_delete=models.CASCADE, related_name="tokens", verbose_name=_("rights request")
    )
    purpose = models.CharField(_("purpose"), max_length=32, choices=Purpose)
    digest = models.BinaryField(_("digest"), max_length=32, unique=True, editable=False)
    tries = models.PositiveSmallIntegerField(_("wrong tries"), default=0)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("token")
        verbose_name_plural = _("tokens")

    def __str__(self) -> str:
        return f"token {self.pk}"


class RequestMessage(models.Model):
    """A mail owed to the person; the row says what is due, so that a lost queue message loses no mail."""

    class Kind(models.TextChoices):
        CONFIRMATION = "confirmation", _("confirmation of the mailbox")
        ACKNOWLEDGEMENT = "acknowledgement", _("acknowledgement of receipt")
        CODE = "code", _("code")
        INFORMATION_NEEDED = "information_needed", _("question to the person")
        EXTENSION = "extension", _("notice of the extension")
        ANSWER = "answer", _("answer")
        LIFTING = "lifting", _("notice that a restriction will be lifted")

    request = models.ForeignKey(
        RightsRequest, on_delete=models.CASCADE, related_name="messages", verbose_name=_("rights request")
    )
    kind = models.CharField(_("kind"), max_length=32, choices=Kind)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    text = EncryptedTextField(_("text"), blank=True, help_text=_("What staff wrote to the person in it."))
    message_id = models.CharField(_("Message-ID"), max_length=100, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    failed_at = models.DateTimeField(_("given up"), null=True, blank=True)
    bounced_at = models.DateTimeField(_("came back"), null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="request_message_due",
                condition=Q(sent_at__isnull=True, failed_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"message {self.pk}"


class RequestEvent(models.Model):
    """One entry in a request's audit trail: append-only by trigger, chained by hash, never with a value."""

    class Actor(models.TextChoices):
        PERSON = "person", _("data subject")
        STAFF = "staff", _("staff")
        SYSTEM = "system", _("system")

    request = models.ForeignKey(
        RightsRequest, on_delete=models.PROTECT, related_name="events", verbose_name=_("rights request")
    )
    number = models.PositiveIntegerField(_("number"))
    at = models.DateTimeField(_("time"))
    actor = models.CharField(_("actor"), max_length=8, choices=Actor)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("user"),
    )
    action = models.CharField(_("action"), max_length=32)
    from_state = models.CharField(_("state before"), max_length=32, blank=True, choices=RightsRequest.State)
    to_state = models.CharField(_("state after"), max_length=32, blank=True, choices=RightsRequest.State)
    fields = ArrayField(models.CharField(max_length=64), verbose_name=_("fields"), default=list, blank=True)
    previous_hash = models.BinaryField(_("previous hash"), max_length=32, editable=False)
    hash = models.BinaryField(_("hash"), max_length=32, editable=False)

    class Meta:
        ordering = ["request", "number"]
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [models.UniqueConstraint(fields=["request", "number"], name="request_event_chain")]

    def __str__(self) -> str:
        return f"event {self.pk}"
