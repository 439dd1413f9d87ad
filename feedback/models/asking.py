"""Who is asked, and each occasion on which they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from privacy.models import Product
from surveys.models import Channel, Survey, SurveyVersion

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

# Whose token was delivered to the person. Anybody may name somebody on a web page, and is given a token in their name.
DELIVERED: Final = models.Q(channel=Channel.EMAIL) | models.Q(sent_at__isnull=False)
ANONYMOUS: Final = "anon:"


class Suspicion(models.TextChoices):
    """Why a visit to a link, or an answer on its page, is probably the work of a machine that looks through mail."""

    HEAD = "head", _("The link was checked without loading the page.")
    EARLY = "early", _("The link was opened within seconds of the e-mail being sent.")
    TWO_SCORES = "two_scores", _("Two different scores were opened within a minute.")
    SCANNER = "scanner", _("A program that scans links says so in its name.")
    NO_INPUT = "no_input", _("The page ran in a browser, but nobody touched, clicked or typed.")
    TOO_FAST = "too_fast", _("It was sent within seconds, from a browser that cannot tell whether somebody pressed.")


class RespondentQuerySet(models.QuerySet["Respondent"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the people of products the user may see."""
        return self.filter(product__in=Product.objects.visible_to(user))


class UnrestrictedRespondents(models.Manager.from_queryset(RespondentQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> RespondentQuerySet:
        everybody: RespondentQuerySet = super().get_queryset()
        return everybody.filter(restricted_at__isnull=True)


class Respondent(models.Model):
    """A person or an anonymous visitor of one product.

    ``subject_key`` is the first identifier known: ``id:…``, ``mail:…``, ``tel:…`` or ``anon:…``. ``reservations``
    counts the invitations reserved and serves as the guard against two of them at once. An anonymous visitor who
    turned out to be somebody points at that ``person``.
    """

    # The unique key begins with it.
    product = models.ForeignKey(
        Product, on_delete=models.PROTECT, db_index=False, related_name="+", verbose_name=_("product")
    )
    subject_key = models.CharField(_("subject key"), max_length=330, editable=False)
    external_id = models.CharField(_("id in the product"), max_length=255, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=20, blank=True)
    anonymous_id = models.CharField(_("anonymous id"), max_length=64, blank=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    company = models.CharField(_("company"), max_length=200, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    properties = models.JSONField(_("properties"), default=dict, blank=True)
    customer_since = models.DateTimeField(_("customer since"), null=True, blank=True)
    first_seen_at = models.DateTimeField(_("first seen"))
    reservations = models.PositiveIntegerField(default=0, editable=False)
    person = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        editable=False,
        db_index=False,
        related_name="devices",
        verbose_name=_("person"),
    )
    mail_bounced_at = models.DateTimeField(_("e-mail came back"), null=True, blank=True, editable=False)
    unsubscribed_at = models.DateTimeField(_("unsubscribed from e-mail"), null=True, blank=True, editable=False)
    do_not_contact = models.BooleanField(_("do not contact"), default=False)
    contact_agreed = models.CharField(
        _("agreed to be contacted again"), max_length=300, default="", db_default="", blank=True, editable=False
    )
    objected_at = models.DateTimeField(_("objected"), null=True, blank=True, editable=False)
    restricted_at = models.DateTimeField(_("restricted"), null=True, blank=True, editable=False)

    objects = UnrestrictedRespondents()
    including_restricted = RespondentQuerySet.as_manager()

    class Meta:
        base_manager_name = "including_restricted"
        verbose_name = _("respondent")
        verbose_name_plural = _("respondents")
        constraints = [models.UniqueConstraint(fields=["product", "subject_key"], name="respondent_unique")]
        indexes = [
            models.Index(fields=["email"], name="respondent_email", condition=~models.Q(email="")),
            models.Index(fields=["phone"], name="respondent_phone", condition=~models.Q(phone="")),
            models.Index(fields=["person"], name="respondent_of_person", condition=models.Q(person__isnull=False)),
            models.Index(fields=["id"], name="respondent_restricted", condition=models.Q(restricted_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def is_known(self) -> bool:
        """Whether the product said who this is, rather than the person being an anonymous visitor."""
        return not self.subject_key.startswith(ANONYMOUS)

    @property
    def wants_no_mail(self) -> bool:
        """Whether the person said that nobody should write to them; what the product asks inside is no mail."""
        return self.do_not_contact or self.unsubscribed_at is not None

    @property
    def may_be_contacted(self) -> bool:
        return not (self.do_not_contact or self.objected_at or self.restricted_at)


class ChannelPermissionQuerySet(models.QuerySet["ChannelPermission"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the permissions of people of products the user may see."""
        return self.filter(respondent__product__in=Product.objects.visible_to(user))


class UnrestrictedChannelPermissions(
    models.Manager.from_queryset(ChannelPermissionQuerySet)  # type: ignore[misc]
):
    def get_queryset(self) -> ChannelPermissionQuerySet:
        everybody: ChannelPermissionQuerySet = super().get_queryset()
        return everybody.filter(respondent__restricted_at__isnull=True)


class ChannelPermission(models.Model):
    """That a person may be asked through a channel that reaches them outside of the product, and how this is known."""

    class Basis(models.TextChoices):
        CONSENT = "consent", _("consent")
        CUSTOMER = "customer", _("existing customer, informed and not opposed")

    respondent = models.ForeignKey(
        Respondent, on_delete=models.CASCADE, related_name="channel_permissions", verbose_name=_("respondent")
    )
    channel = models.CharField(_("channel"), max_length=8, choices=[(Channel.EMAIL.value, Channel.EMAIL.label)])
    basis = models.CharField(_("basis"), max_length=8, choices=Basis)
    evidence = models.CharField(
        _("evidence"), max_length=300, help_text=_("Where it can be looked up: a form and its version, a contract.")
    )
    given_on = models.DateField(_("given on"))
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True, editable=False)

    objects = UnrestrictedChannelPermissions()
    including_restricted = ChannelPermissionQuerySet.as_manager()

    class Meta:
        verbose_name = _("channel permission")
        verbose_name_plural = _("channel permissions")
        constraints = [
            models.UniqueConstraint(
                fields=["respondent", "channel"],
                condition=models.Q(withdrawn_at__isnull=True),
                name="channel_permission_unique_while_in_force",
            ),
            models.CheckConstraint(condition=~models.Q(evidence=""), name="channel_permission_has_evidence"),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the invitations of products the user may see."""
        return self.filter(product__in=Product.objects.visible_to(user))


class UnrestrictedInvitations(models.Manager.from_queryset(InvitationQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> InvitationQuerySet:
        everybody: InvitationQuerySet = super().get_queryset()
        return everybody.filter(respondent__restricted_at__isnull=True)


class Invitation(models.Model):
    """One occasion on which a respondent was asked; the times say how it went.

    ``suspicion`` is the first thing about visits to its link that only a machine does.
    Who is asked on a device that belongs to somebody else leaves its clock running, and so does who is asked by an
    e-mail or phone that another record carries: the invitation names that device or record.
    """

    # Asking somebody writes every index of this table and locks what each constraint refers to, which is the same few
    # rows at all page views. So there is no index that only removing a survey would use, and no constraint on what
    # was asked: nobody can delete a published version, and its own constraints hold its survey and product.
    product = models.ForeignKey(
        *(Product, models.PROTECT), db_index=False, db_constraint=False, related_name="+", verbose_name=_("product")
    )
    survey = models.ForeignKey(
        *(Survey, models.PROTECT), db_index=False, db_constraint=False, related_name="+", verbose_name=_("survey")
    )
    version = models.ForeignKey(
        *(SurveyVersion, models.PROTECT),
        db_index=False,
        db_constraint=False,
        related_name="+",
        verbose_name=_("version"),
    )
    respondent = models.ForeignKey(
        Respondent,
        on_delete=models.CASCADE,
        db_index=False,
        related_name="invitations",
        verbose_name=_("respondent"),
    )
    borrowed_device = models.ForeignKey(
        Respondent,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        db_index=False,
        related_name="+",
        verbose_name=_("asked on the device of"),
    )
    channel = models.CharField(_("channel"), max_length=8, choices=Channel)
    language = models.CharField(_("language"), max_length=10)
    token_digest = models.BinaryField(_("digest of the token"), max_length=32, unique=True, editable=False)
    url = models.CharField(_("address of the page"), max_length=500, blank=True)
    device = models.CharField(_("device"), max_length=16, blank=True)
    app_version = models.CharField(_("app version"), max_length=32, blank=True)
    is_test = models.BooleanField(_("test"), default=False)
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("expires"))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    opened_at = models.DateTimeField(_("link opened"), null=True, blank=True)
    shown_at = models.DateTimeField(_("shown"), null=True, blank=True)
    responded_at = models.DateTimeField(_("responded"), null=True, blank=True)
    declined_at = models.DateTimeField(_("declined"), null=True, blank=True)
    snoozed_at = models.DateTimeField(_("put off"), null=True, blank=True)
    unsubscribed_at = models.DateTimeField(_("unsubscribed from e-mail"), null=True, blank=True, editable=False)
    score_opened = models.SmallIntegerField(null=True, blank=True, editable=False)
    score_opened_at = models.DateTimeField(null=True, blank=True, editable=False)
    suspicion = models.CharField(
        _("visited by a machine"),
        max_length=10,
        choices=Suspicion,
        default="",
        db_default="",
        blank=True,
        editable=False,
    )

    objects = UnrestrictedInvitations()
    including_restricted = InvitationQuerySet.as_manager()

    class Meta:
        base_manager_name = "including_restricted"
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        permissions = [("make_personal_links", _("Can make personal links"))]
        indexes = [
            models.Index(fields=["respondent", "-created_at"], name="invitation_of_respondent"),
            models.Index(
                fields=["borrowed_device"],
                name="invitation_on_borrowed",
                condition=models.Q(borrowed_device__isnull=False),
            ),
            models.Index(fields=["product", "shown_at"], name="invitation_shown", condition=~models.Q(shown_at=None)),
            models.Index(
                fields=["product", "opened_at"], name="invitation_opened", condition=~models.Q(opened_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk}"
