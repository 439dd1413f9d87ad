"""Improvements: what was done because of feedback, from the draft to the public page and the mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Q
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from feedback import improvements
from feedback.admin.improvement_links import CHANGE, MOST_SHOWN, SearchForm, TagsForm, found, linked, shown
from feedback.admin.improvement_steps import STEPS, Step, next_hint
from feedback.models import Improvement, Response
from privacy.admin.histories import said
from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin, staff
from privacy.models import Product

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

State = Improvement.State
STATE_COLOURS: Final = {"draft": "info", "published": "success", "withdrawn": "warning"}
TEXTS: Final = ("title", "said", "text")
HELP: Final = {
    "language": _("The page and the mail show the text in this language only."),
    "title": _("One line that says what is better now."),
    "said": _("What people told you, in your own words: quote nobody, name nobody."),
    "text": _("What you did about it. Blank lines make paragraphs."),
    "done_on": _("When it was done; the public page is in this order."),
}


class ImprovementForm(forms.ModelForm):  # type: ignore[type-arg]  # cannot be subscripted at run time
    class Meta:
        model = Improvement
        fields = ("product", "language", *TEXTS, "done_on")
        help_texts = HELP


class CorrectionForm(forms.ModelForm):  # type: ignore[type-arg]  # cannot be subscripted at run time
    # Which text the page showed: what a colleague corrected meanwhile is not overwritten.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Improvement
        fields = TEXTS
        help_texts = HELP
        widgets = {
            "title": UnfoldAdminTextInputWidget,
            "said": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
            "text": UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        }


class StateFilter(DropdownFilter):
    title = _("state")
    parameter_name = "state"
    conditions: dict[str, dict[str, bool]] = {
        State.DRAFT: {"published_at__isnull": True},
        State.PUBLISHED: {"published_at__isnull": False, "withdrawn_at__isnull": True},
        State.WITHDRAWN: {"withdrawn_at__isnull": False},
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Improvement]) -> QuerySet[Improvement]:
        return queryset.filter(**self.conditions.get(self.value() or "", {}))


@admin.register(Improvement)
class ImprovementAdmin(VisibleModelAdmin):
    empty_hint = _(
        "Nothing was improved yet. Write down what was done because of feedback, link the responses or tags that led "
        "to it, and publish it. Those who may be contacted can then be told with one mail."
    )
    form = ImprovementForm
    list_display = ("title", "product", "state_label", "done_on", "feedback_linked", "mailed_at")
    list_filter = (("product", VisibleFilter), StateFilter, ("language", ChoicesDropdownFilter))
    list_select_related = ("product",)
    search_fields = ("title",)
    search_help_text = _("Words in titles")
    warn_unsaved_form = True

    class Media:
        css = {"all": ["feedback/staff.css"]}

    # --- The list ----------------------------------------------------------------------------------------------------

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        pks = [improvement.pk for improvement in changelist.result_list]
        # Counted for the rows of one page only, and each table by itself.
        for name, counted in (("responses", Q(responses__restricted_at__isnull=True)), ("tags", Q())):
            counts = Improvement.objects.filter(pk__in=pks).order_by().annotate(found=Count(name, filter=counted))
            by_pk = dict(counts.values_list("pk", "found"))
            for improvement in changelist.result_list:
                setattr(improvement, f"count_of_{name}", by_pk.get(improvement.pk, 0))
        return changelist

    @display(description=_("state"), label=STATE_COLOURS)
    def state_label(self, improvement: Improvement) -> tuple[str, Any]:
        return improvement.state, improvement.state_in_words

    @display(description=_("linked feedback"))
    def feedback_linked(self, improvement: Any) -> str:
        counts = {"responses": improvement.count_of_responses, "tags": improvement.count_of_tags}
        return gettext("Responses: %(responses)d. Tags: %(tags)d.") % counts

    # --- The page ----------------------------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Improvement | None = None) -> list[tuple[Any, Any]]:
        fieldsets: list[tuple[Any, Any]] = [
            (_("Text"), {"fields": ("product", "language", *TEXTS, "done_on")}),
        ]
        if obj is not None:
            history = ("created_by_name", "published_at", "corrected_at", "withdrawn_at", "mailed_at")
            fieldsets.append((_("History"), {"fields": history}))
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Improvement | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        # Responses of one product are linked to it, so it cannot move to another.
        return ("product", "created_by_name", "published_at", "corrected_at", "withdrawn_at", "mailed_at")

    @display(description=_("by"))
    def created_by_name(self, improvement: Improvement) -> str:
        return str(improvement.created_by)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        products = Product.objects.visible_to(request.user)[:2]
        only = {"product": products[0].pk} if len(products) == 1 else {}
        today = timezone.localdate()
        return {"language": get_language(), "done_on": today, **only, **super().get_changeform_initial_data(request)}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except ValidationError as error:  # published between the form's opening and its saving
            return self._back(request, object_id, error)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        improvement = context.get("original")
        if improvement is not None:
            context |= self._standing(request, improvement)
        return super().render_change_form(request, context, *args, **kwargs)

    def _standing(self, request: HttpRequest, improvement: Improvement) -> dict[str, Any]:
        """Return what the page says above the fields: the state, what to do next, and how the mailing went."""
        may = request.user.has_perm(CHANGE)
        public = f"{settings.PUBLIC_URL}{reverse('improvements:page', args=[improvement.product.public_key])}"
        return {
            "improvement": improvement,
            "state_colour": STATE_COLOURS[improvement.state],
            "hint": next_hint(improvement) if may else "",
            "public_page": public if improvement.state == State.PUBLISHED else "",
            "buttons": list(self._buttons(improvement, may)),
            # Without the query set Django would count links, those of restricted people too.
            "count_of_responses": improvement.responses.all().count(),
            "linked_tags": list(improvement.tags.values_list("name", flat=True)),
            "progress": improvements.progress(improvement=improvement) if improvement.mailed_at else None,
        }

    def _buttons(self, improvement: Improvement, may: bool) -> Iterator[dict[str, Any]]:
        name, pk = "admin:feedback_improvement_", improvement.pk
        for step in STEPS.values():
            if may and step.fits(improvement):
                link = reverse(f"{name}step", args=[pk, step.name])
                yield {"title": step.title, "icon": step.icon, "link": link}
        if may and improvement.state != State.DRAFT:
            yield {"title": _("Correct"), "icon": "edit", "link": reverse(f"{name}correct", args=[pk])}
        yield {"title": _("Linked feedback"), "icon": "link", "link": reverse(f"{name}responses", args=[pk])}

    def save_model(self, request: HttpRequest, obj: Improvement, form: Any, change: bool) -> None:
        improvements.save_draft(improvement=obj, by=staff(request))

    # --- What can be done --------------------------------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Improvement | None = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and (obj is None or obj.state == State.DRAFT)

    def has_delete_permission(self, request: HttpRequest, obj: Improvement | None = None) -> bool:
        return bool(super().has_delete_permission(request, obj)) and (obj is None or obj.state == State.DRAFT)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer deletion on a draft's own page only."""
        return {name: rest for name, rest in super().get_actions(request).items() if name != "delete_selected"}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/step/<slug:name>/", view(self.step_view), name="feedback_improvement_step"),
            path("<int:pk>/correct/", view(self.correct_view), name="feedback_improvement_correct"),
            path("<int:pk>/responses/", view(self.responses_view), name="feedback_improvement_responses"),
            *super().get_urls(),
        ]

    def step_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """Ask whether to publish, withdraw or mail, then do it."""
        improvement, step = self._changeable(request, pk), STEPS.get(name)
        if step is None:
            raise PermissionDenied
        if request.method == "POST":
            return self._do(request, improvement, step)
        audience = improvements.audience(improvement=improvement) if name == "mail" else None
        context = {
            "step": step,
            "is_possible": step.fits(improvement) and (audience is None or bool(audience.recipients)),
            "audience": audience,
            "doubts": improvements.doubts(improvement=improvement) if name == "publish" else (),
        }
        return self._show(request, improvement, "confirm", title=step.title, **context)

    def _do(self, request: HttpRequest, improvement: Improvement, step: Step) -> HttpResponse:
        expected = request.POST.get("expected", "")
        try:
            step.act(improvement, staff(request), int(expected) if expected.isdecimal() else None)
        except ValidationError as error:
            return self._back(request, improvement.pk, error)
        self.log_change(request, improvement, said(step.done))
        messages.success(request, step.done)
        return self._back(request, improvement.pk)

    def correct_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the text of what was public as a form, then correct it."""
        improvement = self._changeable(request, pk)
        form = CorrectionForm(request.POST or None, instance=improvement, initial={"seen": improvement.version})
        if form.is_valid():
            words = {name: form.cleaned_data[name] for name in (*TEXTS, "seen")}
            try:
                improvements.correct(improvement=improvement, by=staff(request), **words)
            except ValidationError as error:
                form.add_error(None, error.messages)
            else:
                if form.has_changed():
                    self.log_change(request, improvement, said(_("Corrected.")))
                    messages.success(request, gettext("Corrected. The public page says so."))
                return self._back(request, pk)
        return self._show(request, improvement, "correct", title=_("Correct"), form=form)

    def responses_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the linked feedback and what could be linked, or change the links."""
        if request.method == "POST":
            return self._change_links(request, self._changeable(request, pk))
        if not self.has_view_permission(request):
            raise PermissionDenied
        improvement = get_object_or_404(self.get_queryset(request), pk=pk)
        return self._show_links(request, improvement, TagsForm(improvement=improvement))

    def _show_links(self, request: HttpRequest, improvement: Improvement, tags_form: TagsForm) -> HttpResponse:
        context = {**self._links(request, improvement), "tags_form": tags_form}
        return self._show(request, improvement, "responses", title=_("Linked feedback"), **context)

    def _links(self, request: HttpRequest, improvement: Improvement) -> dict[str, Any]:
        """Return the linked feedback, and what the search found for those who may link it."""
        user, form = staff(request), SearchForm(request.GET)
        may_change = user.has_perm(CHANGE) and improvement.mailed_at is None
        try:
            finds = found(improvement, form, user) if may_change else Response.objects.none()
        except ValidationError as error:
            messages.warning(request, error.messages[0])
            finds = Response.objects.none()
        mine = Response.objects.visible_to(user).filter(improvements=improvement)
        return {
            "may_change": may_change,
            "tags": improvement.tags.all(),
            "linked": shown(mine),
            "search_form": form,
            "is_searched": any(request.GET.get(name) for name in form.fields),
            "found": shown(finds),
            "most": MOST_SHOWN,
        }

    def _change_links(self, request: HttpRequest, improvement: Improvement) -> HttpResponse:
        address = reverse("admin:feedback_improvement_responses", args=[improvement.pk])
        pks = [pk for pk in request.POST.getlist("response") if pk.isdecimal()][:MOST_SHOWN]
        responses, user = list(Response.objects.visible_to(staff(request)).filter(pk__in=pks)), staff(request)
        try:
            if "tags_answered" in request.POST:
                form = TagsForm(request.POST, improvement=improvement)
                if not form.is_valid():
                    return self._show_links(request, improvement, form)
                improvements.set_tags(improvement=improvement, tags=form.cleaned_data["tags"], by=user)
                messages.success(request, _("Tags saved."))
            elif "unlink" in request.POST:
                count = improvements.unlink(improvement=improvement, responses=responses, by=user)
                messages.success(request, gettext("Responses no longer linked: %(count)d.") % {"count": count})
            else:
                done = linked(improvements.link(improvement=improvement, responses=responses, by=user), len(responses))
                for text in filter(None, (done.success, *done.errors)):
                    messages.info(request, text)
        except ValidationError as error:
            messages.error(request, error.messages[0])
        query = request.GET.urlencode()
        return HttpResponseRedirect(f"{address}?{query}" if query else address)

    def _changeable(self, request: HttpRequest, pk: int) -> Improvement:
        improvement: Improvement = get_object_or_404(self.get_queryset(request), pk=pk)
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        return improvement

    def _back(self, request: HttpRequest, pk: object, error: ValidationError | None = None) -> HttpResponse:
        for text in error.messages if error else ():
            messages.error(request, text)
        return HttpResponseRedirect(reverse("admin:feedback_improvement_change", args=[pk]))

    def _show(self, request: HttpRequest, improvement: Improvement, page: str, **context: Any) -> HttpResponse:
        return TemplateResponse(
            request,
            f"admin/feedback/improvement/{page}.html",
            {
                **self.admin_site.each_context(request),
                **{"opts": self.opts, "media": self.media, "improvement": improvement, "subtitle": str(improvement)},
                "back": reverse("admin:feedback_improvement_change", args=[improvement.pk]),
                **context,
            },
        )
