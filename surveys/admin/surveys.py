"""The admin pages of surveys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from privacy.admin.histories import said
from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin, staff
from privacy.models import Product
from surveys.admin.forms import SurveyForm
from surveys.admin.preview import preview
from surveys.admin.sharing import address_field, code_field, qr_code
from surveys.admin.targeting import AudienceInline, QuotaInline, audience_sentence, rule_editor
from surveys.admin.transitions import TRANSITIONS
from surveys.admin.versions import VersionInline, difference_rows, rendered
from surveys.admin.wording import WORDING_INLINES
from surveys.models import Survey
from surveys.publishing import has_unpublished_changes
from surveys.throttling import NUMBERS
from surveys.wording import DECLINE, add_default_wording, follow_metric, remove_language

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

COLOURS = {"draft": "info", "live": "success", "paused": "warning", "archived": "default"}


@admin.register(Survey)
class SurveyAdmin(VisibleModelAdmin):
    empty_hint = _(
        "There is no survey yet. Add one: it comes with a wording, asks nobody until it is published, and "
        "can be previewed before."
    )
    form = SurveyForm
    change_form_template = "surveys/admin/change_form.html"
    warn_unsaved_form = True
    compressed_fields = False

    list_display = ("name", "product", "metric", "state_label", "version_label", "audience", "starts_at", "ends_at")
    list_filter = (("product", VisibleFilter), "metric", "state")
    list_select_related = ("product", "current_version")
    search_fields = ("name", "slug")
    actions_detail = ("publish", "pause", "resume", "archive")

    add_fieldsets = ((None, {"fields": ("product", "name", "metric")}),)
    fieldsets = (
        (None, {"fields": ("name", ("product", "metric", "band_profile"), ("channels", "allows_reminder"))}),
        (
            _("Share link"),
            {"fields": ("slug", "share_address", "share_code", ("link_ends_at", "link_cap"), "one_per_device")},
        ),
        (_("Links in e-mails"), {"fields": ("score_links",)}),
        (_("Schedule"), {"fields": (("starts_at", "ends_at"), "priority")}),
        (
            _("Throttles"),
            {
                "classes": ("collapse",),
                "description": _("How often a person is asked. An empty number falls back to the product's."),
                "fields": (
                    *zip(NUMBERS[::2], NUMBERS[1::2], strict=True),
                    ("is_transactional", "transactional_floor_days"),
                ),
            },
        ),
        (
            _("Limits"),
            {
                "classes": ("collapse",),
                "description": _("How many responses are enough. Segments have quotas of their own."),
                "fields": (("daily_cap", "response_target"),),
            },
        ),
    )

    class Media:
        css = {"all": ("surveys/admin.css",)}
        js = ("surveys/editor.js", "surveys/audience.js")

    # --- who sees what ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[Survey]:
        surveys: QuerySet[Survey] = super().get_queryset(request)
        return surveys.prefetch_related("wordings", "band_wordings", "audience")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        data: dict[str, Any] = super().get_changeform_initial_data(request)
        products = Product.objects.visible_to(request.user)[:2]
        return {"product": products[0].pk, **data} if len(products) == 1 else data

    def get_readonly_fields(self, request: HttpRequest, obj: Survey | None = None) -> Sequence[str]:
        if obj is None:
            return ()
        fixed = ("metric", "band_profile") if obj.current_version_id else ()
        return ("product", "share_address", "share_code", *fixed)

    def get_inlines(self, request: HttpRequest, obj: Survey | None) -> list[Any]:
        return [AudienceInline, QuotaInline, *WORDING_INLINES, VersionInline] if obj else []

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer deletion on a draft's own page only."""
        return {name: rest for name, rest in super().get_actions(request).items() if name != "delete_selected"}

    def has_delete_permission(self, request: HttpRequest, obj: Survey | None = None) -> bool:
        return bool(super().has_delete_permission(request, obj)) and (obj is None or obj.current_version_id is None)

    # --- the list ---

    @display(description=_("state"), ordering="state", label=COLOURS)
    def state_label(self, survey: Survey) -> tuple[str, str]:
        return survey.state, survey.get_state_display()

    @display(description=_("version"), label={"changed": "warning", "same": "default"})
    def version_label(self, survey: Survey) -> tuple[str, str] | str:
        if survey.current_version is None:
            return "–"
        number = survey.current_version.number
        if has_unpublished_changes(survey):
            return "changed", _("%(number)d, unpublished changes") % {"number": number}
        return "same", str(number)

    @display(description=_("audience"))
    def audience(self, survey: Survey) -> str:
        return audience_sentence(survey)

    # --- the page ---

    @display(description=_("full address"))
    def share_address(self, survey: Survey) -> str:
        return address_field(survey)

    @display(description=_("QR code"))
    def share_code(self, survey: Survey) -> str:
        return code_field(survey)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/preview/", view(self.preview_view), name="surveys_survey_preview"),
            path("<path:object_id>/qr.svg", view(self.code_view), name="surveys_survey_qr"),
            *super().get_urls(),
        ]

    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return preview(request, self._visible_survey(request, object_id))

    def code_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return qr_code(self._visible_survey(request, object_id), is_download="download" in request.GET)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        survey = self.get_object(request, object_id) if object_id else None
        if survey is None:
            return self._changeform(request, object_id, form_url, extra_context)
        context = {**(extra_context or {}), **self._page_context(survey)}
        # Saving and publishing wait for each other: a version never freezes half of an edit, no edit brings back an
        # old state.
        with transaction.atomic(), timezone.override(survey.product.zone):
            if request.method == "POST":
                Survey.objects.select_for_update().get(pk=survey.pk)
            return rendered(self._changeform(request, object_id, form_url, context))

    def _changeform(self, *args: Any) -> HttpResponse:
        response: HttpResponse = super().changeform_view(*args)
        return response

    def _page_context(self, survey: Survey) -> dict[str, Any]:
        now = timezone.now()
        return {
            "survey": survey,
            "show_save_and_add_another": False,
            "audience": audience_sentence(survey),
            "rule_editor": rule_editor(survey),
            "state_colour": COLOURS[survey.state],
            "has_changes": survey.current_version is not None and has_unpublished_changes(survey),
            "not_begun": survey.starts_at is not None and survey.starts_at > now,
            "is_over": survey.ends_at is not None and survey.ends_at <= now,
        }

    # --- saving ---

    def save_model(self, request: HttpRequest, obj: Survey, form: SurveyForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            add_default_wording(survey=obj)
        elif "metric" in form.changed_data:
            follow_metric(survey=obj, previous=form.initial["metric"])

    def save_related(self, request: HttpRequest, form: SurveyForm, formsets: Iterable[Any], change: bool) -> None:
        super().save_related(request, form, formsets, change)
        for formset in formsets:
            if formset.deleted_objects and hasattr(formset, "language"):
                remove_language(survey=form.instance, language=formset.language)
        if (language := request.POST.get("_add_language")) in DECLINE:
            add_default_wording(survey=form.instance, languages=[language])

    def response_add(self, request: HttpRequest, obj: Survey, post_url_continue: str | None = None) -> HttpResponse:
        """Go on to the page of the new survey: it is usable, and the next thing is to look at it."""
        if "_addanother" not in request.POST:
            # What Django's own page of users does to say the same.
            request.POST = {**request.POST.dict(), "_continue": "1"}  # type: ignore[assignment]
        response: HttpResponse = super().response_add(request, obj, post_url_continue)
        return response

    def response_change(self, request: HttpRequest, obj: Survey) -> HttpResponse:
        if "_publish" in request.POST:
            return HttpResponseRedirect(reverse("admin:surveys_survey_publish", args=[obj.pk]))
        if (language := request.POST.get("_add_language")) in DECLINE:
            return HttpResponseRedirect(f"{_page(obj)}#wording-{language}")
        response: HttpResponse = super().response_change(request, obj)
        return response

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        survey = self._visible_survey(request, object_id)
        if survey.current_version_id and super().has_delete_permission(request):
            self.message_user(
                request,
                _("A survey that was published cannot be deleted, because responses may refer to it. Archive it."),
                messages.ERROR,
            )
            return HttpResponseRedirect(_page(survey))
        response: HttpResponse = super().delete_view(request, object_id, extra_context)
        return response

    # --- what happens to a survey as a whole ---

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        survey = self.get_object(request, object_id)
        offered = {
            f"surveys_survey_{one.name}" for one in TRANSITIONS.values() if survey and survey.state in one.states
        }
        return [one for one in super().get_actions_detail(request, object_id) if one.action_name in offered]

    @action(description=_("Publish"), permissions=["change"], icon="publish")
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirm_or_act(request, object_id, "publish")

    @action(description=_("Pause"), permissions=["change"], icon="pause")
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirm_or_act(request, object_id, "pause")

    @action(description=_("Resume"), permissions=["change"], icon="play_arrow")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirm_or_act(request, object_id, "resume")

    @action(description=_("Archive"), permissions=["change"], icon="archive")
    def archive(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirm_or_act(request, object_id, "archive")

    def _confirm_or_act(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        survey, transition = self._visible_survey(request, object_id), TRANSITIONS[name]
        if request.method == "POST":
            try:
                transition.act(survey, staff(request))
            except ValidationError as refusal:
                self.message_user(request, " ".join(refusal.messages), messages.ERROR)
            else:
                self.log_change(request, survey, said(transition.done))
                self.message_user(request, transition.done, messages.SUCCESS)
            return HttpResponseRedirect(_page(survey))
        context = {
            **self.admin_site.each_context(request),
            "title": f"{transition.title}: {survey}",
            "opts": self.opts,
            "original": survey,
            "survey": survey,
            "page": _page(survey),
            "transition": transition,
            "differences": difference_rows(survey) if name == "publish" else [],
            "nothing_to_publish": name == "publish" and not has_unpublished_changes(survey),
        }
        return TemplateResponse(request, "surveys/admin/confirm.html", context)

    def _visible_survey(self, request: HttpRequest, object_id: str) -> Survey:
        """Return a survey the user may see.

        Raises:
            Http404: there is none.
        """
        survey: Survey | None = self.get_object(request, object_id)
        if survey is None or not self.has_view_permission(request, survey):
            raise Http404
        return survey


def _page(survey: Survey) -> str:
    return reverse("admin:surveys_survey_change", args=[survey.pk])
