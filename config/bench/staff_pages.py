"""What staff wait for: every list, queue and search with a million responses behind it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from django.contrib import admin
from django.contrib.auth import get_permission_codename
from django.test import Client
from django.urls import reverse

from config.bench.load import HOST, UnexpectedAnswerError
from config.bench.registry import Measurement, benchmark
from config.bench.staff_history import RARE, fill
from feedback.admin.responses import ResponseAdmin, ResponsePaginator
from feedback.models import FollowUp, Respondent, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.contrib.auth.models import User
    from django.db.models import Model

    from config.bench.staff_history import Workforce
    from config.bench.workplace import Workplace

LONGEST: Final = 300  # milliseconds

# What is chosen in the list of responses, by kind; {small} is the product that few people use.
RESPONSES: Final = {
    "responses": ("", "p={last_page}", "o=4", "o=-1", "o=1"),
    "queues of responses": ("queue=unread", "queue=mine", "queue=needs-follow-up", "queue=suspect"),
    "filters of responses": (
        *("band=detractor", "answered=7", "answered=2024", "channel__exact=email", "language=en", "has_comment=no"),
        *("tag=Theme+1", "tag=Theme+30", "triage__exact=archived", "metric__exact=csat"),
        *("counted=counted", "counted=excluded", "counted=test", "product__id__exact={small}"),
        *("product__id__exact={small}&band=detractor&has_comment=yes", "metric__exact=ces&channel__exact=link"),
    ),
    "search of responses": (
        *(f"q={RARE}", "q=aplikacja", "q=aplikacja+konto", "q=a", "q=nobodywritesthis", "q=konto&answered=2025"),
        *("q=aplikacja&product__id__exact={small}", "q=aplikacja&band=promoter&channel__exact=link"),
    ),
}
FOLLOW_UPS: Final = ("", "open=all", "open=no", "whose=mine", "due=overdue", "whose=nobody&open=all")


@dataclass(frozen=True)
class Page:
    user: User
    address: str

    def __str__(self) -> str:
        return f"{self.address} as {self.user.username}"


@benchmark
def staff_pages(work: Workplace) -> Iterator[Measurement]:
    """The slowest page of each kind, each page by the median of several requests."""
    work.report(f"Filling the database with {work.responses:,} responses …")
    began = time.monotonic()
    staff = fill(responses=work.responses)
    yield Measurement(name=f"filling, {work.responses:,} responses", value=round(time.monotonic() - began, 1), unit="s")
    yield from measure(staff, requests=work.rounds, report=work.report)


def measure(staff: Workforce, *, requests: int, report: Callable[[str], None]) -> Iterator[Measurement]:
    """Open every page and yield the slowest of each kind."""
    for kind, pages in pages_of(staff).items():
        slowest = 0.0
        for page in pages:
            milliseconds = _time(page, requests)
            report(f"{milliseconds:>7,.0f} ms  {page}")
            slowest = max(slowest, milliseconds)
        yield Measurement(
            name=f"staff pages: {kind}, slowest of {len(pages)}",
            value=round(slowest, 1),
            unit="ms",
            goal=LONGEST,
            more_is_better=False,
        )


def pages_of(staff: Workforce) -> dict[str, list[Page]]:
    """Return every list of the admin and what of the large ones can be chosen, by kind."""
    people = staff.people
    reviewer, agent, officer = people["reviewer"], people["agent"], people["data_protection_officer"]
    responses, follow_ups = _list_of(Response), _list_of(FollowUp)
    found = {
        kind: [
            Page(user, f"{responses}?{query.format(small=staff.products[-1].pk, last_page=_last_page(user))}")
            for user in (reviewer, staff.of_small_product)
            for query in queries
        ]
        for kind, queries in RESPONSES.items()
    }
    found["search by who reads masked comments"] = [Page(people["analyst"], f"{responses}?q=aplikacja")]
    found["follow-ups"] = [
        *(Page(agent, f"{follow_ups}?{query}") for query in FOLLOW_UPS),
        Page(agent, reverse("admin:feedback_followup_board")),
        Page(staff.of_small_product, follow_ups),
    ]
    found["dashboard"] = [
        Page(people[role], reverse("admin:index")) for role in ("analyst", "agent", "reviewer", "administrator")
    ]
    found["themes"] = [Page(reviewer, reverse("admin:feedback_tag_themes"))]
    found["every other list"] = [
        Page(user, _list_of(model))
        for model in admin.site._registry
        for user in (reviewer, officer, people["administrator"])
        # People are looked up and never listed.
        if model not in {Response, FollowUp, Respondent} and user.has_perm(_permission(model))
    ]
    return found


def _time(page: Page, requests: int) -> float:
    """Return the milliseconds that a page takes, as the median of requests after one that warms up."""
    client = Client(headers={"host": HOST})
    client.force_login(page.user)

    def once() -> float:
        began = time.perf_counter()
        answer = client.get(page.address)
        if answer.status_code != 200:
            raise UnexpectedAnswerError(f"{page}: {answer.status_code}")
        return 1000 * (time.perf_counter() - began)

    once()
    return median(once() for _request in range(requests))


def _last_page(user: User) -> int:
    rows: int = min(Response.objects.visible_to(user).count(), ResponsePaginator.limit)
    return math.ceil(rows / ResponseAdmin.list_per_page)


def _list_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def _permission(model: type[Model]) -> str:
    return f"{model._meta.app_label}.{get_permission_codename('view', model._meta)}"
