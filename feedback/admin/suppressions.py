"""The list of people who are never asked: it can be added to and asked about, and shows nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action

from feedback.admin.people_forms import IdentifiersForm
from feedback.suppressing import lift_suppression, suppress_person
from privacy.access_log import record_access
from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin, staff
from privacy.models import AccessLogEntry, Suppression
from privacy.suppression import suppressions_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern


@admin.register(Suppression)
class SuppressionAdmin(VisibleModelAdmin):
    empty_hint = _(
        "Nobody is suppressed. People join the list when they object or are erased, or when their wish is "
        "entered by staff."
    )
    list_display = ("created_at", "product", "reason")
    list_filter = (("reason", ChoicesDropdownFilter), ("product", VisibleFilter))
    list_select_related = ("product",)
    fields = readonly_fields = ("created_at", "product", "reason")
    actions_list = ("suppress", "recognise")
    change_form_template = "admin/feedback/suppression/page.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # an entry is made from identifiers, which it does not keep

    def has_change_permission(self, request: HttpRequest, obj: Suppression | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Suppression | None = None) -> bool:
        return False

    def has_suppress_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("privacy.add_suppression")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.lift_view)
        return [path("<int:pk>/lift/", view, name="privacy_suppression_lift"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        entry = self.get_object(request, object_id)
        by_staff = entry is not None and entry.reason == Suppression.Reason.BY_STAFF
        context = {**(extra_context or {}), "entry": entry, "may_lift": by_staff and _may_lift(request)}
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page

    @action(description=_("Suppress a person"), url_path="suppress", permissions=["suppress"], icon="person_off")
    def suppress(self, request: HttpRequest) -> HttpResponse:
        form = self._form(request)
        if form.is_valid():
            product = form.cleaned_data["product"]
            keys = suppress_person(product=product, person=form.person(), reason=Suppression.Reason.BY_STAFF)
            for entry in suppressions_of(product=product, subject_keys=keys):
                self.log_addition(request, entry, [{"added": {}}])
            messages.success(request, _("This person is on the list: the product does not ask them any more."))
            return HttpResponseRedirect(reverse("admin:privacy_suppression_changelist"))
        return self._page(request, "suppress", {"title": _("Suppress a person"), "form": form})

    @action(
        description=_("Is a person on the list?"), url_path="recognise", permissions=["suppress"], icon="person_search"
    )
    def recognise(self, request: HttpRequest) -> HttpResponse:
        form = self._form(request)
        context: dict[str, Any] = {"title": _("Is a person on the list?"), "form": form}
        if form.is_valid():
            product = form.cleaned_data["product"]
            entries = list(suppressions_of(product=product, subject_keys=form.person().lasting_keys))
            record_access(
                user=staff(request),
                purpose=AccessLogEntry.Purpose.SUPPRESSION,
                record=entries[0] if entries else Suppression,
                controller=product.controller,
                product=product,
            )
            # The answer starts with an empty form: what was typed is not sent back.
            context |= {"form": IdentifiersForm(user=staff(request)), "is_answered": True, "entries": entries}
        return self._page(request, "recognise", context)

    def lift_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask, then take an entry that staff made off the list."""
        entry = get_object_or_404(self.get_queryset(request), pk=pk)
        if not _may_lift(request):
            raise PermissionDenied
        if request.method != "POST":
            back = reverse("admin:privacy_suppression_change", args=[pk])
            context = {"title": _("May this person be asked again?"), "subtitle": str(entry), "back": back}
            return self._page(request, "lift", {**context, "entry": entry})
        try:
            lift_suppression(suppression=entry)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return HttpResponseRedirect(reverse("admin:privacy_suppression_change", args=[pk]))
        self.log_deletions(request, [entry])
        messages.success(request, _("The entry is lifted. Other identifiers of the person may still be on the list."))
        return HttpResponseRedirect(reverse("admin:privacy_suppression_changelist"))

    def _form(self, request: HttpRequest) -> IdentifiersForm:
        return IdentifiersForm(request.POST if request.method == "POST" else None, user=staff(request))

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        everywhere = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, f"admin/feedback/suppression/{name}.html", {**everywhere, **context})


def _may_lift(request: HttpRequest) -> bool:
    return staff(request).has_perm("privacy.delete_suppression")
