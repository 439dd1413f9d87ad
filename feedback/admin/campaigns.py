"""Campaigns by e-mail and the saved segments they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from feedback import campaigns
from feedback.admin.campaign_forms import CampaignForm
from feedback.admin.campaign_pages import CHANGE, CampaignPages
from feedback.admin.campaign_steps import STEPS, next_hint
from feedback.models import Campaign, CampaignMail, CampaignWording, Segment
from privacy.admin.visibility import VisibleFilter, VisibleModelAdmin, staff
from privacy.models import Product
from surveys.admin.versions import rendered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.db.models import Field
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

State = Campaign.State
COLOURS: Final = {
    **{State.DRAFT: "info", State.SCHEDULED: "info", State.RUNNING: "success", State.FINISHED: "success"},
    **{State.PAUSED: "warning", State.CANCELLED: "danger"},
}
# What may still be changed while mails go out: none of it changes what a mail says.
MOVABLE: Final = ("pace", "window_from", "window_until")
HISTORY: Final = ("created_by_name", "created_at", "started_at", "finished_at", "version")


class WordingInline(StackedInline):
    """The wording of a campaign's mail: who may see or change the one may see or change the other."""

    model = CampaignWording
    fields = ("language", "subject", "intro")
    extra = 0
    verbose_name_plural = _("wording of the mail")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("feedback.view_campaign")

    def has_change_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        return request.user.has_perm(CHANGE)

    def has_add_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        return self.has_change_permission(request, obj)


