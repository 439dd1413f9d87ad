"""Permissions to ask by e-mail: recorded from a person's page, withdrawn, never edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget

from feedback.channel_permissions import record_permission, withdraw_permission
from feedback.models import ChannelPermission, Respondent
from privacy.admin.histories import said
from privacy.admin.visibility import VisibleModelAdmin, staff

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern


class PermissionForm(forms.Form):
    """On what a permission rests, where that can be looked up, and since when."""

    basis = forms.ChoiceField(
        label=_("Basis"),
        choices=ChannelPermission.Basis.choices,
        widget=UnfoldAdminRadioSelectWidget,
        help_text=_("Why the person may be asked by e-mail."),
    )
    evidence = forms.CharField(
        label=_("Evidence"),
        max_length=300,
        help_text=_("Where it can be looked up: a form and its version, a contract."),
        widget=UnfoldAdminTextInputWidget,
    )
    given_on = forms.DateField(
        label=_("Given on"),
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text=_("The day from which it holds, not in the future: when they consented or became a customer."),
    )


@admin.register(ChannelPermission)
class ChannelPermissionAdmin(VisibleModelAdmin):
    empty_hint = _("No permission is recorded. Record one with its evidence before somebody is asked by e-mail.")
    list_display = ("number", "product", "channel", "basis", "given_on", "standing")
    list_filter = (("basis", ChoicesDropdownFilter),)
    list_select_related = ("respondent__product",)
    fields = readonly_fields = ("number", "product", "channel", "basis", "evidence", "given_on", "standing")
    change_form_template = "admin/feedback/channelpermission/page.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChannelPermission]:
        rows: QuerySet[ChannelPermission] = super().get_queryset(request)
        return rows.select_related("respondent__product")

    @display(description=_("person"))
    def number(self, permission: ChannelPermission) -> str:
        return str(permission.respondent)

    @display(description=_("product"))
    def product(self, permission: ChannelPermission) -> str:
        return str(permission.respondent.product)

    @display(description=_("standing"), label={"in_force": "success", "withdrawn": "info"})
    def standing(self, permission: ChannelPermission) -> tuple[str, Any]:
        return ("withdrawn", _("withdrawn")) if permission.withdrawn_at else ("in_force", _("in force"))

    def has_change_permission(self, request: HttpRequest, obj: ChannelPermission | None = None) -> bool:
        return False  # what was recorded stays as it was; it can only be withdrawn

    def has_delete_permission(self, request: HttpRequest, obj: ChannelPermission | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.withdraw_view)
        return [path("<int:pk>/withdraw/", view, name="feedback_channelpermission_withdraw"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        permission = self.get_object(request, object_id)
        may_withdraw = permission is not None and permission.withdrawn_at is None and _may_withdraw(request)
        context = {**(extra_context or {}), "may_withdraw": may_withdraw, "permission": permission}
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if "respondent" not in request.GET:
            return self._page(request, "start", {"title": _("Record a permission for e-mail")})
        respondent = _respondent(request)
        form = PermissionForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                permission = record_permission(respondent=respondent, **form.cleaned_data)
            except ValidationError as error:
                form.add_error(None, error)
            else:
                self.log_addition(request, permission, [{"added": {}}])
                messages.success(request, _("The permission is recorded."))
                return HttpResponseRedirect(reverse("admin:feedback_channelpermission_change", args=[permission.pk]))
        context = {"title": _("Record a permission for e-mail"), "subtitle": str(respondent), "form": form}
        return self._page(request, "record", {**context, "respondent": respondent})

    def withdraw_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask, then end a permission."""
        permission = get_object_or_404(self.get_queryset(request), pk=pk)
        if not _may_withdraw(request):
            raise PermissionDenied
        back = reverse("admin:feedback_channelpermission_change", args=[pk])
        if request.method != "POST":
            context = {"title": _("Withdraw this permission?"), "subtitle": str(permission), "back": back}
            return self._page(request, "withdraw", context)
        if withdraw_permission(permission=permission):
            self.log_change(request, permission, said(_("Withdrawn.")))
            messages.success(request, _("The permission is withdrawn: nobody mails this person any more."))
        else:
            messages.info(request, _("The permission was withdrawn before."))
        return HttpResponseRedirect(back)

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        everywhere = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, f"admin/feedback/channelpermission/{name}.html", {**everywhere, **context})


def _respondent(request: HttpRequest) -> Respondent:
    number = request.GET["respondent"]
    if not number.isdecimal():
        raise Http404
    visible = Respondent.objects.visible_to(staff(request)).select_related("product")
    respondent: Respondent = get_object_or_404(visible, pk=number)
    return respondent


def _may_withdraw(request: HttpRequest) -> bool:
    return staff(request).has_perm("feedback.change_channelpermission")
