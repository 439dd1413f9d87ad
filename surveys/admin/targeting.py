"""Whom a survey is for, on its admin page: the rules of its audience and its quotas; and the registered events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline, TabularInline
from unfold.decorators import display
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminExpandableTextareaWidget

from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin
from surveys.audience import CHOICES, describe
from surveys.forms import MOST_RULES, AudienceFormSet, AudienceRuleForm, QuotaForm, QuotaFormSet, ValuesField
from surveys.models import AudienceRule, Event, SegmentQuota
from surveys.targeting import OF_THE_MOMENT, OPERATORS, WITHOUT_VALUES, Subject

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.forms import Field
    from django.http import HttpRequest

    from surveys.models import Survey


class PartOfSurvey:
    """A part of its survey: who may see or change the one may see or change the other."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("surveys.view_survey") or self.has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("surveys.change_survey")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)


class AudienceRuleAdminForm(AudienceRuleForm):
    values = ValuesField(
        required=False,
        widget=UnfoldAdminExpandableTextareaWidget,
        label=_("Values"),
        help_text=_(
            "One per line, or separated by commas; any one of them will do. A value with a comma in it stands in "
            "double quotes."
        ),
    )


class AudienceAdminFormSet(AudienceFormSet, PaginationInlineFormSet):
    """The same with what the theme's pages expect."""


class AudienceInline(PartOfSurvey, StackedInline):
    model = AudienceRule
    form = AudienceRuleAdminForm
    formset = AudienceAdminFormSet
    tab = True
    extra = 0
    max_num = MOST_RULES
    hide_title = True
    fields = (("subject", "name", "operator"), "values")
    template_before = "surveys/admin/audience.html"
    template_after = "surveys/admin/audience_preview.html"
    verbose_name_plural = _("audience")


class QuotaAdminFormSet(QuotaFormSet, PaginationInlineFormSet):
    """The same with what the theme's pages expect."""


class QuotaInline(PartOfSurvey, TabularInline):
    model = SegmentQuota
    form = QuotaForm
    formset = QuotaAdminFormSet
    tab = True
    extra = 0
    hide_title = True
    fields = ("dimension", "name", "value", "target")
    template_before = "surveys/admin/quotas.html"

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Field | None:
        field: Field | None = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name == "name":
            field.widget.attrs["placeholder"] = gettext("only for a property")
        return field


def audience_sentence(survey: Survey) -> str:
    """Return whom a survey is for, in words."""
    return describe(each.rule for each in survey.audience.all()) or gettext("everybody")


def rule_editor(survey: Survey) -> dict[str, Any]:
    """Return what the page has to know to offer, for each subject, only what fits it."""
    events = {event.name: event.label or event.name for event in survey.product.events.all()}
    choices = {subject: dict(kinds.choices) for subject, kinds in CHOICES.items()}
    return {
        "withoutValues": sorted(WITHOUT_VALUES),
        "named": Subject.PROPERTY,
        "subjects": {
            subject: {
                "operators": operators,
                "hint": str(HINTS[subject]),
                "choices": {**choices, Subject.EVENT: events}.get(subject),
                "isOfTheMoment": subject in OF_THE_MOMENT,
            }
            for subject, operators in OPERATORS.items()
        },
    }


HINTS = {
    Subject.PROPERTY: _(
        "A property as the product sends it. Capital and small letters are the same. Numbers are compared as numbers, "
        "dates (2026-01-31) as dates. Who has no such property is “not” anything."
    ),
    Subject.COUNTRY: _("Codes of two letters, as the product sends them: PL, DE."),
    Subject.COMPANY: _("As the product sends it. Capital and small letters are the same."),
    Subject.LANGUAGE: _("Codes such as pl or pt-br; pl includes pl-PL."),
    Subject.KNOWN: _("Whether the product says who the person is."),
    Subject.CUSTOMER_SINCE: _("A date such as 2026-01-31; days are those in UTC."),
    Subject.URL: _(
        "The address of the page where the person is. In a pattern, * stands for anything: https://app.example.com/pay*"
    ),
    Subject.EVENT: _("The survey is asked only at the moment when one of these registered events happens."),
    Subject.DEVICE: _("What the person holds at the moment of asking."),
}


@admin.register(Event)
class EventAdmin(VisibleModelAdmin):
    empty_hint = _("No event is known yet. Add one, or let the product report it: a survey can then ask after it.")
    list_display = ("name", "label", "product", "used_by")
    list_filter = (("product", VisibleFilter),)
    list_select_related = ("product",)
    search_fields = ("name", "label")
    search_help_text = _("Names and labels of events")
    fields = ("product", "name", "label")

    def get_readonly_fields(self, request: HttpRequest, obj: Event | None = None) -> tuple[str, ...]:
        # Pages and apps report it by this name, and audiences ask for it by this name.
        return ("product", "name") if obj else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        rows: QuerySet[Event] = super().get_queryset(request)
        return rows.prefetch_related("product__surveys__audience")

    @display(description=_("asked for by"))
    def used_by(self, event: Event) -> str:
        surveys = event.asked_for_by()
        return ngettext("%(number)d survey", "%(number)d surveys", len(surveys)) % {"number": len(surveys)}

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        """Allow it for events that no audience asks for: without it, their surveys would never be asked again."""
        return bool(super().has_delete_permission(request, obj)) and (obj is None or not obj.asked_for_by())

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer deletion on an event's own page only, where it is known who asks for it."""
        return {name: rest for name, rest in super().get_actions(request).items() if name != "delete_selected"}
