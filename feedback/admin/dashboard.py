"""The admin's front page: what was chosen in the address, and everything shown for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from feedback import numbers, reports
from feedback.admin import charts
from feedback.follow_up import reporting
from feedback.follow_up.clocks import HOW_IT_COUNTS
from feedback.models import FollowUp, Response, TaskFailure
from feedback.periods import Choice, choose_span
from feedback.tallies import days_with_answers
from feedback.task_failures import has_failed_lately
from privacy.middleware import SHOWN
from privacy.models import Membership, RightsRequest
from privacy.watching import warned_requests
from surveys.models import Channel, Survey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from django.db.models import Model
    from django.http import HttpRequest, QueryDict

    from feedback.periods import Span
    from privacy.models import Product

EVERY_PRODUCT = "all"
USUAL = Choice.DAYS_30


@dataclass(frozen=True)
class Selection:
    """What the address asks for; ``problems`` say in words what of it could not be taken.

    ``chosen`` is empty where nobody chose: then all products are shown.
    """

    available: Sequence[Product]
    chosen: Sequence[Product]
    span: Span
    first: str
    last: str
    problems: Sequence[str]

    @property
    def products(self) -> Sequence[Product]:
        return self.chosen or self.available

    @property
    def shows_several(self) -> bool:
        return len(self.products) > 1

    def query(self, *, product: Product | None = None, choice: Choice | None = None) -> str:
        """Return the address' query for another product or period, keeping the rest."""
        chosen = [product] if product else self.chosen
        values: dict[str, Any] = {"product": [one.pk for one in chosen], "period": choice or self.span.choice}
        if values["period"] == Choice.CUSTOM:
            values |= {"from": self.first, "to": self.last}
        return "?" + urlencode(values, doseq=True)


