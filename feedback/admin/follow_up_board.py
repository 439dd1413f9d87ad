"""The board: open follow-ups in columns by status, each card with the steps that are possible now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from feedback import follow_up as work
from feedback.admin.follow_up_filters import (
    BY_DUE_DATE,
    WHOSE,
    is_key,
    of_owner,
    of_team,
    of_whom,
    overdue,
    owners_for,
    teams_for,
)
from feedback.disclosure import reason_shown
from feedback.models import FollowUp
from privacy.models import Product

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet
    from django.http import QueryDict

    from feedback.follow_up import Bar, Clock, Step

COLUMNS: Final = (*FollowUp.OPEN_STATUSES, FollowUp.Status.RESOLVED)
MOST_IN_A_COLUMN: Final = 20
PARAMETERS: Final = ("whose", "owner", "team", "product", "due")
NUMBERS: Final = ("owner", "team", "product")


@dataclass(frozen=True)
class Card:
    follow_up: FollowUp
    reason: str
    clock: Clock | None
    bar: Bar | None
    moves: list[Step]
    ending: Step | None


@dataclass
class Column:
    """The follow-ups of one status, the most urgent first.

    Args:
        count: how many there are; the column shows the first of them.
        rest: the address of the list with all of them.
    """

    status: FollowUp.Status
    count: int
    rest: str
    cards: list[Card] = field(default_factory=list)

    @property
    def more(self) -> int:
        return self.count - len(self.cards)


def chosen_in(query: QueryDict | dict[str, str]) -> dict[str, str]:
    """Return what of an address narrows the board; the rest is nothing of ours."""
    found = {name: query.get(name) or "" for name in PARAMETERS}
    return {name: value for name, value in found.items() if value and (name not in NUMBERS or is_key(value))}


def context_of(*, rows: QuerySet[FollowUp], chosen: dict[str, str], user: User, may_work: bool) -> dict[str, Any]:
    """Return the columns and the choices above them; as many queries for many follow-ups as for one.

    Args:
        rows: what the user may see.
    """
    rows = of_whom(rows, chosen.get("whose"), user)
    rows = of_team(of_owner(rows, chosen.get("owner"), user), chosen.get("team"), user)
    rows = rows.filter(product=int(chosen["product"])) if "product" in chosen else rows
    rows = overdue(rows) if chosen.get("due") == "overdue" else rows
    return {
        "columns": _columns(rows, chosen, user, may_work=may_work),
        "chosen": chosen,
        "query": urlencode(chosen),
        "whose": WHOSE,
        "owners": owners_for(user),
        "teams": teams_for(user),
        "narrowed_list": _list(chosen),
        "products": Product.objects.visible_to(user).order_by("name", "pk"),
    }


def _columns(rows: QuerySet[FollowUp], chosen: dict[str, str], user: User, *, may_work: bool) -> list[Column]:
    counted = rows.filter(status__in=COLUMNS).order_by().values_list("status").annotate(Count("pk"))
    counts = dict(counted)
    found: list[FollowUp] = []
    for status in COLUMNS:
        if counts.get(status):
            wanted = rows.filter(status=status).select_related("response", "respondent", "product", "owner", "team")
            found += wanted.defer("response__search", "response__comment").order_by(*BY_DUE_DATE)[:MOST_IN_A_COLUMN]
    columns = {
        status: Column(status, counts.get(status, 0), _list(chosen, status__exact=status.value)) for status in COLUMNS
    }
    for card in _cards(found, user, may_work=may_work):
        columns[FollowUp.Status(card.follow_up.status)].cards.append(card)
    return list(columns.values())


def _cards(follow_ups: list[FollowUp], user: User, *, may_work: bool) -> list[Card]:
    schedules = work.schedules_of([each.product_id for each in follow_ups])
    bars, now = work.bars_of(follow_ups), timezone.now()
    cards = []
    for each in follow_ups:
        steps = work.possible_steps(each) if may_work else []
        cards.append(
            Card(
                follow_up=each,
                reason=reason_shown(each, user),
                clock=work.clock_of(each, schedule=schedules[each.product_id], now=now),
                bar=bars[each.pk],
                moves=[step for step in steps if not step.needs_note and bars[each.pk] is None],
                ending=next((step for step in steps if step.needs_note), None),
            )
        )
    return cards


def _list(chosen: dict[str, str], **more: str) -> str:
    """Return the address of the list, narrowed as the board is."""
    narrowed = {("product__id__exact" if name == "product" else name): value for name, value in chosen.items()}
    query = urlencode({**more, **narrowed})
    return f"{reverse('admin:feedback_followup_changelist')}{'?' if query else ''}{query}"
