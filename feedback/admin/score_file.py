"""The figures of the dashboard as a file, for the products and days that were chosen on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from feedback import reports
from feedback.admin.dashboard import select
from feedback.admin.downloads import csv_download
from feedback.score_tables import export_scores
from privacy.admin.visibility import staff

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
def score_file(request: HttpRequest) -> HttpResponse:
    """Answer with the file; where the choice cannot be taken, the dashboard says why instead of another file."""
    if not request.user.has_perm(reports.SEE_FIGURES):
        raise PermissionDenied
    selection = select(request.GET, reports.visible_products(request.user), now=timezone.now())
    if selection.problems or not selection.products:
        return HttpResponseRedirect(f"{reverse('admin:index')}?{request.GET.urlencode()}")
    content = export_scores(user=staff(request), products=selection.products, span=selection.span)
    period = selection.span.period
    return csv_download(content, f"scores-{period.start}-{period.last}")
