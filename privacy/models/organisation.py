"""Who is responsible for which data: controllers and their products, and the staff who may see them."""

from __future__ import annotations

import secrets
import zoneinfo
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from privacy.encryption import EncryptedTextField

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.models import AnonymousUser, User

COUNTRY = RegexValidator(r"^[A-Z]{2}\Z", _("Two capital letters, as in ISO 3166-1: PL."), code="invalid_country")
COLOUR = RegexValidator(r"^#[0-9a-f]{6}\Z", _("Six digits in small letters: #3a3f8f."), code="invalid_colour")
ORIGIN = RegexValidator(
    r"^https?://[a-z0-9.-]+(:\d{1,5})?\Z",
    _("A scheme and a host, without a path: https://app.example.com"),
    "invalid_origin",
)


def validate_time_zone(name: str) -> None:
    """Accept the names of the IANA time zone database only."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(
            _("“%(name)s” is not a time zone; an example is Europe/Warsaw."), "invalid_zone", {"name": name}
        )


class ControllerQuerySet(models.QuerySet["Controller"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the controllers of which the user may see at least one product."""
        if user.is_superuser:
            return self
        if not user.is_authenticated:
            return self.none()
        return self.filter(pk__in=Membership.objects.filter(user=user).values("controller"))

    def wholly_visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the controllers all of whose products the user may see, also those added later."""
        if user.is_superuser:
            return self
        if not user.is_authenticated:
            return self.none()
        return self.filter(pk__in=Membership.objects.filter(user=user, product__isnull=True).values("controller"))


class Controller(models.Model):
    """The legal entity responsible for the data, GDPR Art. 4(7)."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    group_name = models.CharField(
        _("group"), max_length=200, blank=True, help_text=_("The group of companies it belongs to.")
    )
    address = models.TextField(_("address"), blank=True)
    contact_email = models.EmailField(_("contact e-mail"))
    privacy_email = models.EmailField(_("privacy e-mail"), help_text=_("Where data subjects may write."))
    supervisory_authority = models.CharField(
        _("supervisory authority"), max_length=200, help_text=_("Where a data subject may complain.")
    )
    country = models.CharField(
        _("country"),
        max_length=2,
        default="PL",
        validators=[COUNTRY],
        help_text=_("Its public holidays move deadlines."),
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        default="Europe/Warsaw",
        validators=[validate_time_zone],
        help_text=_("Days of deadlines begin and end in this zone."),
    )

    objects = ControllerQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("controller")
        verbose_name_plural = _("controllers")

    def __str__(self) -> str:
        return self.name


