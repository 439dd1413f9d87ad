"""Rules: what happens by itself when a response comes in, set in words and looked at before it is saved."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max
from django.http import HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext
from unfold.decorators import display

from feedback import rules, tasks
from feedback.admin.rule_form import CONDITIONS, RuleForm
from feedback.admin.rule_preview import count_in_words, newest_rows
from feedback.models import Response, Rule
from privacy.admin.histories import said
from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin, staff
from privacy.middleware import SHOWN
from privacy.models import Product

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

TRIAGE = "feedback.triage_response"


@admin.register(Rule)
class RuleAdmin(VisibleModelAdmin):
    empty_hint = _(
        "No rule yet. Add one to tag responses, to open follow-ups or to alert colleagues as soon as an answer "
        "comes in."
    )
    form = RuleForm
    change_form_template = "admin/feedback/rule/change_form.html"
    change_form_after_template = "admin/feedback/rule/preview_panel.html"
    warn_unsaved_form = True
    list_display = ("name", "product", "sentence", "is_active", "position")
    list_filter = (("product", VisibleFilter), "is_active")
    list_select_related = ("product", "with_tag", "adds_tag", "team", "owner")
    list_fullwidth = True
    list_before_template = "admin/feedback/rule/list_intro.html"
    search_fields = ("name",)
    search_help_text = _("Names of rules")
    actions = ("switch_on", "switch_off")

    class Media:
        css = {"all": ("feedback/rules.css",)}
        js = ("feedback/rules.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("alerts")

    @display(description=_("what it does"))
    def sentence(self, rule: Rule) -> str:
        return rules.describe(rule, receivers=rule.alerts.all())

    # --- The form ---------------------------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Rule | None = None) -> Any:
        if obj and not self.has_change_permission(request, obj):
            return ((None, {"fields": ("name", "product", "sentence", "is_active", "position")}),)
        tags: tuple[str, ...] = ("adds_tag", "new_tag") if request.user.has_perm("feedback.add_tag") else ("adds_tag",)
        return (
            (None, {"fields": ("name", ("is_active", "position"))}),
            (
                _("If all of this holds"),
                {
                    "description": _("What is left empty does not matter. A rule without conditions is for everybody."),
                    "fields": (
                        *("metrics", "bands", "channels", ("lowest_score", "highest_score"), "keywords"),
                        *("with_tag", ("with_comment", "with_contact_permission")),
                    ),
                },
            ),
            (
                _("then"),
                {
                    "description": _("At least one of these."),
                    "fields": (tags, ("opens_follow_up", "priority"), ("team", "owner"), "alerts"),
                },
            ),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Rule | None = None) -> tuple[str, ...]:
        return ("sentence",) if obj and not self.has_change_permission(request, obj) else ()

    def get_form(self, request: HttpRequest, obj: Rule | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.product = obj.product if obj else self._product_of(request)
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        product = self._product_of(request)
        last = Rule.objects.filter(product=product).aggregate(last=Max("position"))["last"] if product else None
        return {**self._copied(request, product), "position": 1 if last is None else last + 1, "is_active": True}

    def _copied(self, request: HttpRequest, product: Product | None) -> dict[str, Any]:
        """Return what a rule that is copied says, as far as it means something in the other product."""
        number = request.GET.get("copy", "")
        if product is None or not number.isdecimal():
            return {}
        rule = get_object_or_404(self.get_queryset(request), pk=number)
        copied = {name: getattr(rule, name) for name in (*CONDITIONS, "opens_follow_up", "priority")}
        if rule.product_id == product.pk:
            same = {name: getattr(rule, name) for name in ("adds_tag", "team", "owner")}
            return {**copied, **same, "name": rule.name, "alerts": rule.alerts.all()}
        tag = rule.adds_tag.name if rule.adds_tag else ""
        return {**copied, "with_tag": None, "name": rule.name, "new_tag": tag}

    def _product_of(self, request: HttpRequest) -> Product | None:
        """Return the product that a new rule is for: the chosen one, or the only one that the user sees."""
        products = Product.objects.visible_to(request.user)
        chosen = request.GET.get("product", "")
        if chosen.isdecimal():
            return get_object_or_404(products, pk=chosen)
        first = list(products[:2])
        return first[0] if len(first) == 1 else None

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        product = self._product_of(request)
        if product is None:
            context = {"products": Product.objects.visible_to(request.user), "copy": request.GET.get("copy", "")}
            return self._page(request, "choose_product", _("Which product is the rule for?"), **context)
        page: HttpResponse = super().add_view(request, form_url, {**(extra_context or {}), **self._panel(product)})
        return page

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        rule = self.get_object(request, object_id)
        context: dict[str, Any] = extra_context or {}
        if rule is not None and self.has_view_permission(request, rule):
            context = {**context, "rule": rule, "sentence": self.sentence(rule)}
            context["may_tag"] = rule.adds_tag_id and request.user.has_perm(TRIAGE)
            context |= self._panel(rule.product, rule) if self.has_change_permission(request, rule) else {}
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page

    def _panel(self, product: Product, rule: Rule | None = None) -> dict[str, Any]:
        query = f"?rule={rule.pk}" if rule else ""
        address = reverse("admin:feedback_rule_preview", args=[product.pk])
        return {"preview_address": address + query, "rule_product": product}

    def save_model(self, request: HttpRequest, obj: Rule, form: RuleForm, change: bool) -> None:
        if obj.tags_existing_before is not None:
            text = _("Tagging of existing responses has ended, because the rule is another one now.")
            self.message_user(request, text, messages.WARNING)
        rules.save_rule(rule=obj, receivers=form.receivers)

    @admin.action(description=_("Switch on"), permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        self._switch(request, queryset, on=True)

    @admin.action(description=_("Switch off"), permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        self._switch(request, queryset, on=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Rule], *, on: bool) -> None:
        changed = rules.switch_rules(rules=queryset, on=on)
        for rule in changed:
            self.log_change(request, rule, [{"changed": {"fields": [gettext_noop("active")]}}])
        text = ngettext("%(count)d rule changed.", "%(count)d rules changed.", len(changed)) % {"count": len(changed)}
        self.message_user(request, text, messages.SUCCESS)

    # --- Looking before saving, and tagging afterwards ----------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("preview/<int:product>/", view(self.preview_view), name="feedback_rule_preview"),
            path("<int:pk>/tag-existing/", view(self.tag_existing_view), name="feedback_rule_tag_existing"),
            *super().get_urls(),
        ]

    def preview_view(self, request: HttpRequest, product: int) -> HttpResponse:
        """Show what the rule in the form, saved or not, would have matched; nothing is stored."""
        rule = self._rule_of(request)
        if not (self.has_change_permission(request, rule) if rule else self.has_add_permission(request)):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form_class = self.get_form(request, rule, change=rule is not None, fields=None)
        form_class.product = get_object_or_404(Product.objects.visible_to(request.user), pk=product)
        form = form_class(request.POST, instance=rule)
        form.is_valid()
        wrong = [(form.fields[name].label, form.errors[name]) for name in CONDITIONS if name in form.errors]
        context: dict[str, Any] = {"wrong": wrong}
        if not wrong:
            found, user = rules.preview(rule=form.instance), staff(request)
            rows = newest_rows(form.instance, found, user)
            context = {
                "sentence": rules.describe(form.instance, receivers=form.receivers),
                "count": count_in_words(form.instance, found, user),
                "zone": form.instance.product.zone,
                "rows": rows,
                SHOWN: [Response, *(row.response for row in rows)],
            }
        return TemplateResponse(request, "admin/feedback/rule/preview.html", context)

    def _rule_of(self, request: HttpRequest) -> Rule | None:
        number = request.GET.get("rule", "")
        return get_object_or_404(self.get_queryset(request), pk=number) if number.isdecimal() else None

    def tag_existing_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        rule = get_object_or_404(self.get_queryset(request).select_related("adds_tag", "with_tag"), pk=pk)
        if not (self.has_change_permission(request, rule) and request.user.has_perm(TRIAGE)):
            raise PermissionDenied
        page = HttpResponseRedirect(reverse("admin:feedback_rule_change", args=[pk]))
        if rule.adds_tag is None:
            self.message_user(request, _("This rule gives no tag."), messages.ERROR)
            return page
        if request.method == "POST":
            rules.queue_tagging(rule=rule)
            transaction.on_commit(partial(tasks.tag_existing_responses.delay, rule.pk))
            self.log_change(request, rule, said(_("Tagged existing responses.")))
            self.message_user(request, _("Existing responses get the tag in the background."), messages.SUCCESS)
            return page
        found = count_in_words(rule, rules.look_back(rule=rule, since=None), staff(request))
        return self._page(request, "tag_existing", _("Tag existing responses"), rule=rule, count=found)

    def _page(self, request: HttpRequest, name: str, title: Any, **context: Any) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **context}
        return TemplateResponse(request, f"admin/feedback/rule/{name}.html", context)
