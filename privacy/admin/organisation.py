"""Controllers, products, their signing secrets, and who among the staff sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms.models import BaseInlineFormSet
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from privacy import signing_secrets, staffing
from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin, staff, visible
from privacy.models import Controller, Membership, Product, SigningSecret
from privacy.processing import record_of_processing
from privacy.tasks import queue_alerts_of

if TYPE_CHECKING:
    from django.db.models import Field, ForeignKey, QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern


class ControllerForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        help_texts = {
            "name": _("In full, with its legal form: the privacy notice and every answer show it."),
            "address": _("The registered office; the privacy notice and e-mails show it."),
            "contact_email": _("For everything but privacy; the privacy notice and e-mails show it."),
        }


@admin.register(Controller)
class ControllerAdmin(VisibleModelAdmin):
    empty_hint = _("Begin with the legal entity that is responsible for the data; products belong to it.")
    form = ControllerForm
    list_display = ("name", "group_name", "country", "privacy_email")
    search_fields = ("name", "group_name")
    fieldsets = (
        (None, {"fields": ("name", "group_name", "address", "country", "time_zone")}),
        (_("Where data subjects turn"), {"fields": ("contact_email", "privacy_email", "supervisory_authority")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Controller | None = None) -> bool:
        return False  # requests and their proofs must be kept

    def save_model(self, request: HttpRequest, obj: Controller, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            staffing.join(user=staff(request), controller=obj)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "controller_pk": object_id}
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page

    def get_urls(self) -> list[URLPattern]:
        record = self.admin_site.admin_view(self.record_view)
        return [path("<int:pk>/record/", record, name="privacy_controller_record"), *super().get_urls()]

    def record_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the record of processing activities, Art. 30(1) GDPR."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        controller = get_object_or_404(self.get_queryset(request), pk=pk)
        language = get_language() or settings.LANGUAGE_CODE
        context = {
            "title": _("Record of processing activities"),
            "subtitle": str(controller),
            "record": record_of_processing(controller=controller, language=language),
        }
        return TemplateResponse(
            request, "admin/privacy/controller/record.html", {**self.admin_site.each_context(request), **context}
        )


class SigningSecretInline(TabularInline):
    model = SigningSecret
    fields = readonly_fields = ("masked", "created_at", "retirement")
    extra = 0
    can_delete = False  # a page of its own says what retiring a secret means
    verbose_name_plural = _("Signing secrets")

    def get_fields(self, request: HttpRequest, obj: Product | None = None) -> tuple[str, ...]:
        may_retire = request.user.has_perm("privacy.delete_signingsecret")
        return self.fields if may_retire else self.fields[:-1]

    def has_add_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        return False  # made by a button, because a secret is shown once

    def has_change_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        return False

    @display(description=_("secret"))
    def masked(self, secret: SigningSecret) -> str:
        return signing_secrets.mask(secret)

    @display(description=_("retire"))
    def retirement(self, secret: SigningSecret) -> str:
        address = reverse("admin:privacy_product_retire_secret", args=[secret.product_id, secret.pk])
        return format_html('<a href="{}" class="underline">{}</a>', address, _("Retire it"))


class ProductMemberFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """Members of a product belong to the product's controller."""

    by: User

    def clean(self) -> None:
        super().clean()
        for form in self.deleted_forms:
            staffing.check_removal(by=self.by, account=form.instance.user)

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)  # type: ignore[misc]  # missing in the stubs
        form.instance.controller = self.instance.controller
        return form


def record_members(request: HttpRequest, formset: Any) -> None:
    """Record the memberships that a saved formset gave and took."""
    if formset.model is not Membership:
        return
    changes = staffing.record_memberships(by=staff(request), added=formset.new_objects, removed=formset.deleted_objects)
    for recorded in changes:
        queue_alerts_of(recorded)


class ProductMemberForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        help_texts = {"user": _("Sees this product from now on, as far as their roles allow.")}


