"""Tags: the themes staff give to responses, one list per product, with what became of each over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Func, IntegerField, OuterRef
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from feedback import tagging
from feedback.admin.tag_forms import MergeForm, PlainForm, RenameForm, TagForm
from feedback.disclosure import SEE_IDENTITY
from feedback.models import Tag
from feedback.periods import Bucket
from privacy.admin.histories import said
from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin, staff
from privacy.models import Product

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.forms import Form
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

MOST_COUNTED: Final = 999
CHANGE: Final = "feedback.change_tag"


@admin.register(Tag)
class TagAdmin(VisibleModelAdmin):
    empty_hint = _("There are no tags yet. Add one here, or type one on the page of a response.")
    form = TagForm
    list_display = ("name", "product", "used")
    list_filter = (("product", VisibleFilter),)
    list_select_related = ("product",)
    search_fields = ("name",)
    search_help_text = _("Names of tags")
    list_before_template = "admin/feedback/tag/before.html"
    change_form_template = "admin/feedback/tag/change_form.html"

    class Media:
        css = {"all": ["feedback/staff.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        uses = tagging.unrestricted_uses().filter(tag=OuterRef("pk")).order_by().values("pk")[: MOST_COUNTED + 1]
        counted: QuerySet[Any] = rows.annotate(
            uses=Func(ArraySubquery(uses), function="CARDINALITY", output_field=IntegerField())
        )
        return counted

    def get_readonly_fields(self, request: HttpRequest, obj: Tag | None = None) -> tuple[str, ...]:
        # Responses of one product carry it, so it cannot move to another; a new name is given on a page that counts.
        return ("name", "product") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Tag | None = None) -> bool:
        # Only what nothing carries is deleted, on a page of its own.
        return False

    @display(description=_("responses"))
    def used(self, tag: Any) -> str:
        return f"{MOST_COUNTED}+" if tag.uses > MOST_COUNTED else number_format(tag.uses)

    # --- Pages beside the list -------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("themes/", view(self.themes_view), name="feedback_tag_themes"),
            path("<int:pk>/rename/", view(self.rename_view), name="feedback_tag_rename"),
            path("<int:pk>/merge/", view(self.merge_view), name="feedback_tag_merge"),
            path("<int:pk>/discard/", view(self.discard_view), name="feedback_tag_discard"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        tag = self.get_object(request, object_id)
        if tag is not None and self.has_view_permission(request):
            bucket = Bucket.MONTH if request.GET.get("by") == Bucket.MONTH else Bucket.WEEK
            extra_context = {
                **(extra_context or {}),
                **{"show_save": False, "show_save_and_continue": False, "show_save_and_add_another": False},
                **{"tag": tag, "bucket": bucket, "steps": tagging.trend_of(tag=tag, bucket=bucket)},
                **{"uses": tagging.count_uses(tag), "rules": tagging.rules_of(tag), "may_change": _may_change(request)},
                "hides_few": not request.user.has_perm(SEE_IDENTITY),
                "rules_have_pages": "feedback.Rule" in {model._meta.label for model in self.admin_site._registry},
            }
        page: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        return page

    def themes_view(self, request: HttpRequest) -> HttpResponse:
        """Show all tags of one product with their uses in the last 90 days and in those before."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        products = list(Product.objects.visible_to(request.user).order_by("name"))
        wanted = request.GET.get("product", "")
        product = next((one for one in products if str(one.pk) == wanted), products[0] if products else None)
        context = {
            **{"title": gettext("Themes"), "products": products, "product": product, "opts": self.opts},
            **{"themes": tagging.themes_of(product=product) if product else [], "days": tagging.OVERVIEW_DAYS},
            **{"hides_few": not request.user.has_perm(SEE_IDENTITY), "media": self.media},
            "may_add_rule": request.user.has_perm("feedback.add_rule"),
        }
        return TemplateResponse(
            request, "admin/feedback/tag/themes.html", {**self.admin_site.each_context(request), **context}
        )

    def rename_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for another name, saying who will see it, and give it."""
        tag = self.changeable(request, pk)
        before = tag.name
        form = RenameForm(request.POST or None, initial={"name": before})
        if form.is_valid():
            try:
                tagging.rename_tag(tag=tag, **form.cleaned_data)
            except ValidationError as error:
                form.add_error("name", error)
            else:
                self.log_change(request, tag, said(_("Renamed; before: “%(name)s”."), name=before))
                messages.success(request, gettext("The tag has its new name."))
                return HttpResponseRedirect(_address(tag))
        return self.ask(request, tag, form, title=gettext("Rename the tag"), button=gettext("Rename"))

    def merge_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask with which tag to merge this one, saying how many responses change, and do it."""
        tag = self.changeable(request, pk)
        form = MergeForm(request.POST or None, tag=tag)
        if form.is_valid():
            target = form.cleaned_data["target"]
            try:
                count = tagging.merge_tags(source=tag, target=target)
            except ValidationError as error:
                form.add_error(None, error)
            else:
                self.log_deletions(request, [tag])
                self.log_change(request, target, said(_("Merged; “%(name)s” is gone."), name=tag.name))
                done = ngettext("Merged: %(count)d response.", "Merged: %(count)d responses.", count)
                messages.success(request, done % {"count": count})
                return HttpResponseRedirect(_address(target))
        warning = gettext("They get the tag that you choose instead and “%(name)s” is gone. This cannot be undone.")
        return self.ask(
            request,
            tag,
            form,
            title=gettext("Merge the tag with another one"),
            button=gettext("Merge"),
            warning=warning % {"name": tag.name},
        )

    def discard_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask, then delete a tag that nothing carries."""
        tag = self.changeable(request, pk)
        form = PlainForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                tagging.delete_unused_tag(tag=tag)
            except ValidationError as error:
                form.add_error(None, error)
            else:
                self.log_deletions(request, [tag])
                messages.success(request, gettext("The tag is deleted."))
                return HttpResponseRedirect(reverse("admin:feedback_tag_changelist"))
        return self.ask(request, tag, form, title=gettext("Delete the tag"), button=gettext("Delete"))

    def changeable(self, request: HttpRequest, pk: int) -> Tag:
        """Return a tag that the user may change, or refuse."""
        if not _may_change(request):
            raise PermissionDenied
        return get_object_or_404(Tag.objects.visible_to(staff(request)).select_related("product"), pk=pk)

    def ask(
        self, request: HttpRequest, tag: Tag, form: Form, *, title: str, button: str, warning: str = ""
    ) -> HttpResponse:
        """Show what is about to happen to how many responses, with the question that remains."""
        count = tagging.count_uses(tag)
        carried = ngettext("%(count)d response carries “%(name)s”.", "%(count)d responses carry “%(name)s”.", count)
        context = {
            **{"title": title, "subtitle": str(tag.product), "form": form, "button": button, "warning": warning},
            **{"carried": carried % {"count": count, "name": tag.name}, "back": _address(tag)},
            **{"opts": self.opts, "media": self.media},
        }
        return TemplateResponse(
            request, "admin/feedback/tag/ask.html", {**self.admin_site.each_context(request), **context}
        )


def _may_change(request: HttpRequest) -> bool:
    return request.user.has_perm(CHANGE)


def _address(tag: Tag) -> str:
    return reverse("admin:feedback_tag_change", args=[tag.pk])
