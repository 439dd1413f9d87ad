"""Keys of products' backends: made here and shown once, listed by their last characters, revoked at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from privacy import server_keys
from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin
from privacy.models import Product, ServerKey

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern


class ServerKeyForm(forms.Form):
    """What a new key is for."""

    product: forms.ModelChoiceField[Product] = forms.ModelChoiceField(
        Product.objects.none(), label=_("product"), empty_label=None, widget=UnfoldAdminSelectWidget
    )
    name = forms.CharField(
        label=_("name"),
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("What uses it, so that you know what to replace."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("may"),
        choices=ServerKey.Scope.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("No more than it needs. It cannot be changed later, only replaced by a new key."),
    )

    def __init__(self, *args: Any, user: User | AnonymousUser, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["product"].queryset = Product.objects.visible_to(user)  # type: ignore[attr-defined]  # the field above


@admin.register(ServerKey)
class ServerKeyAdmin(VisibleModelAdmin):
    empty_hint = _("No backend has a key yet. Add one to let a product’s server invite people or read answers.")
    list_display = ("name", "product", "masked", "may", "created_at", "revoked_at", "revocation")
    list_filter = (("product", VisibleFilter),)
    list_select_related = ("product",)
    search_fields = ("name",)
    search_help_text = _("Names of keys")
    fields = readonly_fields = ("product", "name", "masked", "may", "created_at", "revoked_at", "revocation")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServerKey]:
        return ServerKey.objects.filter(product__in=Product.objects.visible_to(request.user))

    def has_change_permission(self, request: HttpRequest, obj: ServerKey | None = None) -> bool:
        return False  # what a key may do is decided when it is made

    def has_delete_permission(self, request: HttpRequest, obj: ServerKey | None = None) -> bool:
        return False  # a revoked key stays listed, so that nobody wonders where it went

    @display(description=_("key"))
    def masked(self, key: ServerKey) -> str:
        return f"{server_keys.PREFIX}…{key.ending}"

    @display(description=_("may"))
    def may(self, key: ServerKey) -> str:
        return ", ".join(str(ServerKey.Scope(scope).label) for scope in key.scopes)

    @display(description=_("revoke"))
    def revocation(self, key: ServerKey) -> str:
        if key.revoked_at:
            return "–"
        address = reverse("admin:privacy_serverkey_revoke", args=[key.pk])
        return format_html('<a href="{}" class="underline">{}</a>', address, _("Revoke it"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.revoke_view)
        return [path("<int:pk>/revoke/", view, name="privacy_serverkey_revoke"), *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask what a key is for; make it and show it, this one time."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form, secret = ServerKeyForm(request.POST if request.method == "POST" else None, user=request.user), None
        if form.is_valid():
            try:
                key, secret = server_keys.issue(**form.cleaned_data)
            except ValidationError as error:
                form.add_error(None, error.messages)
            else:
                self.log_addition(request, key, [{"added": {}}])
        return self._show(request, "issue", title=_("Server key"), form=form, secret=secret)

    def revoke_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask whether to take a key out of force; do it."""
        if not request.user.has_perm("privacy.delete_serverkey"):
            raise PermissionDenied
        key = get_object_or_404(self.get_queryset(request), pk=pk)
        if request.method == "POST":
            server_keys.revoke(key=key)
            self.log_change(request, key, [{"added": {"name": gettext_noop("revocation"), "object": str(key)}}])
            messages.success(request, _("The key is revoked: calls with it are refused from now on."))
            return HttpResponseRedirect(reverse("admin:privacy_serverkey_changelist"))
        return self._show(request, "revoke", title=_("Revoke a server key"), key=key)

    def _show(self, request: HttpRequest, page: str, **context: Any) -> HttpResponse:
        own = {"opts": self.opts, "media": self.media, "back": reverse("admin:privacy_serverkey_changelist")}
        return TemplateResponse(
            request,
            f"admin/privacy/serverkey/{page}.html",
            {**self.admin_site.each_context(request), **own, **context},
        )