class ProductMemberInline(TabularInline):
    """Who sees this product; members of the whole controller are on their own pages."""

    model = Membership
    form = ProductMemberForm
    fields = ("user",)
    extra = 0
    verbose_name = _("member")
    verbose_name_plural = _("Members of this product")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        rows: QuerySet[Membership] = super().get_queryset(request)
        return rows.select_related("user", "product", "controller")

    def get_formset(self, request: HttpRequest, obj: Product | None = None, **kwargs: Any) -> Any:
        kwargs["formset"] = type("ProductMemberFormSetOfUser", (ProductMemberFormSet,), {"by": request.user})
        return super().get_formset(request, obj, **kwargs)

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        colleagues = staffing.visible_staff(staff(request))
        kwargs["queryset"] = colleagues.filter(is_staff=True, is_superuser=False).order_by("username")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        return False  # a member is added or removed, never turned into another


class ProductForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        help_texts = {
            "name": _("As its users know it: surveys, e-mails and the form for requests show it."),
            "default_language": _(
                "A code such as pl: every survey needs wording in it, and who names no language gets it."
            ),
            "identity_mode": _("Nobody else is asked. Signing takes a secret, which is made on the product's page."),
        }


@admin.register(Product)
class ProductAdmin(VisibleModelAdmin):
    empty_hint = _(
        "Add the product whose users you want to ask; its page then says how to connect it. If there should "
        "be one, ask an administrator to make you a member."
    )
    form = ProductForm
    list_display = ("name", "controller", "is_live", "public_key", "identity_mode")
    list_filter = (("controller", VisibleFilter), "is_live")
    list_select_related = ("controller",)
    search_fields = ("name",)
    search_help_text = _("Names of products")
    readonly_fields = ("public_key", "test_key", "addresses")
    inlines = (SigningSecretInline, ProductMemberInline)
    fieldsets = (
        (None, {"fields": ("controller", "name", "is_live", "time_zone", "default_language")}),
        (
            _("Who is asked, and where"),
            {"fields": ("identity_mode", "allowed_origins", "blocked_urls", "allowed_url_parameters")},
        ),
        (_("E-mails of campaigns"), {"fields": ("colour", "tracks_opens")}),
    )
    keys = (_("Connecting a site or an app"), {"fields": ("public_key", "test_key", "addresses")})

    def get_fieldsets(self, request: HttpRequest, obj: Product | None = None) -> Any:
        # The test key asks anybody at any time, so only those who set products up see it.
        return (*self.fieldsets, self.keys) if obj and self.has_change_permission(request, obj) else self.fieldsets

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, ArrayField):
            kwargs["widget"] = UnfoldAdminTextInputWidget
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_inlines(self, request: HttpRequest, obj: Product | None) -> Any:
        return self.inlines if obj else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Product | None = None) -> tuple[str, ...]:
        # Answers were given to the controller named at that time; they cannot be handed to another one by a field.
        return (*self.readonly_fields, "controller") if obj else self.readonly_fields

    @display(description=_("addresses"))
    def addresses(self, product: Product) -> str:
        root = f"{settings.PUBLIC_URL}/api/v1/products/{product.public_key}"
        return format_html_join(
            "",
            "<div><code>{} {}</code></div>",
            [
                ("GET", f"{root}/surveys"),
                ("POST", f"{root}/eligibility"),
            ],
        )

    def has_delete_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            staffing.join(user=staff(request), controller=obj.controller, product=obj)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        record_members(request, formset)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may_issue = {"may_issue_secret": request.user.has_perm("privacy.add_signingsecret"), "product_pk": object_id}
        page: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **may_issue})
        return page

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/secret/", view(self.secret_view), name="privacy_product_secret"),
            path(
                "<int:pk>/secret/<int:secret_pk>/", view(self.retire_secret_view), name="privacy_product_retire_secret"
            ),
            *super().get_urls(),
        ]

    def secret_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask whether to make a signing secret; make it and show it, this one time."""
        product = get_object_or_404(self.get_queryset(request), pk=pk)
        if not request.user.has_perm("privacy.add_signingsecret"):
            raise PermissionDenied
        back = reverse("admin:privacy_product_change", args=[pk])
        secret = None
        if request.method == "POST":
            try:
                made = signing_secrets.issue(product=product)
            except ValidationError as error:
                messages.error(request, " ".join(error.messages))
                return HttpResponseRedirect(back)
            self.log_change(request, product, [{"added": _named(made)}])
            secret = made.secret
        context = {"title": _("Signing secret"), "subtitle": str(product), "secret": secret, "back": back}
        return TemplateResponse(
            request, "admin/privacy/product/secret.html", {**self.admin_site.each_context(request), **context}
        )

    def retire_secret_view(self, request: HttpRequest, pk: int, secret_pk: int) -> HttpResponse:
        """Ask whether to retire a signing secret, saying what follows from it; retire it."""
        product = get_object_or_404(self.get_queryset(request), pk=pk)
        if not request.user.has_perm("privacy.delete_signingsecret"):
            raise PermissionDenied
        back = reverse("admin:privacy_product_change", args=[pk])
        if request.method == "POST":
            self._retire_secret(request, product, secret_pk)
            return HttpResponseRedirect(back)
        secret = get_object_or_404(product.signing_secrets, pk=secret_pk)
        is_last = product.signing_secrets.count() == 1
        title = {"title": _("Retire a signing secret"), "subtitle": str(product)}
        context = {
            **title,
            "secret": signing_secrets.mask(secret),
            "is_last": is_last,
            "product": product,
            "back": back,
        }
        return TemplateResponse(
            request, "admin/privacy/product/retire_secret.html", {**self.admin_site.each_context(request), **context}
        )

    def _retire_secret(self, request: HttpRequest, product: Product, secret_pk: int) -> None:
        try:
            secret = signing_secrets.retire(product=product, pk=secret_pk)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return
        self.log_change(request, product, [{"deleted": _named(secret)}])
        messages.success(request, _("The secret is retired: what it signed is refused from now on."))


def _named(secret: SigningSecret) -> dict[str, str]:
    """Return how the history names a secret: its words are translated when they are read, the secret is masked."""
    return {"name": str(SigningSecret._meta.verbose_name_raw), "object": signing_secrets.mask(secret)}


class MembershipForm(forms.ModelForm):  # type: ignore[type-arg]
    """A membership that shows no more than the user who gives it sees."""

    by: User

    class Meta:
        model = Membership
        fields = ("controller", "product")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.has_changed() and cleaned.get("controller"):
            staffing.check_grant(by=self.by, controller=cleaned["controller"], product=cleaned.get("product"))
        return cleaned


class UserMembershipInline(TabularInline):
    """What a member of staff sees."""

    model = Membership
    form = MembershipForm
    fields = ("controller", "product")
    extra = 0
    verbose_name_plural = _("Sees these products")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        within = staffing.memberships_within(staff(request))
        rows: QuerySet[Membership] = super().get_queryset(request)
        return rows.filter(pk__in=within.values("pk")).select_related("controller", "product")

    def get_formset(self, request: HttpRequest, obj: User | None = None, **kwargs: Any) -> Any:
        kwargs["form"] = type("MembershipFormOfUser", (self.form,), {"by": request.user})
        return super().get_formset(request, obj, **kwargs)

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = visible(db_field.remote_field.model, request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_add_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return self._may(request, obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False  # a membership is given or taken, never turned into another

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return self._may(request, obj) and super().has_delete_permission(request, obj)

    def _may(self, request: HttpRequest, account: User | None) -> bool:
        """Nobody decides what they see themselves."""
        return request.user.is_superuser or account is None or account.pk != request.user.pk
