"""Rows of people whose data are restricted: in no list, and their page shows nobody but data protection what it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from feedback.disclosure import SEE_RESTRICTED

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest, HttpResponse


class HidesRestricted:
    """The page of a restricted row shows it to who oversees data protection, and to others only that it is there."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)  # type: ignore[misc]  # a ModelAdmin's
        if row is None and request.user.has_perm(SEE_RESTRICTED):
            row = self._restricted(request, object_id)
        return row

    def stub(self, request: HttpRequest, object_id: str) -> HttpResponse | None:
        """Return the page that stands for a restricted row; ``None`` where the row itself may be shown, or is none.

        Who may see it is told that it is restricted.
        """
        if not self.has_view_permission(request) or self._restricted(request, object_id) is None:  # type: ignore[attr-defined]  # a ModelAdmin's
            return None
        if request.user.has_perm(SEE_RESTRICTED):
            messages.warning(request, _("This is restricted: it may be kept and not used."))
            return None
        site = self.admin_site.each_context(request)  # type: ignore[attr-defined]  # a ModelAdmin's
        context = {"title": _("Restricted"), "opts": self.opts}  # type: ignore[attr-defined]  # a ModelAdmin's
        return TemplateResponse(request, "admin/feedback/restricted.html", {**site, **context})

    def _restricted(self, request: HttpRequest, object_id: str) -> Model | None:
        """Return a row that only its marks hide from the user."""
        model = self.model  # type: ignore[attr-defined]  # a ModelAdmin's
        if not object_id.isdecimal() or model.objects.filter(pk=object_id).exists():
            return None
        row: Model | None = model.including_restricted.visible_to(request.user).filter(pk=object_id).first()
        return row