class ProductQuerySet(models.QuerySet["Product"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the products the user is a member of, directly or through the whole controller."""
        if user.is_superuser:
            return self
        if not user.is_authenticated:
            return self.none()
        own = Membership.objects.filter(user=user)
        return self.filter(
            Q(pk__in=own.filter(product__isnull=False).values("product"))
            | Q(controller__in=own.filter(product__isnull=True).values("controller"))
        )

    def keys(self) -> list[int]:
        return list(self.order_by().values_list("pk", flat=True))


def origin_is_accepted(origin: str, allowed: Sequence[str]) -> bool:
    """Tell whether a web site may ask: an empty origin is no web site, and an empty list allows any."""
    return not origin or not allowed or origin in allowed


def new_public_key() -> str:
    return f"pk_{secrets.token_hex(12)}"


def new_test_key() -> str:
    return f"tk_{secrets.token_hex(12)}"


class Product(models.Model):
    """The product or service whose users are asked."""

    class IdentityMode(models.TextChoices):
        OPEN = "open", _("anonymous and identified people")
        IDENTIFIED = "identified", _("identified people only")
        TRUSTED = "trusted", _("people whose identity the product signed")

    controller = models.ForeignKey(
        Controller, on_delete=models.PROTECT, related_name="products", verbose_name=_("controller")
    )
    name = models.CharField(_("name"), max_length=200)
    public_key = models.CharField(
        _("public key"),
        max_length=64,
        unique=True,
        default=new_public_key,
        help_text=_("Names the product in pages and apps."),
    )
    test_key = models.CharField(
        _("test key"),
        max_length=64,
        unique=True,
        default=new_test_key,
        help_text=_("Asks at once and marks everything it leads to as a test."),
    )
    is_live = models.BooleanField(
        pgettext_lazy("product", "live"), default=True, help_text=_("Nobody is asked while this is off.")
    )
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="Europe/Warsaw", validators=[validate_time_zone],
        help_text=_("Days of reports begin and end in this zone."),
    )  # fmt: skip
    default_language = models.CharField(_("default language"), max_length=10, default="pl")
    allowed_origins = ArrayField(
        models.CharField(max_length=255, validators=[ORIGIN]),
        verbose_name=_("allowed origins"),
        default=list,
        blank=True,
        help_text=_("Web sites that may ask, separated by commas. Empty: any site."),
    )
    allowed_url_parameters = ArrayField(
        models.CharField(max_length=64),
        verbose_name=_("kept URL parameters"),
        default=list,
        blank=True,
        help_text=_("Query parameters kept in the address stored with a response; all others are removed."),
    )
    blocked_urls = ArrayField(
        models.CharField(max_length=255),
        verbose_name=_("pages where nobody is asked"),
        default=list,
        blank=True,
        help_text=_("Addresses separated by commas; * stands for anything: https://app.example.com/checkout*"),
    )
    identity_mode = models.CharField(
        _("who may be asked"), max_length=10, choices=IdentityMode, default=IdentityMode.OPEN
    )

    colour = models.CharField(
        _("colour"), max_length=7, default="#3a3f8f", validators=[COLOUR], help_text=_("Of its e-mails: #3a3f8f")
    )
    tracks_opens = models.BooleanField(
        _("counts opened e-mails"),
        default=False,
        help_text=_("By an invisible picture: only an indication, and the privacy notice has to mention it."),
    )

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("product")
        verbose_name_plural = _("products")
        constraints = [
            models.UniqueConstraint(fields=["controller", "name"], name="product_name_unique_per_controller"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    def accepts_origin(self, origin: str) -> bool:
        """Tell whether a web site may ask for this product; an empty origin is no web site."""
        return origin_is_accepted(origin, self.allowed_origins)


class SigningSecret(models.Model):
    """A secret with which the product's backend signs identities; two may be valid while one replaces the other."""

    product = models.ForeignKey(
        Product, on_delete=models.CASCADE, related_name="signing_secrets", verbose_name=_("product")
    )
    secret = EncryptedTextField(_("secret"), default=secrets.token_urlsafe)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("signing secret")
        verbose_name_plural = _("signing secrets")

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class ServerKey(models.Model):
    """A key with which a product's backend calls the API; only its digest is kept, so that it is shown once."""

    class Scope(models.TextChoices):
        ASK = "ask", _("invite people")
        RIGHTS = "rights", _("file rights requests of people it signs for")

    product = models.ForeignKey(
        Product, on_delete=models.CASCADE, related_name="server_keys", verbose_name=_("product")
    )
    name = models.CharField(_("name"), max_length=100, help_text=_("What uses it, so that you know what to replace."))
    digest = models.BinaryField(_("digest"), max_length=32, unique=True, editable=False)
    ending = models.CharField(_("ends in"), max_length=4, editable=False)
    scopes = ArrayField(models.CharField(max_length=8, choices=Scope), verbose_name=_("may"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = _("server key")
        verbose_name_plural = _("server keys")

    def __str__(self) -> str:
        return f"server key {self.pk}"


class Membership(models.Model):
    """A member of staff sees this product, or all products of this controller where no product is named."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("user")
    )
    controller = models.ForeignKey(
        Controller, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("controller")
    )
    product = models.ForeignKey(
        Product,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="memberships",
        verbose_name=_("product"),
        help_text=_("Empty: all products of the controller, also those added later."),
    )

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "controller", "product"], name="membership_unique", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"membership {self.pk}"

    def clean(self) -> None:
        if self.product is not None and self.product.controller_id != self.controller_id:
            raise ValidationError({"product": _("This product belongs to another controller.")}, "foreign_product")