@admin.register(Campaign)
class CampaignAdmin(CampaignPages, VisibleModelAdmin):
    empty_hint = _(
        "Nothing was sent by e-mail yet. Add a campaign to ask people with a survey that is live for e-mail; you see "
        "who would get it before anything goes out."
    )
    form = CampaignForm
    list_display = ("name", "product", "survey", "state_label", "sent_of_all", "begins", "created_at")
    list_filter = (("product", VisibleFilter), ("state", ChoicesDropdownFilter))
    list_select_related = ("product", "survey")
    search_fields = ("name",)
    search_help_text = _("Names of campaigns")
    change_form_template = "admin/feedback/campaign/change_form.html"
    warn_unsaved_form = True

    class Media:
        css = {"all": ["feedback/staff.css"]}
        js = ("feedback/campaign.js",)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        pks = [campaign.pk for campaign in changelist.result_list]
        first = CampaignMail.objects.filter(campaign__in=pks, kind=CampaignMail.Kind.FIRST).order_by()
        sent = Count("pk", filter=Q(state=CampaignMail.State.SENT))
        counts = first.values("campaign").annotate(sent=sent, people=Count("pk"))
        by_pk = {row["campaign"]: row for row in counts}
        for campaign in changelist.result_list:
            campaign.counts = by_pk.get(campaign.pk, {"sent": 0, "people": 0})
        return changelist

    @display(description=_("state"), label=COLOURS)
    def state_label(self, campaign: Campaign) -> tuple[str, str]:
        return campaign.state, campaign.get_state_display()

    @display(description=_("sent"))
    def sent_of_all(self, campaign: Any) -> str:
        counts: dict[str, int] = campaign.counts
        return gettext("%(sent)d of %(people)d people") % counts

    @display(description=_("not before"), ordering="starts_at")
    def begins(self, campaign: Campaign) -> datetime | None:
        return timezone.localtime(campaign.starts_at, campaign.product.zone) if campaign.starts_at else None

    @display(description=_("by"))
    def created_by_name(self, campaign: Campaign) -> str:
        return str(campaign.created_by) if campaign.created_by else gettext("the product’s server")

    # --- The page ----------------------------------------------------------------------------------------------------

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any) -> HttpResponse:
        campaign = self.get_object(request, object_id) if object_id else None
        zone = campaign.product.zone if campaign else timezone.get_current_timezone()
        with timezone.override(zone):  # times are typed and shown as those of the product
            return rendered(super().changeform_view(request, object_id, *args))

    def get_fieldsets(self, request: HttpRequest, obj: Campaign | None = None) -> list[tuple[Any, Any]]:
        fieldsets: list[tuple[Any, Any]] = [
            (None, {"fields": ("product", "survey", "name")}),
            (_("Sender"), {"fields": ("sender_name", "reply_to")}),
            (
                _("When"),
                {"fields": ("starts_at", "window_from", "window_until", "pace", "reminder_after_days")},
            ),
        ]
        return [*fieldsets, (_("History"), {"fields": HISTORY})] if obj else fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Campaign | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        if obj.state == State.DRAFT:
            return (*HISTORY, "product", "survey")
        fixed = tuple(name for name in CampaignForm.Meta.fields if name not in MOVABLE)
        return (*HISTORY, *fixed)

    def get_inlines(self, request: HttpRequest, obj: Campaign | None) -> tuple[type[StackedInline], ...]:
        # A new campaign gets the shipped wording; what is on its way is shown by the preview.
        return (WordingInline,) if obj and obj.state == State.DRAFT else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        products = Product.objects.visible_to(request.user)[:2]
        only = {"product": products[0].pk} if len(products) == 1 else {}
        return {**only, **super().get_changeform_initial_data(request)}

    def has_change_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        is_over = obj is not None and obj.state in {State.FINISHED, State.CANCELLED}
        return bool(super().has_change_permission(request, obj)) and not is_over

    def has_delete_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        return False  # what was sent to whom stays; a draft that is not wanted is cancelled

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        if change:
            # Nothing else: it may have been started, paused or finished since the page was shown.
            obj.save(update_fields=form.changed_data)
            if {"window_from", "window_until"} & set(form.changed_data):
                campaigns.plan_again(campaign=obj)
        else:
            campaigns.write_campaign(campaign=obj, by=staff(request))

    def get_urls(self) -> list[URLPattern]:
        return [*self.campaign_urls(), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        campaign = context.get("original")
        if campaign is not None:
            may = request.user.has_perm(CHANGE)
            context |= {**self.standing(request, campaign), "buttons": list(self._buttons(campaign, may))}
            was_sent = context["progress"] and context["progress"].sent
            context["figures"] = campaigns.statistics(campaign=campaign) if was_sent else ()
        return super().render_change_form(request, context, *args, **kwargs)

    def standing(self, request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
        """Return what the page says above the fields: the state, what to do next, whom it is for, how far it is."""
        moves = campaign.state in {State.SCHEDULED, State.RUNNING}
        found = campaigns.progress(campaign=campaign)
        return {
            "campaign": campaign,
            "state_colour": COLOURS[State(campaign.state)],
            "hint": next_hint(campaign),
            "audiences": campaign.audiences.defer("content").select_related("segment"),
            "may_change": request.user.has_perm(CHANGE),
            "moves": moves,
            "progress": found if found.people or moves else None,
        }

    def _buttons(self, campaign: Campaign, may: bool) -> Iterator[dict[str, Any]]:
        name, pk = "admin:feedback_campaign_", campaign.pk
        if may and campaign.state in campaigns.MAY_GET_PEOPLE:
            yield {"title": _("Add an audience"), "icon": "group_add", "link": reverse(f"{name}audience", args=[pk])}
        for step in STEPS.values():
            if may and step.fits(campaign):
                yield {"title": step.title, "icon": step.icon, "link": reverse(f"{name}step", args=[pk, step.name])}
        for wording in campaign.wordings.all()[:1]:
            link = reverse(f"{name}preview", args=[pk, wording.language])
            yield {"title": _("Preview"), "icon": "preview", "link": link}
        yield {"title": _("Mails"), "icon": "mail", "link": reverse(f"{name}mails", args=[pk])}


@admin.register(Segment)
class SegmentAdmin(VisibleModelAdmin):
    empty_hint = _("No segment is saved yet. Add one to send campaigns to people by what is known of them.")
    list_display = ("name", "product")
    list_filter = (("product", VisibleFilter),)
    list_select_related = ("product",)
    search_fields = ("name",)
    search_help_text = _("Names of segments")
    fields = (
        *("product", "name", "countries", "languages", "companies", ("property_name", "property_values")),
        ("customer_after", "customer_before"),
    )

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, ArrayField):
            kwargs["widget"] = UnfoldAdminTextInputWidget
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Segment | None = None) -> tuple[str, ...]:
        return ("product",) if obj else ()
