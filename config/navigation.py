"""The admin's sidebar: groups in human words, each entry only for staff who may open it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class Entry:
    """A list of the admin.

    Args:
        model: label as "app.Model".
        icon: name of a Material symbol.
    """

    title: StrOrPromise
    icon: str
    model: str


GROUPS: Final[tuple[tuple[StrOrPromise, tuple[Entry, ...]], ...]] = (
    (
        _("Feedback"),
        (
            Entry(_("Responses"), "forum", "feedback.Response"),
            Entry(_("Follow-ups"), "flag", "feedback.FollowUp"),
            Entry(_("Improvements"), "auto_awesome", "feedback.Improvement"),
            Entry(_("Tags"), "sell", "feedback.Tag"),
            Entry(_("Rules"), "rule_settings", "feedback.Rule"),
            Entry(_("Imports"), "upload_file", "feedback.ImportRun"),
        ),
    ),
    (
        _("Asking"),
        (
            Entry(_("Surveys"), "rate_review", "surveys.Survey"),
            Entry(_("Campaigns"), "outgoing_mail", "feedback.Campaign"),
            Entry(_("Segments"), "groups_2", "feedback.Segment"),
            Entry(_("Events"), "bolt", "surveys.Event"),
            Entry(_("Why not?"), "person_search", "feedback.Respondent"),
            Entry(_("Permissions"), "mark_email_read", "feedback.ChannelPermission"),
        ),
    ),
    (
        _("Privacy"),
        (
            Entry(_("Rights requests"), "gavel", "privacy.RightsRequest"),
            Entry(_("Incidents"), "crisis_alert", "privacy.Incident"),
            Entry(_("Suppressed people"), "person_off", "privacy.Suppression"),
            Entry(_("Recipients"), "outbound", "privacy.Recipient"),
            Entry(_("Reads of personal data"), "visibility", "privacy.AccessLogEntry"),
        ),
    ),
    (
        _("Organisation"),
        (
            Entry(_("Controllers"), "domain", "privacy.Controller"),
            Entry(_("Products"), "category", "privacy.Product"),
            Entry(_("Server keys"), "key", "privacy.ServerKey"),
            Entry(_("Teams"), "groups", "feedback.Team"),
            Entry(_("Root causes"), "account_tree", "feedback.RootCause"),
            Entry(_("Working hours"), "schedule", "feedback.WorkingHours"),
            Entry(_("Staff"), "group", "auth.User"),
            Entry(_("Roles"), "badge", "auth.Group"),
            Entry(_("Changes of staff"), "manage_history", "privacy.StaffChange"),
            Entry(_("Emergency access"), "emergency_home", "privacy.BreakGlass"),
        ),
    ),
    (
        _("System"),
        (
            Entry(_("Scheduled tasks"), "schedule", "django_celery_beat.PeriodicTask"),
            Entry(_("Failed tasks"), "error", "feedback.TaskFailure"),
        ),
    ),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups that have an entry for this user."""
    dashboard: dict[str, Any] = {"title": _("Dashboard"), "icon": "monitoring", "link": reverse("admin:index")}
    groups: list[dict[str, Any]] = []
    for title, entries in GROUPS:
        items: list[dict[str, Any]] = [
            {"title": entry.title, "icon": entry.icon, "link": _address(entry)}
            for entry in entries
            if _may_open(entry, request)
        ]
        if title == GROUPS[0][0]:
            items.insert(0, dashboard)
        if items:
            groups.append({"title": title, "separator": bool(groups), "items": items})
    # Whatever somebody's role, what they get by mail is their own choice.
    my_mail: dict[str, Any] = {"title": _("My mail"), "icon": "notifications", "link": reverse("feedback_my_mail")}
    groups.append({"title": _("My account"), "separator": bool(groups), "items": [my_mail]})
    return groups


def _may_open(entry: Entry, request: HttpRequest) -> bool:
    page = admin.site._registry.get(apps.get_model(entry.model))
    return page is not None and page.has_view_or_change_permission(request)


def _address(entry: Entry) -> str:
    return reverse(f"admin:{entry.model.replace('.', '_').lower()}_changelist")