def show_dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add to the front page what this member of staff may see, for the product and period in the address."""
    rights = _rights(request)
    board: dict[str, Any] = {"rights": rights, "link_to_failures": _failures(request)}
    if request.user.has_perm(reports.SEE_FIGURES):
        board |= _shown(request, select(request.GET, reports.visible_products(request.user), now=timezone.now()))
    return context | {"title": _("Dashboard"), "dashboard": board, SHOWN: _records(board)}


def _records(board: dict[str, Any]) -> list[Model | type[Model]]:
    """Return whose data the page shows, for the log of an emergency; figures may be about one person as well."""
    comments, queue, rights = (board.get(part) or {} for part in ("comments", "follow_ups", "rights"))
    rows: list[Model | type[Model]] = [Response] if board.get("metrics") else []
    rows += [row["excerpt"].response for row in comments.get("rows", ())]
    rows += [row["follow_up"] for row in queue.get("rows", ())]
    if rights and rights["queue"].next_due:
        rows += [rights["queue"].next_due, *(each["warned"].request for each in rights["warned"])]
    return list(dict.fromkeys(rows))


def _shown(request: HttpRequest, selection: Selection) -> dict[str, Any]:
    products, span = selection.products, selection.span
    found = reports.report_scores(user=request.user, products=products, span=span) if products else []
    return {
        "selection": selection,
        "days": numbers.days(span.period),
        "choices": [(choice.value, choice.label) for choice in Choice],
        "frame": charts.FRAME,
        "metrics": [_metric(report, selection) for report in found],
        "comments": _comments(request, selection),
        "follow_ups": _follow_ups(request, selection),
        "loop": _loop(request, selection),
        "link_to_file": reverse("feedback_score_file") + selection.query() if found else "",
        "link_to_all_time": "" if span.choice == Choice.ALL else selection.query(choice=Choice.ALL),
        "link_to_surveys": _list_of(request, Survey),
        "link_to_memberships": _list_of(request, Membership),
    }


def select(query: QueryDict, available: Sequence[Product], *, now: datetime) -> Selection:
    """Read products and period from the address; what cannot be taken falls back to the usual, with a sentence why.

    A product that exists but may not be seen is answered exactly like one that does not exist.
    """
    problems = []
    wanted = set(query.getlist("product")) - {EVERY_PRODUCT}
    chosen = [product for product in available if str(product.pk) in wanted]
    if len(chosen) < len(wanted):
        problems.append(_("One of the chosen products is not among yours."))
    products = chosen or available
    today, first, last = reports.latest_today(products, now=now), query.get("from", ""), query.get("to", "")
    choice = query.get("period", USUAL)
    known = days_with_answers(products=[one.pk for one in products]) if choice == Choice.ALL else None
    try:
        span = choose_span(choice, today=today, first=first, last=last, known=known)
    except ValidationError as error:
        problems += [*error.messages, _("The last 30 days are shown.")]
        span = choose_span(USUAL, today=today)
    return Selection(available, chosen, span, *_shown_days(span, first, last, today), problems)


def _shown_days(span: Span, first: str, last: str, today: date) -> tuple[str, str]:
    """Return what the two fields of days show: the custom days, else those of the period, as a place to start."""
    if span.choice == Choice.CUSTOM:
        return first, last
    return span.period.start.isoformat(), min(span.period.last, today).isoformat()


def _metric(report: reports.MetricReport, selection: Selection) -> dict[str, Any]:
    together = report.together
    if together.is_hidden:
        return {"metric": report.metric, "is_too_small": True}
    return {
        "metric": report.metric,
        **_figures(together, selection.span),
        "left_out": numbers.left_out(report.left_out),
        "hides_steps": report.hides_steps,
        "trend": charts.draw_trend(report),
        "distribution": charts.draw_distribution(together.counts),
        "bands": charts.draw_bands(together.counts),
        "rates": _rates(together),
        "products": [
            {
                "product": product,
                "query": selection.query(product=product),
                **({"is_too_small": True} if figures.is_hidden else _figures(figures, selection.span)),
            }
            for product, figures in report.products
        ]
        if selection.shows_several
        else [],
    }


def _figures(figures: reports.Figures, span: Span) -> dict[str, Any]:
    metric, places = figures.metric, numbers.PLACES[figures.metric][1]
    return {
        "value": numbers.value(figures.value, metric),
        "interval": numbers.interval(figures.value, places),
        "bounds": numbers.bounds(figures.value, places),
        "n": figures.counts.n,
        "answers": numbers.answers(figures.counts.n),
        "warning": numbers.small_sample(figures.value),
        "satisfied": numbers.percent(figures.satisfied) if figures.satisfied else "",
        "satisfied_interval": numbers.interval(figures.satisfied, 1),
        "comparison": numbers.comparison(figures),
        "before": numbers.before(figures, span.previous),
        "response_rate": numbers.percent(figures.in_app.response_rate),
        "decline_rate": numbers.percent(figures.in_app.decline_rate),
    }


def _rates(figures: reports.Figures) -> list[dict[str, Any]]:
    """Return a line per channel in which people were asked."""
    names = {
        **{Channel.WEB: _("web"), Channel.MOBILE: _("mobile")},
        **{Channel.LINK: _("personal links"), Channel.EMAIL: _("e-mail")},
    }
    return [
        {
            "name": name,
            "shown": numbers.number(rates.shown),
            "responded": numbers.part_of(rates.responded, rates.shown),
            "declined": numbers.part_of(rates.declined, rates.shown),
            "ignored": numbers.part_of(rates.ignored, rates.shown),
        }
        for channel, name in names.items()
        if (rates := figures.rates.get(channel))
    ]


def _comments(request: HttpRequest, selection: Selection) -> dict[str, Any] | None:
    if not selection.products:
        return None
    excerpts = reports.latest_comments(user=request.user, products=selection.products, period=selection.span.period)
    if excerpts is None:
        return None
    return {
        "link": _list_of(request, Response),
        "rows": [
            {
                "excerpt": excerpt,
                "band": numbers.band_name(excerpt.response.band, excerpt.response.metric),
                "link": _page_of(request, excerpt.response),
            }
            for excerpt in excerpts
        ],
    }


def _follow_ups(request: HttpRequest, selection: Selection) -> dict[str, Any] | None:
    if not selection.products:
        return None
    queue = reports.open_follow_ups(user=request.user, products=selection.products)
    if queue is None:
        return None
    return {
        "count": queue.count,
        "link": _list_of(request, FollowUp),
        "rows": [{"follow_up": follow_up, "link": _page_of(request, follow_up)} for follow_up in queue.oldest],
    }


def _loop(request: HttpRequest, selection: Selection) -> dict[str, Any] | None:
    """Return how well the loop was closed, in words."""
    if not selection.products:
        return None
    found = reporting.report_loop(user=request.user, products=selection.products, period=selection.span.period)
    if found is None:
        return None
    now = timezone.now()
    return {
        "opened": found.opened,
        "in_time": _part(found.in_time),
        "recovered": _part(found.recovered),
        "how_it_counts": HOW_IT_COUNTS,
        "stays": [
            {
                "status": stay.status.label,
                "n": stay.n,
                "median": _too_few(stay.n)
                if stay.is_hidden
                else timesince(now - stay.median, now)
                if stay.median is not None
                else numbers.DASH,
            }
            for stay in found.stays
        ],
    }


def _part(part: reporting.Part) -> str:
    if part.is_hidden:
        return _too_few(part.whole)
    if not part.whole:
        return _("none yet")
    words = {"share": numbers.percent(part.estimate), "part": part.part, "whole": part.whole}
    return _("%(share)s (%(part)d of %(whole)d)") % words


def _too_few(n: int) -> str:
    return _("too few (%(n)d)") % {"n": n}


def _rights(request: HttpRequest) -> dict[str, Any] | None:
    queue = reports.open_rights_requests(user=request.user, now=timezone.now())
    if queue is None:
        return None
    return {
        "queue": queue,
        "link": _list_of(request, RightsRequest),
        "next_link": _page_of(request, queue.next_due) if queue.next_due else "",
        "warned": [
            {"warned": warned, "link": _page_of(request, warned.request)} for warned in warned_requests(request.user)
        ],
    }


def _failures(request: HttpRequest) -> str:
    """Return the address of the failures of background work, where there are new ones and the user may see them."""
    link = _list_of(request, TaskFailure)
    return link if link and has_failed_lately(now=timezone.now()) else ""


def _list_of(request: HttpRequest, model: type[Model]) -> str:
    """Return the address of a model's list in the admin; empty where there is none or the user may not open it."""
    registered = admin.site._registry.get(model)
    if registered is None or not registered.has_view_or_change_permission(request):
        return ""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def _page_of(request: HttpRequest, row: Model) -> str:
    if not _list_of(request, type(row)):
        return ""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
